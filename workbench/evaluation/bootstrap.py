"""Resample photographs, not images, and judge every version on the same resamples."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.errors import ShapeError

Floats = NDArray[np.float64]
_Batch = NDArray[np.float32]

_BATCH_BYTES = 2_500_000  # of one (N, batch) array; two or three of them are alive at once
_BLOCK = 64  # rows summed in single precision before double precision takes over


def resampled_srcc(
    target: ArrayLike, predicted: ArrayLike, photograph: ArrayLike, copies: ArrayLike
) -> Floats:
    """Return Spearman's correlation of each version in each resample, ties by midranks.

    Args:
        target: Quality of N images, (N,), finite.
        predicted: Predictions of V versions, (V, N), finite.
        photograph: Number of each image's photograph, (N,), 0..G-1.
        copies: How often each resample holds each photograph, (R, G), whole numbers.

    Returns:
        (V, R), in [-1, 1], good to 1e-6; NaN where a resample's target or predictions are
        constant.

    Raises:
        ShapeError: the shapes do not fit; both are stated.

    Example:
        >>> resampled_srcc([1, 2, 3], [[1, 3, 2]], [0, 1, 2], [[1, 1, 1], [2, 1, 0]])
        array([[0.5, 1. ]])
    """
    y, x, groups, weights = _checked(target, predicted, photograph, copies)
    columns = [_Column.sorted_from(x[version], groups) for version in range(len(x))]
    reference = _Column.sorted_from(y, groups)
    result = np.empty((len(x), len(weights)))
    for span in _batches(len(y), len(weights)):
        batch = np.ascontiguousarray(weights[span].T, dtype=np.float32)  # (G, b)
        cubes = reference.untied_cubes(batch)
        centred, size = reference.weighted_ranks(batch)
        spread = reference.spread(batch, size, cubes)
        for version, column in enumerate(columns):
            product = spread * column.spread(batch, size, cubes)
            covariance = column.covariance_with(centred, batch)
            result[version, span] = covariance / np.sqrt(np.where(product > 0, product, np.nan))
    return np.clip(result, -1.0, 1.0)


def resampled_plcc(
    target: ArrayLike, predicted: ArrayLike, photograph: ArrayLike, copies: ArrayLike
) -> Floats:
    """Return Pearson's correlation of each version in each resample.

    Takes, returns and raises what `resampled_srcc` does; sums per photograph suffice.

    Example:
        >>> resampled_plcc([0, 1, 2], [[0, 2, 4]], [0, 0, 1], [[1, 1], [2, 0]])
        array([[1., 1.]])
    """
    y, x, groups, weights = _checked(target, predicted, photograph, copies)
    y, x = _standardised(y), _standardised(x)
    counts = weights.astype(np.float64)

    def total(values: Floats) -> Floats:
        return np.asarray(counts @ np.bincount(groups, values, minlength=weights.shape[1]))

    n, sum_y, sum_yy = total(np.ones(len(y))), total(y), total(y * y)
    result = np.empty((len(x), len(weights)))
    for version, values in enumerate(x):
        sum_x = total(values)
        spread_x = n * total(values * values) - sum_x**2
        spread_y = n * sum_yy - sum_y**2
        spread = np.where((spread_x > 1e-12) & (spread_y > 1e-12), spread_x * spread_y, np.nan)
        result[version] = (n * total(values * y) - sum_x * sum_y) / np.sqrt(spread)
    return np.clip(result, -1.0, 1.0)


@dataclass(frozen=True)
class _Column:
    """One sorted column: the order, each row's photograph, and where equal values stand."""

    order: NDArray[np.intp]  # (N,) image at each sorted place
    groups: NDArray[np.intp]  # (N,) photograph at each sorted place
    sizes: NDArray[np.intp]  # (G,) images per photograph
    tied: NDArray[np.intp]  # (T,) sorted places that share their value with another
    first: NDArray[np.intp]  # (T,) first place of that value
    last: NDArray[np.intp]  # (T,) last place of that value

    @classmethod
    def sorted_from(cls, values: Floats, groups: NDArray[np.intp]) -> "_Column":
        order = np.argsort(values, kind="stable")
        ordered = values[order]
        first = np.searchsorted(ordered, ordered, side="left")
        last = np.searchsorted(ordered, ordered, side="right") - 1
        tied = np.flatnonzero(last > first)
        return cls(order, groups[order], np.bincount(groups), tied, first[tied], last[tied])

    def midranks(self, batch: _Batch) -> tuple[_Batch, _Batch]:
        """Return midranks less one half, and copies, both (N, b) in sorted order."""
        copies = batch[self.groups]
        ranks = _running_sum(copies)
        if len(self.tied):
            before = ranks[self.first] - copies[self.first]
            shared = (ranks[self.last] + before) / 2
        ranks -= copies / 2
        if len(self.tied):
            ranks[self.tied] = shared
        return ranks, copies

    def weighted_ranks(self, batch: _Batch) -> tuple[_Batch, Floats]:
        """Return copies times centred midranks, (N, b), by image, and images per resample, (b,)."""
        ranks, copies = self.midranks(batch)
        size: Floats = np.asarray(self.sizes @ batch.astype(np.float64), dtype=np.float64)
        ranks -= (size / 2).astype(np.float32)
        ranks *= copies
        unsorted = np.empty_like(ranks)
        unsorted[self.order] = ranks
        return unsorted, size

    def covariance_with(self, centred: _Batch, batch: _Batch) -> Floats:
        """Return the sum over copies of this column's midranks times `centred`, (b,)."""
        ranks, _ = self.midranks(batch)
        return _column_products(ranks, centred[self.order])

    def untied_cubes(self, batch: _Batch) -> Floats:
        """Return the sum over images of copies³, (b,): ties of an image with its own copies."""
        return np.asarray(self.sizes @ (batch * batch * batch).astype(np.float64))

    def spread(self, batch: _Batch, size: Floats, cubes: Floats) -> Floats:
        """Return the sum of squared centred midranks, (n³ − Σt³)/12 for ties of size t, (b,)."""
        if len(self.tied):
            own = batch[self.groups[self.tied]].astype(np.float64)  # (T, b)
            starts = np.flatnonzero(np.diff(self.first, prepend=-1))
            shared = np.add.reduceat(own, starts, axis=0)
            cubes = cubes - (own**3).sum(axis=0) + (shared**3).sum(axis=0)
        return np.asarray((size**3 - cubes) / 12)


def _running_sum(copies: _Batch) -> _Batch:
    """Return the cumulative sum along axis 0; NumPy's own walks against the memory's grain."""
    rows, width = copies.shape
    side = max(1, int(np.sqrt(rows)))
    whole = rows // side * side
    sums = copies.copy()
    blocks = sums[:whole].reshape(-1, side, width)
    for place in range(1, side):
        blocks[:, place] += blocks[:, place - 1]
    ends = np.cumsum(blocks[:, -1], axis=0)
    blocks[1:] += ends[:-1, None]
    for row in range(whole, rows):
        sums[row] += sums[row - 1]
    return sums


def _column_products(a: _Batch, b: _Batch) -> Floats:
    """Return the sum over rows of a·b, (b,), with blocks of rows added in double precision."""
    whole = len(a) // _BLOCK * _BLOCK
    blocks = [array[:whole].reshape(-1, _BLOCK, array.shape[1]) for array in (a, b)]
    total = np.einsum("kij,kij->kj", *blocks).sum(axis=0, dtype=np.float64)
    return np.asarray(total + np.einsum("ij,ij->j", a[whole:], b[whole:]))


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
    target: ArrayLike, predicted: ArrayLike, photograph: ArrayLike, copies: ArrayLike
) -> tuple[Floats, Floats, NDArray[np.intp], NDArray[np.generic]]:
    y = np.asarray(target, dtype=np.float64)
    x = np.asarray(predicted, dtype=np.float64)
    groups, weights = np.asarray(photograph, dtype=np.intp), np.asarray(copies)
    if y.ndim != 1 or x.ndim != 2 or x.shape[1] != len(y) or groups.shape != y.shape:
        raise ShapeError(
            f"Target (N,), predictions (V, N) and photographs (N,) do not fit: "
            f"{y.shape}, {x.shape} and {groups.shape}."
        )
    count = int(groups.max(initial=-1)) + 1
    if weights.ndim != 2 or weights.shape[1] != count:
        raise ShapeError(
            f"Copies must be (R, {count}), one column per photograph: {weights.shape}."
        )
    return y, x, groups, weights


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
