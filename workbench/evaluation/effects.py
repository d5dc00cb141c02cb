"""Changes of SRCC between predictions of the same images, each with its interval and verdict."""

from collections.abc import Sequence

import numpy as np

from workbench.domain.attribution import Effect, EffectVerdict
from workbench.domain.metrics import Metric, Undefined
from workbench.evaluation.bootstrap import Copies, draw_photographs, leave_one_out
from workbench.evaluation.correlation import srcc
from workbench.evaluation.inference import CONFIDENCE, Studentised, holm, studentise
from workbench.evaluation.refit import Pool
from workbench.evaluation.resampled import Floats, resampled_srcc

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
