import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from workbench.drafting.lint.statistics import (
    auc,
    auc_interval,
    chance_dose_srcc,
    content_share,
    dose_srcc,
    interval_of_mean,
    pooled_srcc,
)

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(0)
TABLES = st.integers(0, 2**32 - 1).map(
    lambda seed: np.random.default_rng(seed).integers(0, 5, (4, 6)) / 4  # with ties
)


@given(TABLES)
def test_the_dose_is_the_mean_of_spearmans_correlations(table):
    strength = [0, 0.2, 0.4, 0.4, 0.8, 1]
    moving = [row for row in table if np.ptp(row)]
    expected = sum(stats.spearmanr(strength, row).statistic for row in moving) / len(table)
    assert dose_srcc(strength, table) == pytest.approx(expected, abs=1e-12)


def test_the_pooled_dose_is_spearmans_over_everything():
    table, strength = RNG.random((5, 6)), np.linspace(0, 1, 6)
    expected = stats.spearmanr(np.tile(strength, 5), table.ravel()).statistic
    assert pooled_srcc(strength, table) == pytest.approx(expected)


@given(TABLES, TABLES)
def test_the_auc_is_mann_whitneys_u_as_a_share(above, below):
    one, other = above.ravel(), below.ravel()[:7]
    expected = stats.mannwhitneyu(one, other).statistic / (len(one) * len(other))
    assert auc(one, other) == pytest.approx(expected)
    assert auc(other, one) == pytest.approx(1 - expected)


def test_the_interval_of_the_auc_is_that_of_drawing_photographs_anew():
    own = RNG.normal(0.4, 1, (12, 2)) + RNG.normal(size=(12, 1))
    other = RNG.normal(0, 1, (12, 2)) + RNG.normal(size=(12, 1))
    drawn = [RNG.integers(0, 12, 12) for _ in range(4000)]
    areas = [auc(own[rows].ravel(), other[rows].ravel()) for rows in drawn]
    assert auc_interval(own, other) == pytest.approx(np.quantile(areas, [0.025, 0.975]), abs=0.03)


@pytest.mark.parametrize("strength", [[0, 0.2, 0.4, 0.6, 0.8, 1], [0, 1, 0.5, 0, 0.5, 1]])
def test_shuffled_levels_pass_the_chance_threshold_as_often_as_it_says(strength):
    table = RNG.permuted(np.tile(np.arange(6.0), (2000, 10, 1)), axis=2)
    reached = np.mean([dose_srcc(strength, one) > chance_dose_srcc(6, 10) for one in table])
    assert reached == pytest.approx(0.05, abs=0.015)


def test_the_interval_is_students():
    values = RNG.normal(size=(7, 3))
    low, high = interval_of_mean(values)
    for column in range(3):
        expected = stats.ttest_1samp(values[:, column], 0).confidence_interval(0.95)
        assert (low[column], high[column]) == pytest.approx(tuple(expected))


def test_one_photograph_has_no_interval():
    low, high = interval_of_mean([[0.1, 0.9]])
    assert low.tolist() == high.tolist() == [0.1, 0.9]


def test_the_content_share_does_not_depend_on_scale_or_offset():
    table = RNG.random((5, 6))
    assert content_share(3 * table + 1) == pytest.approx(content_share(table))


def test_a_probability_that_never_moves_has_no_content_and_no_dose():
    still = np.full((4, 6), 0.3)
    assert content_share(still) == 0
    assert dose_srcc(range(6), still) == 0
