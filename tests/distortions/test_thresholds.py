from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.filters import threshold_multiotsu

from workbench.distortions.quantisation import otsu_thresholds


def variance_within(histogram, thresholds):
    values = np.arange(len(histogram))
    total = 0.0
    for part in np.split(values, [threshold + 1 for threshold in thresholds]):
        weight = histogram[part].sum()
        if weight:
            mean = (histogram[part] * part).sum() / weight
            total += (histogram[part] * (part - mean) ** 2).sum()
    return total


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 50), min_size=6, max_size=9).filter(any),
    st.integers(1, 4),
)
def test_no_other_thresholds_leave_less_variance(counts, count):
    histogram = np.array(counts)
    found = otsu_thresholds(histogram, count)
    best = min(
        variance_within(histogram, rival) for rival in combinations(range(len(counts) - 1), count)
    )
    assert len(found) == count
    assert np.all(np.diff(found) > 0)
    assert variance_within(histogram, found) == pytest.approx(best, abs=1e-6)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_thresholds_are_scikit_images(photograph, count):
    histogram = np.bincount(photograph.ravel(), minlength=256)
    theirs = threshold_multiotsu(hist=(histogram, np.arange(256)), classes=count + 1)
    assert variance_within(histogram, otsu_thresholds(histogram, count)) <= variance_within(
        histogram, theirs
    ) * (1 + 1e-6)
    assert np.abs(otsu_thresholds(histogram, count) - theirs).max() <= 1


def least_variance(histogram, classes):
    """Return the least variance of so many classes, class by class and border by border."""
    values = np.arange(len(histogram))
    weight, first, second = (
        np.concatenate([[0.0], np.cumsum(histogram * values**power)]) for power in range(3)
    )
    least = np.concatenate([[0.0], np.full(len(histogram), np.inf)])  # of the values below each
    for _ in range(classes):
        longer = np.full_like(least, np.inf)
        for end in range(1, len(least)):
            mass = np.maximum(weight[end] - weight[:end], 1e-9)
            cost = second[end] - second[:end] - (first[end] - first[:end]) ** 2 / mass
            longer[end] = (least[:end] + cost).min()
        least = longer
    return least[-1]


@pytest.mark.parametrize("count", [20, 16, 13, 10, 7])
def test_thresholds_of_a_photograph_leave_the_least_variance(photograph, count):
    histogram = np.bincount(photograph.ravel(), minlength=256)
    found = variance_within(histogram, otsu_thresholds(histogram, count))
    assert found == pytest.approx(least_variance(histogram, count + 1), rel=1e-9)
