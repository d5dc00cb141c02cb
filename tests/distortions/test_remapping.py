import cv2
import numpy as np
import pytest

from workbench.distortions.spatial import LONGEST, STRIP, remap, remap_in_strips


def smooth(height, width):
    rows, columns = np.mgrid[:height, :width]
    waves = [0.5 + 0.5 * np.sin(rows / 9 + columns / (5 + channel)) for channel in range(3)]
    return np.stack(waves, axis=-1).astype(np.float32)


@pytest.mark.parametrize("shape", [(9, STRIP + 100), (STRIP + 100, 9)])
@pytest.mark.parametrize("interpolation", [cv2.INTER_LINEAR, cv2.INTER_CUBIC])
def test_strips_fit_together_seamlessly(rng, shape, interpolation):
    image = smooth(*shape)
    offsets = (3 * rng.standard_normal((2, *shape))).astype(np.float32)
    whole, strips = (each(image, offsets, interpolation) for each in (remap, remap_in_strips))
    # Places are rounded to 1/32 pixel, and to 1/1024 before by 32-bit floats far from 0.
    assert np.abs(strips - whole).max() < 1 / 32 / 5
    assert np.abs(strips - whole).mean() < 1e-4


@pytest.mark.parametrize("shape", [(6, LONGEST + 300), (LONGEST + 300, 6)])
def test_an_image_longer_than_16_bits_can_be_remapped(shape):
    image = smooth(*shape)
    offsets = np.stack([np.full(shape, 1.0), np.full(shape, -2.0)]).astype(np.float32)
    expected = np.pad(image, ((2, 0), (0, 1), (0, 0)), mode="edge")[:-2, 1:]
    assert np.array_equal(remap(image, offsets, cv2.INTER_LINEAR), expected)
