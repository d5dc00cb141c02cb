"""Resample photographs, not images, and judge every version on the same resamples."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from workbench.evaluation.resampled import Floats, resampled_plcc, resampled_srcc

Copies = NDArray[np.uint8]


@dataclass(frozen=True)
class PairedBootstrap:
    """What V versions give in the same R resamples of G photographs.

    Attributes:
        copies: How often each resample holds each photograph, (R, G).
        srcc, plcc: Correlations in each resample, (V, R); NaN where there is none.
        srcc_without, plcc_without: Correlations without each photograph, (V, G).
    """

    copies: Copies
    srcc: Floats
    plcc: Floats
    srcc_without: Floats
    plcc_without: Floats

    @property
    def photographs(self) -> int:
        """Number of photographs G."""
        return int(self.copies.shape[1])


def paired_bootstrap(
    target: Sequence[float],
    predicted: Sequence[Sequence[float]],
    photographs: Sequence[str],
    *,
    resamples: int,
    seed: int,
) -> PairedBootstrap:
    """Correlate V versions with one target in the same resamples of photographs.

    Args:
        target: Quality of N images, (N,).
        predicted: Predictions of V versions, (V, N).
        photographs: The photograph each image was made from, (N,).
        resamples: Number of resamples R.
        seed: Same seed, same resamples.

    Raises:
        ShapeError: the lengths differ; the shapes are stated.
    """
    y, x = np.asarray(target, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    groups = photograph_index(photographs)
    count = int(groups.max(initial=-1)) + 1
    copies = draw_photographs(count, resamples, seed)
    by_rank = partial(resampled_srcc, y, x, groups)
    by_value = partial(resampled_plcc, y, x, groups)
    return PairedBootstrap(
        copies=copies,
        srcc=by_rank(copies),
        plcc=by_value(copies),
        srcc_without=leave_one_out(by_rank, count),
        plcc_without=leave_one_out(by_value, count),
    )


def photograph_index(photographs: Sequence[str]) -> NDArray[np.intp]:
    """Return the number of each image's photograph, (N,), 0..G-1 in order of first appearance.

    Args:
        photographs: Name of the photograph that each of the N images was made from.

    Example:
        >>> photograph_index(["cat", "dog", "cat"])
        array([0, 1, 0])
    """
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in photographs], dtype=np.intp)


def draw_photographs(count: int, resamples: int, seed: int) -> Copies:
    """Return how often each resample holds each photograph, (R, G), every row summing to G.

    Args:
        count: Number of photographs G.
        resamples: Number of resamples R.
        seed: Same seed, same resamples.

    Example:
        >>> draw_photographs(4, 2, seed=0)
        array([[0, 1, 2, 1],
               [3, 1, 0, 0]], dtype=uint8)
    """
    generator = np.random.default_rng(seed)
    copies = np.empty((resamples, count), dtype=np.uint8)  # copies follow Poisson(1): 255 is far
    rows = max(1, 4_000_000 // max(count, 1))
    for start in range(0, resamples, rows):
        size = min(rows, resamples - start)
        drawn = generator.integers(0, count, size=(size, count))
        drawn += np.arange(size)[:, None] * count
        counted = np.bincount(drawn.ravel(), minlength=size * count)
        copies[start : start + size] = counted.reshape(size, count)
    return copies


def leave_one_out(correlate: Callable[[Copies], Floats], count: int, *, rows: int = 256) -> Floats:
    """Return a correlation with each photograph left out in turn: the jackknife.

    Args:
        correlate: From copies, (R, G), to correlations, (V, R).
        count: Number of photographs G.
        rows: How many are left out per call, which bounds the memory.

    Returns:
        (V, G).

    Example:
        >>> leave_one_out(lambda copies: copies.sum(axis=1, dtype=float)[None], 3)
        array([[2., 2., 2.]])
    """
    parts = []
    for start in range(0, count, rows):
        some = np.arange(start, min(start + rows, count))
        copies = np.ones((len(some), count), dtype=np.uint8)
        copies[np.arange(len(some)), some] = 0
        parts.append(correlate(copies))
    return np.concatenate(parts, axis=1)
