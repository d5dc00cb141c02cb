"""TID2013 #3 to #5 and CSIQ #4: Gaussian noise with a pattern of its own.

Neither data set published its parameters, so filters and levels are ours. The levels of TID2013's
put the PSNR of photographs near 33, 30, 27, 24 and 21 dB. Every channel gets its own noise.
"""

import cv2
import numpy as np
import scipy.fft
from numpy.typing import NDArray

from workbench.distortions.colourspace import luma
from workbench.distortions.filters import gaussian_filter
from workbench.distortions.operator import FloatImage, Operator
from workbench.distortions.randomness import standard_normal
from workbench.domain.distortion import Distortion

_GRAIN_SIGMA = 1.5  # pixels: how far correlated noise hangs together
_FINE_SIGMA = 1.0  # pixels: what a blur of this width keeps is taken out of high-frequency noise
_TEXTURE_SIGMA = 2.0  # pixels: the window whose variance counts as texture
_TEXTURE_HALF = 0.05  # standard deviation of a texture that hides half of what the strongest does
_SMALLEST_FIELD = 64  # pixels a side: a smaller field of pink noise has no low frequencies


def spatially_correlated_noise(
    image: FloatImage, variance: float, rng: np.random.Generator
) -> FloatImage:
    """Add white noise that was blurred with a Gaussian of 1.5 pixels and scaled up again; clip."""
    weights = _gaussian_weights(_GRAIN_SIGMA)
    white, inner = _framed_noise(image, len(weights) // 2, rng)
    noise = gaussian_filter(white, _GRAIN_SIGMA)[inner]
    return _add(image, noise, variance / (weights**2).sum() ** 2)


def masked_noise(image: FloatImage, variance: float, rng: np.random.Generator) -> FloatImage:
    """Add white noise where texture hides it, and clip.

    Its variance at a pixel is `variance` times `texture_share`, so a flat image stays as it is.
    """
    noise = standard_normal(image.shape, rng)
    noise *= np.sqrt(texture_share(image))[..., None]
    return _add(image, noise, variance)


def texture_share(image: FloatImage) -> FloatImage:
    """Return how much noise the texture around each pixel hides, v / (v + .05^2).

    v is the variance of luma in a Gaussian window of 2 pixels, edges replicated.

    Args:
        image: (H, W, 3), float32 in [0, 1].

    Returns:
        (H, W), float32 in [0, 1): 0 where all is flat, .5 where the standard deviation is .05.

    Example:
        >>> texture_share(np.full((1, 2, 3), 0.5, np.float32)).tolist()
        [[0.0, 0.0]]
    """
    grey = luma(image)
    grey -= grey.mean()  # E[x^2] - E[x]^2 loses fewer digits around 0
    mean = gaussian_filter(grey, _TEXTURE_SIGMA)
    variance = gaussian_filter(grey * grey, _TEXTURE_SIGMA)
    variance -= mean * mean
    variance[variance < 1e-6] = 0  # less than a fourth of one step of 8 bits, and rounding errors
    return variance / (variance + np.float32(_TEXTURE_HALF**2))


def high_frequency_noise(
    image: FloatImage, variance: float, rng: np.random.Generator
) -> FloatImage:
    """Add white noise less its own blur by a Gaussian of 1 pixel, scaled up again; clip."""
    weights = _gaussian_weights(_FINE_SIGMA)
    white, inner = _framed_noise(image, len(weights) // 2, rng)
    noise = (white - gaussian_filter(white, _FINE_SIGMA))[inner]
    passed = 1 - 2 * weights.max() ** 2 + (weights**2).sum() ** 2  # sum of (identity - blur)^2
    return _add(image, noise, variance / passed)


def pink_noise(image: FloatImage, variance: float, rng: np.random.Generator) -> FloatImage:
    """Add noise whose amplitude falls as one over the spatial frequency, and clip.

    Its power falls as 1/f^2, as that of photographs does. An image with a side below 64 pixels
    gets a part of a larger field, whose mean over that part is not 0.
    """
    height, width = image.shape[:2]
    field = tuple(
        scipy.fft.next_fast_len(max(size, _SMALLEST_FIELD), real=True) for size in (height, width)
    )
    spectrum = scipy.fft.rfft2(standard_normal((3, *field), rng))
    spectrum *= _pink_amplitude(*field)
    noise = scipy.fft.irfft2(spectrum, s=field, overwrite_x=True)[:, :height, :width]
    return _add(image, np.moveaxis(noise, 0, -1), variance)


def _pink_amplitude(rows: int, columns: int) -> FloatImage:
    """Return 1/f for half a spectrum, (rows, columns // 2 + 1), of mean square 1 over the whole."""
    frequency = np.hypot(np.fft.fftfreq(rows)[:, None], np.fft.fftfreq(columns))
    frequency[0, 0] = np.inf
    amplitude = 1 / frequency
    half: FloatImage = amplitude[:, : columns // 2 + 1].astype(np.float32)
    return half / np.float32(np.sqrt((amplitude**2).mean()))


def _gaussian_weights(sigma: float) -> NDArray[np.float64]:
    """Return what `gaussian_filter` weighs the pixels of a row with, (2r + 1,)."""
    size = 2 * int(4 * sigma + 0.5) + 1
    return np.asarray(cv2.getGaussianKernel(size, sigma), np.float64)[:, 0]


def _framed_noise(
    image: FloatImage, frame: int, rng: np.random.Generator
) -> tuple[FloatImage, tuple[slice, slice]]:
    """Return white noise with a frame of so many pixels around the image, and where that lies.

    A filter repeats edges and would change the noise there; the frame keeps that outside.
    """
    height, width = image.shape[:2]
    noise = standard_normal((height + 2 * frame, width + 2 * frame, 3), rng)
    return noise, np.s_[frame : frame + height, frame : frame + width]


def _add(image: FloatImage, noise: FloatImage, variance: float) -> FloatImage:
    """Return the image plus noise of a variance of 1 scaled to `variance`, clipped."""
    noisy: FloatImage = noise * np.float32(np.sqrt(variance))
    noisy += image
    return np.clip(noisy, 0, 1, out=noisy)


OPERATORS: tuple[Operator, ...] = (
    Operator(
        Distortion(
            id="spatially_correlated_noise",
            name="Spatially correlated noise",
            group="noise",
            source="TID2013 #3",
            explanation="Random coloured grain is blurred a little before it is added to the "
            "image, so that instead of single pixels soft blobs a few pixels wide cover the whole "
            "picture like a fine mottled film.",
            parameter="variance of the noise, white = 1",
            levels=(0.0005, 0.001, 0.002, 0.004, 0.008),
            limits=(0, None),
            neutral=0,
            stochastic=True,
        ),
        spatially_correlated_noise,
    ),
    Operator(
        Distortion(
            id="masked_noise",
            name="Masked noise",
            group="noise",
            source="TID2013 #4",
            explanation="Random grain is added in proportion to how busy the image is around each "
            "pixel, so that textures and edges become rough and gritty while smooth areas such as "
            "sky or skin stay clean.",
            parameter="variance of the noise in the strongest texture, white = 1",
            levels=(0.0015, 0.003, 0.006, 0.012, 0.024),
            limits=(0, None),
            neutral=0,
            stochastic=True,
        ),
        masked_noise,
    ),
    Operator(
        Distortion(
            id="high_frequency_noise",
            name="High frequency noise",
            group="noise",
            source="TID2013 #5",
            explanation="Random grain from which everything smooth was taken out is added to the "
            "image, so that very fine and sharp specks alternate from pixel to pixel and no "
            "larger blotches appear.",
            parameter="variance of the noise, white = 1",
            levels=(0.0005, 0.001, 0.002, 0.004, 0.008),
            limits=(0, None),
            neutral=0,
            stochastic=True,
        ),
        high_frequency_noise,
    ),
    Operator(
        Distortion(
            id="pink_noise",
            name="Pink noise",
            group="noise",
            source="CSIQ #4",
            explanation="Random noise is added that is stronger the coarser it is, so that faint "
            "coloured clouds of every size, from fine grain to patches as large as the image, "
            "drift over the whole picture.",
            parameter="variance of the noise, white = 1",
            levels=(0.001, 0.002, 0.004, 0.008, 0.016),
            limits=(0, None),
            neutral=0,
            stochastic=True,
        ),
        pink_noise,
    ),
)
