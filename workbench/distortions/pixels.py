"""From bytes to floats and back, and what counts as an image."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from workbench.distortions.operator import ByteImage, FloatImage
from workbench.errors import DataError, ShapeError


def as_rgb(image: NDArray[Any]) -> ByteImage:
    """Return an 8-bit image as RGB: grey is repeated in three channels, RGB is copied.

    Transparency and 16 bits are refused rather than guessed at: what lies behind a transparent
    pixel, and which part of a 16-bit range a camera used, only the caller knows.

    Args:
        image: (H, W), (H, W, 1) or (H, W, 3), uint8.

    Returns:
        A new array, (H, W, 3), uint8.

    Raises:
        DataError: Not 8-bit, or four channels.
        ShapeError: No image at all.

    Example:
        >>> as_rgb(np.array([[7]], np.uint8)).tolist()
        [[[7, 7, 7]]]
    """
    require_bytes(image)
    if image.ndim == 3 and image.shape[2] == 4:
        raise DataError(
            "An RGBA image has no single look: composite it over a background colour first, "
            "for example with Pillow's Image.alpha_composite, and pass the RGB result."
        )
    if image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 1):
        image = np.repeat(image.reshape(*image.shape[:2], 1), 3, axis=2)
    require_rgb_shape(image)
    return np.array(image, order="C")


def require_bytes(image: NDArray[Any]) -> None:
    """Raise a DataError unless the array's type is uint8."""
    if not isinstance(image, np.ndarray):
        raise DataError(f"Expected a NumPy array of type uint8, got {type(image).__name__}.")
    if image.dtype == np.uint16:
        raise DataError(
            "Expected 8 bits per channel, got 16: scale the range in use to 0..255 first "
            "(if all 16 bits are used: image // 257)."
        )
    if image.dtype != np.uint8:
        raise DataError(f"Expected an image of type uint8, got {image.dtype}.")


def require_rgb_shape(image: NDArray[Any]) -> None:
    """Raise a ShapeError unless the array is (H, W, 3) with at least one pixel."""
    if image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise ShapeError(
            f"Expected an RGB image of shape (H, W, 3) with at least one pixel, got shape "
            f"{image.shape}; as_rgb() turns grey images into RGB."
        )


def to_floats(image: ByteImage) -> FloatImage:
    """Map bytes 0..255 to float32 in [0, 1]; any shape and memory layout.

    Example:
        >>> to_floats(np.array([0, 255], np.uint8)).tolist()
        [0.0, 1.0]
    """
    return np.ascontiguousarray(image) * np.float32(1 / 255)


def to_bytes(image: FloatImage) -> ByteImage:
    """Map [0, 1] to the nearest of the bytes 0..255; what lies outside is clipped.

    Args:
        image: (H, W) or (H, W, 3), float32.

    Example:
        >>> to_bytes(np.array([[0, .5, 2, -1]], np.float32)).tolist()
        [[0, 128, 255, 0]]
    """
    # convertScaleAbs rounds and saturates in one pass but takes absolute values: clip first.
    return np.asarray(cv2.convertScaleAbs(np.maximum(image, 0), alpha=255), np.uint8)


def stretched(image: FloatImage) -> FloatImage:
    """Map the smallest value of all channels to 0 and the largest to 1; leave a flat image.

    Example:
        >>> stretched(np.array([0.25, 0.5, 0.75], np.float32)).tolist()
        [0.0, 0.5, 1.0]
    """
    low, high = image.min(), image.max()
    return (image - low) / (high - low) if high > low else image
