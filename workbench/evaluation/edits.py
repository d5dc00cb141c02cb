"""The edits between two attribute sets as changes of the columns that a regressor sees."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.domain.attributes import AttributeSet
from workbench.domain.difference import difference
from workbench.domain.edit_effects import EditKind, Effect, EffectVerdict
from workbench.domain.metrics import Metric, Undefined
from workbench.evaluation.bootstrap import (
    Copies,
    Floats,
    draw_photographs,
    leave_one_out,
    resampled_srcc,
)
from workbench.evaluation.correlation import srcc
from workbench.evaluation.intervals import CONFIDENCE, Studentised, holm, studentise
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

    Args:
        a: (distortion, phrase) of each attribute of version a.
        b: Likewise of version b.

    Example:
        >>> for edit in edits_between([("jpeg", "flat tiles")], [("jpeg", "blocky edges")]):
        ...     print(edit.kind, edit.before, edit.after)
        added None blocky edges
        removed flat tiles None
    """
    edits = []
    for distortion, change in difference(_set(a), _set(b)).items():
        edits += [Edit(distortion, before, after) for before, after in change.reworded]
        edits += [Edit(distortion, None, after) for after in change.added]
        edits += [Edit(distortion, before, None) for before in change.removed]
    return tuple(edits)


def edited_columns(a: Sequence[Name], b: Sequence[Name], edits: Iterable[Edit]) -> Columns:
    """Return the columns that version a has after some edits.

    Args:
        a: The attributes of version a: columns 0..len(a)-1.
        b: The attributes of version b: the columns after those.
        edits: What is done to version a.

    Example:
        >>> edited_columns([("x", "p"), ("x", "q")], [("x", "r")], [Edit("x", "p", "r")])
        array([1, 2])
    """
    edits = list(edits)
    dropped = {a.index((some.distortion, some.before)) for some in edits if some.before is not None}
    taken = [
        len(a) + b.index((some.distortion, some.after)) for some in edits if some.after is not None
    ]
    kept = [column for column in range(len(a)) if column not in dropped]
    return np.array(kept + sorted(taken), dtype=np.intp)


def edited_set(a: Sequence[Name], edits: Iterable[Edit]) -> AttributeSet:
    """Return the attributes that version a has after some edits.

    Args:
        a: The attributes of version a.
        edits: What is done to it.

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
    return _set([name for name in names if name is not None])


def _set(names: Sequence[Name]) -> AttributeSet:
    phrases: dict[str, list[str]] = {}
    for distortion, phrase in names:
        phrases.setdefault(distortion, []).append(phrase)
    return AttributeSet.from_phrases(phrases)


_Found = tuple[Metric, Studentised | Undefined]


def srcc_effects(
    pool: Pool,
    predicted: Sequence[Floats],
    pairs: Sequence[tuple[int, int]],
    *,
    resamples: int,
    seed: int,
) -> tuple[Effect, ...]:
    """Return the change of SRCC from one prediction to another, for several pairs.

    All are judged on the same resamples of photographs; p-values are corrected by Holm.

    Args:
        pool: Target and photograph of the N images.
        predicted: Quality by V ways of predicting it, (V, N).
        pairs: Numbers (before, after) of the predictions to be compared.
        resamples: Bootstrap resamples R.
        seed: Same seed, same resamples.
    """
    y, groups = pool.target, pool.photograph
    count = int(groups.max()) + 1
    copies = draw_photographs(count, resamples, seed)

    def correlate(some: Copies) -> Floats:
        return resampled_srcc(y, np.asarray(predicted), groups, some)

    points = [srcc(some, y) for some in predicted]
    values, without = correlate(copies), leave_one_out(correlate, count)
    found = [
        _difference(points[a], points[b], values[b] - values[a], without[b] - without[a], copies)
        for a, b in pairs
    ]
    corrected = holm([sure if isinstance(sure, Undefined) else sure.p for _, sure in found])
    return tuple(_effect(delta, sure, p) for (delta, sure), p in zip(found, corrected, strict=True))


def _difference(
    before: Metric, after: Metric, values: Floats, without: Floats, copies: Copies
) -> _Found:
    if isinstance(before, Undefined):
        return before, before
    if isinstance(after, Undefined):
        return after, after
    return after - before, studentise(after - before, values, without, copies)


def _effect(delta: Metric, sure: Studentised | Undefined, p_holm: Metric) -> Effect:
    if isinstance(sure, Undefined):
        return Effect(
            delta_srcc=delta, ci=None, p_holm=p_holm,
            verdict="not distinguishable", reason=sure.undefined,
        )  # fmt: skip
    verdict: EffectVerdict = "not distinguishable"
    if isinstance(p_holm, float) and p_holm < 1 - CONFIDENCE:
        verdict = "helps" if sure.centre > 0 else "hurts"
    return Effect(delta_srcc=delta, ci=sure.interval, p_holm=p_holm, verdict=verdict)
