"""A palette of n colours by minimum variance, and dithering to it.

Pillow's own quantizers either take 60 ms for a small photograph (median cut) or leave three times
the squared error (octree), so the palette is found here by Wu's method and Pillow only dithers.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from workbench.distortions.operator import ByteImage

_BITS = 5  # Wu 1991 counts colours in 32 x 32 x 32 cells
_CELLS = 1 << _BITS
_SHIFT = 8 - _BITS

Moments = NDArray[np.float64]
Bounds = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]


@dataclass(frozen=True)
class _Box:
    """A box of colour cells with its best cut."""

    bounds: Bounds
    gain: float  # by how much the best cut lowers the squared error
    axis: int
    at: int


def minimum_variance_palette(image: ByteImage, colours: int) -> ByteImage:
    """Return the palette found by cutting the colour cube where squared error falls most.

    The method of Wu, "Efficient statistical computations for optimal color quantization",
    Graphics Gems II (1991): cumulative moments over the cube make every cut of every box cheap to
    judge; the box whose best cut helps most is cut next.

    Args:
        image: (H, W, 3), uint8.
        colours: Size of the palette, 1..256.

    Returns:
        (n, 3), uint8, n <= colours: the mean colour of each box.

    Example:
        >>> black_white = np.array([[[0] * 3, [255] * 3]], np.uint8)
        >>> minimum_variance_palette(black_white, 8).tolist()
        [[0, 0, 0], [255, 255, 255]]
    """
    table = _cumulative_moments(image)
    boxes = [_best_cut(table, ((0, _CELLS), (0, _CELLS), (0, _CELLS)))]
    while len(boxes) < colours:
        worst = max(range(len(boxes)), key=lambda index: boxes[index].gain)
        if boxes[worst].gain <= 0:
            break
        boxes[worst : worst + 1] = [_best_cut(table, half) for half in _halves(boxes[worst])]
    sums = np.array([_moments(table, box.bounds) for box in boxes])  # (n, 4)
    means: ByteImage = np.rint(sums[:, 1:] / sums[:, :1]).astype(np.uint8)
    return means


def dither(image: ByteImage, palette: ByteImage) -> ByteImage:
    """Redraw the image in the palette's colours alone, with Floyd-Steinberg error diffusion.

    Args:
        image: (H, W, 3), uint8.
        palette: (n, 3), uint8, n <= 256.

    Returns:
        (H, W, 3), uint8; every pixel is a row of the palette.
    """
    carrier = Image.new("P", (1, 1))
    carrier.putpalette(palette.tobytes())
    indices = Image.fromarray(image).quantize(palette=carrier, dither=Image.Dither.FLOYDSTEINBERG)
    dithered: ByteImage = palette[np.asarray(indices)]
    return dithered


def _cumulative_moments(image: ByteImage) -> Moments:
    """Return (33, 33, 33, 4): count and sums of R, G, B over all cells below an index."""
    pixels = image.reshape(-1, 3)
    red, green, blue = (pixels[:, channel].astype(np.intp) >> _SHIFT for channel in range(3))
    cell = (red << (2 * _BITS)) | (green << _BITS) | blue
    weights = (None, pixels[:, 0], pixels[:, 1], pixels[:, 2])
    moments = np.stack([np.bincount(cell, weight, _CELLS**3) for weight in weights], axis=-1)
    table: Moments = np.zeros((_CELLS + 1,) * 3 + (4,))
    table[1:, 1:, 1:] = moments.reshape(_CELLS, _CELLS, _CELLS, 4)
    for axis in range(3):
        np.cumsum(table, axis=axis, out=table)
    return table


def _moments(table: Moments, bounds: Bounds) -> Moments:
    """Return count and sums of one box, (4,)."""
    low, high = bounds[0]
    total: Moments = _slabs(table, bounds, 0)[high - low]
    return total


def _slabs(table: Moments, bounds: Bounds, axis: int) -> Moments:
    """Return the moments of the box up to each cut along an axis, (n + 1, 4)."""
    (low, high), (a0, a1), (b0, b1) = (bounds[axis], *(bounds[i] for i in range(3) if i != axis))
    view = np.moveaxis(table, axis, 0)[low : high + 1]
    upto: Moments = view[:, a1, b1] - view[:, a0, b1] - view[:, a1, b0] + view[:, a0, b0]
    upto -= upto[0].copy()
    return upto


def _best_cut(table: Moments, bounds: Bounds) -> _Box:
    best = _Box(bounds, 0.0, 0, 0)
    for axis in range(3):
        upto = _slabs(table, bounds, axis)
        below, above = upto[1:-1], upto[-1] - upto[1:-1]
        both = (below[:, 0] > 0) & (above[:, 0] > 0)
        if not both.any():
            continue
        gains = np.where(both, _spread(below) + _spread(above), 0) - _spread(upto[-1:])
        at = int(gains.argmax())
        if gains[at] > best.gain:
            best = _Box(bounds, float(gains[at]), axis, bounds[axis][0] + 1 + at)
    return best


def _spread(moments: Moments) -> Moments:
    """Return |sum|^2 / count per row: the larger, the smaller the squared error that is left."""
    squares: Moments = (moments[:, 1:] ** 2).sum(axis=1)
    return squares / np.maximum(moments[:, 0], 1)


def _halves(box: _Box) -> Iterator[Bounds]:
    low, high = box.bounds[box.axis]
    for part in ((low, box.at), (box.at, high)):
        first, second, third = (part if axis == box.axis else box.bounds[axis] for axis in range(3))
        yield first, second, third


def otsu_thresholds(histogram: NDArray[np.integer], count: int) -> NDArray[np.intp]:
    """Return the thresholds that leave the least variance within the classes between them.

    A dynamic programme over class borders finds the global optimum; of equally good borders the
    lowest is taken. Otsu, "A threshold selection method from gray-level histograms", IEEE Trans.
    SMC 9 (1979), extended to many classes as he proposes in its section IV.

    Args:
        histogram: (n,), counts per value, not all zero.
        count: Number of thresholds, 1 <= count < n.

    Returns:
        (count,), increasing; a value v belongs to class k if thresholds[k-1] < v <= thresholds[k].

    Example:
        >>> otsu_thresholds(np.array([5, 1, 0, 0, 9, 9]), 1).tolist()
        [1]
    """
    gain = _class_gain(histogram)  # (n + 1, n + 1): of a class that holds values a..b-1
    best = gain[0]
    borders = []
    for _ in range(count):
        total = best[:, None] + gain
        borders.append(total.argmax(axis=0))
        best = total.max(axis=0)
    end = len(histogram)
    thresholds = []
    for choice in reversed(borders):
        end = int(choice[end])
        thresholds.append(end - 1)
    return np.array(thresholds[::-1], np.intp)


def _class_gain(histogram: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return sum^2 / weight for every class of values a..b-1, minus infinity where b <= a."""
    weight = np.concatenate([[0.0], np.cumsum(histogram, dtype=np.float64)])
    moment = np.concatenate([[0.0], np.cumsum(histogram * np.arange(len(histogram)) * 1.0)])
    weights = weight[None, :] - weight[:, None]
    moments = moment[None, :] - moment[:, None]
    gain: NDArray[np.float64] = np.zeros_like(weights)
    np.divide(moments**2, weights, out=gain, where=weights > 0)
    gain[np.tril_indices(len(gain))] = -np.inf
    return gain
