import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from workbench.distortions.brightness import brighten, darken, mean_shift

from .cie_reference import lab_of, rgb_of


def curve(values, middle):
    """A spline as MATLAB's spline() draws it: not-a-knot."""
    spline = CubicSpline([0, 0.5, 1], [0, middle, 1], bc_type="not-a-knot")
    return np.clip(spline(values), 0, 1)


@pytest.mark.parametrize("amount", [0.1, 0.2, 0.4, 0.7, 1.1])
def test_brighten_mixes_the_curve_on_rgb_and_on_lightness(floats, amount):
    middle = 0.5 + amount / 2
    lab = lab_of(floats)
    lab[..., 0] = 100 * curve(lab[..., 0] / 100, middle)
    expected = (2 * curve(floats, middle) + rgb_of(lab)) / 3
    assert np.abs(brighten(floats, amount) - expected).max() < 1 / 255


@pytest.mark.parametrize("amount", [0.05, 0.1, 0.2, 0.4, 0.8])
def test_darken_applies_the_curve(floats, amount):
    assert np.abs(darken(floats, amount) - curve(floats, 0.5 - amount / 2)).max() < 1e-6


@pytest.mark.parametrize("operator", [brighten, darken])
def test_black_and_white_stay_and_nothing_changes_without_amount(operator):
    ends = np.array([[[0, 0, 0], [1, 1, 1], [0.5, 0.5, 0.5]]], np.float32)
    assert operator(ends, 0.4)[0, :2] == pytest.approx(ends[0, :2], abs=1e-3)
    assert operator(ends, 0) == pytest.approx(ends, abs=1e-3)


@pytest.mark.parametrize("shift", [0.15, 0.08, 0, -0.08, -0.15])
def test_mean_shift_adds_and_clips(floats, shift):
    expected = np.clip(floats.astype(float) + shift, 0, 1)
    assert mean_shift(floats, shift) == pytest.approx(expected, abs=1e-6)
