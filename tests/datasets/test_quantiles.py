import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.datasets.live import quantile_levels
from workbench.errors import DataError

PARAMETERS = st.lists(st.floats(-1e6, 1e6), min_size=5, max_size=60)


@given(PARAMETERS, st.booleans())
def test_levels_are_in_range_and_follow_the_parameter(parameters, rising):
    values = np.array(parameters)
    levels = quantile_levels(values, np.arange(len(values)), rising=rising)
    assert set(levels) <= set(range(1, 6))
    order = np.argsort(values if rising else -values, kind="stable")
    assert (np.diff(levels[order]) >= 0).all()


@given(PARAMETERS, st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20))
def test_the_test_part_does_not_move_the_levels_of_the_training_part(parameters, others):
    train = np.arange(len(parameters))
    alone = quantile_levels(np.array(parameters), train)
    beside = quantile_levels(np.array(parameters + others), train)
    assert np.array_equal(beside[: len(parameters)], alone)


def test_the_training_part_falls_into_equal_bins():
    parameters = np.random.default_rng(0).permutation(1000).astype(float)
    assert np.bincount(quantile_levels(parameters, np.arange(1000)))[1:].tolist() == [200] * 5


def test_too_few_or_missing_parameters_are_refused():
    with pytest.raises(DataError, match="5 levels need as many training images; there are 3"):
        quantile_levels(np.arange(9.0), np.arange(3))
    with pytest.raises(DataError, match="1 of 2 images have no finite parameter"):
        quantile_levels(np.array([1.0, np.nan]), np.arange(2), bins=2)
