import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import correlate, gaussian_filter

from workbench.distortions.blur import gaussian_blur, lens_blur, motion_blur
from workbench.distortions.filters import disk_kernel, line_kernel


def filtered(image, kernel):
    return correlate(image.astype(float), kernel[..., None], mode="nearest")


@pytest.mark.parametrize("sigma", [0.1, 0.5, 1, 2, 5])
def test_gaussian_blur_is_scipys(floats, sigma):
    expected = gaussian_filter(floats.astype(float), (sigma, sigma, 0), mode="nearest")
    assert np.abs(gaussian_blur(floats, sigma) - expected).max() < 1e-5


def test_level_1_of_gaussian_blur_changes_nothing(floats):
    assert np.array_equal(gaussian_blur(floats, 0.1), floats)


def test_disk_of_radius_1_is_the_kernel_that_matlab_documents():
    expected = [[0.0251, 0.1453, 0.0251], [0.1453, 0.3183, 0.1453], [0.0251, 0.1453, 0.0251]]
    assert disk_kernel(1.0) == pytest.approx(np.array(expected), abs=5e-5)


def counted_disk(radius, fine=41):
    """Count fine sub-pixels inside the disk."""
    reach = int(np.ceil(radius - 0.5))
    side = (2 * reach + 1) * fine
    axis = (np.arange(side) + 0.5) / fine - reach - 0.5
    inside = axis[:, None] ** 2 + axis[None, :] ** 2 <= radius**2
    counts = inside.reshape(2 * reach + 1, fine, 2 * reach + 1, fine).sum(axis=(1, 3))
    return counts / counts.sum()


@pytest.mark.parametrize("radius", [0.3, 1, 2, 4, 6, 8])
def test_lens_blur_averages_over_the_area_of_a_disk(floats, radius):
    kernel = disk_kernel(float(radius))
    assert kernel.sum() == pytest.approx(1)
    assert np.abs(kernel - counted_disk(radius)).max() < 1e-2 * kernel.max()
    assert np.abs(lens_blur(floats, radius) - filtered(floats, counted_disk(radius))).max() < 2e-3


def test_a_disk_of_no_radius_changes_nothing(floats):
    assert np.array_equal(lens_blur(floats, 0), floats)


@settings(deadline=None)
@given(st.floats(1, 12), st.floats(0, 180))
def test_line_kernel_weighs_pixels_by_their_distance_from_the_segment(length, angle_deg):
    half = (length - 1) / 2
    steps = np.linspace(-half, half, 2001)
    radians = np.deg2rad(angle_deg)
    kernel = line_kernel(length, angle_deg)
    reach = kernel.shape[0] // 2
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    distances = np.hypot(
        columns[..., None] - steps * np.cos(radians), rows[..., None] + steps * np.sin(radians)
    ).min(axis=-1)
    expected = np.maximum(1 - distances, 0)
    assert kernel == pytest.approx(expected / expected.sum(), abs=1e-3)


def test_a_level_line_of_9_pixels_is_a_box_and_45_degrees_point_up_to_the_right():
    assert line_kernel(9, 0)[4] == pytest.approx(np.full(9, 1 / 9))
    diagonal = line_kernel(5, 45)
    assert diagonal[1, 3] > 0.1
    assert diagonal[1, 1] == 0


@pytest.mark.parametrize("length", [1, 2, 4, 6, 10])
def test_motion_blur_averages_along_the_line_that_the_seed_draws(floats, length):
    angle_deg = np.random.default_rng(5).uniform(0, 180)
    expected = filtered(floats, line_kernel(length, angle_deg))
    assert np.abs(motion_blur(floats, length, np.random.default_rng(5)) - expected).max() < 1e-5
    if length == 1:
        assert np.array_equal(expected.astype(np.float32), floats)
