"""The camera pack against the published models, in float64, slow and plain."""

from io import BytesIO
from itertools import pairwise

import numpy as np
import piq
import pytest
import skimage.data
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import convolve, correlate, gaussian_filter

from workbench.distortions import apply_distortion, catalogue, operators
from workbench.distortions.camera_detail import (
    bayer_mosaic,
    camera_shake,
    demosaiced,
    low_resolution,
    missed_focus,
    noise_reduction,
    over_processing,
    repeated_compression,
    scaled_tables,
    sensor_grain,
)
from workbench.distortions.camera_light import (
    colour_cast,
    flat_contrast,
    haze,
    over_exposure,
    under_exposure,
    vignetting,
    white_balance_error,
)
from workbench.distortions.filters import shake_kernel, shake_path

from .cie_reference import XYZ

PACK = [spec.id for spec in catalogue().values() if spec.group == "camera"]
LUMA = np.array([0.299, 0.587, 0.114])


def light_of(rgb):
    rgb = np.asarray(rgb, np.float64)
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def rgb_of(light):
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


@pytest.fixture(scope="module")
def photographs():
    pictures = (skimage.data.astronaut(), skimage.data.coffee(), skimage.data.chelsea())
    return [np.ascontiguousarray(picture[60:188, 120:280]) for picture in pictures]


def test_the_pack_has_thirteen_types_after_all_others():
    assert len(PACK) == 13
    assert list(catalogue())[-13:] == PACK
    assert [catalogue()[id].source.split(", ")[0] for id in PACK] == [
        f"camera #{number}" for number in range(1, 14)
    ]
    assert all(catalogue()[id].parameter and len(catalogue()[id].levels) == 5 for id in PACK)


def test_every_type_is_near_to_known_types_outside_the_pack():
    for id in PACK:
        near = catalogue()[id].near
        assert near
        assert all(catalogue()[other].group != "camera" for other in near)


@pytest.mark.slow
@pytest.mark.parametrize("id", PACK)
def test_structural_similarity_falls_with_every_level(id, photographs):
    def similarity(level):
        seeds = range(4 if catalogue()[id].stochastic else 1)
        pairs = [
            (picture, apply_distortion(picture, id, level, seed=seed))
            for picture in photographs
            for seed in seeds
        ]
        clean, distorted = (
            torch.from_numpy(np.stack(side)).permute(0, 3, 1, 2)
            for side in zip(*pairs, strict=True)
        )
        return float(piq.ssim(distorted, clean, data_range=255))

    measured = [1.0, *(similarity(level) for level in range(1, 6))]
    assert all(weaker > stronger + 5e-4 for weaker, stronger in pairwise(measured)), measured
    assert measured[5] < 0.95


@pytest.mark.parametrize("id", PACK)
def test_strength_is_continuous(id, floats):
    operator = operators()[id]

    def error(value):
        distorted = operator.function(floats, value, np.random.default_rng(3))
        return np.square(distorted.astype(float) - floats).mean()

    one, two, three = (error(value) for value in np.linspace(*operator.spec.levels[2:4], 3))
    assert one < two < three


@pytest.mark.parametrize(("operator", "sign"), [(under_exposure, -1), (over_exposure, 1)])
@pytest.mark.parametrize("stops", [0, 0.5, 1, 2.6, 4])
def test_a_stop_halves_or_doubles_linear_light(floats, operator, sign, stops):
    expected = rgb_of(light_of(floats) * 2.0 ** (sign * stops))
    assert np.abs(operator(floats, stops) - expected).max() < 1e-5


@pytest.mark.parametrize("depth", [0.04, 0.3, 1.4])
def test_haze_is_koschmieders_law_over_distances_that_grow_upwards(floats, depth):
    draw = np.random.default_rng(8)
    air, nearest = draw.uniform(0.55, 0.85), draw.uniform(0.1, 0.5)
    rows = np.arange(96) / 95
    through = np.exp(-depth * (1 + (nearest - 1) * rows))[:, None, None]
    expected = rgb_of(light_of(floats) * through + air * (1 - through))
    assert np.abs(haze(floats, depth, np.random.default_rng(8)) - expected).max() < 1e-5


@settings(deadline=None)
@given(st.floats(0, 0.06), st.floats(0, 2 * np.pi))
def test_what_was_white_lies_at_the_distance_and_keeps_its_luminance(distance, hue_rad):
    x, y, z = XYZ @ white_balance_error(distance, hue_rad)
    total = x + 15 * y + 3 * z
    from_neutral = np.array([4 * x / total - 0.19783, 9 * y / total - 0.46833])
    expected = distance * np.array([np.cos(hue_rad), np.sin(hue_rad)])
    assert y == pytest.approx(1, abs=1e-3)
    assert from_neutral == pytest.approx(expected, abs=2e-4)


def test_a_colour_cast_multiplies_linear_light_by_the_white_that_the_seed_draws(floats):
    gains = white_balance_error(0.03, np.random.default_rng(4).uniform(0, 2 * np.pi))
    expected = rgb_of(light_of(floats) * gains)
    assert np.abs(colour_cast(floats, 0.03, np.random.default_rng(4)) - expected).max() < 1e-5


@pytest.mark.parametrize("stops", [0, 0.6, 2, 4.5])
def test_vignetting_is_the_fourth_power_of_the_cosine(floats, stops):
    rows, columns = np.mgrid[:96, :128]
    distance = np.hypot(rows - 47.5, columns - 63.5)
    widest = np.arccos(2 ** (-stops / 4))  # angle at the corner
    angle = np.arctan(np.tan(widest) * distance / distance.max())
    expected = rgb_of(light_of(floats) * (np.cos(angle) ** 4)[..., None])
    assert np.abs(vignetting(floats, stops) - expected).max() < 1e-5


@pytest.mark.parametrize("loss", [0.15, 0.45, 0.75])
def test_flat_contrast_takes_its_share_of_the_standard_deviation_and_keeps_the_mean(floats, loss):
    flat = flat_contrast(floats, loss).astype(float) @ LUMA
    clean = floats.astype(float) @ LUMA
    assert flat.std() == pytest.approx((1 - loss) * clean.std(), rel=1e-4)
    assert flat.mean() == pytest.approx(clean.mean(), abs=1e-5)


@pytest.mark.parametrize("iso", [400, 3200])
@pytest.mark.parametrize("level", [0.2, 0.5])
def test_grain_has_the_variance_of_electrons_counted_read_and_demosaiced(iso, level):
    grey = np.full((400, 400, 3), rgb_of(level), np.float32)
    noise = light_of(sensor_grain(grey, iso, np.random.default_rng(1))) - level
    white = 4000 * 100 / iso  # electrons
    at_its_site = (level * white + 3**2) / white**2
    # Sites of their own, and means of two or four neighbours, each with its share of the pixels.
    red, green = 1 / 4 + 1 / 2 / 2 + 1 / 4 / 4, 1 / 2 + 1 / 2 / 4
    expected = np.array([red, green, red]) * at_its_site
    assert noise.var(axis=(0, 1)) == pytest.approx(expected, rel=0.03)
    assert noise.mean(axis=(0, 1)) == pytest.approx(np.zeros(3), abs=4 * at_its_site**0.5 / 400)


def test_demosaicing_is_bilinear_and_keeps_what_the_sensor_saw(floats):
    rows, columns = np.mgrid[:96, :128]
    filters = np.stack(
        [
            (rows % 2 == 0) & (columns % 2 == 0),
            rows % 2 != columns % 2,
            (rows % 2 == 1) & (columns % 2 == 1),
        ],
        axis=-1,
    )
    mosaic = (floats * filters).sum(axis=2)
    assert np.array_equal(bayer_mosaic(floats), mosaic)
    colours = demosaiced(mosaic)
    assert np.array_equal((colours * filters).sum(axis=2), mosaic)
    tent = np.outer([1, 2, 1], [1, 2, 1])
    for channel in range(3):
        seen = filters[..., channel].astype(float)
        sums, weights = (convolve(x, tent, mode="mirror") for x in (seen * mosaic, seen))
        near = np.where(seen == 1, mosaic, sums / weights)
        if channel == 1:  # green looks at its four neighbours alone, which are all of its own
            cross = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]]) / 4
            near = np.where(seen == 1, mosaic, convolve(seen * mosaic, cross, mode="mirror"))
        assert np.abs(colours[..., channel] - near).max() < 1e-6


def bilateral(image, tone):
    """Return the bilateral filter, pixel by pixel: 5 x 5 without its corners, edges replicated."""
    padded = np.pad(image, ((2, 2), (2, 2), (0, 0)), mode="edge")
    height, width = image.shape[:2]
    total, weights = np.zeros_like(image), np.zeros((height, width, 1))
    for down, right in np.ndindex(5, 5):
        if np.hypot(down - 2, right - 2) > 2:
            continue
        other = padded[down : down + height, right : right + width]
        difference = np.abs(other - image).sum(axis=2, keepdims=True) / (3 * tone)
        distance = np.hypot(down - 2, right - 2) / 2
        weight = np.exp(-(difference**2 + distance**2) / 2)
        total, weights = total + weight * other, weights + weight
    return total / weights


@pytest.mark.parametrize("tone", [0.02, 0.07, 0.18])
def test_noise_reduction_is_the_bilateral_filter_three_times_over(floats, tone):
    expected = floats.astype(float)
    for _ in range(3):
        expected = bilateral(expected, tone)
    assert np.abs(noise_reduction(floats, tone) - expected).max() < 2e-3


@settings(deadline=None, max_examples=50)
@given(st.floats(0, 40), st.integers(0, 2**32))
def test_the_path_of_a_shaken_camera_has_its_length_and_its_kernel_their_mean(length, seed):
    path = shake_path(length, np.random.default_rng(seed))
    steps = np.hypot(*np.diff(path, axis=0).T)
    assert steps.sum() == pytest.approx(length * (len(path) - 1) / len(path))
    kernel = shake_kernel(length, np.random.default_rng(seed))
    reach = kernel.shape[0] // 2
    offsets = np.arange(-reach, reach + 1)
    assert kernel.min() >= 0
    assert kernel.sum() == pytest.approx(1)
    assert kernel.sum(axis=0) @ offsets == pytest.approx(0, abs=1e-9)
    assert kernel.sum(axis=1) @ offsets == pytest.approx(0, abs=1e-9)
    tents = (
        np.maximum(1 - np.abs(path[:, :1] - offsets), 0),
        np.maximum(1 - np.abs(path[:, 1:] - offsets), 0),
    )
    assert kernel == pytest.approx(tents[1].T @ tents[0] / len(path), abs=1e-12)


def test_the_path_is_bent():
    ends = [
        np.hypot(*(path[-1] - path[0]))
        for path in (shake_path(20, np.random.default_rng(seed)) for seed in range(20))
    ]
    assert np.median(ends) < 18
    assert min(ends) > 4


@pytest.mark.parametrize("length", [0, 3, 10, 26])
def test_shake_averages_linear_light_along_the_path_that_the_seed_draws(floats, length):
    kernel = shake_kernel(length, np.random.default_rng(6))
    expected = rgb_of(correlate(light_of(floats), kernel[..., None], mode="nearest"))
    assert np.abs(camera_shake(floats, length, np.random.default_rng(6)) - expected).max() < 1e-4


@pytest.mark.parametrize("diameter", [2.5, 7, 17])
def test_a_point_of_light_out_of_focus_is_a_disc_of_its_diameter(diameter):
    dark = np.zeros((41, 41, 3), np.float32)
    dark[20, 20] = 1
    light = light_of(missed_focus(dark, diameter))[..., 0]
    rows, columns = np.mgrid[-20:21, -20:21]
    distance = np.hypot(rows, columns)
    height = 4 / (np.pi * diameter**2)
    assert light.sum() == pytest.approx(1, abs=1e-3)
    assert light[distance < diameter / 2 - 0.8] == pytest.approx(height, rel=1e-3)
    assert light[distance > diameter / 2 + 0.8].max() < 1e-6


def enlarging(small, size):
    """Return the matrix of bicubic interpolation (Keys 1981, a = -3/4) from `small` to `size`."""
    matrix = np.zeros((size, small))
    for pixel in range(size):
        at = (pixel + 0.5) * small / size - 0.5
        for neighbour in range(int(np.floor(at)) - 1, int(np.floor(at)) + 3):
            t = abs(at - neighbour)
            near, far = 1.25 * t**3 - 2.25 * t**2 + 1, -0.75 * (t**3 - 5 * t**2 + 8 * t - 4)
            matrix[pixel, np.clip(neighbour, 0, small - 1)] += near if t <= 1 else far
    return matrix


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_low_resolution_averages_squares_and_enlarges_by_bicubics(floats, factor):
    rows, columns = 96 // factor, 128 // factor
    means = floats.astype(float).reshape(rows, factor, columns, factor, 3).mean(axis=(1, 3))
    enlarged = np.einsum("ij,jkc,lk->ilc", enlarging(rows, 96), means, enlarging(columns, 128))
    assert np.abs(low_resolution(floats, factor) - np.clip(enlarged, 0, 1)).max() < 1e-4


@pytest.mark.parametrize("quality", [1, 10, 25, 50, 70, 100])
def test_the_tables_are_libjpegs_where_its_percentage_is_whole(photograph, quality):
    file = BytesIO()
    Image.fromarray(photograph).save(file, "JPEG", quality=quality)
    tables = Image.open(file).quantization
    assert scaled_tables(quality) == [list(tables[0]), list(tables[1])]


def test_a_picture_is_saved_four_times_with_its_grid_shifted(photograph, floats):
    expected, draw = photograph, np.random.default_rng(2)
    for _ in range(4):
        down, right = draw.integers(0, 16, 2)
        shifted = np.pad(expected, ((down, 0), (right, 0), (0, 0)), mode="edge")
        file = BytesIO()
        Image.fromarray(shifted).save(file, "JPEG", quality=25)
        expected = np.asarray(Image.open(file))[down:, right:]
    saved = repeated_compression(floats, 25, np.random.default_rng(2))
    assert np.array_equal(np.rint(255 * saved), expected)


@pytest.mark.parametrize("amount", [0.4, 1.4, 3.4])
def test_over_processing_adds_fine_and_local_contrast_to_luma(floats, amount):
    luma = floats.astype(float) @ LUMA
    fine, local = (luma - gaussian_filter(luma, sigma, mode="nearest") for sigma in (1.5, 12))
    expected = floats + amount * (fine + 0.4 * local)[..., None]
    assert np.abs(over_processing(floats, amount) - np.clip(expected, 0, 1)).max() < 1e-4
