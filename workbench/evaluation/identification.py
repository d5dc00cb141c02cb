"""How well strengths of distortions are predicted (METHOD §2)."""

import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.domain.metrics import (
    HeldOutStrengths,
    IdentificationMetrics,
    Metric,
    TypeFigures,
    Undefined,
)
from workbench.errors import DataError, ShapeError
from workbench.evaluation.correlation import rmse, srcc

_Floats = NDArray[np.float64]
_Flags = NDArray[np.bool_]


def strength_bins(strengths: ArrayLike, levels: int) -> NDArray[np.intp]:
    """Return the level 0..L that each strength in [0, 1] stands for (Eq. 10), of the same shape.

    Edges lie at (2l − 1)/2L, half way between neighbouring levels; a value on an edge belongs to
    the upper bin, and the last bin is closed at 1.

    Example:
        >>> strength_bins([0.0, 0.09, 0.1, 0.3, 0.89, 0.9, 1.0], levels=5)
        array([0, 0, 1, 2, 4, 5, 5])
    """
    edges = (2 * np.arange(1, levels + 1) - 1) / (2 * levels)
    return np.searchsorted(edges, np.asarray(strengths, dtype=np.float64), side="right")


def identification_metrics(
    true: ArrayLike, predicted: ArrayLike, *, levels: Sequence[int]
) -> IdentificationMetrics:
    """Return all figures of identification over N images and D distortions.

    * `accuracy`: share of the N·D pairs whose bin is right; `accuracy_present`: of those alone
      whose distortion is there.
    * `macro_f1`, `mean_average_precision`: of presence, averaged over the distortions that occur.
      A distortion is called present from strength 1/(2L) on, the first edge.
    * `top1_type`: share of distorted images whose strongest predicted distortion is (one of) the
      strongest there; predictions that tie share the credit, predictions of nothing get none.
    * `strength_srcc`: per distortion over the images that show it and the clean images, then
      averaged; undefined as soon as one distortion is always given the same strength.
    * `rmse`: over all pairs (Eq. 11).

    Args:
        true: True strengths, (N, D), in [0, 1].
        predicted: Predicted strengths, (N, D), in [0, 1].
        levels: Number of levels L of each distortion, (D,).

    Raises:
        ShapeError: the shapes differ, or levels are not D; both shapes are stated.
        DataError: a strength is not a number in [0, 1], or L is below 1.

    Example:
        >>> true, predicted = [[1.0, 0.0], [0.0, 0.5]], [[0.9, 0.0], [0.0, 0.0]]
        >>> figures = identification_metrics(true, predicted, levels=[2, 2])
        >>> figures.accuracy, figures.accuracy_present, figures.top1_type
        (0.75, 0.5, 0.5)
    """
    t, p, counts = _checked(true, predicted, levels)
    if not t.size:
        nothing = Undefined(undefined="no images")
        return IdentificationMetrics(**dict.fromkeys(IdentificationMetrics.model_fields, nothing))
    present = t > 0
    hits = np.stack(
        [
            strength_bins(t[:, d], count) == strength_bins(p[:, d], count)
            for d, count in enumerate(counts.tolist())
        ],
        axis=1,
    )
    called = p >= 1 / (2 * counts)
    return IdentificationMetrics(
        accuracy=float(hits.mean()),
        accuracy_present=float(hits[present].mean()) if present.any() else _none_present(),
        macro_f1=_over_occurring(present, lambda d: _f1(present[:, d], called[:, d])),
        mean_average_precision=_over_occurring(
            present, lambda d: average_precision(present[:, d], p[:, d])
        ),
        top1_type=_top1(t, p),
        strength_srcc=_strength_srcc(t, p),
        rmse=rmse(t.ravel(), p.ravel()),
    )


def type_figures(
    true: ArrayLike, predicted: ArrayLike, *, levels: Sequence[int], type: int
) -> TypeFigures:
    """Return how one distortion is told from everything else over N images and D distortions.

    Takes and raises what `identification_metrics` does.

    Args:
        true: True strengths, (N, D), in [0, 1].
        predicted: Predicted strengths, (N, D), in [0, 1].
        levels: Number of levels L of each distortion, (D,).
        type: Index of the distortion, 0..D - 1.

    Example:
        >>> true, predicted = [[1.0, 0.0], [0.0, 0.5]], [[0.9, 0.0], [0.0, 0.0]]
        >>> type_figures(true, predicted, levels=[2, 2], type=0)
        TypeFigures(images=1, f1=1.0, average_precision=1.0, \
strength_srcc=Undefined(undefined='no distortion occurs in two strengths'))
    """
    t, p, counts = _checked(true, predicted, levels)
    present, called = t[:, type] > 0, p[:, type] >= 1 / (2 * counts[type])
    if not present.any():
        return TypeFigures(
            images=0,
            f1=_none_present(),
            average_precision=_none_present(),
            strength_srcc=_none_present(),
        )
    rows = present | (t.max(axis=1) == 0)
    return TypeFigures(
        images=int(present.sum()),
        f1=_f1(present, called),
        average_precision=average_precision(present, p[:, type]),
        strength_srcc=_strength_srcc(t[rows][:, [type]], p[rows][:, [type]]),
    )


def all_clean(true: ArrayLike, levels: Sequence[int]) -> IdentificationMetrics:
    """Return the figures of predicting strength 0 everywhere, the baseline beside every result.

    Takes and raises what `identification_metrics` does.

    Example:
        >>> one_of_five = np.eye(5)
        >>> all_clean(one_of_five, levels=[4] * 5).accuracy
        0.8
    """
    return identification_metrics(true, np.zeros_like(true, dtype=np.float64), levels=levels)


def held_out_strengths(
    true: ArrayLike, predicted: ArrayLike, *, distortions: Sequence[str], levels: Sequence[int]
) -> HeldOutStrengths:
    """Return what a result keeps of the strengths, (N, D), of its held-out images."""
    return HeldOutStrengths(
        distortions=tuple(distortions),
        levels=tuple(levels),
        true=packed(true),
        predicted=packed(predicted),
    )


def packed(strengths: ArrayLike) -> str:
    """Return strengths, (N, D), as text: float32, little-endian, by zlib, in base64.

    Example:
        >>> unpacked(packed([[0.5, 1.0]]), types=2)
        array([[0.5, 1. ]], dtype=float32)
    """
    return b64encode(zlib.compress(np.asarray(strengths, dtype="<f4").tobytes())).decode()


def unpacked(text: str, *, types: int) -> NDArray[np.float32]:
    """Return the strengths, (N, D), that `packed` made this text of, of D types."""
    return np.frombuffer(zlib.decompress(b64decode(text)), dtype="<f4").reshape(-1, types)


def require_strengths(true: _Floats, predicted: _Floats) -> None:
    """Refuse strengths that are not numbers in [0, 1]."""
    for name, values in (("True", true), ("Predicted", predicted)):
        wrong = values[~((values >= 0) & (values <= 1))]
        if wrong.size:
            raise DataError(
                f"{name} strengths must lie in [0, 1]; {wrong.size} do not, as {wrong[0]:g}."
            )


def average_precision(present: ArrayLike, scores: ArrayLike) -> float:
    """Return the area under the precision–recall steps of one distortion; ties enter together.

    Args:
        present: Whether it is there, (N,), bool, at least one.
        scores: Higher means present, (N,).

    Example:
        >>> average_precision([True, False, True], [0.9, 0.8, 0.7])
        0.8333333333333333
    """
    truth, score = np.asarray(present, dtype=bool), np.asarray(scores, dtype=np.float64)
    order = np.argsort(-score, kind="stable")
    last_of_tie = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
    hits = np.cumsum(truth[order])[last_of_tie]
    precision, recall = hits / (last_of_tie + 1), hits / truth.sum()
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def _over_occurring(present: _Flags, figure: Callable[[int], float]) -> Metric:
    occurring = np.flatnonzero(present.any(axis=0))
    if not len(occurring):
        return _none_present()
    return float(np.mean([figure(int(d)) for d in occurring]))


def _f1(present: _Flags, called: _Flags) -> float:
    both = int((present & called).sum())
    return 2 * both / int(present.sum() + called.sum())


def _top1(true: _Floats, predicted: _Floats) -> Metric:
    distorted = true.max(axis=1) > 0
    if not distorted.any():
        return _none_present()
    t, p = true[distorted], predicted[distorted]
    strongest = (p == p.max(axis=1, keepdims=True)) & (p > 0)
    hits = strongest & (t == t.max(axis=1, keepdims=True))
    return float(np.mean(hits.sum(axis=1) / np.maximum(strongest.sum(axis=1), 1)))


def _strength_srcc(true: _Floats, predicted: _Floats) -> Metric:
    clean = true.max(axis=1) == 0
    figures, flat = [], 0
    for d in range(true.shape[1]):
        rows = clean | (true[:, d] > 0)
        if not rows.any() or np.ptp(true[rows, d]) == 0:
            continue  # the images hold one strength only: there is nothing to order
        figure = srcc(predicted[rows, d], true[rows, d])
        if isinstance(figure, Undefined):
            flat += 1
        else:
            figures.append(figure)
    if flat:
        return Undefined(
            undefined=f"constant predictions for {flat} of {flat + len(figures)} distortions"
        )
    if not figures:
        return Undefined(undefined="no distortion occurs in two strengths")
    return float(np.mean(figures))


def _none_present() -> Undefined:
    return Undefined(undefined="no distortion is present")


def _checked(
    true: ArrayLike, predicted: ArrayLike, levels: Sequence[int]
) -> tuple[_Floats, _Floats, NDArray[np.intp]]:
    t, p = np.asarray(true, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    counts = np.asarray(levels, dtype=np.intp)
    if t.ndim != 2 or t.shape != p.shape or counts.shape != t.shape[1:]:
        raise ShapeError(
            f"True and predicted strengths must be (N, D) and levels (D,), "
            f"not {t.shape}, {p.shape} and {counts.shape}."
        )
    if counts.min(initial=1) < 1:
        raise DataError(f"Every distortion needs at least one level, not {counts.min()}.")
    require_strengths(t, p)
    return t, p, counts
