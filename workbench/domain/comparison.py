"""Several versions side by side under one protocol."""

from typing import Literal

from workbench.domain.base import Frozen
from workbench.domain.metrics import IdentificationMetrics, Metric
from workbench.domain.run import EncoderFacts, Protocol

Verdict = Literal["better", "worse", "not distinguishable"]
Interval = tuple[float, float]


class ComparisonRow(Frozen):
    """One version's figures; intervals are 95% bootstrap intervals over photographs."""

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


class ComparisonPair(Frozen):
    """Version b against version a.

    Attributes:
        delta_srcc: SRCC of b minus SRCC of a.
        ci: 95% interval of the difference, paired bootstrap over photographs.
        p: Two-sided bootstrap p-value.
        p_holm: p after Holm's correction over all pairs of the comparison.
        verdict: b compared with a, after Holm.
        smallest_detectable: The difference that this set would have shown with 80% power.
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


class Comparison(Frozen):
    """Rows and pairs, and the terms they hold under."""

    protocol: Protocol
    encoder: EncoderFacts
    resamples: int
    all_clean: IdentificationMetrics
    rows: tuple[ComparisonRow, ...]
    pairs: tuple[ComparisonPair, ...]
    notes: tuple[str, ...] = ()
