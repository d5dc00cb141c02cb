"""Figures of naming, split into what every photograph adds to each in every type.

The split is by the jackknife of the photographs: (D, G) numbers whose sums give the figure in a
draw of photographs, by the weights that quality is resampled by. So 10,000 draws cost one matrix
product.

A set of attributes is itself a draw of wordings: of two sets from one pool of paraphrases one names
this type better and the other that one, on any photograph. Over photographs alone such a pair would
be called different, so a difference must hold over other types too: the two-way error of
`over_types`.

Shapes: N images, G photographs, D types, R draws.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.domain.metrics import Undefined
from workbench.evaluation.bootstrap import Floats, Weights, leave_one_out, weighted_srcc
from workbench.evaluation.comparable import Strengths
from workbench.evaluation.identification import average_precision
from workbench.evaluation.intervals import Studentised, studentise

MAIN = "macro_f1"


@dataclass(frozen=True)
class Split:
    """A figure, split into what each photograph adds to it in each type.

    Attributes:
        value: The figure.
        added: (D, G), or (1, G) for a figure of one type. The value plus G times a column's sum is
            that photograph's pseudo-value; plus the sum of all, the figure without the jackknife's
            bias.
    """

    value: float
    added: Floats

    def less(self, other: "Split") -> "Split":
        """Return by how much this figure lies above another."""
        return Split(self.value - other.value, self.added - other.added)

    def over_photographs(
        self, weights: Weights, *, beside: float = 0.0, degrees: float | None = None
    ) -> Studentised | Undefined:
        """Return how sure the figure is of these types and wordings, on other photographs.

        Takes the weights of the draws, (R, G), and what `studentise` takes beside.
        """
        added = self.added.sum(axis=0)
        count = len(added)
        parts = [weights[start : start + 500] @ added for start in range(0, len(weights), 500)]
        left_out = self.value - added * count / max(count - 1, 1)
        resampled = self.value + np.concatenate(parts)
        return studentise(self.value, resampled, left_out, weights, beside=beside, degrees=degrees)

    def over_types(self, weights: Weights) -> Studentised | Undefined:
        """Return how sure the figure is on other photographs, with other types and wordings.

        The variance is that over photographs, plus that over types, less that of the single cells,
        which both of these contain (Cameron, Gelbach and Miller 2011); never below either.
        """
        types, photographs = self.added.shape
        if min(types, photographs) < 2:
            return Undefined(undefined="one type or photograph, and 2 are needed")
        rows, columns = self.added.sum(axis=1), self.added.sum(axis=0)
        single = self.added - rows[:, None] / photographs - columns / types + columns.mean() / types
        free = photographs - 1, types - 1
        by_photograph = float(photographs / free[0] * ((columns - columns.mean()) ** 2).sum())
        by_type = float(types / free[1] * ((rows - rows.mean()) ** 2).sum())
        by_cell = float(types * photographs * (single**2).sum() / (free[0] * free[1]))
        both = by_photograph + by_type - by_cell
        if both > max(by_photograph, by_type):
            # Satterthwaite's degrees of freedom of a sum of variances.
            degrees = both**2 / (by_photograph**2 / free[0] + by_type**2 / free[1])
        else:
            both, degrees = max((by_photograph, free[0]), (by_type, free[1]))
        return self.over_photographs(weights, beside=both - by_photograph, degrees=degrees)


Splits = dict[str, Split | Undefined]


@dataclass(frozen=True)
class Naming:
    """One version's figures, split.

    Attributes:
        figures: By field of `IdentificationMetrics`.
        types: By figure, then by type.
    """

    figures: Splits
    types: dict[str, Splits]


def naming(strengths: Strengths, photograph: ArrayLike) -> Naming:
    """Return the figures of one version, each as `identification_metrics` defines it.

    Args:
        strengths: Of N images.
        photograph: Number of each image's photograph, (N,), 0..G-1.
    """
    t, p = strengths.true.astype(np.float64), strengths.predicted.astype(np.float64)
    distortions = strengths.distortions
    groups = np.asarray(photograph, dtype=np.intp)
    present, clean = t > 0, t.max(axis=1, initial=0) == 0
    f1, precision, ordered = f1_splits(strengths, groups), Splits(), Splits()
    for d in np.flatnonzero(present.any(axis=0)):
        precision[distortions[d]] = _precision(present[:, d], p[:, d], groups)
        rows = clean | present[:, d]
        if np.ptp(t[rows, d]):  # else there is nothing to order
            ordered[distortions[d]] = _srcc(t[rows, d], p[rows, d], groups[rows], groups.max() + 1)
    return Naming(
        figures={
            MAIN: mean_over_types(f1),
            "mean_average_precision": mean_over_types(precision),
            "top1_type": _top1(t, p, groups),
            "strength_srcc": mean_over_types(ordered),
            "rmse": _rmse(t, p, groups),
        },
        types={MAIN: f1, "mean_average_precision": precision, "strength_srcc": ordered},
    )


def weighted_average_precision(
    present: ArrayLike, scores: ArrayLike, photograph: ArrayLike, weights: ArrayLike
) -> Floats:
    """Return average precision with each photograph counted as often as a draw has it, (R,).

    Args:
        present: Whether the type is there, (N,), bool.
        scores: Higher means present, (N,).
        photograph: Number of each image's photograph, (N,), 0..G-1.
        weights: How often each draw has each photograph, (R, G).

    Returns:
        In [0, 1]; NaN where a draw has no image of the type.

    Example:
        >>> weighted_average_precision([True, False, True], [3, 2, 1], [0, 1, 2], [[1, 2, 1]])
        array([0.75])
    """
    truth, score = np.asarray(present, dtype=bool), np.asarray(scores, dtype=np.float64)
    order = np.argsort(-score, kind="stable")
    last_of_tie = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
    counts = np.asarray(weights, dtype=np.float64)[:, np.asarray(photograph)[order]]  # (R, N)
    called = np.cumsum(counts, axis=1)[:, last_of_tie]
    hits = np.cumsum(counts * truth[order], axis=1)[:, last_of_tie]
    found = np.diff(hits, axis=1, prepend=0.0)
    precision = hits / np.maximum(called, 1e-12)
    total = np.where(hits[:, -1] > 0, hits[:, -1], np.nan)
    return np.asarray((found * precision).sum(axis=1) / total)


def mean_over_types(types: Splits) -> Split | Undefined:
    """Return the mean over types of figures that are each of one type."""
    splits = []
    for kind, split in types.items():
        if isinstance(split, Undefined):
            return Undefined(undefined=f"{kind}: {split.undefined}")
        splits.append(split)
    if not splits:
        return Undefined(undefined="no distortion is present")
    count = len(splits)
    value = float(np.mean([split.value for split in splits]))
    own = np.concatenate([split.added for split in splits])  # (D, G), each about its own value
    about = np.array([split.value for split in splits])[:, None] - value
    return Split(value, (own + about / own.shape[1]) / count)


def _of_type(value: float, left_out: Floats) -> Split | Undefined:
    """Return a figure of one type from its values without each photograph, (G,)."""
    if not np.isfinite(left_out).all():
        return Undefined(undefined="the figure does not exist without one of the photographs")
    count = len(left_out)
    return Split(value, ((count - 1) * (value - left_out) / count)[None])


def _precision(
    present: NDArray[np.bool_], scores: Floats, groups: NDArray[np.intp]
) -> Split | Undefined:
    count = int(groups.max()) + 1
    left_out = leave_one_out(
        lambda weights: weighted_average_precision(present, scores, groups, weights)[None], count
    )
    return _of_type(average_precision(present, scores), left_out[0])


def _srcc(
    true: Floats, predicted: Floats, groups: NDArray[np.intp], count: int
) -> Split | Undefined:
    shown, rows = np.unique(groups, return_inverse=True)

    def figure(weights: Weights) -> Floats:
        return weighted_srcc(true, predicted[None], rows, weights)

    value = float(figure(np.ones((1, len(shown)), dtype=np.uint8))[0, 0])
    if not np.isfinite(value):
        return Undefined(undefined="constant predictions")
    left_out = np.full(count, value)  # of a photograph that has no such image
    left_out[shown] = leave_one_out(figure, len(shown))[0]
    return _of_type(value, left_out)


def f1_splits(strengths: Strengths, groups: NDArray[np.intp]) -> Splits:
    """Return F1 of presence of each type that occurs; takes what `naming` does."""
    present, edges = strengths.true > 0, 1 / (2 * np.array(strengths.levels))
    called = strengths.predicted >= edges
    return {
        strengths.distortions[d]: f1_split(present[:, d], called[:, d], groups)
        for d in np.flatnonzero(present.any(axis=0))
    }


def f1_split(
    present: NDArray[np.bool_], called: NDArray[np.bool_], groups: NDArray[np.intp]
) -> Split | Undefined:
    """Return F1 of one type over images, (N,), of which at least one has it."""
    both, either = (
        np.bincount(groups, weights=counts)
        for counts in (2.0 * (present & called), present + called.astype(float))
    )
    with np.errstate(invalid="ignore"):
        left_out = (both.sum() - both) / (either.sum() - either)
    return _of_type(float(both.sum() / either.sum()), left_out)


def _top1(true: Floats, predicted: Floats, groups: NDArray[np.intp]) -> Split | Undefined:
    distorted = true.max(axis=1, initial=0) > 0
    if not distorted.any():
        return Undefined(undefined="no distortion is present")
    t, p = true[distorted], predicted[distorted]
    strongest = (p == p.max(axis=1, keepdims=True)) & (p > 0)
    right = (strongest & (t == t.max(axis=1, keepdims=True))).sum(axis=1)
    share = right / np.maximum(strongest.sum(axis=1), 1)
    return _ratio(share, t.argmax(axis=1), groups[distorted], int(groups.max()) + 1)


def _rmse(true: Floats, predicted: Floats, groups: NDArray[np.intp]) -> Split | Undefined:
    images, types = true.shape
    kinds, of_pairs = np.tile(np.arange(types), images), np.repeat(groups, types)
    squares = _ratio(((predicted - true) ** 2).ravel(), kinds, of_pairs, int(groups.max()) + 1)
    root = float(np.sqrt(squares.value))
    if not root:
        return Undefined(undefined="no error at all")
    return Split(root, squares.added / (2 * root))


def _ratio(values: Floats, kinds: NDArray[np.intp], groups: NDArray[np.intp], count: int) -> Split:
    """Return the mean of values, (M,), each of one type and one photograph: linear in the cells."""
    occurring, kinds = np.unique(kinds, return_inverse=True)
    mean, types = float(values.mean()), len(occurring)
    cells = np.bincount(kinds * count + groups, weights=values - mean, minlength=types * count)
    return Split(mean, cells.reshape(types, count) / len(values))
