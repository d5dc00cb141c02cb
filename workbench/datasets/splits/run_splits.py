"""The splits of a run: grouped folds, once or several times, or published ones."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.datasets.image_set import ImageSet
from workbench.datasets.splits.grouped import photograph_folds, set_apart
from workbench.datasets.splits.leakage import check_leakage, check_split
from workbench.datasets.splits.published import published_splits
from workbench.datasets.splits.split import Split
from workbench.domain.config import SplitConfig
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


def run_splits(data: ImageSet, config: SplitConfig) -> list[Split]:
    """Return the splits of a run, in the order in which it takes them.

    Args:
        data: The open images.
        config: Folds, repeats and the validation share; or the folder of published splits.

    Raises:
        ConfigError: More folds than photographs, or published splits of photographs that the
            workbench distorts itself.
        DatasetNotFoundError, DataError: Published splits are not there or do not fit.
        SplitLeakageError: A photograph is on two sides.
    """
    if config.published is not None:
        return _published(data, Path(config.published))
    return [
        split
        for repeat in range(config.repeats)
        for split in _folds(data.photograph, config, repeat)
    ]


def _folds(photographs: tuple[str, ...], config: SplitConfig, repeat: int) -> list[Split]:
    seed = config.seed + repeat
    words = f"repeat {repeat + 1}, " if config.repeats > 1 else ""
    splits = []
    for fold, (train, test) in enumerate(
        photograph_folds(photographs, folds=config.folds, seed=seed)
    ):
        kept, validation = _validation(photographs, train, config.validation, seed)
        name = f"{words}fold {fold + 1} of {config.folds}"
        splits.append(Split(name, kept, validation, test, "grouped folds", seed))
    return splits


def _validation(
    photographs: tuple[str, ...], train: NDArray[np.intp], share: float, seed: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    if not share:
        return train, train[:0]
    chosen = set_apart([photographs[row] for row in train], share, seed)
    held = np.array([photographs[row] in chosen for row in train])
    return train[~held], train[held]


def _published(data: ImageSet, folder: Path) -> list[Split]:
    if data.origin is None:
        raise ConfigError(
            "split.published divides a dataset as it is distributed; the photographs of this "
            "experiment are distorted by the workbench. Take split.folds."
        )
    dataset, rows = data.origin
    place = {row: own for own, row in enumerate(rows.tolist())}
    found = []
    for split in published_splits(folder, dataset):
        parts = {
            part: np.array([place[row] for row in own.tolist() if row in place], dtype=np.int64)
            for part, own in split.parts.items()
        }
        own = Split(split.name, **parts, rule=split.rule, seed=split.seed)
        check_split(data.photograph, own)
        if len(own.train) and len(own.test):
            found.append(own)
    if not found:
        raise ConfigError(f"The splits in {folder} divide none of the chosen images.")
    return found
