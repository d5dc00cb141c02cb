"""KADID-10k #4 to #8, TID2013 #22: colour that bleeds, shifts, runs out, fades or shouts."""

import numpy as np

from workbench.distortions.colourspace import lab_to_rgb, luma, rgb_to_lab
from workbench.distortions.filters import gaussian_filter
from workbench.distortions.operator import FloatImage, Operator, deterministic
from workbench.distortions.pixels import to_bytes, to_floats
from workbench.distortions.quantisation import dither, minimum_variance_palette
from workbench.domain.distortion import Distortion


def color_diffusion(image: FloatImage, amount: float) -> FloatImage:
    """Blur a* and b* with a Gaussian of 1.5 amount + 2 pixels, then multiply them by amount."""
    lab = rgb_to_lab(image)
    lab[..., 1:] = gaussian_filter(lab[..., 1:], 1.5 * amount + 2) * np.float32(amount)
    return lab_to_rgb(lab)


def color_shift(image: FloatImage, amount: float, rng: np.random.Generator) -> FloatImage:
    """Move the green channel right and down, where the image has edges.

    The offset is `amount` pixels in a random direction of that quadrant, rounded to whole pixels;
    `edge_mask` says how much of the moved channel is mixed in; edges are replicated.
    """
    height, width = image.shape[:2]
    direction = rng.random(2)
    direction /= max(float(np.hypot(*direction)), 1e-12)
    down, right = np.rint(amount * direction).astype(int)
    rows = np.clip(np.arange(height) - down, 0, None)
    columns = np.clip(np.arange(width) - right, 0, None)
    green = image[..., 1]
    shifted = image.copy()
    shifted[..., 1] += edge_mask(image) * (green[rows][:, columns] - green)
    return np.clip(shifted, 0, 1)


def edge_mask(image: FloatImage) -> FloatImage:
    """Return where the image has edges, softly.

    Gradient magnitude of the grey image (central differences), blurred with a Gaussian of 4
    pixels, scaled to [0, 1], values below .1 raised to it, then stretched so that the 1st
    percentile becomes 0 and the 99th 1. All zero where nothing varies.

    Returns:
        (H, W), float32 in [0, 1].
    """
    padded = np.pad(luma(image), 1, mode="edge")
    across = padded[1:-1, 2:] - padded[1:-1, :-2]
    down = padded[2:, 1:-1] - padded[:-2, 1:-1]
    edges = np.maximum(_rescale(gaussian_filter(np.hypot(across, down), 4), 0, 100), 0.1)
    return _rescale(edges, 1, 99)


def _rescale(values: FloatImage, low_percent: float, high_percent: float) -> FloatImage:
    low, high = np.percentile(values, (low_percent, high_percent)).astype(np.float32)
    if high <= low:
        return np.zeros_like(values)
    scaled: FloatImage = (values - low) / (high - low)
    return np.clip(scaled, 0, 1)


def color_quantization(image: FloatImage, colours: float) -> FloatImage:
    """Redraw in a minimum-variance palette, with Floyd-Steinberg dithering.

    That is what MATLAB's `rgb2ind(image, n)` does unless told otherwise, and what KADID-10k's
    paper says. The palette is Wu's (`minimum_variance_palette`).
    """
    pixels = to_bytes(image)
    return to_floats(dither(pixels, minimum_variance_palette(pixels, int(colours))))


def color_saturation_1(image: FloatImage, factor: float) -> FloatImage:
    """Multiply the HSV saturation.

    In HSV a channel is c = V (1 - S k) with k fixed by the hue, so scaling S is moving every
    channel towards V, the largest: V - factor (V - c). A negative factor passes V and gives the
    complementary hue, brighter than V; it is clipped.
    """
    value = np.maximum(np.maximum(image[..., 0], image[..., 1]), image[..., 2])[..., None]
    scaled: FloatImage = value - np.float32(factor) * (value - image)
    return np.clip(scaled, 0, 1)


def color_saturation_2(image: FloatImage, factor: float) -> FloatImage:
    """Multiply a* and b* by a factor; colours beyond sRGB are clipped per channel."""
    return lab_to_rgb(rgb_to_lab(image) * np.array([1, factor, factor], np.float32))


OPERATORS: tuple[Operator, ...] = (
    deterministic(
        Distortion(
            id="color_diffusion",
            name="Color diffusion",
            group="colour",
            source="KADID-10k #4",
            explanation="The colour, but not the lightness, is blurred over a wide area and made "
            "several times stronger, so that colours bleed across the outlines of "
            "objects and flood whole regions with vivid tints.",
            parameter="amount x: colour blurred over 1.5x + 2 pixels and multiplied by x",
            levels=(1, 3, 6, 8, 12),
            limits=(0, None),
        ),
        color_diffusion,
    ),
    Operator(
        Distortion(
            id="color_shift",
            name="Color shift",
            group="colour",
            source="KADID-10k #5",
            explanation="The green part of the image is moved a few pixels sideways and down "
            "against the red and blue parts, mostly along edges, so that edges get green fringes "
            "on one side and magenta fringes on the other.",
            parameter="offset of the green channel in pixels",
            levels=(1, 3, 6, 8, 12),
            limits=(0, None),
            neutral=0,
            stochastic=True,
        ),
        color_shift,
    ),
    deterministic(
        Distortion(
            id="color_quantization",
            name="Color quantization",
            group="colour",
            source="KADID-10k #6",
            explanation="The image is redrawn with a palette of only a few colours, and dots of "
            "neighbouring palette colours are scattered to imitate the missing ones, so that "
            "smooth areas turn grainy and speckled and rare colours are lost.",
            parameter="number of colours in the palette",
            levels=(64, 48, 32, 16, 8),
            limits=(1, 256),
        ),
        color_quantization,
    ),
    deterministic(
        Distortion(
            id="color_saturation_1",
            name="Color saturation 1",
            group="colour",
            source="KADID-10k #7",
            explanation="The saturation of every colour is turned down towards pale grey, and at "
            "the strongest level beyond grey, where colours come back as pale versions of their "
            "opposites: blue where yellow was.",
            parameter="factor on the HSV saturation",
            levels=(0.4, 0.2, 0.1, 0, -0.4),
            neutral=1,
        ),
        color_saturation_1,
    ),
    deterministic(
        Distortion(
            id="color_saturation_2",
            name="Color saturation 2",
            group="colour",
            source="KADID-10k #8",
            explanation="Every colour is made several times more vivid at unchanged lightness "
            "until it hits the limits of the screen, so that colours look garish and neon, faint "
            "tints become loud and coloured areas lose their shading.",
            parameter="factor on a* and b* of L*a*b*",
            levels=(1, 2, 3, 6, 9),
            limits=(0, None),
            neutral=1,
        ),
        color_saturation_2,
    ),
    # TID2013 #22 is KADID-10k #6 at levels of ours: PSNR near 33, 30, 27, 24 and 21 dB.
    deterministic(
        Distortion(
            id="color_quantization_dither",
            name="Color quantization with dither",
            group="colour",
            source="TID2013 #22",
            explanation="Only a few colours, chosen to suit the image, may be used, and each pixel "
            "passes its rounding error on to its neighbours, so that tones in between appear as "
            "scattered dots and smooth areas look like newsprint seen up close.",
            parameter="number of colours in the palette",
            levels=(96, 48, 24, 12, 6),
            limits=(1, 256),
        ),
        color_quantization,
    ),
)
