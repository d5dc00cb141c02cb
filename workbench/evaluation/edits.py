"""The edits between two attribute sets, as changes of the columns that a regressor takes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.domain.attributes import AttributeSet
from workbench.domain.difference import difference
from workbench.domain.edit_effects import EditKind, Effect, EffectVerdict
from workbench.domain.metrics import Metric, Undefined
from workbench.evaluation.bootstrap import (
    Floats,
    Weights,
    draw_photographs,
    leave_one_out,
    weighted_srcc,
)
from workbench.evaluation.correlation import srcc
from workbench.evaluation.intervals import CONFIDENCE, Difference, holm
from workbench.evaluation.refit import Columns, Pool

Name = tuple[str, str]  # distortion and phrase of a column


@dataclass(frozen=True)
class Edit:
    """One edit from version a to version b.

    Attributes:
        distortion: Whose attribute was edited.
        before: The phrase of version a; None where one was added.
        after: The phrase of version b; None where one was removed.
    """

    distortion: str
    before: str | None
    after: str | None

    @property
    def kind(self) -> EditKind:
        """What was done."""
        if self.before is None:
            return "added"
        return "removed" if self.after is None else "reworded"


def edits_between(a: Sequence[Name], b: Sequence[Name]) -> tuple[Edit, ...]:
    """Return the edits that make version b of version a, by distortion.

    Example:
        >>> for edit in edits_between([("jpeg", "flat tiles")], [("jpeg", "blocky edges")]):
        ...     print(edit.kind, edit.before, edit.after)
        added None blocky edges
        removed flat tiles None
    """
    edits = []
    for distortion, change in difference(_attribute_set(a), _attribute_set(b)).items():
        edits += [Edit(distortion, before, after) for before, after in change.reworded]
        edits += [Edit(distortion, None, after) for after in change.added]
        edits += [Edit(distortion, before, None) for before in change.removed]
    return tuple(edits)


def edited_columns(a: Sequence[Name], b: Sequence[Name], edits: Iterable[Edit]) -> Columns:
    """Return the columns that version a has after some edits; those of b come after those of a.

    Example:
        >>> edited_columns([("x", "p"), ("x", "q")], [("x", "r")], [Edit("x", "p", "r")])
        array([1, 2])
    """
    edits = list(edits)
    dropped = {a.index((e.distortion, e.before)) for e in edits if e.before is not None}
    added = [len(a) + b.index((e.distortion, e.after)) for e in edits if e.after is not None]
    unchanged = [column for column in range(len(a)) if column not in dropped]
    return np.array(unchanged + sorted(added), dtype=np.intp)


def edited_set(a: Sequence[Name], edits: Iterable[Edit]) -> AttributeSet:
    """Return the attributes that version a has after some edits.

    Example:
        >>> edited_set([("x", "p"), ("x", "q")], [Edit("x", "p", "r")]).phrases()
        {'x': ('r', 'q')}
    """
    names: list[Name | None] = list(a)
    for edit in edits:
        after = None if edit.after is None else (edit.distortion, edit.after)
        if edit.before is None:
            names.append(after)
        else:
            names[names.index((edit.distortion, edit.before))] = after
    return _attribute_set([name for name in names if name is not None])


def _attribute_set(names: Sequence[Name]) -> AttributeSet:
    phrases: dict[str, list[str]] = {}
    for distortion, phrase in names:
        phrases.setdefault(distortion, []).append(phrase)
    return AttributeSet.from_phrases(phrases)


def srcc_effects(
    pool: Pool,
    predicted: Sequence[Floats],
    pairs: Sequence[tuple[int, int]],
    *,
    resamples: int,
    seed: int,
) -> tuple[Effect, ...]:
    """Return the change of SRCC from one prediction to another, for several pairs.

    All are judged on the same draws of photographs; p-values are corrected by Holm.

    Args:
        pool: Target and photograph of the N images.
        predicted: Quality by V ways of predicting it, (V, N).
        pairs: Numbers (before, after) of the predictions to be compared.
        resamples: Bootstrap draws R.
        seed: Same seed, same draws.
    """
    target, groups = pool.target, pool.photograph
    count = int(groups.max()) + 1
    weights = draw_photographs(count, resamples, seed)

    def correlate(weights: Weights) -> Floats:
        return weighted_srcc(target, np.asarray(predicted), groups, weights)

    points = [srcc(quality, target) for quality in predicted]
    values, without = correlate(weights), leave_one_out(correlate, count)
    differences = [
        Difference.between(
            points[a], points[b], values[b] - values[a], without[b] - without[a], weights
        )
        for a, b in pairs
    ]
    corrected = holm([change.p for change in differences])
    return tuple(
        _effect(change, p_holm) for change, p_holm in zip(differences, corrected, strict=True)
    )


def _effect(change: Difference, p_holm: Metric) -> Effect:
    verdict: EffectVerdict = "not distinguishable"
    estimate, reason = change.estimate, ""
    if isinstance(estimate, Undefined):
        reason = estimate.undefined
    elif isinstance(p_holm, float) and p_holm < 1 - CONFIDENCE:
        verdict = "helps" if estimate.centre > 0 else "hurts"
    return Effect(
        delta_srcc=change.value, ci=change.ci, p_holm=p_holm, verdict=verdict, reason=reason
    )
