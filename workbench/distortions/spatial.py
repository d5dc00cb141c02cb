"""KADID-10k #19 to #23: pixels that are moved, repeated, merged or covered."""

import cv2
import numpy as np
from numpy.typing import NDArray

from workbench.distortions.operator import FloatImage, Operator, deterministic
from workbench.distortions.pixels import to_bytes
from workbench.distortions.quantisation import otsu_thresholds
from workbench.distortions.randomness import standard_normal
from workbench.domain.distortion import Distortion

LONGEST = 2**15 - 2  # pixels a side; OpenCV's remap counts them in 16 bits
STRIP = 2**14  # pixels; longer images are done in strips of this height or width
_FARTHEST = 2**13  # pixels; from farther beyond its strip no pixel of a longer image is fetched


def remap(image: FloatImage, offsets: FloatImage, interpolation: int) -> FloatImage:
    """Return the image at every pixel plus its offset; edges replicated.

    Args:
        image: (H, W, 3), float32.
        offsets: (2, H, W), float32, in x and y, in pixels.
        interpolation: One of OpenCV's.
    """
    height, width = image.shape[:2]
    if max(height, width) > LONGEST:
        return remap_in_strips(image, offsets, interpolation)
    x = offsets[0] + np.arange(width, dtype=np.float32)
    y = offsets[1] + np.arange(height, dtype=np.float32)[:, None]
    fetched = cv2.remap(image, x, y, interpolation, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(fetched, np.float32)


def remap_in_strips(image: FloatImage, offsets: FloatImage, interpolation: int) -> FloatImage:
    """Do the same in strips across the longer side, each with as much around it as is fetched."""
    if image.shape[0] < image.shape[1]:
        flipped = offsets[::-1].swapaxes(1, 2)
        turned = remap_in_strips(image.swapaxes(0, 1), flipped, interpolation)
        return np.ascontiguousarray(turned.swapaxes(0, 1))
    around = min(int(np.abs(offsets[1]).max()) + 3, _FARTHEST)  # bicubic reaches 2 pixels on
    strips = []
    for start in range(0, len(image), STRIP):
        top, bottom = max(start - around, 0), start + STRIP + around
        strip = remap(image[top:bottom], offsets[:, top:bottom], interpolation)
        strips.append(strip[start - top : start - top + STRIP])
    return np.concatenate(strips)


_ROUNDS = 5  # METHOD: five rounds of jitter
_PATCH, _REACH = 16, 8  # pixels: size of a patch, and how far it may be copied from
_BLOCK = 32  # pixels


def jitter(image: FloatImage, sigma: float, rng: np.random.Generator) -> FloatImage:
    """Fetch every pixel from a random point nearby, five times over, by bicubic interpolation."""
    moved = image
    for _ in range(_ROUNDS):
        offsets = standard_normal((2, *image.shape[:2]), rng)
        offsets *= np.float32(sigma)
        moved = _fetch(moved, offsets)
    return np.clip(moved, 0, 1)


def _fetch(image: FloatImage, offsets: FloatImage) -> FloatImage:
    """Return the image at every pixel plus its offset, (2, H, W) in x and y; edges replicated.

    Keys' bicubic kernel with a = -.5, which MATLAB uses and which alone keeps ramps: with
    OpenCV's -.75 small offsets act half as far again. The kernel is linear in a, and at a = 0 it
    is bilinear interpolation between eased coordinates, so two thirds of the one and one third of
    the other are the kernel wanted, up to a small term in the mixed derivative by x and y.
    """
    whole_pixels = np.floor(offsets)
    eased = offsets - whole_pixels
    eased *= eased * (3 - 2 * eased)
    eased += whole_pixels
    cubic, linear = (
        remap(image, moves, kind)
        for moves, kind in ((offsets, cv2.INTER_CUBIC), (eased, cv2.INTER_LINEAR))
    )
    return np.asarray(cv2.addWeighted(cubic, 2 / 3, linear, 1 / 3, 0), np.float32)


def non_eccentricity_patch(image: FloatImage, count: float, rng: np.random.Generator) -> FloatImage:
    """Overwrite squares of 16 pixels with what the image shows up to 8 pixels away.

    Every patch comes from the undistorted image, and it and its target lie inside; a smaller image
    has smaller patches. Both are drawn uniformly over whole pixels.
    """
    patched = image.copy()
    extent = np.array(image.shape[:2])
    size = np.minimum(extent, _PATCH)
    targets = rng.integers(0, extent - size + 1, (int(count), 2))
    offsets = rng.integers(-_REACH, _REACH + 1, (int(count), 2))
    sources = np.clip(targets + offsets, 0, extent - size)
    for (row, column), (from_row, from_column) in zip(targets, sources, strict=True):
        patched[row : row + size[0], column : column + size[1]] = image[
            from_row : from_row + size[0], from_column : from_column + size[1]
        ]
    return patched


def pixelate(image: FloatImage, amount: float) -> FloatImage:
    """Scale down by .95 - amount^.6 and up again, both to the nearest pixel.

    The small image has ceil(scale x size) pixels a side; the outer edges of both are aligned, so
    that nothing drifts and the error does not depend on the image's size. From an amount of .918
    nothing would be left.
    """
    scale = 0.95 - amount**0.6
    rows, columns = (_nearest_round_trip(size, scale) for size in image.shape[:2])
    return np.ascontiguousarray(image[rows][:, columns])


def _nearest_round_trip(size: int, scale: float) -> NDArray[np.intp]:
    """Return which of `size` pixels each of them shows after scaling down and up."""
    small = int(np.ceil(scale * size))
    down = (np.arange(small) + 0.5) * size / small  # floor() is the pixel that a point lies in
    up = (np.arange(size) + 0.5) * small / size
    nearest: NDArray[np.intp] = down.astype(np.intp)[up.astype(np.intp)]
    return nearest


def quantization(image: FloatImage, count: float) -> FloatImage:
    """Round to 8 bits and cut the values at Otsu's thresholds, one set for R, G and B together.

    The lowest class becomes 0, the highest 1, and every class between takes its upper threshold.
    The thresholds are the exact optimum over the joint histogram of 256 values.
    """
    pixels = to_bytes(image)
    histogram = np.bincount(pixels.reshape(-1), minlength=256)
    thresholds = otsu_thresholds(histogram, int(count))
    values = np.concatenate([[0], thresholds[1:] / 255, [1]]).astype(np.float32)
    return values[np.searchsorted(thresholds, np.arange(256))][pixels]


def color_block(image: FloatImage, count: float, rng: np.random.Generator) -> FloatImage:
    """Paint squares of 32 pixels, each in one random colour, at random whole pixels.

    Colours are uniform over the RGB cube; a smaller image has smaller squares.
    """
    covered = image.copy()
    extent = np.array(image.shape[:2])
    size = np.minimum(extent, _BLOCK)
    corners = rng.integers(0, extent - size + 1, (int(count), 2))
    colours = rng.random((int(count), 3), np.float32)
    for (row, column), colour in zip(corners, colours, strict=True):
        covered[row : row + size[0], column : column + size[1]] = colour
    return covered


OPERATORS: tuple[Operator, ...] = (
    Operator(
        Distortion(
            id="jitter",
            name="Jitter",
            group="spatial",
            source="KADID-10k #19",
            explanation="Every pixel is moved a tiny random distance on its own, several times "
            "over, so that straight edges become rough and frayed and fine detail crumbles as if "
            "seen through textured glass.",
            parameter="standard deviation of the offsets in pixels",
            levels=(0.05, 0.1, 0.2, 0.5, 1),
            limits=(0, None),
            neutral=0,
            stochastic=True,
        ),
        jitter,
    ),
    Operator(
        Distortion(
            id="non_eccentricity_patch",
            name="Non-eccentricity patch",
            group="spatial",
            source="KADID-10k #20",
            explanation="Small square patches of the image are copied over places a few pixels "
            "away, so that here and there lines and contours break and jump and a bit of texture "
            "or an object's edge appears twice.",
            parameter="number of patches of 16 x 16 pixels",
            levels=(20, 40, 60, 80, 100),
            limits=(0, None),
            neutral=0,
            stochastic=True,
        ),
        non_eccentricity_patch,
    ),
    deterministic(
        Distortion(
            id="pixelate",
            name="Pixelate",
            group="spatial",
            source="KADID-10k #21",
            explanation="The image is shrunk and enlarged again by dropping and repeating pixels "
            "without smoothing, so that it is built of visible hard-edged squares, slanted lines "
            "turn into staircases and thin lines break up.",
            parameter="amount x: scaled by .95 - x^.6 and back",
            levels=(0.01, 0.05, 0.1, 0.2, 0.5),
            limits=(0, 0.9),
        ),
        pixelate,
    ),
    deterministic(
        Distortion(
            id="quantization",
            name="Quantization",
            group="spatial",
            source="KADID-10k #22",
            explanation="The red, green and blue values are each rounded to one of only a few "
            "allowed steps, so that smooth gradients such as sky or skin break into flat bands "
            "with visible borders and slightly wrong colours.",
            parameter="number of thresholds between the steps",
            levels=(20, 16, 13, 10, 7),
            limits=(1, 255),
        ),
        quantization,
    ),
    Operator(
        Distortion(
            id="color_block",
            name="Color block",
            group="spatial",
            source="KADID-10k #23",
            explanation="A few squares of one flat random colour each are pasted at random places "
            "over the image and hide what was there, while everything around them is unchanged.",
            parameter="number of squares of 32 x 32 pixels",
            levels=(2, 4, 6, 8, 10),
            limits=(0, None),
            neutral=0,
            stochastic=True,
        ),
        color_block,
    ),
)
