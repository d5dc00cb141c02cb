"""Versions compared under one protocol, with what may be concluded from it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from workbench.domain.canonical import Frozen
from workbench.domain.comparison import (
    Comparison,
    ComparisonPair,
    ComparisonRow,
    ControlFigures,
    Estimate,
    NamingFigures,
    NamingVerdict,
    QuotedRow,
    SubsetKind,
    SubsetPair,
    WordsWorth,
    row_keys,
)
from workbench.domain.metrics import Metric, Undefined
from workbench.domain.number_format import count_text, figure_text
from workbench.domain.run import EMBEDDING, Control, ControlName, Run, RunResult
from workbench.errors import ConfigError
from workbench.evaluation.bootstrap import (
    PairedBootstrap,
    Weights,
    paired_bootstrap,
    photograph_index,
)
from workbench.evaluation.comparable import ComparedRuns, Strengths
from workbench.evaluation.identification import unpacked
from workbench.evaluation.intervals import (
    Studentised,
    holm,
    paired_difference,
    studentise,
    version_interval,
)
from workbench.evaluation.naming import judge
from workbench.evaluation.naming_splits import Split, f1_splits, mean_over_types, naming
from workbench.evaluation.rankings import win_matrix
from workbench.evaluation.subsets import KINDS, subsets_of

SEED_NOISE = 0.01  # SRCC that another tuning seed alone moves (METHOD §2)
WORTH_RESAMPLES = 2_000  # of photographs, for what the words of a single run are worth
FEWEST_RESAMPLES = 200  # a 95% quantile of fewer rests on less than ten of them
_ONE_TYPE = "the images show one type of distortion, so there is no other to take it for"
FEW_PHOTOGRAPHS = 10  # below, the simulation in tests/evaluation shows wide, approximate intervals


def compare_runs(
    runs: ComparedRuns,
    *,
    resamples: int = 10_000,
    seed: int = 0,
    groups: Mapping[str, str] | None = None,
    kinds: Sequence[SubsetKind] = KINDS,
    quoted: Sequence[QuotedRow] = (),
) -> Comparison:
    """Compare the finished runs of several versions.

    Intervals and p-values come from one paired bootstrap over photographs: every version is
    judged on the same draws, and all images of a drawn photograph come along (see
    `intervals` for how few photographs are allowed for). Pairs are corrected by Holm.

    Args:
        runs: Each later one is also compared with each earlier one.
        resamples: Bootstrap draws R.
        seed: Same runs and seed, same comparison.
        groups: Distortion id to its group; without, no figures by group.
        kinds: What the images are divided by for figures within their parts.
        quoted: Published figures to show with them; see `quoted_rows`.

    Raises:
        ConfigError: There are too few draws, or the images of two runs differ; the message names
            every difference.
    """
    if resamples < FEWEST_RESAMPLES:
        raise ConfigError(f"At least {FEWEST_RESAMPLES} resamples are needed, not {resamples}.")
    predictions, first = runs.predictions, runs.results[0]
    sample = paired_bootstrap(
        predictions[0].target,
        [of_run.predicted for of_run in predictions],
        predictions[0].photograph,
        resamples=resamples,
        seed=seed,
    )
    figures, verdicts = naming_of(runs, sample.weights)
    rows = tuple(
        _row(sample, version, *item, figures[version]) for version, item in enumerate(runs.items())
    )
    keys = row_keys(rows)
    pairs = _pairs(sample, rows, keys, verdicts)
    subsets = subsets_of(
        predictions, keys, groups=groups or {}, kinds=kinds, resamples=resamples, seed=seed
    )
    return Comparison(
        protocol=first.protocol,
        encoder=first.encoder,
        resamples=resamples,
        all_clean=first.all_clean,
        rows=rows,
        pairs=pairs,
        notes=tuple(_notes(runs, sample.photographs)),
        subsets=subsets,
        wins=win_matrix(sample.srcc, keys, subsets) if len(rows) > 1 else None,
        quoted=tuple(quoted),
        test_hash=runs.test_hash,
    )


def naming_of(
    runs: ComparedRuns, weights: Weights
) -> tuple[list[NamingFigures], dict[tuple[int, int], NamingVerdict]]:
    """Return how well each run names the faults, and the verdict on each pair; or why not.

    Args:
        runs: What is compared.
        weights: The draws of photographs that quality was resampled by, (R, G).

    Returns:
        Figures of each run, and verdicts by the indices (a, b) of each pair, a < b.
    """
    strengths, reason = runs.strengths, ""
    if isinstance(strengths, Undefined):
        reason = strengths.undefined
    elif (occurring := int((strengths[0].true > 0).any(axis=0).sum())) < 2:
        reason = _ONE_TYPE if occurring else "no image shows a distortion that is known"
    else:
        photograph = photograph_index(runs.predictions[0].photograph)
        return judge([naming(own, photograph) for own in strengths], runs.labels, weights)
    pairs = combinations(range(len(runs.runs)), 2)
    return (
        [NamingFigures(reason=reason) for _ in runs.runs],
        {pair: NamingVerdict(verdict=None, reason=reason) for pair in pairs},
    )


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
    """Return the explainability gap in one sentence, to go with every figure of quality."""
    gap = explainability_gap(result)
    if isinstance(gap, Undefined):
        return f"The explainability gap is unknown: {gap.undefined}."
    both = (
        f"SRCC from attributes {figure_text(result.quality.srcc)}, from the same "
        f"encoder's embedding without text {figure_text(result.baselines[EMBEDDING].srcc)}"
    )
    amount = figure_text(abs(gap))
    if not float(amount):
        return f"{both}: explaining costs nothing."
    if gap < 0:
        return f"{both}: explaining costs nothing, it gains {amount}."
    return f"{both}: explaining costs {amount}."


def words_worth(
    result: RunResult, *, resamples: int = WORTH_RESAMPLES, seed: int = 0
) -> WordsWorth:
    """Return what the words of a run are worth: its figures above those of nonsense.

    Both are of the same images, folds and tuned towers. With the seed of a comparison the draws of
    photographs are the first of that comparison.

    Args:
        result: Of the run.
        resamples: Draws R of photographs.
        seed: Same seed, same draws.
    """
    nonsense = [control for control in result.controls if control.name == "nonsense"]
    if not nonsense:
        return WordsWorth(reason="no controls were measured on these images")
    images = result.predictions
    others = [unpacked(control.predicted, types=1)[:, 0].tolist() for control in nonsense]
    sample = paired_bootstrap(
        images.target,
        [images.predicted, *others],
        images.photograph,
        resamples=resamples,
        seed=seed,
    )
    names = dict.fromkeys(control.name for control in result.controls)
    return WordsWorth(
        quality=_quality_above(sample, result.quality.srcc, [c.quality.srcc for c in nonsense]),
        naming=_naming_above(result, nonsense, sample.weights),
        figures=tuple(
            _control_figures(name, [c for c in result.controls if c.name == name]) for name in names
        ),
    )


def _quality_above(sample: PairedBootstrap, own: Metric, others: Sequence[Metric]) -> Estimate:
    """Return SRCC above the mean of the draws of nonsense, which are rows 1.. of the sample."""
    defined = [figure for figure in others if isinstance(figure, float)]
    if isinstance(own, Undefined) or len(defined) < len(others):
        return Estimate(value=Undefined(undefined="one of the two has no SRCC"))
    above = own - float(np.mean(defined))
    estimate = studentise(
        above,
        sample.srcc[0] - sample.srcc[1:].mean(axis=0),
        sample.srcc_without[0] - sample.srcc_without[1:].mean(axis=0),
        sample.weights,
        beside=float(np.var(defined, ddof=1)) / len(defined) if len(defined) > 1 else 0.0,
    )
    return Estimate(value=above, ci=None if isinstance(estimate, Undefined) else estimate.interval)


def _naming_above(
    result: RunResult, nonsense: Sequence[Control], weights: Weights
) -> Estimate | None:
    """Return macro-F1 above the mean of the draws of nonsense; None where it cannot be told."""
    if result.strengths is None or not all(control.strengths for control in nonsense):
        return None
    kept, groups = result.strengths, photograph_index(result.predictions.photograph)
    splits = []
    for told in (kept.predicted, *(control.strengths for control in nonsense)):
        true, predicted = (unpacked(text, types=len(kept.levels)) for text in (kept.true, told))
        strengths = Strengths(true, predicted, kept.distortions, kept.levels)
        split = mean_over_types(f1_splits(strengths, groups))
        if isinstance(split, Undefined):
            return Estimate(value=split)
        splits.append(split)
    own, *others = splits
    mean = Split(
        float(np.mean([other.value for other in others])),
        np.mean([other.added for other in others], axis=0),
    )
    above = own.less(mean)
    estimate = above.over_types(weights)
    ci = None if isinstance(estimate, Undefined) else estimate.interval
    return Estimate(value=above.value, ci=ci)


def _control_figures(name: ControlName, draws: Sequence[Control]) -> ControlFigures:
    def mean(figures: Sequence[Metric]) -> Metric:
        defined = [figure for figure in figures if isinstance(figure, float)]
        return float(np.mean(defined)) if len(defined) == len(figures) else figures[0]

    told = [control.identification for control in draws]
    return ControlFigures(
        name=name,
        srcc=mean([control.quality.srcc for control in draws]),
        top1_type=mean([figures.top1_type for figures in told]),
        macro_f1=mean([figures.macro_f1 for figures in told]),
        strength_srcc=mean([figures.strength_srcc for figures in told]),
    )


def _row(
    sample: PairedBootstrap,
    version: int,
    run: Run,
    label: str,
    result: RunResult,
    naming: NamingFigures,
) -> ComparisonRow:
    quality = result.quality
    return ComparisonRow(
        version=result.version,
        label=label,
        run=run.id,
        attributes=result.attribute_count,
        srcc=quality.srcc,
        srcc_ci=version_interval(sample, version, quality.srcc),
        plcc=quality.plcc,
        plcc_ci=version_interval(sample, version, quality.plcc, linear=True),
        plcc_fitted=quality.plcc_fitted,
        krcc=quality.krcc,
        rmse=quality.rmse,
        identification=result.identification,
        naming=naming,
        controls=words_worth(result),
    )


def _pairs(
    sample: PairedBootstrap,
    rows: Sequence[ComparisonRow],
    keys: Sequence[str],
    naming: Mapping[tuple[int, int], NamingVerdict],
) -> tuple[ComparisonPair, ...]:
    pairs = list(combinations(range(len(rows)), 2))
    points, labels = [row.srcc for row in rows], [row.label for row in rows]
    differences = [paired_difference(sample, points, labels, a, b) for a, b in pairs]
    corrected = holm([difference.p for difference in differences])
    return tuple(
        _pair(
            difference.pair(keys[a], keys[b], p_holm, f"{len(pairs)} pairs"),
            difference.estimate,
            naming[a, b],
        )
        for (a, b), difference, p_holm in zip(pairs, differences, corrected, strict=True)
    )


def _pair(
    pair: SubsetPair, estimate: Studentised | Undefined, naming: NamingVerdict
) -> ComparisonPair:
    delta, reason = pair.delta_srcc, pair.reason
    clear = pair.verdict != "not distinguishable"
    if clear and isinstance(delta, float) and abs(delta) < SEED_NOISE:
        reason = f"It is less than another tuning seed alone moves, about {SEED_NOISE}."
    if isinstance(estimate, Studentised):
        detectable: Metric = estimate.smallest_detectable
    else:
        detectable = estimate
    further = {"reason": reason, "smallest_detectable": detectable, "naming": naming}
    return ComparisonPair(**dict(pair) | further)


def _notes(runs: ComparedRuns, photographs: int) -> list[str]:
    notes = [
        "Intervals and p-values say what other photographs might have given; what another tuning "
        "seed would have given is not in them."
    ]
    encoder = runs.encoder
    if encoder.note or not encoder.trained:
        untrained = "The image tower started from random weights, so the figures compare the "
        notes.append(encoder.note or f"{untrained}attribute sets on a weak encoder.")
    if photographs < FEW_PHOTOGRAPHS:
        few = count_text(photographs, "photograph")
        notes.append(f"Only {few}: intervals are wide and approximate.")
    if any(run.config.split.published for run in runs.runs):
        notes.append(
            "Published splits overlap: each image counts as the first one that held it out "
            "predicted it, and what is tested over them is descriptive only."
        )
    changed = _changed_settings(runs.runs)
    if changed:
        notes.append(f"The runs differ in more than attributes: {'; '.join(changed)}.")
    times = Counter(result.version for result in runs.results)
    repeated = [version for version, count in times.items() if count > 1]
    if repeated:
        notes.append(f"Version {repeated[0][:10]} stands here with more than one run.")
    return notes + [
        f"{label}: {explainability_gap_text(result)}"
        for _, label, result in runs.items()
        if result.baselines
    ]


def _changed_settings(runs: Sequence[Run]) -> list[str]:
    settings = [_settings(run.config) for run in runs]
    names = dict.fromkeys(name for of_run in settings for name in of_run if name != "name")
    values = {
        name: dict.fromkeys(of_run.get(name, "not set") for of_run in settings) for name in names
    }
    return [f"{name} is {' and '.join(said)}" for name, said in values.items() if len(said) > 1]


def _settings(section: Frozen, prefix: str = "") -> dict[str, str]:
    """Return every field in words by its path; a dump would leave some out at their default."""
    settings: dict[str, str] = {}
    for name, field in section:
        if isinstance(field, Frozen):
            settings |= _settings(field, f"{prefix}{name}.")
        else:
            settings[prefix + name] = str(field)
    return settings
