"""How well versions name the faults, and whether one does so better than another.

The figure that decides is fixed: macro-F1 of presence. It is about what a reader is told, namely
which faults an image has; it counts what is missed and what is invented, every type alike, and its
threshold is not chosen, but the first edge of Eq. 10. The other figures decide nothing.

Shapes: G photographs, V versions, R draws.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from workbench.domain.comparison import (
    Estimate,
    Interval,
    NamingDifference,
    NamingFigures,
    NamingVerdict,
)
from workbench.domain.metrics import Metric, Undefined
from workbench.evaluation.bootstrap import Weights
from workbench.evaluation.intervals import Difference, holm
from workbench.evaluation.naming_splits import MAIN, Naming, Split

FURTHER = ("mean_average_precision", "top1_type", "strength_srcc", "rmse")
BY_TYPE = (MAIN, "mean_average_precision", "strength_srcc")  # the means over types
_LOWER_IS_BETTER = frozenset({"rmse"})
_RANGES: Mapping[str, Interval] = {"strength_srcc": (-1.0, 1.0)}  # the others lie in [0, 1]


def judge(
    versions: Sequence[Naming], keys: Sequence[str], weights: Weights
) -> tuple[list[NamingFigures], dict[tuple[int, int], NamingVerdict]]:
    """Return every version's figures with intervals, and the verdict on every pair.

    Args:
        versions: In the order of the comparison's rows.
        keys: What the reasons call them.
        weights: The draws of photographs that quality was resampled by, (R, G).

    Returns:
        (V,), and by the indices (a, b) of each pair, a < b.
    """
    rows = [
        NamingFigures(
            figures={name: _estimate(name, split, weights) for name, split in own.figures.items()},
            types={
                name: {kind: _estimate(name, split, weights) for kind, split in of_type.items()}
                for name, of_type in own.types.items()
            },
        )
        for own in versions
    ]
    pairs = list(combinations(range(len(versions)), 2))
    main = _family([(MAIN, "")], versions, keys, pairs, weights)
    further = _family([(name, "") for name in FURTHER], versions, keys, pairs, weights)
    types = {
        figure: _family(
            [(figure, kind) for kind in versions[0].types[figure]], versions, keys, pairs, weights
        )
        for figure in BY_TYPE
    }
    verdicts = {}
    for number, pair in enumerate(pairs):
        (of_main,) = main[number]
        unknown = isinstance(of_main.delta, Undefined)
        verdicts[pair] = NamingVerdict(
            verdict=None if unknown else of_main.verdict,
            main=of_main,
            further=tuple(further[number]),
            types=tuple(one for family in types.values() for one in family[number]),
            reason=of_main.reason,
        )
    return rows, verdicts


def _family(
    tests: Sequence[tuple[str, str]],
    versions: Sequence[Naming],
    keys: Sequence[str],
    pairs: Sequence[tuple[int, int]],
    weights: Weights,
) -> list[list[NamingDifference]]:
    """Return the differences of one family, a list per pair; Holm counts all of them."""
    differences = [
        [_difference(name, kind, versions, keys, pair, weights) for name, kind in tests]
        for pair in pairs
    ]
    corrected = iter(holm([one.p for of_pair in differences for one in of_pair]))
    among = f"{len(tests) * len(pairs)} tests of this kind"
    return [
        [
            _described(name, kind, one, next(corrected), among)
            for (name, kind), one in zip(tests, of_pair, strict=True)
        ]
        for of_pair in differences
    ]


def _difference(
    name: str,
    kind: str,
    versions: Sequence[Naming],
    keys: Sequence[str],
    pair: tuple[int, int],
    weights: Weights,
) -> Difference:
    splits = []
    for index in pair:
        own = versions[index].types[name][kind] if kind else versions[index].figures[name]
        if isinstance(own, Undefined):
            missing = Undefined(undefined=f"{keys[index]} has no such figure, {own.undefined}")
            return Difference(missing, missing)
        splits.append(own)
    gain = splits[1].less(splits[0])
    if name in _LOWER_IS_BETTER:
        gain = Split(-gain.value, -gain.added)
    estimate = gain.over_photographs(weights) if kind else gain.over_types(weights)
    return Difference(gain.value, estimate)


def _described(
    name: str, kind: str, difference: Difference, p_holm: Metric, among: str
) -> NamingDifference:
    verdict, reason = difference.verdict(p_holm, among)
    delta, ci, estimate = difference.value, difference.ci, difference.estimate
    if ci is not None:
        low, high = _RANGES.get(name, (0.0, 1.0))
        ci = max(ci[0], low - high), min(ci[1], high - low)
    if name in _LOWER_IS_BETTER:
        delta = delta if isinstance(delta, Undefined) else -delta
        ci = None if ci is None else (-ci[1], -ci[0])
    return NamingDifference(
        figure=name,
        type=kind,
        delta=delta,
        ci=ci,
        p=difference.p,
        p_holm=p_holm,
        verdict=verdict,
        smallest_detectable=(
            estimate if isinstance(estimate, Undefined) else estimate.smallest_detectable
        ),
        reason=reason,
    )


def _estimate(name: str, split: Split | Undefined, weights: Weights) -> Estimate:
    if isinstance(split, Undefined):
        return Estimate(value=split)
    estimate = split.over_photographs(weights)
    if isinstance(estimate, Undefined):
        return Estimate(value=split.value)
    low, high = np.clip(estimate.interval, *_RANGES.get(name, (0.0, 1.0))).tolist()
    return Estimate(value=split.value, ci=(low, high))
