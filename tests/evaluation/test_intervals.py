import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from workbench.domain.metrics import Undefined
from workbench.evaluation.bootstrap import draw_photographs
from workbench.evaluation.intervals import correlation_interval, holm, studentise


def mean_of(values: np.ndarray, resamples: int = 4000):
    """Studentise a plain mean, for which Student's interval is the truth."""
    copies = draw_photographs(len(values), resamples, seed=0)
    count = len(values)
    left_out = (values.sum() - values) / (count - 1)
    return studentise(float(values.mean()), copies @ values / count, left_out, copies), values


def test_of_a_mean_it_is_close_to_students_t():
    values = np.random.default_rng(0).normal(0.4, 1, 60)
    found, _ = mean_of(values)
    expected = stats.ttest_1samp(values, 0.0)
    assert found.centre == pytest.approx(values.mean())
    assert found.error == pytest.approx(values.std(ddof=1) / np.sqrt(60))
    assert found.interval == pytest.approx(tuple(expected.confidence_interval()), abs=0.03)
    assert found.p == pytest.approx(expected.pvalue, abs=0.02)


def test_it_is_never_bolder_than_students_t():
    for seed in range(20):
        values = np.random.default_rng(seed).normal(1, 1, 5)
        found, _ = mean_of(values, 500)
        assert found.critical >= stats.t.ppf(0.975, 4)
        assert found.p >= stats.ttest_1samp(values, 0.0).pvalue - 1e-12


@given(st.integers(0, 1000), st.integers(4, 30), st.floats(-1, 1))
def test_interval_and_p_value_agree(seed, count, shift):
    values = np.random.default_rng(seed).normal(shift, 1, count)
    found, _ = mean_of(values, 1000)
    low, high = found.interval
    excludes_zero = not low <= 0 <= high
    if abs(found.p - 0.05) > 0.003:  # on the edge the count of 1,000 resamples may differ by one
        assert excludes_zero == (found.p < 0.05)


def test_detectable_is_the_reach_of_the_interval_and_the_power():
    values = np.random.default_rng(1).normal(0, 1, 30)
    found, _ = mean_of(values)
    expected = (found.critical + stats.t.ppf(0.8, 29)) * found.error
    assert found.smallest_detectable == pytest.approx(expected)


def test_two_photographs_allow_nothing_to_be_said():
    found, _ = mean_of(np.array([0.1, 0.9]))
    assert found == Undefined(undefined="2 photographs, and 3 are needed")


def test_no_spread_and_a_single_decisive_photograph_are_named():
    copies = draw_photographs(4, 300, seed=0)
    flat = studentise(0.5, np.full(300, 0.5), np.full(4, 0.5), copies)
    assert flat == Undefined(undefined="leaving out any photograph changes nothing")
    missing = studentise(0.5, np.full(300, 0.5), np.array([0.4, 0.5, np.nan, 0.6]), copies)
    assert missing == Undefined(
        undefined="the figure does not exist without one of the photographs"
    )
    gone = studentise(0.5, np.full(300, np.nan), np.array([0.4, 0.5, 0.7, 0.6]), copies)
    assert gone == Undefined(undefined="it does not exist in 100% of resamples")


def test_interval_of_a_correlation_stays_inside_its_range():
    generator = np.random.default_rng(2)
    copies = draw_photographs(6, 2000, seed=0)
    left_out = np.array([0.97, 0.99, 0.995, 0.98, 0.9, 0.99])
    low, high = correlation_interval(
        0.985, 1 - np.abs(generator.normal(0, 0.05, 2000)), left_out, copies
    )
    assert -1 <= low < high <= 1


def test_undefined_and_perfect_correlations_have_no_interval():
    copies = draw_photographs(6, 200, seed=0)
    why = Undefined(undefined="the first argument is constant")
    assert correlation_interval(why, np.zeros(200), np.zeros(6), copies) == why
    perfect = correlation_interval(1.0, np.ones(200), np.ones(6), copies)
    assert perfect == Undefined(undefined="the correlation is perfect")


def test_holm_equals_a_worked_example():
    # .01·4, then .02·3, then .03·2, each not below the one before; .04·1 is lifted to .06.
    assert holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx((0.06, 0.04, 0.06, 0.06))
    assert holm([0.4, 0.9]) == pytest.approx((0.8, 0.9))
    assert holm([]) == ()


def test_holm_does_not_count_what_was_never_tested():
    untested = Undefined(undefined="2 photographs, and 3 are needed")
    assert holm([0.01, untested, 0.04]) == (0.02, untested, 0.04)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_keeps_the_order_and_only_raises(values):
    corrected = holm(values)
    assert all(p <= q <= 1 for p, q in zip(values, corrected, strict=True))
    order = np.argsort(values, kind="stable")
    assert (np.diff(np.array(corrected)[order]) >= 0).all()
