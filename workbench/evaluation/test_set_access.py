"""What accesses to a test set cost the claims that are made on it.

A part of the images is a test only as long as nothing is chosen by it. It is known by a hash; every
access to its figures is counted (`store.access_log`); and what the choice among m candidates does
to a claim is computed in two ways:

1. A p-value for "better than the baseline" is multiplied by the number of other candidates
   (Bonferroni). A candidate is a version under a configuration: another seed is another one, the
   same run made again is not. That bounds the chance of a false claim as long as no candidate was
   made in the light of the others' test figures. Where it was, the bound does not hold, and no
   correction of published figures can: with m answers "better", "worse" or "open" 3^m ways through
   are possible (Blum and Hardt, The Ladder, ICML 2015). Only images that nobody has seen figures of
   help then.
2. The SRCC of the best candidate is too high by what chance gave it. In each draw the best one is
   chosen and then judged on the photographs that the draw left out (bootstrap bias correction,
   BBC-CV: Tsamardinos, Greasidou and Borboudakis, Machine Learning 107, 2018).
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from workbench.domain.comparison import AccessCount, Choice, Comparison, ComparisonPair, Interval
from workbench.domain.metrics import IdentificationMetrics, Metric, Undefined
from workbench.domain.run import Run, RunResult
from workbench.errors import ConfigError
from workbench.evaluation.bootstrap import (
    Floats,
    PairedBootstrap,
    paired_bootstrap,
    photograph_index,
    weighted_srcc,
)
from workbench.evaluation.comparable import aligned_predictions, hash_of_test_set
from workbench.evaluation.correlation import srcc
from workbench.evaluation.intervals import CONFIDENCE, MINIMUM_PHOTOGRAPHS, version_interval

TestSetKind = Literal["held-out photographs", "locked photographs", "other data"]

MANY_ACCESSES = 10  # decision 0014: the best of ten equals is called "better" in one case of seven
CHOICE_RESAMPLES = 2_000  # a mean over them; its Monte Carlo error is far below the interval
_NONE_IN_COMMON = IdentificationMetrics(
    **dict.fromkeys(IdentificationMetrics.model_fields, Undefined(undefined="no shared distortion"))
)


def corrected_for_access(
    comparison: Comparison, accesses: AccessCount, runs: Sequence[Run]
) -> Comparison:
    """Return a comparison that says how often its test set was accessed, with verdicts by that.

    Args:
        comparison: As `compare_runs` returned it.
        accesses: The count, this access included.
        runs: Every finished run whose figures on this test set were shown. Of those of one
            version under one configuration only the last is a candidate.
    """
    runs = list({(run.version, run.config.hash): run for run in runs}.values())
    choice = None
    if len(runs) > 1:
        predictions = aligned_predictions(runs, [run.result for run in runs if run.result])
        choice = corrected_for_choosing(
            predictions[0].target,
            [of_run.predicted for of_run in predictions],
            predictions[0].photograph,
            [run.id for run in runs],
        )
    return comparison.model_copy(
        update={
            "looks": accesses.model_copy(update={"choice": choice}),
            "pairs": tuple(_corrected_pair(pair, len(runs)) for pair in comparison.pairs),
        }
    )


def p_after_access(pair: ComparisonPair, candidates: int) -> Metric:
    """Return a pair's p-value, corrected for all candidates whose figures were shown.

    It is p times `candidates` − 1, for one of them is the baseline; at most 1, and never below p
    after Holm over the pairs shown.
    """
    return _after_access(pair.p, pair.p_holm, candidates)


def corrected_for_choosing(
    target: Sequence[float],
    predicted: Sequence[Sequence[float]],
    photographs: Sequence[str],
    runs: Sequence[int],
    *,
    resamples: int = CHOICE_RESAMPLES,
    seed: int = 0,
) -> Choice:
    """Return the best of m candidates with the optimism of its choice taken off.

    In each draw the candidate with the highest SRCC is chosen; by how much it beats the mean
    of all candidates on the photographs left out is what choosing is really worth. The corrected
    figure is the mean SRCC of all candidates plus the mean of that, and never above the figure as
    it stands. (BBC-CV takes the left-out SRCC itself, which is of 37 % of the photographs and so
    has the bias of fewer; the difference to the mean of all candidates has next to none.)

    Args:
        target: Quality, (N,).
        predicted: Predictions of m candidates, (m, N).
        photographs: Photograph of each image, (N,).
        runs: Number of each candidate's run, (m,).
        resamples: Draws of photographs.
        seed: Same seed, same figures.

    Returns:
        The choice; its interval is that of the chosen candidate, moved by as much.
    """
    points = [srcc(of_run, target) for of_run in predicted]
    defined = [(value, index) for index, value in enumerate(points) if isinstance(value, float)]
    if not defined:
        nothing = Undefined(undefined="no candidate has an SRCC")
        return Choice(
            candidates=len(runs), chosen=runs[0], srcc=nothing, corrected=nothing, ci=None
        )
    values = [value for value, _ in defined]
    candidates = [predicted[index] for _, index in defined]
    best = max(values)
    chosen = values.index(best)
    sample = paired_bootstrap(target, candidates, photographs, resamples=resamples, seed=seed)
    gain = gain_of_choosing(sample, target, candidates, photographs)
    corrected: Metric = (
        gain if isinstance(gain, Undefined) else min(best, float(np.mean(values)) + gain)
    )
    return Choice(
        candidates=len(runs),
        chosen=runs[defined[chosen][1]],
        srcc=best,
        corrected=corrected,
        ci=_shifted(version_interval(sample, chosen, best), best, corrected),
    )


def gain_of_choosing(
    sample: PairedBootstrap,
    target: Sequence[float],
    predicted: Sequence[Sequence[float]],
    photographs: Sequence[str],
) -> Metric:
    """Return by how much the candidate chosen in a draw beats the mean outside of it.

    Takes what `corrected_for_choosing` does, and the draws of candidates that all have an SRCC.

    Returns:
        A mean difference in SRCC; undefined for fewer than three photographs.
    """
    if sample.photographs < MINIMUM_PHOTOGRAPHS:
        few = f"{sample.photographs} photographs, and {MINIMUM_PHOTOGRAPHS} are needed"
        return Undefined(undefined=few)
    left_out = (sample.weights == 0).astype(np.uint8)
    outside = weighted_srcc(target, predicted, photograph_index(photographs), left_out)
    usable = np.isfinite(outside).all(axis=0) & np.isfinite(sample.srcc).all(axis=0)
    if not usable.any():
        return Undefined(undefined="no resample has an SRCC inside and outside")
    inside, outside = sample.srcc[:, usable], outside[:, usable]
    return float(np.mean(_share_of_best(inside) * (outside - outside.mean(axis=0))) * len(inside))


def on_locked(run: Run) -> Run:
    """Return a finished run whose figures and predictions are those of the locked photographs.

    A run that is not done is returned as it is.

    Raises:
        ConfigError: The run has no locked part.
    """
    result = run.result
    if result is None:
        return run
    if result.locked is None:
        raise ConfigError(
            f"Run {run.id} has no locked part. Set split.locked in the experiment (0.2 locks a "
            "fifth of the photographs) and run the version again."
        )
    predictions = result.locked.predictions
    protocol = {
        "split": f"locked photographs, tuned once on all others ({result.protocol.split})",
        "images": len(predictions.image),
        "photographs": len(set(predictions.photograph)),
    }
    return _with_result(
        run,
        result,
        protocol=result.protocol.model_copy(update=protocol),
        quality=result.locked.quality,
        identification=result.locked.identification,
        all_clean=result.locked.all_clean,
        predictions=predictions,
        baselines={},  # they were measured on the folds, as were the controls
        controls=(),
    )


def on_transfer(run: Run, words: str) -> Run:
    """Return a finished run with its figures on other data, frozen features and a new regressor.

    Args:
        run: A run that is not done is returned as it is.
        words: A part of what describes the data, whatever the case.

    Raises:
        ConfigError: The run was not transferred to any such data, or to several.
    """
    if run.result is None:
        return run
    there = [
        test_set.run
        for test_set, transfer in zip(
            [one for one in run_test_sets(run) if one.kind == "other data"],
            run.result.transfers,
            strict=True,
        )
        if words.casefold() in transfer.protocol.dataset.casefold()
    ]
    if len(there) == 1:
        return there[0]
    known = "; ".join(transfer.protocol.dataset for transfer in run.result.transfers)
    raise ConfigError(
        f"Run {run.id} was {'' if there else 'not '}tested on other data like '{words}'"
        f"{' more than once' if there else ''}. {f'It has: {known}.' if known else 'It has none.'}"
    )


def on_test_set(run: Run, test_hash: str) -> Run:
    """Return a finished run with its figures on the folds, the locked photographs or other data.

    Raises:
        ConfigError: The run has no such test set.
    """
    for test_set in run_test_sets(run):
        if test_set.hash == test_hash:
            return test_set.run
    raise ConfigError(f"Run {run.id} was not tested on the part {test_hash[:8]}….")


class RunTestSet(NamedTuple):
    """One of the test sets that a run has figures on.

    Attributes:
        kind: Which of its own it is, or other data.
        hash: Its name in the log of accesses.
        run: The run with its figures on this test set.
    """

    kind: TestSetKind
    hash: str
    run: Run


def run_test_sets(run: Run) -> tuple[RunTestSet, ...]:
    """Return the test sets that a finished run has figures on, those of its folds first."""
    if run.result is None:
        return ()
    candidates: list[tuple[TestSetKind, Run]] = [("held-out photographs", run)]
    if run.result.locked:
        candidates.append(("locked photographs", on_locked(run)))
    for transfer in run.result.transfers:  # features frozen, regressor trained there
        there = _with_result(
            run,
            run.result,
            protocol=transfer.protocol,
            quality=transfer.frozen,
            identification=transfer.identification or _NONE_IN_COMMON,
            all_clean=transfer.all_clean or _NONE_IN_COMMON,
            predictions=transfer.predictions,
            strengths=None,
            baselines=transfer.baselines,
            controls=(),  # they were measured on the folds
        )
        candidates.append(("other data", there))
    return tuple(
        RunTestSet(kind, hash_of_test_set(result.protocol, result.predictions), candidate)
        for kind, candidate in candidates
        if (result := candidate.result)
    )


def _with_result(run: Run, result: RunResult, **fields: object) -> Run:
    """Return a run with fields of its result replaced; its strength tables were of the folds."""
    return run.model_copy(
        update={"result": result.model_copy(update={**fields, "strength_tables": None})}
    )


def _after_access(p: Metric, p_holm: Metric, candidates: int) -> Metric:
    if isinstance(p, Undefined) or isinstance(p_holm, Undefined):
        return p
    return max(p_holm, min(1.0, p * max(candidates - 1, 1)))


def _corrected_pair(pair: ComparisonPair, candidates: int) -> ComparisonPair:
    """Return a pair with its p-value corrected for accesses, and its verdict by that."""
    p = p_after_access(pair, candidates)
    update: dict[str, object] = {"p_looked": p}
    if pair.verdict != "not distinguishable" and isinstance(p, float) and p >= 1 - CONFIDENCE:
        update["verdict"] = "not distinguishable"
        update["reason"] = (
            f"Alone it would be {pair.verdict}; among {candidates} candidates looked at on this "
            "test part it is not."
        )
    if (naming := pair.naming) and (main := naming.main):
        p = _after_access(main.p, main.p_holm, candidates)
        lost = isinstance(p, float) and p >= 1 - CONFIDENCE
        held = None if naming.verdict is None else "not distinguishable" if lost else naming.verdict
        update["naming"] = naming.model_copy(update={"p_looked": p, "verdict": held})
    return pair.model_copy(update=update)


def _share_of_best(values: Floats) -> Floats:
    """Return 1 for the highest of each column, shared where several tie, (m, R)."""
    best = values >= values.max(axis=0) - 1e-7  # weighted ranks are good to some 1e-8
    return np.asarray(best / best.sum(axis=0))


def _shifted(interval: Interval | None, best: float, corrected: Metric) -> Interval | None:
    """Return an interval of the best, moved on Fisher's scale to the corrected figure."""
    if interval is None or isinstance(corrected, Undefined):
        return None
    shift = np.arctanh(corrected) - np.arctanh(best)
    low, high = np.tanh(np.arctanh(interval) + shift)
    return float(low), float(high)
