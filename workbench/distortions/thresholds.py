"""Otsu's method for any number of thresholds, solved exactly."""

import numpy as np
from numpy.typing import NDArray


def otsu_thresholds(histogram: NDArray[np.integer], count: int) -> NDArray[np.intp]:
    """Return the thresholds that leave the least variance within the classes between them.

    A dynamic programme over class borders finds the global optimum; of equally good borders the
    lowest is taken. Otsu, "A threshold selection method from gray-level histograms", IEEE Trans.
    SMC 9 (1979), extended to many classes as he proposes in its section IV.

    Args:
        histogram: (n,), counts per value, not all zero.
        count: Number of thresholds, 1 <= count < n.

    Returns:
        (count,), increasing; a value v belongs to class k if thresholds[k-1] < v <= thresholds[k].

    Example:
        >>> otsu_thresholds(np.array([5, 1, 0, 0, 9, 9]), 1).tolist()
        [1]
    """
    gain = _class_gain(histogram)  # (n + 1, n + 1): of a class that holds values a..b-1
    best = gain[0]
    borders = []
    for _ in range(count):
        total = best[:, None] + gain
        borders.append(total.argmax(axis=0))
        best = total.max(axis=0)
    end = len(histogram)
    thresholds = []
    for choice in reversed(borders):
        end = int(choice[end])
        thresholds.append(end - 1)
    return np.array(thresholds[::-1], np.intp)


def _class_gain(histogram: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return sum^2 / weight for every class of values a..b-1, minus infinity where b <= a."""
    weight = np.concatenate([[0.0], np.cumsum(histogram, dtype=np.float64)])
    moment = np.concatenate([[0.0], np.cumsum(histogram * np.arange(len(histogram)) * 1.0)])
    weights = weight[None, :] - weight[:, None]
    moments = moment[None, :] - moment[:, None]
    gain: NDArray[np.float64] = np.zeros_like(weights)
    np.divide(moments**2, weights, out=gain, where=weights > 0)
    gain[np.tril_indices(len(gain))] = -np.inf
    return gain
