"""Linear light, CIE L*a*b* (D65, sRGB), and luma and YCbCr (BT.601)."""

import cv2
import numpy as np
from numpy.typing import NDArray

from workbench.distortions.operator import FloatImage

_LUMA = np.array([[0.299, 0.587, 0.114]], np.float32)  # Rec. ITU-R BT.601

# Rec. ITU-R BT.601: R'G'B' in [0, 1] to Y in [16, 235]/255 and Cb, Cr in [16, 240]/255.
_YCBCR = (
    np.array([[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]])
    / 255
)
_YCBCR_OFFSET = np.array([16.0, 128.0, 128.0]) / 255
_YCBCR_INVERSE = np.linalg.inv(_YCBCR).astype(np.float64)


def to_linear(image: FloatImage) -> FloatImage:
    """Convert sRGB to linear light (IEC 61966-2-1), in which exposures and colours of light add up.

    Args:
        image: Any shape, float32 in [0, 1].

    Example:
        >>> to_linear(np.array([0, 0.5, 1], np.float32)).round(3).tolist()
        [0.0, 0.21400000154972076, 1.0]
    """
    light: FloatImage = image + np.float32(0.055)
    light *= np.float32(1 / 1.055)
    light = np.asarray(cv2.pow(light, 2.4, light), np.float32).reshape(image.shape)
    return np.multiply(image, np.float32(1 / 12.92), out=light, where=image <= 0.04045)


def from_linear(light: FloatImage) -> FloatImage:
    """Convert linear light to sRGB; what lies outside [0, 1] is clipped, as a sensor does.

    Args:
        light: Any shape, float32.

    Returns:
        The same shape, float32 in [0, 1].

    Example:
        >>> from_linear(np.array([-1, 0.214, 2], np.float32)).round(3).tolist()
        [0.0, 0.5, 1.0]
    """
    light = np.clip(light, 0, 1)
    encoded = np.asarray(cv2.pow(light, 1 / 2.4), np.float32).reshape(light.shape)
    encoded *= np.float32(1.055)
    encoded -= np.float32(0.055)
    np.multiply(light, np.float32(12.92), out=encoded, where=light <= 0.0031308)
    return np.minimum(encoded, 1, out=encoded)


def rgb_to_lab(image: FloatImage) -> FloatImage:
    """Convert sRGB to CIE L*a*b* under D65.

    Args:
        image: (H, W, 3), float32 in [0, 1].

    Returns:
        (H, W, 3), float32: L* in [0, 100], a* and b* around 0.

    Example:
        >>> rgb_to_lab(np.ones((1, 1, 3), np.float32)).round(2).tolist()
        [[[100.0, 0.0, 0.0]]]
    """
    # OpenCV's own sRGB-to-Lab interpolates in a coarse table (errors up to 0.4); from linear
    # light it computes, so the gamma is undone here.
    return np.asarray(cv2.cvtColor(to_linear(image), cv2.COLOR_LRGB2Lab), np.float32)


def lab_to_rgb(lab: FloatImage) -> FloatImage:
    """Convert CIE L*a*b* under D65 to sRGB; colours outside sRGB are clipped per channel.

    Args:
        lab: (H, W, 3), float32.

    Returns:
        (H, W, 3), float32 in [0, 1].

    Example:
        >>> lab_to_rgb(np.array([[[100, 0, 0]]], np.float32)).round(2).tolist()
        [[[1.0, 1.0, 1.0]]]
    """
    rgb = np.asarray(cv2.cvtColor(lab, cv2.COLOR_Lab2RGB), np.float32)
    return np.clip(rgb, 0, 1)


def luma(image: FloatImage) -> FloatImage:
    """Return the brightness that a black-and-white screen would show (BT.601, full range).

    Args:
        image: (H, W, 3), float32 in [0, 1].

    Returns:
        (H, W), float32 in [0, 1].

    Example:
        >>> luma(np.array([[[0, 1, 0], [1, 1, 1]]], np.float32)).round(3).tolist()
        [[0.5870000123977661, 1.0]]
    """
    return np.asarray(cv2.transform(image, _LUMA), np.float32).reshape(image.shape[:2])


def rgb_to_ycbcr(image: FloatImage) -> FloatImage:
    """Convert R'G'B' in [0, 1] to Y in [16, 235]/255, Cb and Cr in [16, 240]/255.

    Example:
        >>> (255 * rgb_to_ycbcr(np.ones((1, 1, 3), np.float32))).round(1).tolist()
        [[[235.0, 128.0, 128.0]]]
    """
    return _affine(image, _YCBCR, _YCBCR_OFFSET)


def ycbcr_to_rgb(ycbcr: FloatImage) -> FloatImage:
    """Undo `rgb_to_ycbcr`; the result is not clipped.

    Example:
        >>> ycbcr_to_rgb(rgb_to_ycbcr(np.ones((1, 1, 3), np.float32))).round(3).tolist()
        [[[1.0, 1.0, 1.0]]]
    """
    return _affine(ycbcr, _YCBCR_INVERSE, -_YCBCR_INVERSE @ _YCBCR_OFFSET)


def _affine(
    image: FloatImage, matrix: NDArray[np.float64], offset: NDArray[np.float64]
) -> FloatImage:
    return np.asarray(cv2.transform(image, np.column_stack([matrix, offset])), np.float32)
