"""Linear filters with the image's edge repeated outwards, and the kernels of the blurs."""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from workbench.distortions.operator import FloatImage

Kernel = NDArray[np.float64]


def gaussian_filter(image: FloatImage, sigma: float) -> FloatImage:
    """Return the image convolved with a Gaussian, cut off at 4 standard deviations.

    The same as `scipy.ndimage.gaussian_filter(mode="nearest")` in the two spatial directions.

    Args:
        image: (H, W) or (H, W, C), float32.
        sigma: Standard deviation in pixels, >= 0; below 1/8 the kernel is a single pixel.
    """
    radius = int(4 * sigma + 0.5)
    if radius == 0:
        return image.copy()
    size = (2 * radius + 1, 2 * radius + 1)
    blurred = cv2.GaussianBlur(image, size, sigma, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(blurred, np.float32).reshape(image.shape)


def convolve(image: FloatImage, kernel: Kernel) -> FloatImage:
    """Return the image filtered with a kernel, edges replicated.

    Args:
        image: (H, W, 3), float32.
        kernel: (2r+1, 2r+1), each weight for the pixel in that direction (a correlation); for
            point-symmetric kernels a convolution is the same.
    """
    filtered = cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(filtered, np.float32)


@lru_cache(maxsize=32)
def disk_kernel(radius: float) -> Kernel:
    """Return the share of a disk's area that falls on each pixel.

    MATLAB documents `fspecial('disk', r)` as this circular averaging filter. Areas are exact.

    Args:
        radius: Of the disk in pixels, > 0.

    Returns:
        (2n+1, 2n+1) with n = ceil(radius - 1/2), summing to 1.

    Example:
        >>> disk_kernel(1.0).round(4)[0].tolist()
        [0.0251, 0.1453, 0.0251]
    """
    reach = int(np.ceil(radius - 0.5))
    edges = np.arange(-reach - 0.5, reach + 1)
    area = _corner_area(edges[:, None], edges[None, :], radius)  # (2n+2, 2n+2)
    shares = np.diff(np.diff(area, axis=0), axis=1) / (np.pi * radius**2)
    kernel: Kernel = np.maximum(shares, 0)  # outside the disk rounding leaves +-1e-17
    return kernel


def _corner_area(y: Kernel, x: Kernel, radius: float) -> Kernel:
    """Return the signed area of the disk between the origin's axes and the point (x, y)."""
    sign = np.sign(x) * np.sign(y)
    x, y = np.minimum(np.abs(x), radius), np.minimum(np.abs(y), radius)
    bend = np.minimum(np.sqrt(radius**2 - y**2), x)  # left of it the rectangle is full height

    def under_arc(t: Kernel) -> Kernel:
        area: Kernel = (t * np.sqrt(radius**2 - t**2) + radius**2 * np.arcsin(t / radius)) / 2
        return area

    signed: Kernel = sign * (y * bend + under_arc(x) - under_arc(bend))
    return signed


def line_kernel(length: float, angle_deg: float) -> Kernel:
    """Return the kernel of a camera moving in a straight line.

    As MATLAB documents `fspecial('motion')`: a pixel at distance d from the ideal segment of the
    given length gets max(1 - d, 0), then all are divided by their sum.

    Args:
        length: Of the movement in pixels, >= 1; 1 is no movement.
        angle_deg: Counter-clockwise from the x axis, in degrees.

    Returns:
        (2n+1, 2n+1) with n = ceil((length - 1) / 2).

    Example:
        >>> line_kernel(3, 0).round(3)[1].tolist()
        [0.333, 0.333, 0.333]
    """
    half = (length - 1) / 2
    reach = int(np.ceil(half))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    cosine, sine = np.cos(np.deg2rad(angle_deg)), -np.sin(np.deg2rad(angle_deg))  # y points down
    along = np.clip(x * cosine + y * sine, -half, half)
    distance = np.hypot(x - along * cosine, y - along * sine)
    weights = np.maximum(1 - distance, 0)
    kernel: Kernel = weights / weights.sum()
    return kernel


_FINENESS = 8  # points of a path per pixel


def shake_kernel(length: float, rng: np.random.Generator) -> Kernel:
    """Return the kernel of a hand-held camera: a random path, bent and trembling.

    The heading turns steadily by up to 150 degrees on the way, and swings by up to 45 degrees to
    and fro, as motion trajectories of Boracchi and Foi (IEEE TIP 2012) do. Every point of the path
    gets the same share of the exposure and spreads it bilinearly over the four pixels around it.

    Args:
        length: Of the path in pixels, >= 0; 0 is no movement.
        rng: Draws the heading, the turn and the swing.

    Returns:
        (2n+1, 2n+1), summing to 1, with its centre of mass in the middle.

    Example:
        >>> shake_kernel(0, np.random.default_rng(0)).tolist()
        [[1.0]]
    """
    path = shake_path(length, rng)
    reach = int(np.ceil(np.abs(path).max()))
    kernel: Kernel = np.zeros((2 * reach + 1, 2 * reach + 1))
    corner = (
        np.minimum(np.floor(path).astype(np.intp), reach - 1) if reach else 0 * path.astype(int)
    )
    share = path - corner
    for right, down in np.ndindex(2, 2) if reach else ((0, 0),):
        weight = np.abs(1 - right - share[:, 0]) * np.abs(1 - down - share[:, 1])
        np.add.at(kernel, (corner[:, 1] + reach + down, corner[:, 0] + reach + right), weight)
    return kernel / len(path)


def shake_path(length: float, rng: np.random.Generator) -> Kernel:
    """Return the points of the path around their mean, (N, 2), x and y in pixels."""
    count = _FINENESS * int(np.ceil(length)) + 1
    time = (np.arange(count) + 0.5) / count
    start, turn, swing = rng.uniform(-1, 1, 3) * np.deg2rad((180, 150, 45))
    rate, phase = rng.uniform((1, 0), (3, 2 * np.pi))
    heading = start + turn * time + swing * np.sin(2 * np.pi * rate * time + phase)
    path = np.cumsum(np.stack([np.cos(heading), np.sin(heading)], axis=1), axis=0)
    centred: Kernel = (path - path.mean(axis=0)) * (length / count)
    return centred
