from itertools import pairwise

import numpy as np
import pytest
from scipy import ndimage

from workbench.distortions.randomness import standard_normal
from workbench.distortions.structured_noise import (
    high_frequency_noise,
    masked_noise,
    pink_noise,
    spatially_correlated_noise,
)

GREY = np.full((200, 300, 3), 0.5, np.float32)
TID_VARIANCES = pytest.mark.parametrize("variance", [0.0005, 0.001, 0.002, 0.004, 0.008])
FILTERED = pytest.mark.parametrize(
    ("operator", "filtered"),
    [
        (spatially_correlated_noise, lambda white: ndimage.gaussian_filter(white, 1.5)),
        (high_frequency_noise, lambda white: white - ndimage.gaussian_filter(white, 1)),
    ],
)


def noise_of(operator, variance, seed=0, image=GREY):
    return operator(image, variance, np.random.default_rng(seed)).astype(float) - image


def band_powers(noise, edges):
    """Return the power of (H, W, 3) noise between spatial frequencies in cycles per pixel."""
    power = (np.abs(np.fft.fft2(noise, axes=(0, 1))) ** 2).mean(axis=2)
    rows, columns = (np.fft.fftfreq(size) for size in noise.shape[:2])
    frequency = np.hypot(rows[:, None], columns)
    bands = [(frequency >= low) & (frequency < high) for low, high in pairwise(edges)]
    return np.array([power[band].mean() for band in bands])


@FILTERED
@TID_VARIANCES
def test_filtered_noise_has_the_variance_and_independent_channels(operator, filtered, variance):
    noise = noise_of(operator, variance).reshape(-1, 3)
    assert noise.var(axis=0) == pytest.approx([variance] * 3, rel=0.12)  # 2,000 blobs a channel
    assert np.abs(noise.mean(axis=0)).max() < 5 * np.sqrt(variance / 2000)
    assert np.abs(np.corrcoef(noise.T) - np.eye(3)).max() < 5 / np.sqrt(2000)


@FILTERED
@TID_VARIANCES
def test_filtered_noise_has_the_spectrum_of_its_filter(operator, filtered, variance):
    impulse = np.zeros((200, 300))
    impulse[100, 150] = 1
    response = filtered(impulse)
    edges = [0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75]
    expected = band_powers(response[..., None], edges) * variance / (response**2).sum()
    measured = band_powers(noise_of(operator, variance), edges) / GREY[..., 0].size
    loud = expected > 0.05 * expected.max()  # a cut-out's spectrum leaks a little
    assert measured[loud] == pytest.approx(expected[loud], rel=0.15)
    assert measured[~loud].max(initial=0) < 0.06 * expected.max()


@TID_VARIANCES
def test_correlation_falls_as_that_of_a_blur_of_one_and_a_half_pixels(variance):
    noise = noise_of(spatially_correlated_noise, variance)[..., 1]
    for lag in range(1, 7):
        measured = np.corrcoef(noise[:, lag:].ravel(), noise[:, :-lag].ravel())[0, 1]
        assert measured == pytest.approx(np.exp(-(lag**2) / (4 * 1.5**2)), abs=0.07)


@TID_VARIANCES
def test_high_frequency_noise_lies_beyond_a_quarter_of_the_sampling_rate(variance):
    noise = noise_of(high_frequency_noise, variance)
    frequency = np.hypot(np.fft.fftfreq(200)[:, None], np.fft.fftfreq(300))
    fine = frequency > 0.25
    expected = (1 - np.exp(-2 * (np.pi * frequency) ** 2)) ** 2  # 1 less a Gaussian's transform
    power = (np.abs(np.fft.fft2(noise, axes=(0, 1))) ** 2).mean(axis=2)
    share, expected_share = (each[fine].sum() / each.sum() for each in (power, expected))
    assert share == pytest.approx(expected_share, abs=0.01)
    assert share > 0.9


@FILTERED
def test_the_edge_of_the_image_is_as_noisy_as_its_middle(operator, filtered):
    rows = noise_of(operator, 0.004, image=np.full((9, 6000, 3), 0.5, np.float32)).var(axis=(1, 2))
    assert rows == pytest.approx(np.full(9, 0.004), rel=0.12)


@pytest.mark.parametrize("variance", [0.0015, 0.003, 0.006, 0.012, 0.024])
def test_masked_noise_follows_the_local_variance(floats, variance):
    grey = floats.astype(float) @ [0.299, 0.587, 0.114]
    mean, square = (ndimage.gaussian_filter(g, 2, mode="nearest") for g in (grey, grey**2))
    local = square - mean**2
    spread = np.sqrt(variance * local / (local + 0.05**2))[..., None]
    white = standard_normal(floats.shape, np.random.default_rng(6)).astype(float)
    expected = np.clip(floats + spread * white, 0, 1)
    noisy = masked_noise(floats, variance, np.random.default_rng(6))
    assert np.abs(noisy - expected).max() < 1e-3
    assert np.abs(noisy - expected).mean() < 1e-5


def test_a_flat_image_has_nowhere_to_hide_noise(rng):
    assert np.array_equal(masked_noise(GREY, 0.024, rng), GREY)


@pytest.mark.parametrize("variance", [0.001, 0.002, 0.004, 0.008, 0.016])
def test_the_power_of_pink_noise_falls_with_the_square_of_the_frequency(variance):
    draws = [noise_of(pink_noise, variance, seed) for seed in range(4)]
    edges = np.geomspace(0.02, 0.5, 9)
    middles = np.sqrt(edges[1:] * edges[:-1])
    power = np.mean([band_powers(noise, edges) for noise in draws], axis=0)
    slope = np.polyfit(np.log(middles), np.log(power), 1)[0]
    assert slope == pytest.approx(-2, abs=0.1)
    assert np.mean([noise.var() for noise in draws]) == pytest.approx(variance, rel=0.15)
    flat = np.concatenate([noise.reshape(-1, 3) for noise in draws])
    assert np.abs(np.corrcoef(flat.T) - np.eye(3)).max() < 0.25  # few waves carry most of it


def test_pink_noise_of_a_small_image_is_cut_from_a_larger_field():
    pixels = [noise_of(pink_noise, 0.004, seed, GREY[:1, :1]) for seed in range(400)]
    assert np.var(pixels) == pytest.approx(0.004, rel=0.2)
