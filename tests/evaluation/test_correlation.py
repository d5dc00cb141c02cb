import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from workbench.domain.metrics import Undefined
from workbench.errors import ShapeError
from workbench.evaluation.correlation import (
    Logistic,
    fit_logistic,
    krcc,
    plcc,
    plcc_fitted,
    quality_metrics,
    rmse,
    srcc,
)

CORRELATIONS = (srcc, krcc, plcc)


def test_equal_scipy_on_1000_random_cases_with_ties():
    generator = np.random.default_rng(0)
    for _ in range(1000):
        n = int(generator.integers(3, 60))
        x = generator.integers(0, generator.integers(2, 40), n).astype(float)
        y = np.round(x * generator.normal() + generator.normal(size=n) * 5, 1)
        if np.ptp(x) == 0 or np.ptp(y) == 0:
            continue
        assert srcc(x, y) == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
        assert krcc(x, y) == pytest.approx(stats.kendalltau(x, y).statistic, abs=1e-12)
        assert plcc(x, y) == pytest.approx(stats.pearsonr(x, y).statistic, abs=1e-12)


def test_kendall_equals_counting_every_pair():
    generator = np.random.default_rng(1)
    x, y = generator.integers(0, 6, (2, 30))
    dx, dy = (np.sign(np.subtract.outer(v, v))[np.triu_indices(30, 1)] for v in (x, y))
    expected = (dx * dy).sum() / np.sqrt((dx != 0).sum() * (dy != 0).sum())
    assert krcc(x, y) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("correlate", CORRELATIONS)
def test_sign_survives(correlate):
    x = np.linspace(0, 1, 20)
    assert correlate(x, -x) == pytest.approx(-1.0)


@pytest.mark.parametrize("correlate", [*CORRELATIONS, plcc_fitted])
@pytest.mark.parametrize(
    ("x", "y", "reason"),
    [
        ([1.0, 2.0], [1.0, 2.0], "2 values, and 3 are needed"),
        ([5.0] * 9, list(range(9)), "the first argument is constant"),
        (list(range(9)), [0.1 + 0.2, 0.3, 0.3] * 3, "the second argument is constant"),
        (
            [float("nan"), 2, 3, 4, 5, float("inf")],
            [1, 2, 3, 4, 5, 6],
            "2 of 6 values are not fini",
        ),
    ],
)
def test_what_does_not_exist_says_why(correlate, x, y, reason):
    result = correlate(x, y)
    assert isinstance(result, Undefined)
    assert reason in result.undefined


@pytest.mark.parametrize("metric", [*CORRELATIONS, plcc_fitted, rmse, fit_logistic])
def test_different_lengths_are_refused_with_both_shapes(metric):
    with pytest.raises(ShapeError, match=r"one length are needed, not shapes \(4,\) and \(3,\)"):
        metric([1, 2, 3, 4], [1, 2, 3])
    with pytest.raises(ShapeError, match=r"\(2, 2\)"):
        metric([[1, 2], [3, 4]], [[1, 2], [3, 4]])


def test_rmse_exists_for_constant_values_and_not_for_none():
    assert rmse([1, 1], [1, 1]) == 0.0
    assert rmse([], []) == Undefined(undefined="no values")


@given(
    st.lists(st.integers(-1000, 1000), min_size=5, max_size=40, unique=True),
    st.floats(0.1, 5),
    st.integers(0, 10),
)
def test_ranks_ignore_every_rising_curve(values, power, seed):
    x = np.array(values, dtype=float)
    y = np.random.default_rng(seed).permutation(x)
    stretched = np.sign(x) * np.abs(x) ** power
    assert srcc(stretched, y) == pytest.approx(srcc(x, y), abs=1e-12)
    assert srcc(x, y) == pytest.approx(srcc(y, x), abs=1e-12)


@pytest.mark.parametrize(
    "curve",
    [
        Logistic(low=0.1, high=0.9, centre=0.5, scale=0.1),
        Logistic(low=10.0, high=90.0, centre=0.3, scale=0.05),
        Logistic(low=-1.0, high=0.5, centre=40.0, scale=8.0),
    ],
)
def test_logistic_fit_recovers_known_parameters(curve):
    generator = np.random.default_rng(2)
    x = curve.centre + curve.scale * generator.uniform(-6, 6, 400)
    y = curve(x) + generator.normal(0, 0.002 * (curve.high - curve.low), 400)
    fit = fit_logistic(x, y)
    for name, expected in curve:
        reach = curve.high - curve.low if name in ("low", "high") else curve.scale
        assert abs(getattr(fit, name) - expected) < 0.02 * reach
    assert plcc_fitted(x, y) > 0.999 > plcc(x, y)


def test_a_fitted_correlation_never_turns_the_prediction_round():
    target = np.linspace(0, 1, 30)
    result = plcc_fitted(1 - target + 0.01 * np.sin(20 * target), target)
    assert result == Undefined(
        undefined="the best logistic falls: predictions run against the target"
    )


def test_too_few_values_for_four_parameters_are_said_to_be():
    assert plcc_fitted([1, 2, 3, 4], [1, 2, 3, 5]) == Undefined(
        undefined="4 values are too few for a logistic of 4 parameters"
    )


def test_random_predictions_give_a_figure_or_a_reason_and_never_an_error():
    generator = np.random.default_rng(3)
    for _ in range(100):
        x, y = generator.normal(size=(2, int(generator.integers(5, 30))))
        result = plcc_fitted(x, y)
        assert isinstance(result, Undefined) or -1e-9 <= result <= 1


def test_quality_metrics_take_the_target_first():
    figures = quality_metrics([0.0, 0.25, 0.5, 0.75, 1.0], [0.1, 0.3, 0.2, 0.8, 0.7])
    assert figures.srcc == pytest.approx(0.8)
    assert figures.krcc == pytest.approx(0.6)
    assert figures.rmse == pytest.approx(np.sqrt((0.01 + 0.0025 + 0.09 + 0.0025 + 0.09) / 5))
