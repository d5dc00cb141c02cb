"""Photographs that are locked away until a claim is made."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.datasets.splits.leakage import check_leakage
from workbench.errors import ConfigError


def locked_photographs(
    photographs: Sequence[str], share: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Divide images into open and locked ones, by photograph.

    Which photographs are locked depends on their names alone, on no seed, and a larger share locks
    the same ones and some more: another seed must not open what was locked.

    Args:
        photographs: Photograph of each image, length N.
        share: Share of the photographs to lock, in [0, 1); at least one if above 0.

    Returns:
        Places of the open and of the locked images, both ascending.

    Raises:
        ConfigError: Fewer than two photographs would stay open.

    Example:
        >>> [rows.tolist() for rows in locked_photographs(["a", "a", "b", "c"], 0.3)]
        [[0, 1, 3], [2]]
    """
    names = sorted(set(photographs), key=_lot)
    count = max(round(share * len(names)), 1) if share else 0
    if count and len(names) - count < 2:
        raise ConfigError(
            f"split.locked {share:g} would leave {len(names) - count} of {len(names)} photographs "
            "to tune on, and 2 are needed. Lower it or add photographs."
        )
    locked = np.isin(np.array(photographs), names[:count])
    rows = np.flatnonzero(~locked), np.flatnonzero(locked)
    check_leakage(photographs, *rows)
    return rows


def _lot(name: str) -> str:
    return hashlib.sha256(f"locked/{name}".encode()).hexdigest()
