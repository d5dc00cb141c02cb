"""Natural-scene statistics: the 36 features of BRISQUE, which know no distortion and no text.

Mittal, Moorthy and Bovik, "No-Reference Image Quality Assessment in the Spatial Domain", IEEE TIP
21(12), 2012. Luminance is divided by its local contrast; in an undistorted photograph what remains,
and the products of neighbours in it, follow generalised Gaussians whose shape distortions change.
Two choices are the workbench's own: products are of true neighbours (no wrap-around at the border),
and the half-size image is the mean of 2x2 pixels.
"""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import gamma

from workbench.errors import ShapeError

Floats = NDArray[np.float64]
Luminance = NDArray[np.float32]

FEATURES = 36
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as MATLAB's rgb2gray
WINDOW, SIGMA = (7, 7), 7 / 6  # of the local mean and deviation, pixels (section III-A)
STABLE = 1.0  # C of Eq. 1, for luminance in 0..255
SMALLEST = 16  # pixels on a side, so that the half-size image still has a window inside

SHAPES = np.linspace(0.2, 10, 9801)  # of the distributions; the authors' search range
# E|x|² / E x² of a generalised Gaussian of each shape, rising with it (Eq. 6 of the paper).
RATIOS = gamma(2 / SHAPES) ** 2 / (gamma(1 / SHAPES) * gamma(3 / SHAPES))
FLAT = 1e-8  # mean square below which there is nothing to fit but rounding


def nss_features(image: NDArray[np.uint8]) -> Floats:
    """Return the 36 features of an image, 18 at full and 18 at half size.

    Args:
        image: RGB, (H, W, 3), uint8.

    Returns:
        (36,): shape and variance of the normalised luminance, then shape, mean, left and right
        variance of the products of horizontal, vertical, main- and anti-diagonal neighbours.

    Raises:
        ShapeError: The image is no RGB image, or smaller than 16 px on a side.

    Example:
        >>> nss_features(np.full((32, 32, 3), 128, np.uint8))[:6].tolist()
        [10.0, 0.0, 10.0, 0.0, 0.0, 0.0]
    """
    if image.ndim != 3 or image.shape[2] != 3 or min(image.shape[:2]) < SMALLEST:
        raise ShapeError(
            f"Natural-scene statistics need RGB images of at least {SMALLEST}x{SMALLEST} px, "
            f"(H, W, 3); got {image.shape}."
        )
    luma: Luminance = image.astype(np.float32) @ np.array(LUMA, dtype=np.float32)
    height, width = luma.shape
    half = cv2.resize(luma, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    return np.array([*_one_scale(luma), *_one_scale(np.asarray(half, dtype=np.float32))])


def normalised_luminance(luma: Luminance) -> Luminance:
    """Return luminance, (H, W), minus its local mean over its local deviation (Eq. 1 to 3)."""
    centred = luma - luma.mean()  # so that squares keep their digits in float32
    mean = _smooth(centred)
    variance = np.maximum(_smooth(centred * centred) - mean * mean, 0)
    return np.asarray((centred - mean) / (np.sqrt(variance) + STABLE), dtype=np.float32)


def fit_gaussian(values: NDArray[np.floating]) -> tuple[float, float]:
    """Return shape and variance of a generalised Gaussian of mean 0 by matching moments.

    Where all samples are 0 the shape is the largest known, the variance 0.

    Example:
        >>> shape, variance = fit_gaussian(np.random.default_rng(0).normal(0, 3, 100_000))
        >>> round(shape, 1), round(variance, 1)
        (2.0, 9.0)
    """
    square = float(np.mean(values * values))
    if square < FLAT:
        return float(SHAPES[-1]), 0.0
    return _shape(float(np.mean(np.abs(values))) ** 2 / square), square


def fit_asymmetric(values: NDArray[np.floating]) -> tuple[float, float, float, float]:
    """Return shape, mean, left and right variance of an asymmetric generalised Gaussian.

    Moments are matched as in Lasmar, Stitou and Berthoumieu, ICIP 2009 (Eq. 7 to 12 of the paper).
    """
    below, above = np.minimum(values, 0), np.maximum(values, 0)
    left = float(np.sum(below * below)) / max(int(np.count_nonzero(below)), 1)
    right = float(np.sum(above * above)) / max(int(np.count_nonzero(above)), 1)
    square = float(np.mean(values * values))
    if square < FLAT:
        return float(SHAPES[-1]), 0.0, 0.0, 0.0
    # The correction is the same for a ratio and its inverse, so the finite one of them is taken.
    skew = np.sqrt(min(left, right) / max(left, right))
    ratio = float(np.mean(np.abs(values))) ** 2 / square
    shape = _shape(ratio * (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2)
    scale = np.sqrt(gamma(1 / shape) / gamma(3 / shape)) * gamma(2 / shape) / gamma(1 / shape)
    return shape, float((np.sqrt(right) - np.sqrt(left)) * scale), left, right


def _one_scale(luma: Luminance) -> list[float]:
    x = normalised_luminance(luma)
    products = (
        x[:, :-1] * x[:, 1:],
        x[:-1] * x[1:],
        x[:-1, :-1] * x[1:, 1:],
        x[:-1, 1:] * x[1:, :-1],
    )
    return [*fit_gaussian(x), *(value for product in products for value in fit_asymmetric(product))]


def _shape(ratio: float) -> float:
    return float(np.interp(ratio, RATIOS, SHAPES))


def _smooth(luma: Luminance) -> Luminance:
    return np.asarray(
        cv2.GaussianBlur(luma, WINDOW, SIGMA, borderType=cv2.BORDER_REPLICATE), dtype=np.float32
    )
