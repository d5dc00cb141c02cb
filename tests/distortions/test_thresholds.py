from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.filters import threshold_multiotsu

from workbench.distortions.thresholds import otsu_thresholds


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
