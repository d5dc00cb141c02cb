"""Versions side by side under one protocol, with what may be concluded from it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations

from workbench.domain.canonical import Frozen
from workbench.domain.comparison import (
    Comparison,
    ComparisonPair,
    ComparisonRow,
    Interval,
    QuotedRow,
    SubsetKind,
    Verdict,
    row_keys,
)
from workbench.domain.metrics import Metric, Undefined
from workbench.domain.number_format import count_text, figure_text
from workbench.domain.run import Run, RunResult
from workbench.errors import ConfigError
from workbench.evaluation.baselines import EMBEDDING
from workbench.evaluation.bootstrap import PairedBootstrap, paired_bootstrap
from workbench.evaluation.comparable import aligned_predictions, finished_results
from workbench.evaluation.intervals import (
    Studentised,
    correlation_interval,
    holm,
    p_of,
    paired_difference,
    verdict_of,
)
from workbench.evaluation.rankings import win_matrix
from workbench.evaluation.subsets import KINDS, subsets_of
from workbench.evaluation.test_set_access import hash_of_test_part


def explainability_gap(result: RunResult) -> Metric:
    """Return by how much SRCC is lower from attributes than from the untuned embedding.

    Both are of the same images and folds; below 0 the attributes do better. It is a difference of
    two figures: whether it is more than chance takes their paired intervals.

    Returns:
        A number in [-2, 2], or Undefined: a run without baselines, or one of the two is undefined.
    """
    if EMBEDDING not in result.baselines:
        return Undefined(undefined="this run was made without baselines")
    explained, direct = result.quality.srcc, result.baselines[EMBEDDING].srcc
    if isinstance(explained, Undefined):
        return Undefined(undefined=f"no SRCC from attributes: {explained.undefined}")
    if isinstance(direct, Undefined):
        return Undefined(undefined=f"no SRCC from the embedding: {direct.undefined}")
    return direct - explained


def explainability_gap_text(result: RunResult) -> str:
    """Return the price in one sentence, to stand beside every figure of quality."""
    lost = explainability_gap(result)
    if isinstance(lost, Undefined):
        return f"The price of explainability is unknown: {lost.undefined}."
    both = (
        f"SRCC from attribute probabilities {figure_text(result.quality.srcc)}, from the same "
        f"encoder's embedding without text {figure_text(result.baselines[EMBEDDING].srcc)}"
    )
    amount = figure_text(abs(lost))
    if not float(amount):
        return f"{both}: explaining costs nothing."
    if lost < 0:
        return f"{both}: explaining costs nothing, it gains {amount}."
    return f"{both}: explaining costs {amount}."


SEED_NOISE = 0.01  # SRCC that another tuning seed alone moves (METHOD §2)
FEWEST_RESAMPLES = 200  # a 95% quantile of fewer rests on less than ten of them
FEW_PHOTOGRAPHS = 10  # below, the simulation in tests/evaluation shows wide, approximate intervals


def compare_runs(
    runs: Sequence[Run],
    labels: Sequence[str],
    *,
    resamples: int = 10_000,
    seed: int = 0,
    groups: Mapping[str, str] | None = None,
    kinds: Sequence[SubsetKind] = KINDS,
    quoted: Sequence[QuotedRow] = (),
) -> Comparison:
    """Set the finished runs of several versions side by side.

    Intervals and p-values come from one paired bootstrap over photographs: every version is
    judged on the same resamples, and all images of a drawn photograph come along (see
    `inference` for how few photographs are allowed for). Pairs are corrected by Holm.

    Args:
        runs: One or more finished runs under one protocol and encoder; each later one is also
            compared with each earlier one.
        labels: What people call each, distinct.
        resamples: Bootstrap resamples R.
        seed: Same runs and seed, same comparison.
        groups: Distortion id to its group; without, no figures by group.
        kinds: What the images are divided by for figures within their parts.
        quoted: Published figures to stand beside; see `quoted_rows`.

    Raises:
        ConfigError: a run has no result, labels do not fit, or protocols, encoders or images
            differ; the message names every difference.
    """
    if resamples < FEWEST_RESAMPLES:
        raise ConfigError(f"At least {FEWEST_RESAMPLES} resamples are needed, not {resamples}.")
    results = finished_results(runs, labels)
    predictions = aligned_predictions(runs, results)
    sample = paired_bootstrap(
        predictions[0].target,
        [some.predicted for some in predictions],
        predictions[0].photograph,
        resamples=resamples,
        seed=seed,
    )
    rows = tuple(
        _row(sample, place, run, result, label)
        for place, (run, result, label) in enumerate(zip(runs, results, labels, strict=True))
    )
    keys = row_keys(rows)
    subsets = subsets_of(
        predictions, keys, groups=groups or {}, kinds=kinds, resamples=resamples, seed=seed
    )
    return Comparison(
        protocol=results[0].protocol,
        encoder=results[0].encoder,
        resamples=resamples,
        all_clean=results[0].all_clean,
        rows=rows,
        pairs=_pairs(sample, rows, keys),
        notes=(*_notes(runs, results, sample.photographs), *_prices(results, labels)),
        subsets=subsets,
        wins=win_matrix(sample.srcc, keys, subsets) if len(rows) > 1 else None,
        quoted=tuple(quoted),
        test_hash=hash_of_test_part(results[0].protocol, predictions[0]),
    )


def _row(
    sample: PairedBootstrap, place: int, run: Run, result: RunResult, label: str
) -> ComparisonRow:
    quality, copies = result.quality, sample.copies
    srcc_ci = correlation_interval(
        quality.srcc, sample.srcc[place], sample.srcc_without[place], copies
    )
    plcc_ci = correlation_interval(
        quality.plcc, sample.plcc[place], sample.plcc_without[place], copies
    )
    return ComparisonRow(
        version=result.version,
        label=label,
        run=run.id,
        attributes=result.attribute_count,
        srcc=quality.srcc,
        srcc_ci=_or_none(srcc_ci),
        plcc=quality.plcc,
        plcc_ci=_or_none(plcc_ci),
        plcc_fitted=quality.plcc_fitted,
        krcc=quality.krcc,
        rmse=quality.rmse,
        identification=result.identification,
    )


def _or_none(interval: Interval | Undefined) -> Interval | None:
    return None if isinstance(interval, Undefined) else interval


def _pairs(
    sample: PairedBootstrap, rows: Sequence[ComparisonRow], keys: Sequence[str]
) -> tuple[ComparisonPair, ...]:
    places = list(combinations(range(len(rows)), 2))
    points, labels = [row.srcc for row in rows], [row.label for row in rows]
    found = [paired_difference(sample, points, labels, a, b) for a, b in places]
    corrected = holm([p_of(sure) for _, sure in found])
    return tuple(
        _pair(keys[a], keys[b], delta, sure, p_holm, len(places))
        for (a, b), (delta, sure), p_holm in zip(places, found, corrected, strict=True)
    )


def _pair(
    a: str, b: str, delta: Metric, sure: Studentised | Undefined, p_holm: Metric, tests: int
) -> ComparisonPair:
    verdict, reason = _verdict(delta, sure, p_holm, tests)
    return ComparisonPair(
        a=a,
        b=b,
        delta_srcc=delta,
        ci=None if isinstance(sure, Undefined) else sure.interval,
        p=p_of(sure),
        p_holm=p_holm,
        verdict=verdict,
        smallest_detectable=sure if isinstance(sure, Undefined) else sure.smallest_detectable,
        reason=reason,
    )


def _verdict(
    delta: Metric, sure: Studentised | Undefined, p_holm: Metric, tests: int
) -> tuple[Verdict, str]:
    """Return b against a, and what must be said with it."""
    verdict, reason = verdict_of(sure, p_holm, f"{tests} pairs")
    if verdict != "not distinguishable" and isinstance(delta, float) and abs(delta) < SEED_NOISE:
        reason = f"It is less than another tuning seed alone moves, about {SEED_NOISE}."
    return verdict, reason


def _notes(runs: Sequence[Run], results: Sequence[RunResult], photographs: int) -> tuple[str, ...]:
    notes = [
        "Intervals and p-values say what other photographs might have given; what another tuning "
        "seed would have given is not in them."
    ]
    encoder = results[0].encoder
    if encoder.note or not encoder.trained:
        untrained = "The image tower started from random weights, so the figures compare the "
        notes.append(encoder.note or f"{untrained}attribute sets on a weak encoder.")
    if photographs < FEW_PHOTOGRAPHS:
        some = count_text(photographs, "photograph")
        notes.append(f"Only {some}: intervals are wide and approximate.")
    if any(run.config.split.published for run in runs):
        notes.append(
            "Published splits overlap: each image counts as the first one that held it out "
            "predicted it, and what is tested over them is descriptive only."
        )
    changed = _changed_settings(runs)
    if changed:
        notes.append(f"The runs differ in more than attributes: {'; '.join(changed)}.")
    repeated = [some for some, times in Counter(r.version for r in results).items() if times > 1]
    if repeated:
        notes.append(f"Version {repeated[0][:10]} stands here with more than one run.")
    return tuple(notes)


def _prices(results: Sequence[RunResult], labels: Sequence[str]) -> list[str]:
    return [
        f"{label}: {explainability_gap_text(result)}"
        for result, label in zip(results, labels, strict=True)
        if result.baselines
    ]


def _changed_settings(runs: Sequence[Run]) -> list[str]:
    settings = [_settings(run.config) for run in runs]
    names = dict.fromkeys(name for some in settings for name in some if name != "name")
    told = {name: dict.fromkeys(some.get(name, "not set") for some in settings) for name in names}
    return [f"{name} is {' and '.join(said)}" for name, said in told.items() if len(said) > 1]


def _settings(section: Frozen, prefix: str = "") -> dict[str, str]:
    """Return every field in words by its path; a dump would leave some out at their default."""
    found: dict[str, str] = {}
    for name, field in section:
        inner = isinstance(field, Frozen)
        found |= _settings(field, f"{prefix}{name}.") if inner else {prefix + name: str(field)}
    return found
