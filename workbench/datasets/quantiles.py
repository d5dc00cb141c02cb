"""Levels for datasets that give a parameter instead of one."""

import numpy as np

from workbench.errors import DataError


def quantile_levels(
    parameters: np.ndarray, train: np.ndarray, bins: int = 5, *, rising: bool = True
) -> np.ndarray:
    """Return a level from 1 to `bins` for each parameter, by the quantiles of the training part.

    The test part has no say in where the levels begin (METHOD §2).

    Args:
        parameters: Of the N images of one type, finite, in the dataset's unit.
        train: Indices of the training part among these N.
        bins: Number of levels.
        rising: Whether a larger parameter is a stronger distortion; a bit rate's is a weaker one.

    Returns:
        (N,), int64.

    Raises:
        DataError: A parameter is no finite number, or the training part has fewer than `bins`.

    Example:
        >>> bits = np.array([1., 2, 3, 4, 99])
        >>> quantile_levels(bits, np.arange(4), bins=2).tolist()
        [1, 1, 2, 2, 2]
        >>> quantile_levels(bits, np.arange(4), bins=2, rising=False).tolist()
        [2, 2, 1, 1, 1]
    """
    strength = np.asarray(parameters, np.float64) * (1 if rising else -1)
    if not np.isfinite(strength).all():
        raise DataError(
            f"{np.count_nonzero(~np.isfinite(strength))} of {strength.size} images have no finite "
            "parameter, so no level can be told."
        )
    if len(train) < bins:
        raise DataError(f"{bins} levels need as many training images; there are {len(train)}.")
    edges = np.quantile(strength[train], np.arange(1, bins) / bins)
    return 1 + np.searchsorted(edges, strength)
