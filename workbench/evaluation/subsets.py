"""Versions compared within each distortion, level, group or photograph.

Everything is judged as it is over all images, on draws of the photographs that a part has. The
tests of one kind of part are one family: p-values are corrected by Holm over all its parts and
pairs together.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import get_args

from workbench.domain.comparison import Subset, SubsetKind, SubsetRow
from workbench.domain.run import Predictions
from workbench.errors import UnknownNameError
from workbench.evaluation.bootstrap import paired_bootstrap
from workbench.evaluation.correlation import srcc
from workbench.evaluation.intervals import (
    CONFIDENCE,
    holm,
    paired_difference,
    version_interval,
)

KINDS: tuple[SubsetKind, ...] = ("distortion", "level", "group")
FEWEST = 2_000  # draws of a part: intervals of many parts need no third digit


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
        groups: Distortion id to the group that it belongs to; others are in no group.
        kinds: Columns that divide the images. A single "photograph" has no interval.
        resamples: Most draws of photographs. Of a part as many are made as its family needs
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
    columns: tuple[SubsetKind, ...] = get_args(SubsetKind)
    for column in columns:
        if column == name:
            return column
    raise UnknownNameError("column", name, columns)


def _of_kind(
    predictions: Sequence[Predictions],
    keys: Sequence[str],
    kind: SubsetKind,
    groups: Mapping[str, str],
    resamples: int,
    seed: int,
) -> list[Subset]:
    parts = _parts(predictions[0], kind, groups)
    pairs = list(combinations(range(len(keys)), 2))
    draws = _draws(len(parts) * len(pairs), resamples)
    columns = [_columns(predictions, rows) for rows in parts.values()]
    samples = [paired_bootstrap(*column, resamples=draws, seed=seed) for column in columns]
    photographs = [sample.photographs for sample in samples]
    points = [[srcc(run, target) for run in predicted] for target, predicted, _ in columns]
    differences = [
        [paired_difference(sample, values, keys, a, b) for a, b in pairs]
        for sample, values in zip(samples, points, strict=True)
    ]
    # One family for all parts and pairs of this kind: its p-values are corrected together.
    family = holm([difference.p for of_part in differences for difference in of_part])
    corrected, tests = iter(family), f"{len(family)} tests of this kind"
    return [
        Subset(
            kind=kind,
            name=name,
            images=len(parts[name]),
            photographs=count,
            rows=tuple(
                SubsetRow(key=key, srcc=point, srcc_ci=version_interval(sample, version, point))
                for version, (key, point) in enumerate(zip(keys, values, strict=True))
            ),
            pairs=tuple(
                difference.pair(keys[a], keys[b], next(corrected), tests)
                for (a, b), difference in zip(pairs, of_part, strict=True)
            ),
        )
        for name, count, sample, values, of_part in zip(
            parts, photographs, samples, points, differences, strict=True
        )
    ]


def _columns(
    predictions: Sequence[Predictions], rows: Sequence[int]
) -> tuple[list[float], list[list[float]], list[str]]:
    """Return target, every version's predictions, and photographs of some rows."""
    first = predictions[0]
    return (
        [first.target[row] for row in rows],
        [[run.predicted[row] for row in rows] for run in predictions],
        [first.photograph[row] for row in rows],
    )


def _parts(
    predictions: Predictions, kind: SubsetKind, groups: Mapping[str, str]
) -> dict[str, list[int]]:
    """Return the rows of the images of each part; levels in their order, others as they appear."""
    columns: dict[SubsetKind, Sequence[str]] = {
        "distortion": predictions.distortion,
        "level": [str(level) if level else "" for level in predictions.level],
        "group": [groups.get(distortion, "") for distortion in predictions.distortion],
        "photograph": predictions.photograph,
    }
    parts: dict[str, list[int]] = {}
    for row, name in enumerate(columns[kind]):
        if name:
            parts.setdefault(name, []).append(row)
    if kind == "level":
        return dict(sorted(parts.items(), key=lambda part: int(part[0])))
    return parts


def _draws(tests: int, most: int) -> int:
    """Return how many draws let the smallest of so many p-values pass Holm, with room."""
    return min(most, max(FEWEST, round(1.2 * tests / (1 - CONFIDENCE))))
