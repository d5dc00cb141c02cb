import numpy as np
import pytest
from scipy import fft, stats

from workbench.distortions.noise import (
    DENOISERS,
    denoise,
    impulse_noise,
    multiplicative_noise,
    white_noise,
    white_noise_color_component,
)
from workbench.distortions.randomness import standard_normal
from workbench.errors import UnknownNameError

GREY = np.full((200, 300, 3), 0.5, np.float32)
COUNT = GREY[..., 0].size


def test_normal_numbers_are_gaussian_and_independent(rng):
    for shape in ((3, 5, 7), (301, 401)):
        numbers = standard_normal(shape, rng)
        assert numbers.shape == shape
        assert numbers.dtype == np.float32
    flat = numbers.ravel().astype(float)
    assert stats.kstest(flat, "norm").pvalue > 1e-4
    assert abs(stats.kurtosis(flat)) < 5 * np.sqrt(24 / flat.size)
    half = flat.size // 2  # both numbers of a pair come from one radius
    for power in (1, 2):
        first, second = flat[:half] ** power, flat[-half:] ** power
        assert abs(np.corrcoef(first, second)[0, 1]) < 5 / np.sqrt(half)


def variance_bounds(variance, kurtosis=3.0):
    """Five standard errors of a sample variance around the true one."""
    spread = 5 * variance * np.sqrt((kurtosis - 1) / COUNT)
    return variance - spread, variance + spread


@pytest.mark.parametrize("variance", [0.001, 0.002, 0.003, 0.005, 0.01])
def test_white_noise_is_gaussian_independent_and_of_the_variance(rng, variance):
    noise = (white_noise(GREY, variance, rng) - GREY).reshape(-1, 3).astype(float)
    low, high = variance_bounds(variance)
    assert np.all((noise.var(axis=0) > low) & (noise.var(axis=0) < high))
    assert np.abs(noise.mean(axis=0)).max() < 5 * np.sqrt(variance / COUNT)
    assert np.abs(np.corrcoef(noise.T) - np.eye(3)).max() < 5 / np.sqrt(COUNT)
    assert stats.kstest(noise[:5000, 0] / np.sqrt(variance), "norm").pvalue > 1e-4


@pytest.mark.parametrize("variance", [0.0001, 0.0005, 0.001, 0.002, 0.003])
def test_white_noise_in_ycbcr_is_independent_there(rng, variance):
    noisy = white_noise_color_component(GREY, variance, rng).astype(float)
    # BT.601 by its definition: Y = .299 R + .587 G + .114 B, Cb = (B - Y) / 1.772, ...
    luma = noisy @ [0.299, 0.587, 0.114]
    blue, red = (noisy[..., 2] - luma) / 1.772, (noisy[..., 0] - luma) / 1.402
    components = np.stack([luma * 219, blue * 224, red * 224], axis=-1).reshape(-1, 3) / 255
    low, high = variance_bounds(variance)
    assert np.all((components.var(axis=0) > low) & (components.var(axis=0) < high))
    assert np.abs(np.corrcoef(components.T) - np.eye(3)).max() < 5 / np.sqrt(COUNT)


@pytest.mark.parametrize("density", [0.001, 0.005, 0.01, 0.02, 0.03])
def test_impulse_noise_hits_each_channel_by_itself(rng, density):
    noisy = impulse_noise(GREY, density, rng).reshape(-1, 3)
    for value in (0, 1):
        hits = (noisy == value).sum(axis=0)
        assert np.abs(hits - COUNT * density / 2).max() < 5 * np.sqrt(COUNT * density / 2)
    assert set(np.unique(noisy)) == {0, 0.5, 1}
    hit = noisy != 0.5
    assert hit.all(axis=1).mean() < 5e-4  # density^3, were channels hit together it were density


@pytest.mark.parametrize("variance", [0.001, 0.005, 0.01, 0.02, 0.05])
def test_multiplicative_noise_is_uniform_and_proportional(rng, variance):
    factor = multiplicative_noise(GREY, variance, rng).astype(float) / 0.5 - 1
    low, high = variance_bounds(variance, kurtosis=1.8)
    assert low < factor[..., 0].var() < high
    assert np.abs(factor).max() <= np.sqrt(3 * variance) + 1e-6  # a Gaussian would go beyond
    width = 2 * np.sqrt(3 * variance)
    uniform = stats.uniform(-width / 2, width).cdf
    assert stats.kstest(factor[..., 1].ravel()[:5000], uniform).pvalue > 1e-4


def test_multiplicative_noise_leaves_black_alone(rng):
    assert not multiplicative_noise(np.zeros((9, 9, 3), np.float32), 0.05, rng).any()


def psnr(image, reference):
    return -10 * np.log10(((image - reference) ** 2).mean())


@pytest.mark.parametrize("variance", [0.01, 0.03, 0.05, 0.1, 0.15])
@pytest.mark.parametrize("name", list(DENOISERS))
def test_the_denoiser_removes_most_noise_and_some_of_the_image(floats, variance, name):
    noisy = white_noise(floats, variance, np.random.default_rng(1))
    cleaned = denoise(floats, variance, np.random.default_rng(1), denoiser=DENOISERS[name])
    assert psnr(cleaned, floats) > psnr(noisy, floats) + 4
    assert psnr(cleaned, floats) < 30


def plainly_denoised(image, sigma):
    """Yu and Sapiro's method, block by block: half-overlapping blocks of 16 pixels, Hann window."""
    hann = np.sin(np.pi * (np.arange(16) + 0.5) / 16) ** 2
    window = np.outer(hann, hann)
    padded = np.pad(image.astype(float), ((16, 32), (16, 32)), mode="symmetric")
    total = np.zeros_like(padded)
    for top in range(0, padded.shape[0] - 15, 8):
        for left in range(0, padded.shape[1] - 15, 8):
            block = np.s_[top : top + 16, left : left + 16]
            coefficients = fft.dctn(padded[block], norm="ortho")
            kept = np.where(np.abs(coefficients) >= 3 * sigma, coefficients, 0)
            kept[0, 0] = coefficients[0, 0]
            total[block] += window * fft.idctn(kept, norm="ortho")
    return np.clip(total[16 : 16 + image.shape[0], 16 : 16 + image.shape[1]], 0, 1)


@pytest.mark.parametrize("variance", [0.01, 0.03, 0.05, 0.1, 0.15])
def test_the_sliding_transform_drops_small_coefficients_of_each_block(floats, variance):
    noisy = white_noise(floats[:40, :50], variance, np.random.default_rng(3))
    cleaned = denoise(floats[:40, :50], variance, np.random.default_rng(3))
    for channel in range(3):
        expected = plainly_denoised(noisy[..., channel], np.sqrt(variance))
        assert np.abs(cleaned[..., channel] - expected).max() < 1e-4


def test_a_denoiser_of_ones_own_can_be_plugged_in(floats):
    received = []

    def mean(image, sigma):
        received.append(sigma)
        return np.full_like(image, image.mean())

    flat = denoise(floats, 0.04, np.random.default_rng(1), denoiser=mean)
    assert received == [pytest.approx(0.2)]
    assert np.ptp(flat) == 0


def test_no_noise_to_remove_leaves_the_image_alone(floats, rng):
    assert np.array_equal(denoise(floats, 0, rng), floats)
    assert np.abs(DENOISERS["sliding_dct"](floats, 0) - floats).max() < 1e-5


def test_the_sliding_transform_shows_no_borders_of_blocks():
    grey = np.full((128, 128, 3), 0.5, np.float32)
    cleaned = denoise(grey, 0.01, np.random.default_rng(2))[..., 0]
    steps = np.abs(np.diff(cleaned, axis=1)).mean(axis=0)  # of columns 0-1, 1-2, ...
    at_borders, elsewhere = steps[7::8].mean(), np.delete(steps, np.s_[7::8]).mean()
    assert at_borders < 1.5 * elsewhere


def test_an_unknown_denoiser_is_named():
    with pytest.raises(UnknownNameError, match=r"Unknown denoiser 'sliding-dct'\. Did you mean"):
        DENOISERS["sliding-dct"]
