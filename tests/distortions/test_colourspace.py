import colorsys

import numpy as np
import pytest
from skimage.color import rgb2lab, rgb2ycbcr

from workbench.distortions.colourspace import lab_to_rgb, rgb_to_lab, rgb_to_ycbcr, ycbcr_to_rgb

from .cie_reference import lab_of, rgb_of


@pytest.fixture(scope="module")
def cube():
    """Every 15th byte of each channel: 5,832 colours, black, white and the primaries included."""
    axis = np.arange(0, 256, 15) / 255
    return np.stack(np.meshgrid(axis, axis, axis), axis=-1).reshape(18, -1, 3).astype(np.float32)


def test_lab_agrees_with_the_definition_and_with_scikit_image(cube):
    assert np.abs(rgb_to_lab(cube) - lab_of(cube)).max() < 0.05
    assert np.abs(rgb_to_lab(cube) - rgb2lab(cube)).max() < 0.05


def test_greys_have_no_colour_in_lab():
    greys = np.repeat(np.linspace(0, 1, 64, dtype=np.float32)[None, :, None], 3, axis=2)
    assert np.abs(rgb_to_lab(greys)[..., 1:]).max() < 1e-3


def test_lab_and_back_changes_no_byte(cube):
    assert np.abs(lab_to_rgb(rgb_to_lab(cube)) - cube).max() < 0.25 / 255


def test_colours_outside_srgb_are_clipped_per_channel_in_linear_light(cube):
    vivid = (lab_of(cube) * [1, 9, 9]).astype(np.float32)
    assert np.abs(lab_to_rgb(vivid) - rgb_of(vivid)).max() < 1 / 255


def test_ycbcr_agrees_with_scikit_image_and_inverts(cube):
    assert np.abs(255 * rgb_to_ycbcr(cube) - rgb2ycbcr(cube)).max() < 0.01
    assert np.abs(ycbcr_to_rgb(rgb_to_ycbcr(cube)) - cube).max() < 1e-5


def test_channels_are_red_green_blue_in_this_order():
    red = np.array([[[1, 0, 0]]], np.float32)
    lightness, a, b = rgb_to_lab(red)[0, 0]
    assert (lightness, a, b) == pytest.approx((53.24, 80.09, 67.20), abs=0.05)
    assert colorsys.rgb_to_yiq(1, 0, 0)[0] == pytest.approx(
        (rgb_to_ycbcr(red)[0, 0, 0] * 255 - 16) / 219, abs=0.002
    )
