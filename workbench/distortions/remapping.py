"""Fetch every pixel from somewhere else, on images of any size."""

import cv2
import numpy as np

from workbench.distortions.base import FloatImage

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
