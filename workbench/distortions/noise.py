"""KADID-10k #11 to #15: randomness added to every pixel, and one attempt to take it away."""

from collections.abc import Callable

import cv2
import numpy as np
import scipy.fft

from workbench.distortions.colourspace import rgb_to_ycbcr, ycbcr_to_rgb
from workbench.distortions.operator import FloatImage, Operator
from workbench.distortions.pixels import to_bytes, to_floats
from workbench.distortions.randomness import standard_normal
from workbench.domain.distortion import Distortion
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


def white_noise(image: FloatImage, variance: float, rng: np.random.Generator) -> FloatImage:
    """Add Gaussian noise to R, G and B independently, and clip."""
    noise = standard_normal(image.shape, rng)
    noise *= np.float32(np.sqrt(variance))
    noise += image
    return np.clip(noise, 0, 1, out=noise)


def white_noise_color_component(
    image: FloatImage, variance: float, rng: np.random.Generator
) -> FloatImage:
    """Add Gaussian noise to Y, Cb and Cr independently, clip there, and convert back.

    In studio range (BT.601): the noise of luma reaches R, G and B 255/219 times as strong, that
    of Cb reaches blue 2.02 times and that of Cr red 1.60 times.
    """
    noisy = white_noise(rgb_to_ycbcr(image), variance, rng)
    return np.clip(ycbcr_to_rgb(noisy), 0, 1)


def impulse_noise(image: FloatImage, density: float, rng: np.random.Generator) -> FloatImage:
    """Set a share of all values to 0 or 1, each half of the time, per channel."""
    draw = rng.random(image.shape, np.float32)
    noisy = image.copy()
    noisy[draw < density] = 1
    noisy[draw < density / 2] = 0
    return noisy


def multiplicative_noise(
    image: FloatImage, variance: float, rng: np.random.Generator
) -> FloatImage:
    """Return I + n I with n uniform and of mean 0 (MATLAB's "speckle"), clipped."""
    factor = rng.random(image.shape, np.float32)
    factor -= np.float32(0.5)
    factor *= np.float32(np.sqrt(12 * variance))  # a uniform of width w has variance w^2 / 12
    factor += 1
    factor *= image
    return np.clip(factor, 0, 1, out=factor)


def denoise(
    image: FloatImage,
    variance: float,
    rng: np.random.Generator,
    *,
    denoiser: Denoiser = DENOISERS[DEFAULT_DENOISER],
) -> FloatImage:
    """Add white noise, then let a denoiser take it away, and some of the image with it.

    The weights of the official generator's DnCNN are unavailable; the default denoiser is classical
    and not equivalent. A denoiser takes the noisy image and the noise's standard deviation and
    returns an image of the same shape in [0, 1]; `DENOISERS` holds those known by name.
    """
    if variance <= 0:
        return image.copy()
    return denoiser(white_noise(image, variance, rng), float(np.sqrt(variance)))


OPERATORS: tuple[Operator, ...] = (
    Operator(
        Distortion(
            id="white_noise",
            name="White noise",
            group="noise",
            source="KADID-10k #11",
            explanation="A small random amount is added to the red, green and blue of every "
            "pixel independently, so that the whole image is covered evenly with fine coloured "
            "grain, most visible in smooth areas.",
            parameter="variance of the noise, white = 1",
            levels=(0.001, 0.002, 0.003, 0.005, 0.01),
            limits=(0, None),
            neutral=0,
            stochastic=True,
        ),
        white_noise,
    ),
    Operator(
        Distortion(
            id="white_noise_color_component",
            name="White noise in color component",
            group="noise",
            source="KADID-10k #12",
            explanation="Small random amounts are added to every pixel's brightness and, "
            "separately, to its two colour components, so that fine grain covers the "
            "image in which blue, yellow, red and green specks are stronger than light "
            "and dark ones.",
            parameter="variance of the noise in YCbCr, full range = 1",
            levels=(0.0001, 0.0005, 0.001, 0.002, 0.003),
            limits=(0, None),
            neutral=0,
            stochastic=True,
        ),
        white_noise_color_component,
    ),
    Operator(
        Distortion(
            id="impulse_noise",
            name="Impulse noise",
            group="noise",
            source="KADID-10k #13",
            explanation="The red, green or blue value of a few pixels chosen at random is set to "
            "its lowest or highest possible value, so that isolated bright, dark and brightly "
            "coloured dots are sprinkled over an otherwise unchanged image.",
            parameter="share of channel values that are hit",
            levels=(0.001, 0.005, 0.01, 0.02, 0.03),
            limits=(0, 1),
            neutral=0,
            stochastic=True,
        ),
        impulse_noise,
    ),
    Operator(
        Distortion(
            id="multiplicative_noise",
            name="Multiplicative noise",
            group="noise",
            source="KADID-10k #14",
            explanation="The red, green and blue of every pixel are made stronger or weaker by a "
            "random share of themselves, so that bright areas are covered with strong "
            "coloured grain while dark areas stay clean.",
            parameter="variance of the random share",
            levels=(0.001, 0.005, 0.01, 0.02, 0.05),
            limits=(0, None),
            neutral=0,
            stochastic=True,
        ),
        multiplicative_noise,
    ),
    Operator(
        Distortion(
            id="denoise",
            name="Denoise",
            group="noise",
            source="KADID-10k #15",
            explanation="Strong random noise is added to the image and then removed by a noise "
            "filter that cannot tell it from detail, so that textures are wiped away, surfaces "
            "look waxy or painted, and blotchy, streaky remains of noise are left behind.",
            parameter="variance of the noise that is added and removed, white = 1",
            levels=(0.01, 0.03, 0.05, 0.1, 0.15),
            limits=(0, None),
            neutral=0,
            stochastic=True,
        ),
        denoise,
    ),
)
