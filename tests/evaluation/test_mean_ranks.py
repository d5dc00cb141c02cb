import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import friedmanchisquare, rankdata, studentized_range

from workbench.domain.metrics import Undefined
from workbench.errors import ShapeError
from workbench.evaluation.rankings import critical_difference, friedman_statistic, mean_ranks

# Demšar 2006, table 6: AUC of four classifiers on 14 data sets.
TABLE_6 = [
    (0.763, 0.768, 0.771, 0.798), (0.599, 0.591, 0.590, 0.569), (0.954, 0.971, 0.968, 0.967),
    (0.628, 0.661, 0.654, 0.657), (0.882, 0.888, 0.886, 0.898), (0.936, 0.931, 0.916, 0.931),
    (0.661, 0.668, 0.609, 0.685), (0.583, 0.583, 0.563, 0.625), (0.775, 0.838, 0.866, 0.875),
    (1.000, 1.000, 1.000, 1.000), (0.940, 0.962, 0.965, 0.962), (0.619, 0.666, 0.614, 0.669),
    (0.972, 0.981, 0.9751, 0.975), (0.957, 0.978, 0.946, 0.970),
]  # fmt: skip


def test_demsars_example_is_reproduced():
    found = mean_ranks(TABLE_6)
    assert found.ranks == pytest.approx((3.143, 2.000, 2.893, 1.964), abs=5e-4)
    assert found.critical == pytest.approx(1.25, abs=0.005)
    assert found.blocks == 14


@given(arrays(np.float64, (6, 4), elements=st.sampled_from([0.1, 0.2, 0.3, 0.4, 0.5])))
def test_friedman_is_scipys_with_ties(figures):
    ranks = rankdata(-figures, axis=1)
    found = friedman_statistic(ranks)
    if (figures == figures[:, :1]).all():
        assert found == Undefined(undefined="all versions tie everywhere")
        return
    statistic, p = friedmanchisquare(*figures.T)
    assert found == pytest.approx(statistic, abs=1e-9)
    whole = mean_ranks(figures.tolist())
    assert whole.p == pytest.approx(p, abs=1e-9)
    assert whole.ranks == pytest.approx(ranks.mean(axis=0))


@pytest.mark.parametrize(("versions", "q"), [(2, 1.960), (3, 2.343), (5, 2.728), (10, 3.164)])
def test_the_critical_difference_follows_the_published_quantiles(versions, q):
    """Demšar 2006, table 5(a)."""
    expected = q * np.sqrt(versions * (versions + 1) / (6 * 20))
    assert critical_difference(versions, 20) == pytest.approx(expected, rel=5e-4)
    exact = studentized_range.ppf(0.95, versions, np.inf) / np.sqrt(2)
    assert exact == pytest.approx(q, abs=1e-3)


def test_groups_are_the_largest_runs_within_the_critical_difference():
    steps = [[0.9, 0.8, 0.7, 0.6]] * 12  # ranks 1, 2, 3, 4; CD 1.35
    assert mean_ranks(steps).groups == ((0, 1), (1, 2), (2, 3))
    assert mean_ranks([[0.6, 0.7]] * 40).groups == ()


def test_blocks_without_every_figure_are_left_out_and_counted():
    hole = Undefined(undefined="constant")
    found = mean_ranks([[0.9, 0.8], [hole, 0.1], [0.5, 0.4]])
    assert (found.blocks, found.dropped) == (2, 1)
    few = mean_ranks([[0.9, 0.8], [hole, 0.1]])
    assert few == Undefined(
        undefined="1 distortions have a figure of every version, and 2 are needed"
    )


@pytest.mark.parametrize("figures", [[], [[0.5], [0.6]]])
def test_fewer_than_two_versions_have_no_ranks(figures):
    assert mean_ranks(figures) == Undefined(undefined="ranks need two versions")


def test_blocks_of_different_size_are_refused():
    with pytest.raises(ShapeError, match=r"a figure of every version, not \[1, 2\]"):
        mean_ranks([[0.1, 0.2], [0.1]])
