import numpy as np
import pytest
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter

from workbench.distortions.sharpness import contrast_change, high_sharpen

from .cie_reference import lab_of, rgb_of


@pytest.mark.parametrize("amount", [1, 2, 3, 6, 12])
def test_high_sharpen_adds_the_difference_to_a_blur_of_3_pixels_on_lightness(floats, amount):
    lab = lab_of(floats)
    blurred = gaussian_filter(lab[..., 0], 3, mode="nearest")
    lab[..., 0] = np.clip(lab[..., 0] + amount * (lab[..., 0] - blurred), 0, 100)
    difference = np.abs(high_sharpen(floats, amount) - rgb_of(lab))
    assert difference.max() < 2.5 / 255
    assert difference.mean() < 0.2 / 255


@pytest.mark.parametrize("amount", [0.3, 0.15, 0, -0.4, -0.6])
def test_contrast_change_is_the_not_a_knot_spline(amount):
    values = np.linspace(0, 1, 3 * 341, dtype=np.float32).reshape(1, -1, 3)
    points = [0, 0.25 - amount / 4, 0.5, 0.75 + amount / 4, 1]
    spline = CubicSpline([0, 0.3, 0.5, 0.7, 1], points, bc_type="not-a-knot")
    assert np.abs(contrast_change(values, amount) - np.clip(spline(values), 0, 1)).max() < 1e-6


def test_contrast_change_of_minus_a_fifth_changes_nothing(floats):
    assert contrast_change(floats, -0.2) == pytest.approx(floats, abs=1e-6)
