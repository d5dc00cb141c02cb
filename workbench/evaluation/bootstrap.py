"""The paired cluster bootstrap: photographs are drawn, not images, and for every version alike.

A draw is a row of weights, one per photograph; all images of a photograph share its weight. So a
correlation under weights is that of the images repeated as often as their photograph was drawn,
without repeating any: each version is sorted once for all draws.

Shapes: N images, G photographs, V versions, R draws, b draws of one batch, T tied rows.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.errors import ShapeError

Floats = NDArray[np.float64]
Weights = NDArray[np.uint8]
_Batch = NDArray[np.float32]

_BATCH_BYTES = 2_500_000  # of one (N, batch) array; two or three of them are alive at once
_BLOCK = 64  # rows summed in single precision before double precision takes over


@dataclass(frozen=True)
class PairedBootstrap:
    """What V versions give in the same R draws of G photographs.

    Attributes:
        weights: How often each draw has each photograph, (R, G).
        srcc, plcc: Correlations in each draw, (V, R); NaN where there is none.
        srcc_without, plcc_without: Correlations without each photograph, (V, G).
    """

    weights: Weights
    srcc: Floats
    plcc: Floats
    srcc_without: Floats
    plcc_without: Floats

    @property
    def photographs(self) -> int:
        """Number of photographs G."""
        return int(self.weights.shape[1])


def paired_bootstrap(
    target: Sequence[float],
    predicted: Sequence[Sequence[float]],
    photographs: Sequence[str],
    *,
    resamples: int,
    seed: int,
) -> PairedBootstrap:
    """Correlate V versions with one target in the same draws of photographs.

    Args:
        target: Quality of N images, (N,).
        predicted: Predictions of V versions, (V, N).
        photographs: The photograph each image was made from, (N,).
        resamples: Number of draws R.
        seed: Same seed, same draws.

    Raises:
        ShapeError: The lengths differ; the shapes are stated.
    """
    y, x = np.asarray(target, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    groups = photograph_index(photographs)
    count = int(groups.max(initial=-1)) + 1
    weights = draw_photographs(count, resamples, seed)
    by_rank = partial(weighted_srcc, y, x, groups)
    by_value = partial(weighted_plcc, y, x, groups)
    return PairedBootstrap(
        weights=weights,
        srcc=by_rank(weights),
        plcc=by_value(weights),
        srcc_without=leave_one_out(by_rank, count),
        plcc_without=leave_one_out(by_value, count),
    )


def photograph_index(photographs: Sequence[str]) -> NDArray[np.intp]:
    """Return the number of each image's photograph, (N,), 0..G-1 in order of first appearance.

    Example:
        >>> photograph_index(["cat", "dog", "cat"])
        array([0, 1, 0])
    """
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in photographs], dtype=np.intp)


def draw_photographs(count: int, resamples: int, seed: int) -> Weights:
    """Return how often each of R draws has each of G photographs, (R, G), rows summing to G.

    Example:
        >>> draw_photographs(4, 2, seed=0)
        array([[0, 1, 2, 1],
               [3, 1, 0, 0]], dtype=uint8)
    """
    generator = np.random.default_rng(seed)
    weights = np.empty((resamples, count), dtype=np.uint8)  # they follow Poisson(1): 255 is far
    rows = max(1, 4_000_000 // max(count, 1))  # 32 MB of drawn numbers at a time
    for start in range(0, resamples, rows):
        size = min(rows, resamples - start)
        drawn = generator.integers(0, count, size=(size, count))
        drawn += np.arange(size)[:, None] * count
        counted = np.bincount(drawn.ravel(), minlength=size * count)
        weights[start : start + size] = counted.reshape(size, count)
    return weights


def leave_one_out(correlate: Callable[[Weights], Floats], count: int, *, rows: int = 256) -> Floats:
    """Return a correlation with each photograph left out in turn: the jackknife.

    Args:
        correlate: From weights, (R, G), to correlations, (V, R).
        count: Number of photographs G.
        rows: How many are left out per call, which bounds the memory.

    Returns:
        (V, G).

    Example:
        >>> leave_one_out(lambda weights: weights.sum(axis=1, dtype=float)[None], 3)
        array([[2., 2., 2.]])
    """
    parts = []
    for start in range(0, count, rows):
        left_out = np.arange(start, min(start + rows, count))
        weights = np.ones((len(left_out), count), dtype=np.uint8)
        weights[np.arange(len(left_out)), left_out] = 0
        parts.append(correlate(weights))
    return np.concatenate(parts, axis=1)


def weighted_srcc(
    target: ArrayLike, predicted: ArrayLike, photograph: ArrayLike, weights: ArrayLike
) -> Floats:
    """Return Spearman's correlation of each version in each draw, ties by midranks.

    Args:
        target: Quality of N images, (N,), finite.
        predicted: Predictions of V versions, (V, N), finite.
        photograph: Number of each image's photograph, (N,), 0..G-1.
        weights: How often each draw has each photograph, (R, G), whole numbers.

    Returns:
        (V, R), in [-1, 1], good to 1e-6; NaN where a draw's target or predictions are constant.

    Raises:
        ShapeError: The shapes do not fit; both are stated.

    Example:
        >>> weighted_srcc([1, 2, 3], [[1, 3, 2]], [0, 1, 2], [[1, 1, 1], [2, 1, 0]])
        array([[0.5, 1. ]])
    """
    y, x, groups, counts = _checked(target, predicted, photograph, weights)
    columns = [_Column.sorted_from(values, groups) for values in x]
    reference = _Column.sorted_from(y, groups)
    result = np.empty((len(x), len(counts)))
    for span in _batches(len(y), len(counts)):
        batch = np.ascontiguousarray(counts[span].T, dtype=np.float32)  # (G, b)
        cubes = reference.untied_cubes(batch)
        centred, size = reference.weighted_ranks(batch)
        spread = reference.spread(batch, size, cubes)
        for version, column in enumerate(columns):
            product = spread * column.spread(batch, size, cubes)
            covariance = column.covariance_with(centred, batch)
            result[version, span] = covariance / np.sqrt(np.where(product > 0, product, np.nan))
    return np.clip(result, -1.0, 1.0)


def weighted_plcc(
    target: ArrayLike, predicted: ArrayLike, photograph: ArrayLike, weights: ArrayLike
) -> Floats:
    """Return Pearson's correlation of each version in each draw.

    Takes, returns and raises what `weighted_srcc` does; sums per photograph suffice.

    Example:
        >>> weighted_plcc([0, 1, 2], [[0, 2, 4]], [0, 0, 1], [[1, 1], [2, 0]])
        array([[1., 1.]])
    """
    y, x, groups, counts = _checked(target, predicted, photograph, weights)
    y, x = _standardised(y), _standardised(x)
    factors = counts.astype(np.float64)

    def total(values: Floats) -> Floats:
        return np.asarray(factors @ np.bincount(groups, values, minlength=factors.shape[1]))

    n, sum_y, sum_yy = total(np.ones(len(y))), total(y), total(y * y)
    result = np.empty((len(x), len(factors)))
    for version, values in enumerate(x):
        sum_x = total(values)
        spread_x = n * total(values * values) - sum_x**2
        spread_y = n * sum_yy - sum_y**2
        spread = np.where((spread_x > 1e-12) & (spread_y > 1e-12), spread_x * spread_y, np.nan)
        result[version] = (n * total(values * y) - sum_x * sum_y) / np.sqrt(spread)
    return np.clip(result, -1.0, 1.0)


@dataclass(frozen=True)
class _Column:
    """One sorted column: the order, each row's photograph, and which rows have equal values."""

    order: NDArray[np.intp]  # (N,) image at each sorted row
    groups: NDArray[np.intp]  # (N,) photograph at each sorted row
    sizes: NDArray[np.intp]  # (G,) images per photograph
    tied: NDArray[np.intp]  # (T,) sorted rows that share their value with another
    first: NDArray[np.intp]  # (T,) first row of that value
    last: NDArray[np.intp]  # (T,) last row of that value

    @classmethod
    def sorted_from(cls, values: Floats, groups: NDArray[np.intp]) -> "_Column":
        order = np.argsort(values, kind="stable")
        ordered = values[order]
        first = np.searchsorted(ordered, ordered, side="left")
        last = np.searchsorted(ordered, ordered, side="right") - 1
        tied = np.flatnonzero(last > first)
        return cls(order, groups[order], np.bincount(groups), tied, first[tied], last[tied])

    def midranks(self, batch: _Batch) -> tuple[_Batch, _Batch]:
        """Return midranks less one half, and weights, both (N, b) in sorted order."""
        weights = batch[self.groups]
        ranks = _running_sum(weights)
        if len(self.tied):
            before = ranks[self.first] - weights[self.first]
            shared = (ranks[self.last] + before) / 2
        ranks -= weights / 2
        if len(self.tied):
            ranks[self.tied] = shared
        return ranks, weights

    def weighted_ranks(self, batch: _Batch) -> tuple[_Batch, Floats]:
        """Return weights times centred midranks, (N, b), by image, and images per draw, (b,)."""
        ranks, weights = self.midranks(batch)
        size: Floats = np.asarray(self.sizes @ batch.astype(np.float64), dtype=np.float64)
        ranks -= (size / 2).astype(np.float32)
        ranks *= weights
        unsorted = np.empty_like(ranks)
        unsorted[self.order] = ranks
        return unsorted, size

    def covariance_with(self, centred: _Batch, batch: _Batch) -> Floats:
        """Return the sum over images of this column's midranks times `centred`, (b,)."""
        ranks, _ = self.midranks(batch)
        return _column_products(ranks, centred[self.order])

    def untied_cubes(self, batch: _Batch) -> Floats:
        """Return the sum over images of weight³, (b,): ties of an image with itself."""
        return np.asarray(self.sizes @ (batch * batch * batch).astype(np.float64))

    def spread(self, batch: _Batch, size: Floats, cubes: Floats) -> Floats:
        """Return the sum of squared centred midranks, (n³ − Σt³)/12 for ties of size t, (b,)."""
        if len(self.tied):
            single = batch[self.groups[self.tied]].astype(np.float64)  # (T, b)
            starts = np.flatnonzero(np.diff(self.first, prepend=-1))
            shared = np.add.reduceat(single, starts, axis=0)
            cubes = cubes - (single**3).sum(axis=0) + (shared**3).sum(axis=0)
        return np.asarray((size**3 - cubes) / 12)


def _running_sum(weights: _Batch) -> _Batch:
    """Return the cumulative sum along axis 0; NumPy's own walks against the memory's grain."""
    rows, width = weights.shape
    side = max(1, int(np.sqrt(rows)))
    square = rows // side * side
    sums = weights.copy()
    blocks = sums[:square].reshape(-1, side, width)
    for row in range(1, side):
        blocks[:, row] += blocks[:, row - 1]
    ends = np.cumsum(blocks[:, -1], axis=0)
    blocks[1:] += ends[:-1, None]
    for row in range(square, rows):
        sums[row] += sums[row - 1]
    return sums


def _column_products(a: _Batch, b: _Batch) -> Floats:
    """Return the sum over rows of a·b, (b,), with blocks of rows added in double precision."""
    blocked = len(a) // _BLOCK * _BLOCK
    blocks = [array[:blocked].reshape(-1, _BLOCK, array.shape[1]) for array in (a, b)]
    total = np.einsum("kij,kij->kj", *blocks).sum(axis=0, dtype=np.float64)
    return np.asarray(total + np.einsum("ij,ij->j", a[blocked:], b[blocked:]))


def _batches(images: int, resamples: int) -> Iterator[slice]:
    size = int(np.clip(_BATCH_BYTES // (4 * max(images, 1)), 16, 512))
    for start in range(0, resamples, size):
        yield slice(start, min(start + size, resamples))


def _standardised(values: Floats) -> Floats:
    """Shift and scale each row to mean 0 and deviation 1, which keeps the sums well conditioned."""
    spread = values.std(axis=-1, keepdims=True)
    return np.asarray(
        (values - values.mean(axis=-1, keepdims=True)) / np.where(spread > 0, spread, 1.0)
    )


def _checked(
    target: ArrayLike, predicted: ArrayLike, photograph: ArrayLike, weights: ArrayLike
) -> tuple[Floats, Floats, NDArray[np.intp], NDArray[np.generic]]:
    y = np.asarray(target, dtype=np.float64)
    x = np.asarray(predicted, dtype=np.float64)
    groups, counts = np.asarray(photograph, dtype=np.intp), np.asarray(weights)
    if y.ndim != 1 or x.ndim != 2 or x.shape[1] != len(y) or groups.shape != y.shape:
        raise ShapeError(
            f"Target (N,), predictions (V, N) and photographs (N,) do not fit: "
            f"{y.shape}, {x.shape} and {groups.shape}."
        )
    count = int(groups.max(initial=-1)) + 1
    if counts.ndim != 2 or counts.shape[1] != count:
        raise ShapeError(
            f"Weights must be (R, {count}), one column per photograph: {counts.shape}."
        )
    return y, x, groups, counts
