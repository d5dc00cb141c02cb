"""What can stand in for the denoiser of KADID-10k #15.

The official generator used a DnCNN whose weights cannot be had. The denoisers here are classical:
what they leave of noise and take of detail resembles it but is NOT equivalent, and a score on
images made with one must say so. To plug in another, pass it to `noise.denoise`.
"""

from collections.abc import Callable

import cv2
import numpy as np
import scipy.fft

from workbench.distortions.base import FloatImage
from workbench.distortions.pixels import to_bytes, to_floats
from workbench.registry import Registry

Denoiser = Callable[[FloatImage, float], FloatImage]

_BLOCK = 16  # pixels; 8 x 8 blocks ring less but leave blotches in smooth areas
_THRESHOLD = 3.0  # in standard deviations of the noise (Yu and Sapiro 2011)
_HANN = np.sin(np.pi * (np.arange(_BLOCK) + 0.5) / _BLOCK) ** 2
_WINDOW = np.outer(_HANN, _HANN).astype(np.float32)  # half-overlapping copies sum to 1


def sliding_dct(image: FloatImage, sigma: float) -> FloatImage:
    """Drop small cosine coefficients in overlapping blocks, each channel on its own.

    Yu and Sapiro, "DCT image denoising: a simple and effective image denoising algorithm", IPOL
    (2011): coefficients below three standard deviations of the noise are set to 0 and the mean of
    each block is kept. Here blocks overlap by half and are joined under a Hann window, so that
    their borders do not show.

    Args:
        image: (H, W, 3), float32 in [0, 1], noisy.
        sigma: Standard deviation of the noise, >= 0.

    Returns:
        (H, W, 3), float32 in [0, 1].
    """
    height, width = image.shape[:2]
    below, right = (_BLOCK + (-size) % _BLOCK for size in (height, width))  # whole blocks
    padded = np.pad(image, ((_BLOCK, below), (_BLOCK, right), (0, 0)), mode="symmetric")
    total = np.zeros_like(padded)
    for top in (0, _BLOCK // 2):
        for left in (0, _BLOCK // 2):
            part = np.s_[top : -(_BLOCK - top), left : -(_BLOCK - left)]
            total[part] += _threshold_blocks(padded[part], _THRESHOLD * sigma)
    denoised: FloatImage = total[_BLOCK : _BLOCK + height, _BLOCK : _BLOCK + width]
    return np.clip(denoised, 0, 1)


def _threshold_blocks(image: FloatImage, threshold: float) -> FloatImage:
    """Return every block with its small coefficients dropped, faded out towards its borders."""
    height, width = image.shape[:2]
    shape = (height // _BLOCK, _BLOCK, width // _BLOCK, _BLOCK, 3)
    coefficients = scipy.fft.dctn(image.reshape(shape), axes=(1, 3), norm="ortho")
    means = coefficients[:, 0, :, 0].copy()
    coefficients[np.abs(coefficients) < threshold] = 0
    coefficients[:, 0, :, 0] = means
    blocks = scipy.fft.idctn(coefficients, axes=(1, 3), norm="ortho", overwrite_x=True)
    return np.asarray(blocks * _WINDOW[:, None, :, None], np.float32).reshape(image.shape)


def non_local_means(image: FloatImage, sigma: float) -> FloatImage:
    """Average pixels whose surroundings look alike (OpenCV's, in L*a*b*, on 8 bits).

    Args:
        image: (H, W, 3), float32 in [0, 1], noisy.
        sigma: Standard deviation of the noise, >= 0.

    Returns:
        (H, W, 3), float32 in [0, 1].
    """
    strength = max(255 * sigma, 1e-3)
    cleaned = cv2.fastNlMeansDenoisingColored(to_bytes(image), None, strength, strength, 5, 11)
    return to_floats(np.asarray(cleaned, np.uint8))


DENOISERS: Registry[Denoiser] = Registry(
    "denoiser", {"sliding_dct": sliding_dct, "non_local_means": non_local_means}
)
DEFAULT_DENOISER = "sliding_dct"
