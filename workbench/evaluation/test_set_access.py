"""What looking at a test part costs the claims that are made on it.

A part of the images is a test only as long as nothing is chosen by it. It is known by a hash; every
look at it is counted (`store.looks`); and what the choice among m candidates does to a claim is
computed in two ways:

1. A p-value for "better than the baseline" is multiplied by the number of other candidates
   (Bonferroni). A candidate is a version under a configuration: another seed is another one, the
   same run made again is not. That bounds the chance of a false claim as long as no candidate was
   made in the light of the others' test figures. Where it was, the bound does not hold, and no
   correction of published figures can: with m answers "better", "worse" or "open" 3^m ways through
   are possible (Blum and Hardt, The Ladder, ICML 2015). Only images that nobody has looked at help
   then.
2. The SRCC of the best candidate is too high by what chance gave it. In each resample the best one
   is chosen and then judged on the photographs that the resample left out (bootstrap bias
   correction, BBC-CV: Tsamardinos, Greasidou and Borboudakis, Machine Learning 107, 2018).
"""

from collections.abc import Iterator, Sequence

import numpy as np

from workbench.domain.canonical import content_hash
from workbench.domain.comparison import AccessCount, Choice, Comparison, ComparisonPair, Interval
from workbench.domain.metrics import IdentificationMetrics, Metric, Undefined
from workbench.domain.run import Predictions, Protocol, Run, RunResult, Transfer
from workbench.errors import ConfigError
from workbench.evaluation.bootstrap import (
    Floats,
    PairedBootstrap,
    paired_bootstrap,
    photograph_index,
    resampled_srcc,
)
from workbench.evaluation.comparable import aligned_predictions
from workbench.evaluation.correlation import srcc
from workbench.evaluation.intervals import CONFIDENCE, MINIMUM_PHOTOGRAPHS, correlation_interval

MANY_ACCESSES = 10  # decision 0014: the best of ten equals is called "better" in one case of seven
CHOICE_RESAMPLES = 2_000  # a mean over them; its Monte Carlo error is far below the interval


def hash_of_test_part(protocol: Protocol, predictions: Predictions) -> str:
    """Return the name of a test part: SHA-256 over the data and which images of it are held out.

    How the other images are divided or the seeds of training are no part of it: another seed on
    the same images is another look at the same test part.

    Args:
        protocol: Its `data_hash` stands for image bytes, labels and targets.
        predictions: Its images are the test part, in whatever order.
    """
    return content_hash(
        {"format": "test-part/1", "data": protocol.data_hash, "images": sorted(predictions.image)}
    )


def corrected_for_access(
    comparison: Comparison, looks: AccessCount, runs: Sequence[Run]
) -> Comparison:
    """Return a comparison that says how often its test part was looked at, with verdicts by that.

    Args:
        comparison: As `compare_runs` found it.
        looks: The count, this look included.
        runs: Every run whose figures on this test part were looked at, finished. Of those of one
            version under one configuration only the last is a candidate.
    """
    runs = list({(run.version, run.config.hash): run for run in runs}.values())
    choice = None
    if len(runs) > 1:
        found = aligned_predictions(runs, [run.result for run in runs if run.result])
        choice = corrected_for_choosing(
            found[0].target,
            [some.predicted for some in found],
            found[0].photograph,
            [run.id for run in runs],
        )
    return comparison.model_copy(
        update={
            "looks": looks.model_copy(update={"choice": choice}),
            "pairs": tuple(_by_looks(pair, len(runs)) for pair in comparison.pairs),
        }
    )


def p_after_access(pair: ComparisonPair, candidates: int) -> Metric:
    """Return a pair's p-value, corrected for all candidates that were looked at.

    Args:
        pair: The later version against the baseline.
        candidates: How many were looked at on this test part, the baseline among them.

    Returns:
        p times `candidates` − 1, at most 1, and never below p after Holm over the pairs shown.
    """
    if isinstance(pair.p, Undefined) or isinstance(pair.p_holm, Undefined):
        return pair.p
    return max(pair.p_holm, min(1.0, pair.p * max(candidates - 1, 1)))


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

    In each resample the candidate with the highest SRCC is chosen; by how much it beats the mean
    of all candidates on the photographs left out is what choosing is really worth. The corrected
    figure is the mean SRCC of all candidates plus the mean of that, and never above the figure as
    it stands. (BBC-CV takes the left-out SRCC itself, which is of 37 % of the photographs and so
    has the bias of fewer; the difference to the mean of all candidates has next to none.)

    Args:
        target: Quality, (N,).
        predicted: Predictions of m candidates, (m, N).
        photographs: Photograph of each image, (N,).
        runs: Number of each candidate's run, (m,).
        resamples: Resamples of photographs.
        seed: Same seed, same figures.

    Returns:
        The choice; its interval is that of the chosen candidate, moved by as much.
    """
    points = [srcc(some, target) for some in predicted]
    defined = [(value, place) for place, value in enumerate(points) if isinstance(value, float)]
    if not defined:
        nothing = Undefined(undefined="no candidate has an SRCC")
        return Choice(
            candidates=len(runs), chosen=runs[0], srcc=nothing, corrected=nothing, ci=None
        )
    best, place = max(defined, key=lambda some: some[0])
    kept = [predicted[of] for _, of in defined]
    sample = paired_bootstrap(target, kept, photographs, resamples=resamples, seed=seed)
    gain = gain_of_choosing(sample, target, kept, photographs)
    mean = float(np.mean([value for value, _ in defined]))
    corrected: Metric = gain if isinstance(gain, Undefined) else min(best, mean + gain)
    of = [at for _, at in defined].index(place)
    interval = correlation_interval(best, sample.srcc[of], sample.srcc_without[of], sample.copies)
    return Choice(
        candidates=len(runs),
        chosen=runs[place],
        srcc=best,
        corrected=corrected,
        ci=_moved(interval, best, corrected),
    )


def gain_of_choosing(
    sample: PairedBootstrap,
    target: Sequence[float],
    predicted: Sequence[Sequence[float]],
    photographs: Sequence[str],
) -> Metric:
    """Return by how much the candidate chosen in a resample beats the mean outside of it.

    Args:
        sample: Resamples of the candidates, each with an SRCC of its own.
        target: Quality, (N,).
        predicted: Predictions of the m candidates, (m, N).
        photographs: Photograph of each image, (N,).

    Returns:
        A mean difference in SRCC; undefined for fewer than three photographs.
    """
    if sample.photographs < MINIMUM_PHOTOGRAPHS:
        few = f"{sample.photographs} photographs, and {MINIMUM_PHOTOGRAPHS} are needed"
        return Undefined(undefined=few)
    left_out = (sample.copies == 0).astype(np.uint8)
    outside = resampled_srcc(target, predicted, photograph_index(photographs), left_out)
    usable = np.isfinite(outside).all(axis=0) & np.isfinite(sample.srcc).all(axis=0)
    if not usable.any():
        return Undefined(undefined="no resample has an SRCC inside and outside")
    inside, outside = sample.srcc[:, usable], outside[:, usable]
    return float(np.mean(_share_of_best(inside) * (outside - outside.mean(axis=0))) * len(inside))


def _by_looks(pair: ComparisonPair, candidates: int) -> ComparisonPair:
    """Return a pair with its p-value corrected for looks, and its verdict by that."""
    p = p_after_access(pair, candidates)
    update: dict[str, object] = {"p_looked": p}
    if pair.verdict != "not distinguishable" and isinstance(p, float) and p >= 1 - CONFIDENCE:
        update["verdict"] = "not distinguishable"
        update["reason"] = (
            f"Alone it would be {pair.verdict}; among {candidates} candidates looked at on this "
            "test part it is not."
        )
    return pair.model_copy(update=update)


def _share_of_best(values: Floats) -> Floats:
    """Return 1 for the highest of each column, shared where several tie, (m, R)."""
    best = values >= values.max(axis=0) - 1e-7  # resampled ranks are good to some 1e-8
    return np.asarray(best / best.sum(axis=0))


def _moved(interval: Interval | Undefined, best: float, corrected: Metric) -> Interval | None:
    if isinstance(interval, Undefined) or isinstance(corrected, Undefined):
        return None
    shift = np.arctanh(corrected) - np.arctanh(best)
    low, high = np.tanh(np.arctanh(interval) + shift)
    return float(low), float(high)


_NONE_IN_COMMON = IdentificationMetrics(
    **dict.fromkeys(IdentificationMetrics.model_fields, Undefined(undefined="no shared distortion"))
)


def on_locked(run: Run) -> Run:
    """Return a finished run whose figures and predictions are those of the locked photographs.

    Args:
        run: A run with `split.locked` above 0; one that is not done comes back as it is.

    Raises:
        ConfigError: The run has no locked part.
    """
    if run.result is None:
        return run
    if run.result.locked is None:
        raise ConfigError(
            f"Run {run.id} has no locked part. Set split.locked in the experiment (0.2 locks a "
            "fifth of the photographs) and run the version again."
        )
    part = run.result.locked
    return run.model_copy(
        update={
            "result": run.result.model_copy(
                update={
                    "protocol": _protocol(run.result),
                    "quality": part.quality,
                    "identification": part.identification,
                    "all_clean": part.all_clean,
                    "predictions": part.predictions,
                    "baselines": {},  # they were taken on the folds
                    "strength_tables": None,
                }
            )
        }
    )


def part_of(run: Run, test_hash: str) -> Run:
    """Return a finished run as seen on one of its test parts.

    Args:
        run: The run.
        test_hash: The folds', the locked one's, or that of other data it was tried on.

    Raises:
        ConfigError: The run has no such test part.
    """
    for seen in _parts(run):
        result = seen.result
        if result and hash_of_test_part(result.protocol, result.predictions) == test_hash:
            return seen
    raise ConfigError(f"Run {run.id} was not tested on the part {test_hash[:8]}….")


def _parts(run: Run) -> Iterator[Run]:
    if run.result is None:
        return
    yield run
    if run.result.locked:
        yield on_locked(run)
    for other in run.result.transfers:
        yield run.model_copy(update={"result": _on_other(run.result, other)})


def _on_other(result: RunResult, other: Transfer) -> RunResult:
    """Return a result on other data, with the features frozen and the regressor trained there."""
    return result.model_copy(
        update={
            "protocol": other.protocol,
            "quality": other.frozen,
            "identification": other.identification or _NONE_IN_COMMON,
            "all_clean": other.all_clean or _NONE_IN_COMMON,
            "predictions": other.predictions,
            "baselines": other.baselines,
            "strength_tables": None,
        }
    )


def _protocol(result: RunResult) -> Protocol:
    images = result.locked.predictions if result.locked else result.predictions
    return result.protocol.model_copy(
        update={
            "split": f"locked photographs, tuned once on all others ({result.protocol.split})",
            "images": len(images.image),
            "photographs": len(set(images.photograph)),
        }
    )
