"""Versions over several training seeds: the interval holds for other photographs and seeds."""

import numpy as np
import pytest

from workbench.domain.metrics import Undefined
from workbench.errors import ConfigError
from workbench.evaluation.bootstrap import draw_photographs
from workbench.evaluation.comparable import ComparedRuns
from workbench.evaluation.over_seeds import compare_over_seeds, sureness

from .comparison_factory import make_run


def of_means(table, weights):
    """Return how sure the grand mean of a table of seeds and photographs, (S, G), is."""
    drawn = table @ weights.T / table.shape[1]
    left_out = (table.sum(1, keepdims=True) - table) / (table.shape[1] - 1)
    return sureness(table.mean(1), drawn, left_out, weights)


def test_of_a_mean_the_error_is_the_textbooks_two_way_analysis_of_variance():
    generator = np.random.default_rng(3)
    seeds, photographs = 4, 12
    table = generator.normal(size=(seeds, photographs))
    table += 2 * generator.normal(size=(seeds, 1)) + generator.normal(size=photographs)
    mean, by_seed, by_photograph = table.mean(), table.mean(1), table.mean(0)
    residual = table - by_seed[:, None] - by_photograph + mean
    mean_squares = (
        photographs * by_seed.var(ddof=1),
        seeds * by_photograph.var(ddof=1),
        (residual**2).sum() / ((seeds - 1) * (photographs - 1)),
    )
    variance = (mean_squares[0] + mean_squares[1] - mean_squares[2]) / table.size
    sure = of_means(table, draw_photographs(photographs, 400, seed=0))
    assert sure.centre == pytest.approx(mean)
    assert sure.error == pytest.approx(np.sqrt(variance))


@pytest.mark.parametrize(
    ("seeds", "of_seed", "of_photograph", "of_cell"),
    [(3, 0.5, 1.0, 1.0), (5, 1.0, 1.0, 0.3), (5, 0.0, 1.0, 1.0)],
)
def test_the_interval_holds_the_truth_about_as_often_as_it_says(
    seeds, of_seed, of_photograph, of_cell
):
    generator, photographs, held, photographs_alone = np.random.default_rng(5), 15, [], []
    for number in range(300):
        table = of_cell * generator.normal(size=(seeds, photographs))
        table += of_seed * generator.normal(size=(seeds, 1))
        table += of_photograph * generator.normal(size=photographs)
        sure = of_means(table, draw_photographs(photographs, 300, seed=number))
        low, high = sure.interval
        held.append(low < 0 < high)
        reach = 2.145 * table.mean(0).std(ddof=1) / np.sqrt(photographs)  # Student's for 14
        photographs_alone.append(abs(table.mean()) < reach)
    assert 0.92 <= np.mean(held) <= 0.995
    if of_seed:
        assert np.mean(photographs_alone) < 0.85  # what an interval without seeds would claim


def of_seeds(*seeds, versions=(("draft", 0.35), ("curated", 0.1))):
    number, found = 0, []
    for seed in seeds:
        runs = []
        for word, noise in versions:
            number += 1
            runs.append(make_run(number, word=word, noise=noise, seed=10 * seed + number,
                                 settings={"seed": seed}))  # fmt: skip
        found.append(ComparedRuns.of(runs, [word for word, _ in versions]))
    return found


def test_versions_are_compared_by_their_means_over_seeds():
    by_seed = of_seeds(0, 1, 2)
    over = compare_over_seeds(by_seed, resamples=400)
    assert over.seeds == (0, 1, 2)
    assert [row.runs for row in over.rows] == [(1, 3, 5), (2, 4, 6)]
    for version, row in enumerate(over.rows):
        own = [of_seed.results[version].quality.srcc for of_seed in by_seed]
        assert row.by_seed == tuple(own)
        assert row.srcc == pytest.approx(np.mean(own))
        assert row.srcc_ci[0] < row.srcc < row.srcc_ci[1]
    (pair,) = over.pairs
    assert pair.delta_srcc == pytest.approx(over.rows[1].srcc - over.rows[0].srcc)
    assert pair.verdict == "better"
    assert pair.ci[0] < pair.delta_srcc < pair.ci[1]
    assert over == compare_over_seeds(by_seed, resamples=400)


def test_seeds_that_differ_widen_the_interval():
    def width(versions_of_second):
        first = of_seeds(0)[0]
        (second,) = of_seeds(1, versions=versions_of_second)
        (pair,) = compare_over_seeds([first, second], resamples=400).pairs
        return pair.ci[1] - pair.ci[0], pair.deviation_over_seeds

    alike = width((("draft", 0.35), ("curated", 0.1)))
    unlike = width((("draft", 0.1), ("curated", 0.35)))
    assert unlike[0] > 3 * alike[0]
    assert unlike[1] > alike[1]


def test_one_seed_has_no_spread_and_an_undefined_figure_is_said():
    with pytest.raises(ConfigError, match="two or more"):
        compare_over_seeds(of_seeds(0))
    by_seed = of_seeds(0, 1)
    constant = Undefined(undefined="all predictions are equal")
    run, result = by_seed[1].runs[0], by_seed[1].results[0]
    quality = result.quality.model_copy(update={"srcc": constant})
    broken = run.model_copy(update={"result": result.model_copy(update={"quality": quality})})
    by_seed[1] = ComparedRuns.of([broken, by_seed[1].runs[1]], by_seed[1].labels)
    over = compare_over_seeds(by_seed, resamples=400)
    assert (over.rows[0].srcc, over.rows[0].srcc_ci) == (constant, None)
    assert over.pairs[0].delta_srcc == constant
    assert over.pairs[0].verdict == "not distinguishable"
