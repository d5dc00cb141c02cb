import numpy as np
import pytest

from workbench.distortions.quantisation import otsu_thresholds
from workbench.distortions.randomness import standard_normal
from workbench.distortions.spatial import (
    color_block,
    jitter,
    non_eccentricity_patch,
    pixelate,
    quantization,
)


def cubic(t, a=-0.5):
    """The kernel of Keys, IEEE Trans. ASSP 29 (1981), with the parameter that he recommends."""
    t = np.abs(t)
    near = (a + 2) * t**3 - (a + 3) * t**2 + 1
    far = a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a
    return np.where(t <= 1, near, np.where(t < 2, far, 0))


def warped(image, x, y):
    height, width = image.shape[:2]
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    result = np.zeros(image.shape)
    for row in range(-1, 3):
        for column in range(-1, 3):
            weight = cubic(y - top - row) * cubic(x - left - column)
            rows = np.clip(top + row, 0, height - 1)
            columns = np.clip(left + column, 0, width - 1)
            result += weight[..., None] * image[rows, columns]
    return result


@pytest.mark.parametrize("sigma", [0.05, 0.1, 0.2, 0.5, 1])
def test_jitter_is_five_rounds_of_bicubic_warping_by_gaussian_offsets(floats, sigma):
    rng = np.random.default_rng(9)
    height, width = floats.shape[:2]
    expected = floats.astype(float)
    for _ in range(5):
        x, y = sigma * standard_normal((2, height, width), rng).astype(float)
        expected = warped(expected, x + np.arange(width), y + np.arange(height)[:, None])
    result = jitter(floats, sigma, np.random.default_rng(9))
    change = np.abs(expected - floats).mean()
    assert np.abs(result - np.clip(expected, 0, 1)).mean() < 0.03 * change


@pytest.mark.parametrize("sigma", [0.05, 0.1])
def test_jitter_moves_a_ramp_by_the_stated_offsets(sigma):
    # Each round moves by N(0, sigma^2) and interpolation keeps a ramp, so five rounds add up
    # while they are so small that neighbours are still in order.
    ramp = np.repeat(np.linspace(0, 1, 400, dtype=np.float32)[None, :, None], 3, axis=2)
    ramp = np.repeat(ramp, 300, axis=0)
    moved = jitter(ramp, sigma, np.random.default_rng(4))[20:-20, 20:-20, 0] * 399
    offsets = moved - np.arange(400)[20:-20]
    assert abs(offsets.mean()) < 0.02
    assert offsets.std() == pytest.approx(sigma * np.sqrt(5), rel=0.08)


def ramps(height, width):
    """An image whose red and green name each pixel's row and column."""
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    return np.stack([rows / height, columns / width, np.zeros_like(rows)], axis=-1)


@pytest.mark.parametrize("count", [20, 40, 60, 80, 100])
def test_patches_come_from_at_most_8_pixels_away_and_cover_256_pixels_each(count, rng):
    height, width = 384, 512
    patched = non_eccentricity_patch(ramps(height, width), count, rng)
    rows, columns = np.mgrid[:height, :width]
    down = np.rint(patched[..., 0] * height).astype(int) - rows
    right = np.rint(patched[..., 1] * width).astype(int) - columns
    assert max(np.abs(down).max(), np.abs(right).max()) == 8
    touched = ((down != 0) | (right != 0)).sum()
    area = 256 * count
    expected = height * width * (1 - np.exp(-area / (height * width)))  # patches may overlap
    assert expected * 0.85 < touched <= area


def test_one_patch_is_one_square_of_16_pixels():
    image = ramps(100, 100)
    patched = non_eccentricity_patch(image, 1, np.random.default_rng(0))
    changed = (patched != image).any(axis=2)
    assert changed.sum() == 256
    assert changed.any(axis=0).sum() == changed.any(axis=1).sum() == 16


@pytest.mark.parametrize("amount", [0.01, 0.05, 0.1, 0.2, 0.5])
def test_pixelate_shows_the_pixel_in_which_the_centre_falls(amount):
    height, width = 90, 123
    result = pixelate(ramps(height, width), amount)
    scale = 0.95 - amount**0.6
    for axis, size in ((0, height), (1, width)):
        small = int(np.ceil(scale * size))
        down = [int((index + 0.5) * size / small) for index in range(small)]
        expected = [down[int((index + 0.5) * small / size)] for index in range(size)]
        shown = np.rint(np.take(result[..., axis], 0, axis=1 - axis) * size).astype(int)
        assert shown.tolist() == expected
        assert len(set(expected)) == small
        assert abs(np.mean(shown - np.arange(size))) < 0.35  # centred: nothing drifts


@pytest.mark.parametrize("count", [20, 16, 13, 10, 7])
def test_quantization_puts_every_class_on_its_upper_threshold(photograph, floats, count):
    thresholds = otsu_thresholds(np.bincount(photograph.ravel(), minlength=256), count)
    result = quantization(floats, count)
    allowed = np.concatenate([[0], thresholds[1:], [255]])
    expected = [allowed[sum(value > t for t in thresholds)] for value in range(256)]
    assert np.rint(255 * result).astype(int).tolist() == np.array(expected)[photograph].tolist()
    assert len(np.unique(result)) == count + 1


def test_quantization_takes_the_three_channels_together():
    image = np.zeros((4, 4, 3), np.float32)
    image[..., 0], image[..., 1], image[..., 2] = 0.2, 0.5, 0.8
    assert np.unique(quantization(image, 2)).tolist() == pytest.approx([0, 0.5, 1], abs=2 / 255)


@pytest.mark.parametrize("count", [2, 4, 6, 8, 10])
def test_color_blocks_are_squares_of_32_pixels_of_one_colour(count, rng):
    image = np.full((384, 512, 3), -1, np.float32)  # a value that no block has
    covered = color_block(image, count, rng)
    colours, areas = np.unique(covered.reshape(-1, 3), axis=0, return_counts=True)
    blocks = areas[(colours >= 0).all(axis=1)]
    assert len(blocks) <= count
    assert blocks.max() == 32 * 32
    assert blocks.sum() >= 0.6 * count * 32 * 32
