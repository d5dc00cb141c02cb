import numpy as np
import pytest
from PIL import Image

from workbench.distortions.quantisation import dither, minimum_variance_palette


def squared_error(image, palette):
    pixels = image.reshape(-1, 1, 3).astype(float)
    return ((pixels - palette.astype(float)) ** 2).sum(axis=2).min(axis=1).mean()


@pytest.mark.parametrize("colours", [64, 48, 32, 16, 8])
def test_the_palette_leaves_less_error_than_median_cut(photograph, colours):
    median_cut = Image.fromarray(photograph).quantize(colours, Image.Quantize.MEDIANCUT)
    rival = np.array(median_cut.getpalette()[: 3 * colours], np.uint8).reshape(-1, 3)
    palette = minimum_variance_palette(photograph, colours)
    assert len(palette) == colours
    assert squared_error(photograph, palette) < squared_error(photograph, rival)


def test_two_colours_come_from_the_best_of_all_axis_parallel_cuts(rng):
    image = (rng.integers(0, 32, (6, 7, 3)) * 8 + 4).astype(np.uint8)  # one value per cell
    pixels = image.reshape(-1, 3).astype(float)

    def left_over(mask):
        return sum(
            ((part - part.mean(axis=0)) ** 2).sum() for part in (pixels[mask], pixels[~mask])
        )

    cuts = [pixels[:, axis] < at for axis in range(3) for at in range(8, 256, 8)]
    best = min((cut for cut in cuts if cut.any() and not cut.all()), key=left_over)
    expected = sorted(tuple(np.rint(pixels[part].mean(axis=0))) for part in (best, ~best))
    assert sorted(map(tuple, minimum_variance_palette(image, 2).tolist())) == expected


def test_a_flat_image_has_one_colour_and_keeps_it():
    flat = np.full((9, 5, 3), (200, 31, 7), np.uint8)
    palette = minimum_variance_palette(flat, 8)
    assert palette.tolist() == [[200, 31, 7]]
    assert np.array_equal(dither(flat, palette), flat)


def test_dithering_uses_the_palette_alone_and_keeps_the_mean():
    grey = np.full((64, 64, 3), 100, np.uint8)
    palette = np.array([[40] * 3, [240] * 3], np.uint8)
    dithered = dither(grey, palette)
    assert set(np.unique(dithered)) == {40, 240}
    assert dithered.mean() == pytest.approx(100, abs=2)
