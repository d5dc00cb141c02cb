"""Versions side by side within each distortion, level, group or photograph.

Everything is judged as it is over all images, on resamples of the photographs that a part has. The
tests of one kind of part are one family: p-values are corrected by Holm over all its parts and
pairs together.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import get_args

from workbench.domain.comparison import Subset, SubsetKind, SubsetPair, SubsetRow
from workbench.domain.metrics import Metric, Undefined
from workbench.domain.run import Predictions
from workbench.errors import UnknownNameError
from workbench.evaluation.bootstrap import PairedBootstrap, paired_bootstrap
from workbench.evaluation.correlation import srcc
from workbench.evaluation.intervals import (
    CONFIDENCE,
    Studentised,
    correlation_interval,
    holm,
    p_of,
    paired_difference,
    verdict_of,
)

KINDS: tuple[SubsetKind, ...] = ("distortion", "level", "group")
FEWEST = 2_000  # resamples of a part: intervals of many parts need no third digit
_Found = list[tuple[Metric, Studentised | Undefined]]


def subsets_of(
    predictions: Sequence[Predictions],
    keys: Sequence[str],
    *,
    groups: Mapping[str, str],
    kinds: Sequence[SubsetKind] = KINDS,
    resamples: int,
    seed: int = 0,
) -> tuple[Subset, ...]:
    """Return every version's figures within parts of the images, and their differences.

    Args:
        predictions: One of each version, in one order of images; see `aligned_predictions`.
        keys: What pairs call each version.
        groups: Distortion id to the group that it belongs to; others stand in no group.
        kinds: Columns that divide the images. A "photograph" alone has no interval.
        resamples: Most resamples of photographs. Of a part as many are drawn as its family needs
            for a p-value to be small enough after Holm, and at least `FEWEST`.
        seed: Same predictions and seed, same figures.

    Returns:
        By kind, then by value in the order of the images; clean images are in no part but their
        photograph's.
    """
    return tuple(
        subset
        for kind in kinds
        for subset in _of_kind(predictions, keys, kind, groups, resamples, seed)
    )


def column_named(name: str) -> SubsetKind:
    """Return the column of that name.

    Raises:
        UnknownNameError: Images are not divided by it; the message names the nearest.
    """
    for kind in get_args(SubsetKind):
        if kind == name:
            found: SubsetKind = kind
            return found
    raise UnknownNameError("column", name, get_args(SubsetKind))


def parts(
    predictions: Predictions, kind: SubsetKind, groups: Mapping[str, str]
) -> dict[str, list[int]]:
    """Return the places of the images of each part.

    Args:
        predictions: The images and what is known of them.
        kind: The column that divides them.
        groups: Distortion id to group.
    """
    columns: dict[SubsetKind, Sequence[str]] = {
        "distortion": predictions.distortion,
        "level": [str(level) if level else "" for level in predictions.level],
        "group": [groups.get(distortion, "") for distortion in predictions.distortion],
        "photograph": predictions.photograph,
    }
    found: dict[str, list[int]] = {}
    for place, name in enumerate(columns[kind]):
        if name:
            found.setdefault(name, []).append(place)
    return dict(sorted(found.items(), key=_by_level)) if kind == "level" else found


def _by_level(part: tuple[str, list[int]]) -> int:
    return int(part[0])


def _of_kind(
    predictions: Sequence[Predictions],
    keys: Sequence[str],
    kind: SubsetKind,
    groups: Mapping[str, str],
    resamples: int,
    seed: int,
) -> list[Subset]:
    found = parts(predictions[0], kind, groups)
    places = list(combinations(range(len(keys)), 2))
    drawn = _resamples(len(found) * len(places), resamples)
    samples = [_sampled(predictions, rows, drawn, seed) for rows in found.values()]
    points = [_points(predictions, rows) for rows in found.values()]
    differences = [
        [paired_difference(sample, values, keys, a, b) for a, b in places]
        for sample, values in zip(samples, points, strict=True)
    ]
    family = holm([p_of(sure) for one in differences for _, sure in one])
    corrected = iter(family)
    return [
        Subset(
            kind=kind,
            name=name,
            images=len(rows),
            photographs=sample.photographs,
            rows=_rows(sample, values, keys),
            pairs=tuple(
                _pair(keys[a], keys[b], *different, next(corrected), len(family))
                for (a, b), different in zip(places, one, strict=True)
            ),
        )
        for (name, rows), sample, values, one in zip(
            found.items(), samples, points, differences, strict=True
        )
    ]


def _resamples(tests: int, most: int) -> int:
    """Return how many resamples let the smallest of so many p-values pass Holm, with room."""
    return min(most, max(FEWEST, round(1.2 * tests / (1 - CONFIDENCE))))


def _sampled(
    predictions: Sequence[Predictions], rows: Sequence[int], resamples: int, seed: int
) -> PairedBootstrap:
    first = predictions[0]
    return paired_bootstrap(
        [first.target[row] for row in rows],
        [[some.predicted[row] for row in rows] for some in predictions],
        [first.photograph[row] for row in rows],
        resamples=resamples,
        seed=seed,
    )


def _points(predictions: Sequence[Predictions], rows: Sequence[int]) -> list[Metric]:
    target = [predictions[0].target[row] for row in rows]
    return [srcc([some.predicted[row] for row in rows], target) for some in predictions]


def _rows(
    sample: PairedBootstrap, points: Sequence[Metric], keys: Sequence[str]
) -> tuple[SubsetRow, ...]:
    rows = []
    for place, (key, point) in enumerate(zip(keys, points, strict=True)):
        interval = correlation_interval(
            point, sample.srcc[place], sample.srcc_without[place], sample.copies
        )
        ci = None if isinstance(interval, Undefined) else interval
        rows.append(SubsetRow(key=key, srcc=point, srcc_ci=ci))
    return tuple(rows)


def _pair(
    a: str, b: str, delta: Metric, sure: Studentised | Undefined, p_holm: Metric, tests: int
) -> SubsetPair:
    verdict, reason = verdict_of(sure, p_holm, f"{tests} tests of this kind")
    return SubsetPair(
        a=a,
        b=b,
        delta_srcc=delta,
        ci=None if isinstance(sure, Undefined) else sure.interval,
        p=p_of(sure),
        p_holm=p_holm,
        verdict=verdict,
        reason=reason,
    )
