"""Tables of predicted strengths: confusion, dose–response and calibration."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student_t

from workbench.domain.metrics import (
    CLEAN,
    CalibrationBin,
    DoseCurve,
    DosePoint,
    StrengthTables,
)
from workbench.errors import ShapeError
from workbench.evaluation.bootstrap import Floats
from workbench.evaluation.identification import require_strengths, strength_bins
from workbench.evaluation.intervals import CONFIDENCE

BINS = 10  # of predicted strength, equally wide


def strength_tables(
    true: ArrayLike,
    predicted: ArrayLike,
    photographs: Sequence[str],
    *,
    distortions: Sequence[str],
    levels: Sequence[int],
) -> StrengthTables:
    """Return the tables that a result keeps of N images and D distortions.

    Args:
        true: True strengths, (N, D), in [0, 1]; 0 where a distortion is absent.
        predicted: Predicted strengths, (N, D), in [0, 1].
        photographs: The photograph each image was made from, (N,).
        distortions: Ids, (D,).
        levels: Number of levels L of each, (D,).

    Raises:
        ShapeError: the shapes do not fit; all are stated.
        DataError: a strength is not a number in [0, 1].

    Example:
        >>> tables = strength_tables(
        ...     [[0.0], [1.0]], [[0.1], [0.8]], ["cat", "cat"], distortions=["jpeg"], levels=[2]
        ... )
        >>> tables.confusion, [point.mean for point in tables.dose[0].points]
        (((1, 0), (0, 1)), [0.1, 0.8])
    """
    t, p = np.asarray(true, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    expected = (len(photographs), len(distortions))
    if t.shape != expected or p.shape != expected or len(levels) != expected[1]:
        raise ShapeError(
            f"True and predicted strengths must be (N, D) = {expected} with D levels, "
            f"not {t.shape} and {p.shape} with {len(levels)}."
        )
    require_strengths(t, p)
    numbers = np.unique(np.asarray(photographs, dtype=str), return_inverse=True)[1]
    return StrengthTables(
        types=(CLEAN, *distortions),
        confusion=confusion_counts(t, p, levels),
        dose=tuple(
            DoseCurve(distortion=name, levels=count, points=_dose(t, p[:, d], d, count, numbers))
            for d, (name, count) in enumerate(zip(distortions, levels, strict=True))
        ),
        calibration=calibration_bins(t, p),
    )


def confusion_counts(
    true: Floats, predicted: Floats, levels: Sequence[int]
) -> tuple[tuple[int, ...], ...]:
    """Return how many images of each true type were predicted as each type, clean first.

    The type is the strongest distortion that counts as present, which it does from strength
    1/(2L) on (the first bin edge of METHOD's Eq. 10); of several as strong, the first. Without
    one, the image is clean.

    Takes what `strength_tables` does.

    Returns:
        Counts, (D + 1, D + 1): rows true, columns predicted.
    """
    edges = 1 / (2 * np.asarray(levels, dtype=np.float64))
    types = len(levels) + 1
    cells = _types(true, edges) * types + _types(predicted, edges)
    counts = np.bincount(cells, minlength=types * types).reshape(types, types)
    return tuple(tuple(row) for row in counts.tolist())


def calibration_bins(
    true: Floats, predicted: Floats, *, bins: int = BINS
) -> tuple[CalibrationBin, ...]:
    """Return the mean true strength by predicted strength, over all N·D pairs.

    Args:
        true: True strengths, any shape, in [0, 1].
        predicted: Predicted strengths, same shape, in [0, 1].
        bins: Number of equally wide bins; the last one is closed at 1.

    Example:
        >>> [bin.count for bin in calibration_bins(np.zeros(3), np.array([0.0, 0.05, 1.0]))]
        [2, 1]
    """
    t, p = true.ravel(), predicted.ravel()
    edges = np.linspace(0, 1, bins + 1)
    index = np.clip(np.searchsorted(edges, p, side="right") - 1, 0, bins - 1)
    count = np.bincount(index, minlength=bins)
    sums = [np.bincount(index, weights=values, minlength=bins) for values in (p, t)]
    return tuple(
        CalibrationBin(
            low=float(edges[b]),
            high=float(edges[b + 1]),
            mean_predicted=float(sums[0][b] / count[b]),
            mean_true=float(sums[1][b] / count[b]),
            count=int(count[b]),
        )
        for b in np.flatnonzero(count)
    )


def _types(strengths: Floats, edges: Floats) -> NDArray[np.intp]:
    """Return 0 for clean, else 1 + the number of the strongest present distortion, (N,)."""
    if not strengths.shape[1]:
        return np.zeros(len(strengths), dtype=np.intp)
    present = np.where(strengths >= edges, strengths, -1.0)
    return np.where(present.max(axis=1) < 0, 0, present.argmax(axis=1) + 1)


def _dose(
    true: Floats, predicted: Floats, d: int, levels: int, photographs: NDArray[np.intp]
) -> tuple[DosePoint, ...]:
    """Return the points of distortion d; level 0 are the images without any distortion."""
    level = strength_bins(true[:, d], levels)
    level = np.where((level == 0) & (true.max(axis=1) > 0), -1, level)
    rows_of_level = ((step, level == step) for step in range(levels + 1))
    return tuple(
        _point(step, predicted[rows], photographs[rows])
        for step, rows in rows_of_level
        if rows.any()
    )


def _point(level: int, values: Floats, photographs: NDArray[np.intp]) -> DosePoint:
    # Images of a photograph resemble each other: its mean is the sample, as in `intervals`.
    counts = np.bincount(photographs)
    means = np.bincount(photographs, weights=values)[counts > 0] / counts[counts > 0]
    mean, ci = float(means.mean()), None
    if len(means) > 1:
        error = float(means.std(ddof=1) / np.sqrt(len(means)))
        reach = float(student_t.ppf((1 + CONFIDENCE) / 2, len(means) - 1)) * error
        ci = (max(0.0, mean - reach), min(1.0, mean + reach))  # no strength lies beyond
    return DosePoint(level=level, mean=mean, ci=ci, images=len(values), photographs=len(means))
