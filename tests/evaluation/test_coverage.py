"""The intervals and verdicts are checked against data whose truth is known.

The full tables are printed by `python -m experiments.coverage`.
"""

import numpy as np
import pytest

from .clustered_images import POPULATIONS, judge, naive_interval_holds, share

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("photographs", "datasets"), [(10, 300), (20, 300), (80, 100)])
def test_interval_of_srcc_holds_the_truth_as_often_as_it_says(photographs, datasets):
    held = share(list(judge(POPULATIONS["loose"], photographs, datasets)), "interval_holds")
    assert 0.93 <= held <= 0.98


def test_interval_of_a_difference_holds_in_93_to_97_percent_of_1000_datasets():
    found = list(judge(POPULATIONS["unequal"], 10, 1000, resamples=300))
    assert 0.93 <= share(found, "difference_holds") <= 0.97
    assert 0.93 <= share(found, "interval_holds") <= 0.97


@pytest.mark.parametrize("name", ["tight", "skewed"])
def test_equal_versions_are_rarely_called_different(name):
    found = list(judge(POPULATIONS[name], 10, 300, resamples=300))
    assert share(found, "better") <= 0.06
    assert share(found, "different") <= 0.08


def test_four_photographs_do_not_make_it_rash():
    found = list(judge(POPULATIONS["loose"], 4, 300, resamples=300))
    assert share(found, "different") <= 0.06


def test_naive_bootstrap_over_images_fails():
    assert naive_interval_holds(POPULATIONS["loose"], 20, 60) < 0.8


def test_what_is_called_detectable_is_detected_in_about_four_of_five_cases():
    population = POPULATIONS["unequal"]
    found = list(judge(population, 20, 150, resamples=300))
    first, second = population.truth()
    detectable = np.median([judgement.detectable for judgement in found])
    assert detectable == pytest.approx(second - first, rel=0.15)
    assert 0.65 <= share(found, "better") <= 0.9
