import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from piq.brisque import _natural_scene_statistics
from scipy.special import gamma
from scipy.stats import gennorm

from workbench.datasets.photographs import load_photograph, photograph_files
from workbench.distortions import apply_distortion
from workbench.errors import ShapeError
from workbench.evaluation.brisque import (
    FEATURES,
    LUMA,
    fit_asymmetric,
    fit_gaussian,
    normalised_luminance,
    nss_features,
)

MANY = 300_000


@pytest.fixture(scope="module")
def photograph():
    return load_photograph(photograph_files("packaged")["coffee"], width=384, height=288)


def asymmetric(shape, left, right, seed=0):
    """Samples of an asymmetric generalised Gaussian of scales left and right, from SciPy's."""
    rng = np.random.default_rng(seed)
    size = np.abs(gennorm.rvs(shape, size=MANY, random_state=rng))
    return np.where(rng.random(MANY) < left / (left + right), -left * size, right * size)


@pytest.mark.parametrize("shape", [0.5, 1.0, 2.0, 4.0])
@pytest.mark.parametrize("scale", [0.3, 5.0])
def test_a_generalised_gaussian_is_recovered_from_its_samples(shape, scale):
    truth = gennorm(shape, scale=scale)
    found, variance = fit_gaussian(truth.rvs(MANY, random_state=1))
    assert found == pytest.approx(shape, rel=0.03)
    assert variance == pytest.approx(truth.var(), rel=0.03)


@pytest.mark.parametrize("shape", [0.6, 1.0, 2.0])
@pytest.mark.parametrize(("left", "right"), [(1.0, 1.0), (0.5, 2.0), (3.0, 1.0)])
def test_an_asymmetric_one_is_recovered_from_its_samples(shape, left, right):
    samples = asymmetric(shape, left, right)
    found, mean, left_variance, right_variance = fit_asymmetric(samples)
    spread = gamma(3 / shape) / gamma(1 / shape)
    assert found == pytest.approx(shape, rel=0.04)
    assert mean == pytest.approx(samples.mean(), abs=0.03 * samples.std())
    assert left_variance == pytest.approx(left**2 * spread, rel=0.05)
    assert right_variance == pytest.approx(right**2 * spread, rel=0.05)


def test_mirrored_samples_swap_the_sides():
    samples = asymmetric(1.0, 0.5, 2.0)
    shape, mean, left, right = fit_asymmetric(samples)
    assert fit_asymmetric(-samples) == pytest.approx((shape, -mean, right, left))


def test_features_agree_with_another_implementation(photograph):
    luma = photograph.astype(np.float32) @ np.array(LUMA, dtype=np.float32)
    theirs = _natural_scene_statistics(torch.from_numpy(luma)[None, None].double())
    # They wrap products round the border, pad with zeros and search a coarser table of shapes.
    np.testing.assert_allclose(nss_features(photograph)[:18], theirs[0], atol=0.03)


@pytest.mark.parametrize("name", ["white_noise", "gaussian_blur", "jpeg"])
def test_a_distortion_moves_the_features(photograph, name):
    clean = nss_features(photograph)
    moved = [
        np.abs(nss_features(apply_distortion(photograph, name, level, seed=0)) - clean).sum()
        for level in (2, 5)
    ]
    assert 0.05 < moved[0] < moved[1]


def test_brightness_is_no_feature(photograph):
    darker = photograph // 2
    np.testing.assert_allclose(nss_features(darker + 100), nss_features(darker), atol=2e-3)


def test_a_transposed_image_swaps_horizontal_and_vertical(photograph):
    features = nss_features(photograph).reshape(2, 18)
    turned = nss_features(photograph.transpose(1, 0, 2)).reshape(2, 18)
    order = [0, 1, *range(6, 10), *range(2, 6), *range(10, 18)]
    np.testing.assert_allclose(turned, features[:, order], atol=2e-3)


@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 2, 128, 256]))
def test_features_are_finite_whatever_the_image(seed, values):
    image = np.random.default_rng(seed).integers(0, values, (17, 16, 3), dtype=np.uint8)
    features = nss_features(image)
    assert features.shape == (FEATURES,)
    assert np.isfinite(features).all()


def test_normalised_luminance_follows_its_definition():
    luma = np.random.default_rng(0).uniform(0, 255, (20, 20)).astype(np.float32)
    y, x = np.mgrid[-3:4, -3:4]
    window = np.exp(-(x**2 + y**2) / (2 * (7 / 6) ** 2))
    window /= window.sum()
    patch = luma[7:14, 5:12].astype(np.float64)  # round row 10, column 8
    mean = (window * patch).sum()
    deviation = np.sqrt((window * (patch - mean) ** 2).sum())
    expected = (patch[3, 3] - mean) / (deviation + 1)
    assert normalised_luminance(luma)[10, 8] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("shape", [(15, 40, 3), (40, 40, 1), (40, 40)])
def test_an_image_that_cannot_be_described_is_refused(shape):
    with pytest.raises(ShapeError, match=r"need RGB images of at least 16x16 px, \(H, W, 3\)"):
        nss_features(np.zeros(shape, np.uint8))
