"""Versions compared over several training seeds: how sure, with other photographs and other seeds.

Every version is run with the same S seeds on the same images and folds. Its figure is the mean over
seeds. Photographs and seeds are two ways of drawing that cross: each seed's training predicts every
photograph. So the variance of a mean over both is

    by photograph + by seed − by cell,

the first two being those of the means over the other, and the last that of the single cells, which
both of these contain (two-way analysis of variance without repetition; Cameron, Gelbach and Miller
2011). The cells are pseudo-values: of seed s and photograph g, G·figure(s) − (G−1)·figure(s without
g). For a figure that is a plain mean over photographs this is exact. The sum is never taken below
either of the first two, and its degrees of freedom are Satterthwaite's.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from workbench.domain.comparison import (
    Interval,
    OverSeeds,
    SeedPair,
    SeedRow,
)
from workbench.domain.metrics import Metric, Undefined
from workbench.errors import ConfigError
from workbench.evaluation.bootstrap import Floats, Weights, paired_bootstrap
from workbench.evaluation.comparable import ComparedRuns, aligned_predictions
from workbench.evaluation.intervals import Difference, Studentised, fisher, holm, studentise


def compare_over_seeds(
    by_seed: Sequence[ComparedRuns], *, resamples: int = 10_000, seed: int = 0
) -> OverSeeds:
    """Compare versions by SRCC over several training seeds.

    Args:
        by_seed: The same versions in the same order, once for each seed, on the same images.
        resamples: Bootstrap draws R of photographs.
        seed: Same runs and seed, same draws.

    Raises:
        ConfigError: There are fewer than two seeds, or the images of two runs differ.
    """
    if len(by_seed) < 2:
        raise ConfigError("Seeds vary only where there are two or more; run the versions again.")
    first, versions = by_seed[0], len(by_seed[0].runs)
    runs = [run for of_seed in by_seed for run in of_seed.runs]
    results = [result for of_seed in by_seed for result in of_seed.results]
    predictions = aligned_predictions(runs, results)
    sample = paired_bootstrap(
        predictions[0].target, [own.predicted for own in predictions], predictions[0].photograph,
        resamples=resamples, seed=seed,
    )  # fmt: skip
    figures = [result.quality.srcc for result in results]
    points: list[Metric] = []
    values = np.full((len(by_seed), versions), np.nan)
    for version in range(versions):
        own = figures[version::versions]
        undefined = next((one for one in own if isinstance(one, Undefined)), None)
        if undefined is None:
            values[:, version] = own
        points.append(undefined or float(np.mean(values[:, version])))
    drawn = sample.srcc.reshape(len(by_seed), versions, -1)  # (S, V, R)
    without = sample.srcc_without.reshape(len(by_seed), versions, -1)  # (S, V, G)
    rows = tuple(
        SeedRow(
            version=first.results[version].version,
            label=first.labels[version],
            runs=tuple(of_seed.runs[version].id for of_seed in by_seed),
            srcc=points[version],
            srcc_ci=_on_fisher_scale(
                values[:, version], drawn[:, version], without[:, version], sample.weights
            ),
            by_seed=tuple(figures[version::versions]),
        )
        for version in range(versions)
    )
    return OverSeeds(
        seeds=tuple(of_seed.runs[0].config.seed for of_seed in by_seed),
        rows=rows,
        pairs=_pairs(rows, values, drawn, without, sample.weights),
    )


def _pairs(
    rows: Sequence[SeedRow], values: Floats, drawn: Floats, without: Floats, weights: Weights
) -> tuple[SeedPair, ...]:
    pairs = list(combinations(range(len(rows)), 2))
    differences, spreads = [], []
    for a, b in pairs:
        by_seed = values[:, b] - values[:, a]
        undefined = next(
            (rows[each].srcc for each in (a, b) if isinstance(rows[each].srcc, Undefined)), None
        )
        if isinstance(undefined, Undefined):
            differences.append(Difference(undefined, undefined))
        else:
            estimate = sureness(
                by_seed, drawn[:, b] - drawn[:, a], without[:, b] - without[:, a], weights
            )
            differences.append(Difference(float(by_seed.mean()), estimate))
        spreads.append(float(by_seed.std(ddof=1)))
    corrected = holm([difference.p for difference in differences])
    found = []
    for (a, b), difference, spread, p_holm in zip(
        pairs, differences, spreads, corrected, strict=True
    ):
        pair = difference.pair(rows[a].version, rows[b].version, p_holm, f"{len(pairs)} pairs")
        estimate = difference.estimate
        detectable = estimate.smallest_detectable if isinstance(estimate, Studentised) else estimate
        unknown = isinstance(difference.value, Undefined)
        found.append(
            SeedPair(
                **dict(pair),
                smallest_detectable=detectable,
                deviation_over_seeds=difference.value if unknown else spread,
            )
        )
    return tuple(found)


def _on_fisher_scale(
    values: Floats, drawn: Floats, without: Floats, weights: Weights
) -> Interval | None:
    """Return the 95% interval of a mean correlation, so that it stays in [-1, 1]."""
    if not np.isfinite(values).all() or np.abs(values).max() > 1 - 1e-6:
        return None
    estimate = sureness(fisher(values), fisher(drawn), fisher(without), weights)
    if isinstance(estimate, Undefined):
        return None
    low, high = np.tanh(estimate.interval)
    return float(low), float(high)


def sureness(
    values: Floats, drawn: Floats, without: Floats, weights: Weights
) -> Studentised | Undefined:
    """Return how sure the mean of a figure over seeds is, with other photographs and other seeds.

    Args:
        values: The figure of each seed, (S,), S ≥ 2.
        drawn: In each draw of photographs, (S, R).
        without: Without each photograph, (S, G).
        weights: How often each draw has each photograph, (R, G).
    """
    seeds, photographs = without.shape
    cells = photographs * values[:, None] - (photographs - 1) * without  # (S, G) pseudo-values
    of_seed, of_photograph = cells.mean(axis=1), cells.mean(axis=0)
    free = photographs - 1, seeds - 1
    single = cells - of_seed[:, None] - of_photograph + cells.mean()
    by_photograph = float(of_photograph.var(ddof=1)) / photographs
    by_seed = float(values.var(ddof=1)) / seeds
    by_cell = float((single**2).sum()) / (free[0] * free[1]) / (seeds * photographs)
    both = by_photograph + by_seed - by_cell
    if both > max(by_photograph, by_seed):
        degrees = both**2 / (by_photograph**2 / free[0] + by_seed**2 / free[1])
    else:
        both, degrees = max((by_photograph, free[0]), (by_seed, free[1]))
    return studentise(
        float(values.mean()), drawn.mean(axis=0), without.mean(axis=0), weights,
        beside=both - by_photograph, degrees=float(degrees),
    )  # fmt: skip
