import numpy as np
import pytest
from scipy import fftpack
from scipy.ndimage import gaussian_filter

from workbench.distortions import operators
from workbench.distortions.compression import sparse_sampling


@pytest.mark.parametrize("share", [0.2, 0.1, 0.04, 0.012, 0.004])
def test_sparse_sampling_keeps_the_largest_coefficients(floats, share):
    spectrum = floats.astype(float)
    for axis in (0, 1):
        spectrum = fftpack.dct(spectrum, axis=axis, norm="ortho")
    ranked = np.argsort(-(spectrum**2).sum(axis=2), axis=None)
    kept = np.zeros(floats.shape[:2], bool)
    kept.ravel()[ranked[: round(share * kept.size)]] = True
    expected = spectrum * kept[..., None]
    for axis in (0, 1):
        expected = fftpack.idct(expected, axis=axis, norm="ortho")
    assert np.abs(sparse_sampling(floats, share) - np.clip(expected, 0, 1)).max() < 1e-3


def test_at_least_the_mean_is_kept(floats):
    flat = sparse_sampling(floats, 0)
    assert flat == pytest.approx(np.broadcast_to(floats.mean(axis=(0, 1)), floats.shape), abs=1e-4)


@pytest.mark.parametrize("colours", [96, 48, 24, 12, 6])
def test_dithering_uses_the_palette_and_keeps_tones_at_a_distance(floats, rng, colours):
    operator = operators()["color_quantization_dither"]
    assert colours in operator.spec.levels
    redrawn = operator.function(floats, colours, rng)
    palette = np.unique(redrawn.reshape(-1, 3), axis=0)
    assert len(palette) == colours
    nearest = palette[((floats[:, :, None] - palette) ** 2).sum(axis=3).argmin(axis=2)]
    seen, undithered, clean = (gaussian_filter(x, (3, 3, 0)) for x in (redrawn, nearest, floats))
    assert ((seen - clean) ** 2).mean() < ((undithered - clean) ** 2).mean()
    assert np.abs((redrawn - floats).mean(axis=(0, 1))).max() < 0.01
