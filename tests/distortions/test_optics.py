import numpy as np
import pytest
from scipy import ndimage

from workbench.distortions.optics import chromatic_aberration, smoke, uneven_illumination


@pytest.mark.parametrize("offset", [0.5, 0.75, 1, 2, 4])
def test_chromatic_aberration_shifts_and_blurs_red_and_blue(floats, offset):
    parted = chromatic_aberration(floats, offset)
    for channel, shift in ((0, offset), (2, -offset)):
        moved = ndimage.shift(
            floats[..., channel].astype(float), (0, shift), order=1, mode="nearest"
        )
        expected = ndimage.gaussian_filter(moved, offset / 4, mode="nearest")
        assert np.abs(parted[..., channel] - expected).max() < 1e-5
    assert np.array_equal(parted[..., 1], floats[..., 1])


def opacity(density, seed, shape=(192, 256)):
    """Black becomes .85 a."""
    black = np.zeros((*shape, 3), np.float32)
    return smoke(black, density, np.random.default_rng(seed)).astype(float) / 0.85


@pytest.mark.parametrize("density", [0.3, 0.5, 0.7, 0.9])
def test_smoke_mixes_the_image_with_grey(floats, density):
    share = opacity(density, 8, floats.shape[:2])
    expected = (1 - share) * floats + share * 0.85
    assert np.abs(smoke(floats, density, np.random.default_rng(8)) - expected).max() < 1e-6


@pytest.mark.parametrize("density", [0.3, 0.5, 0.7, 0.9])
def test_smoke_drifts_smoothly_between_a_quarter_and_all_of_its_density(density):
    shares = np.stack([opacity(density, seed) for seed in range(20)]) / density
    assert shares.min() >= 0.25 - 1e-6
    assert shares.max() <= 1 + 1e-6
    assert shares.mean() == pytest.approx(0.25 + 0.75 / 2, abs=0.05)
    assert shares.std(axis=(1, 2, 3)).min() > 0.05  # thicker in some places than in others
    assert np.abs(np.diff(shares, axis=2)).max() < 0.05  # from one pixel to the next
    assert np.ptp(shares, axis=3).max() == 0  # grey


@pytest.mark.parametrize("loss", [0.4, 0.6, 0.8, 1])
def test_light_falls_with_the_square_of_the_distance_from_the_spot(floats, loss):
    height, width = floats.shape[:2]
    down, right = np.random.default_rng(2).uniform(0.25, 0.75, 2) * (height - 1, width - 1)
    rows, columns = np.mgrid[:height, :width]
    distance = np.hypot(rows - down, columns - right)
    gain = 1 - loss * (distance / distance.max()) ** 2
    assert gain.min() == pytest.approx(1 - loss)
    lit = uneven_illumination(floats, loss, np.random.default_rng(2))
    assert np.abs(lit - floats * gain[..., None]).max() < 1e-6


def test_a_single_pixel_is_lit(rng):
    pixel = np.full((1, 1, 3), 0.4, np.float32)
    assert np.array_equal(uneven_illumination(pixel, 1, rng), pixel)
