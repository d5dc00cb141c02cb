"""Several versions side by side under one protocol."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from workbench.domain.canonical import Frozen
from workbench.domain.metrics import IdentificationMetrics, Metric
from workbench.domain.run import ControlName, EncoderFacts, Protocol

Verdict = Literal["better", "worse", "not distinguishable"]
Interval = tuple[float, float]
SubsetKind = Literal["distortion", "level", "group", "photograph"]


class Estimate(Frozen):
    """A figure with its 95% interval; None where there is none."""

    value: Metric
    ci: Interval | None = None


class NamingFigures(Frozen):
    """How well one version names the faults, each figure with its interval.

    Attributes:
        figures: By field of `IdentificationMetrics`.
        types: Average precision and strength SRCC of each type, by field, then by type.
        reason: Why there is none of it.
    """

    figures: dict[str, Estimate] = Field(default_factory=dict)
    types: dict[str, dict[str, Estimate]] = Field(default_factory=dict)
    reason: str = ""


class NamingDifference(Frozen):
    """A figure of version b less that of version a.

    Attributes:
        figure: Field of `IdentificationMetrics`.
        type: The distortion that it is a figure of; "" for all of them.
        p_holm: p after Holm's correction within its family, which `NamingVerdict` names.
        verdict: b compared with a, after Holm; of RMSE the lower one is better.
    """

    figure: str
    type: str = ""
    delta: Metric
    ci: Interval | None
    p: Metric
    p_holm: Metric
    verdict: Verdict
    smallest_detectable: Metric
    reason: str = ""


class NamingVerdict(Frozen):
    """Whether version b names the faults better than version a.

    Attributes:
        verdict: By the main figure alone, which is fixed; None where it cannot be told.
        main: The main figure; its family for Holm are all pairs of versions.
        further: The other figures; one family, with those of all pairs.
        types: Figures of single types; those of one field are a family, with those of all pairs.
        reason: Why there is no verdict.
        p_looked: As of `ComparisonPair`.
    """

    verdict: Verdict | None
    main: NamingDifference | None = None
    further: tuple[NamingDifference, ...] = ()
    types: tuple[NamingDifference, ...] = ()
    reason: str = ""
    p_looked: Metric | None = None


class ControlFigures(Frozen):
    """What other sentences gave on a run's images and folds; means over the draws of nonsense."""

    name: ControlName
    srcc: Metric
    top1_type: Metric
    macro_f1: Metric
    strength_srcc: Metric


class WordsWorth(Frozen):
    """What a version's words are worth: its figures less those of as many sentences of nonsense.

    Attributes:
        quality: SRCC above nonsense; its interval allows for photographs and for the draws.
        naming: macro-F1 above nonsense; its interval allows for photographs and types.
        figures: Of each control.
        reason: Why there is none of it.
    """

    quality: Estimate | None = None
    naming: Estimate | None = None
    figures: tuple[ControlFigures, ...] = ()
    reason: str = ""


class ComparisonRow(Frozen):
    """One version's figures; intervals are 95% bootstrap intervals over photographs.

    Attributes:
        naming: None in comparisons of before it was judged.
        controls: What the words are worth; None in comparisons of before there were controls.
    """

    version: str
    label: str
    run: int
    attributes: int
    srcc: Metric
    srcc_ci: Interval | None
    plcc: Metric
    plcc_ci: Interval | None
    plcc_fitted: Metric
    krcc: Metric
    rmse: Metric
    identification: IdentificationMetrics
    naming: NamingFigures | None = None
    controls: WordsWorth | None = None


class ComparisonPair(Frozen):
    """Version b against version a.

    Attributes:
        delta_srcc: SRCC of b minus SRCC of a.
        ci: 95% interval of the difference, paired bootstrap over photographs.
        p: Two-sided bootstrap p-value.
        p_holm: p after Holm's correction over all pairs of the comparison.
        verdict: b compared with a, after Holm.
        smallest_detectable: The difference that this set would have shown with 80% power.
        p_looked: p after the correction for all candidates that were looked at on this test part,
            never below p_holm; None while looks are not counted.
        naming: Whether b names the faults better; all fields above are about quality. None in
            comparisons of before it was judged.
    """

    a: str
    b: str
    delta_srcc: Metric
    ci: Interval | None
    p: Metric
    p_holm: Metric
    verdict: Verdict
    smallest_detectable: Metric
    reason: str = ""
    p_looked: Metric | None = None
    naming: NamingVerdict | None = None


class SubsetRow(Frozen):
    """One version's SRCC within a part of the images; `key` is what pairs call the version."""

    key: str
    srcc: Metric
    srcc_ci: Interval | None


class SubsetPair(Frozen):
    """Version b against version a within a part of the images.

    Attributes:
        p_holm: p after Holm's correction over all pairs in all parts of the same kind.
        reason: What must be said with the verdict, or why there is none.
    """

    a: str
    b: str
    delta_srcc: Metric
    ci: Interval | None
    p: Metric
    p_holm: Metric
    verdict: Verdict
    reason: str = ""


class Subset(Frozen):
    """Every version on a part of the images.

    Attributes:
        kind: The column that divides the images.
        name: Its value in this part ("jpeg", "3").
        images, photographs: Counts.
    """

    kind: SubsetKind
    name: str
    images: int
    photographs: int
    rows: tuple[SubsetRow, ...]
    pairs: tuple[SubsetPair, ...]


class Wins(Frozen):
    """How version b fares against version a, beside the verdict on both.

    Attributes:
        resamples: Share of resamples of photographs in which b's SRCC is the higher one, ties
            counted half. It is not the probability that b is better.
        higher, lower, tied: Distortions by which of the two has the higher SRCC, tested or not.
        better, worse: Distortions whose difference holds after Holm's correction.
        undefined: Distortions within which one of the two has no SRCC.
    """

    a: str
    b: str
    resamples: Metric
    higher: int
    lower: int
    tied: int
    better: int
    worse: int
    undefined: int


class WinMatrix(Frozen):
    """Every version against every other one: n(n − 1) cells, in the order of the rows."""

    keys: tuple[str, ...]
    cells: tuple[Wins, ...]


class QuotedRow(Frozen):
    """A published figure: shown beside the versions, never tested against them.

    Attributes:
        source: Paper and table.
        dataset: What it was tested on.
        trained_on: What it was trained on, where that is another data set.
        protocol: The terms it was obtained under, as far as the source states them.
        differences: Why it cannot be compared with the versions beside it.
        srcc, plcc: As printed.
        accuracy, identification_rmse: Of the strengths, as printed; accuracy in [0, 1].
        remark: What must be known of the row.
    """

    method: str
    source: str
    dataset: str
    trained_on: str | None = None
    protocol: str
    differences: tuple[str, ...]
    srcc: float | None = None
    plcc: float | None = None
    accuracy: float | None = None
    identification_rmse: float | None = None
    remark: str = ""


class Choice(Frozen):
    """What the best of several candidates is worth once it is no longer favoured by the choice.

    Attributes:
        candidates: Number of runs that were chosen from.
        chosen: Number of the run with the highest SRCC.
        srcc: Its SRCC as it stands.
        corrected: The same, less the optimism of having been chosen on these photographs.
        ci: 95% interval of the corrected figure.
    """

    candidates: int
    chosen: int
    srcc: Metric
    corrected: Metric
    ci: Interval | None


class AccessCount(Frozen):
    """How often a test part was looked at, this time included.

    Attributes:
        test_hash: SHA-256 of the test part.
        looks: How often figures of one version on it were shown.
        versions: Distinct versions among them.
        choice: The best of all runs that were looked at; None where there is only one.
    """

    test_hash: str
    looks: int
    versions: int
    choice: Choice | None = None


class SeedRow(Frozen):
    """One version over several training seeds.

    Attributes:
        runs: Their numbers, in the order of the seeds.
        srcc: Mean over seeds, and its 95% interval over photographs and seeds.
        by_seed: SRCC of each.
    """

    version: str
    label: str
    runs: tuple[int, ...]
    srcc: Metric
    srcc_ci: Interval | None
    by_seed: tuple[Metric, ...]


class SeedPair(SubsetPair):
    """Version b against version a, by the mean of their differences with the same seed.

    Attributes:
        smallest_detectable: The difference that so many photographs and seeds would have shown with
            80% power.
        deviation_over_seeds: Standard deviation of the differences.
    """

    smallest_detectable: Metric
    deviation_over_seeds: Metric


class OverSeeds(Frozen):
    """Versions under one configuration with several training seeds.

    Attributes:
        pairs: Of all rows; p-values are corrected by Holm over them.
    """

    seeds: tuple[int, ...]
    rows: tuple[SeedRow, ...]
    pairs: tuple[SeedPair, ...]


class Comparison(Frozen):
    """Rows and pairs, and the terms they hold under.

    Attributes:
        subsets: The versions within each distortion, level and group.
        wins: Who beats whom how often; None for a single version.
        quoted: Published figures.
        test_hash: SHA-256 of the test part.
        looks: How often that was looked at; None while nobody counted.
        over_seeds: The same versions over several training seeds, where that was asked for.
    """

    protocol: Protocol
    encoder: EncoderFacts
    resamples: int
    all_clean: IdentificationMetrics
    rows: tuple[ComparisonRow, ...]
    pairs: tuple[ComparisonPair, ...]
    notes: tuple[str, ...] = ()
    subsets: tuple[Subset, ...] = ()
    wins: WinMatrix | None = None
    quoted: tuple[QuotedRow, ...] = ()
    test_hash: str = ""
    looks: AccessCount | None = None
    over_seeds: OverSeeds | None = None


def row_keys(rows: Sequence[ComparisonRow]) -> tuple[str, ...]:
    """Return what a pair calls each row: its version, with the run where a version stands twice."""
    versions = [row.version for row in rows]
    return tuple(
        row.version if versions.count(row.version) == 1 else f"{row.version}#{row.run}"
        for row in rows
    )


def labels_of(comparison: Comparison) -> dict[str, str]:
    """Return what a pair calls each row, to the label that people read."""
    return dict(zip(row_keys(comparison.rows), (row.label for row in comparison.rows), strict=True))
