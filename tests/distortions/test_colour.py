import colorsys

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from workbench.distortions.colour import (
    color_diffusion,
    color_quantization,
    color_saturation_1,
    color_saturation_2,
    color_shift,
    edge_mask,
)

from .cie_reference import lab_of, rgb_of


@pytest.mark.parametrize("amount", [1, 3, 6, 8, 12])
def test_color_diffusion_blurs_and_multiplies_a_and_b(floats, amount):
    lab = lab_of(floats)
    sigma = 1.5 * amount + 2
    lab[..., 1:] = amount * gaussian_filter(lab[..., 1:], (sigma, sigma, 0), mode="nearest")
    difference = np.abs(color_diffusion(floats, amount) - rgb_of(lab))
    assert difference.max() < 2.5 / 255  # Lab is good to .05, and multiplied by up to 12
    assert difference.mean() < 0.2 / 255


def test_color_diffusion_leaves_grey_alone():
    grey = np.full((20, 30, 3), 0.4, np.float32)
    assert np.abs(color_diffusion(grey, 12) - grey).max() < 0.5 / 255


def reference_mask(image):
    grey = image.astype(float) @ [0.299, 0.587, 0.114]
    framed = np.pad(grey, 1, mode="edge")
    magnitude = np.sqrt(
        (framed[1:-1, 2:] - framed[1:-1, :-2]) ** 2 + (framed[2:, 1:-1] - framed[:-2, 1:-1]) ** 2
    )
    soft = gaussian_filter(magnitude, 4, mode="nearest")
    soft = np.clip((soft - soft.min()) / (soft.max() - soft.min()), 0.1, 1)
    low, high = np.percentile(soft, [1, 99])
    return np.clip((soft - low) / (high - low), 0, 1)


@pytest.mark.parametrize("amount", [1, 3, 6, 8, 12])
def test_color_shift_moves_green_where_the_edges_are(floats, amount):
    draw = np.random.default_rng(3).random(2)
    down, right = np.round(amount * draw / np.sqrt((draw**2).sum())).astype(int)
    height, width = floats.shape[:2]
    moved = np.pad(floats[..., 1].astype(float), ((down, 0), (right, 0)), mode="edge")
    moved = moved[:height, :width]
    mask = reference_mask(floats)
    expected = floats.astype(float)
    expected[..., 1] = mask * moved + (1 - mask) * expected[..., 1]
    shifted = color_shift(floats, amount, np.random.default_rng(3))
    assert np.abs(shifted - expected).max() < 1e-4
    assert np.array_equal(shifted[..., [0, 2]], floats[..., [0, 2]])


def test_a_flat_image_has_no_edges():
    assert not edge_mask(np.full((8, 9, 3), 0.3, np.float32)).any()


@pytest.mark.parametrize("colours", [64, 48, 32, 16, 8])
def test_color_quantization_leaves_so_many_colours(floats, colours):
    redrawn = color_quantization(floats, colours)
    assert len(np.unique(redrawn.reshape(-1, 3), axis=0)) == colours
    assert np.abs(redrawn.mean(axis=(0, 1)) - floats.mean(axis=(0, 1))).max() < 0.01  # dithered


@pytest.mark.parametrize("factor", [0.4, 0.2, 0.1, 0, -0.4, 1])
def test_color_saturation_1_multiplies_hsv_saturation(rng, factor):
    colours = rng.random((6, 8, 3)).astype(np.float32)
    for before, after in zip(
        colours.reshape(-1, 3), color_saturation_1(colours, factor).reshape(-1, 3), strict=True
    ):
        hue, saturation, value = colorsys.rgb_to_hsv(*map(float, before))
        expected = colorsys.hsv_to_rgb(hue, factor * saturation, value)
        assert after == pytest.approx(np.minimum(expected, 1), abs=1e-5)


def test_negative_saturation_gives_the_complementary_hue():
    reddish = np.array([[[0.6, 0.4, 0.4]]], np.float32)
    assert color_saturation_1(reddish, -0.4)[0, 0] == pytest.approx([0.6, 0.68, 0.68], abs=1e-6)
    yellow, blue = (
        colorsys.rgb_to_hsv(*map(float, color))[0]
        for color in (
            (0.7, 0.7, 0.2),
            color_saturation_1(np.array([[[0.7, 0.7, 0.2]]], np.float32), -0.4)[0, 0],
        )
    )
    assert (blue - yellow) % 1 == pytest.approx(0.5, abs=1e-5)


@pytest.mark.parametrize("factor", [1, 2, 3, 6, 9])
def test_color_saturation_2_multiplies_a_and_b(floats, factor):
    expected = rgb_of(lab_of(floats) * [1, factor, factor])
    difference = np.abs(color_saturation_2(floats, factor) - expected)
    assert difference.max() < 2.5 / 255
    assert difference.mean() < 0.2 / 255


def test_level_1_of_color_saturation_2_changes_no_byte(floats):
    assert np.abs(color_saturation_2(floats, 1) - floats).max() < 0.5 / 255
