"""Full-reference scores as weak supervision, as KADIS-700k uses them; never to be called MOS."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from workbench.errors import ShapeError
from workbench.registry import Registry

if TYPE_CHECKING:  # torch and piq take seconds to import; only computing a score needs them
    from torch import Tensor

# SRCC with the MOS of KADID-10k, from piq's own results table: HaarPSI .885, VSI .878, FSIMc .854.
LABELS = {"haarpsi": "HaarPSI", "vsi": "VSI", "fsim": "FSIMc"}

# float32's last digits depend on the number of threads, and would order images that are equal.
DECIMALS = 6


def _metrics() -> "Registry[Callable[..., Tensor]]":
    import piq

    return Registry(
        "full-reference metric", {"haarpsi": piq.haarpsi, "vsi": piq.vsi, "fsim": piq.fsim}
    )


def weak_scores(reference: np.ndarray, distorted: np.ndarray, metric: str) -> np.ndarray:
    """Score distorted images against their reference.

    Args:
        reference: (H, W, 3), uint8.
        distorted: (N, H, W, 3), uint8.
        metric: "haarpsi", "vsi" or "fsim" (colour).

    Returns:
        (N,), float64, in [0, 1], to six decimals; 1 means no visible difference.

    Raises:
        UnknownNameError: No such metric.
        ShapeError: Reference and distorted images differ in size.

    Example:
        >>> black = np.zeros((64, 64, 3), np.uint8)
        >>> weak_scores(black, black[None], "haarpsi").round(3)
        array([1.])
    """
    score = _metrics()[metric]
    if reference.shape != distorted.shape[1:]:
        raise ShapeError(
            f"Reference {reference.shape} against images {distorted.shape[1:]}: they must be of "
            "one size."
        )
    clean = _unit(reference[None])
    scores = [
        score(_unit(image[None]), clean, data_range=1.0, reduction="none").item()
        for image in distorted
    ]
    return np.clip(np.asarray(scores, dtype=np.float64), 0.0, 1.0).round(DECIMALS)


def _unit(images: np.ndarray) -> "Tensor":
    import torch

    return torch.from_numpy(images.copy()).permute(0, 3, 1, 2).float() / 255
