"""TID2013 #22 and #24: only so many colours, or only so many coefficients, are kept.

TID2013 did not publish its parameters; the levels are ours and put the PSNR of photographs near 33,
30, 27, 24 and 21 dB. #22 is the operator of KADID-10k #6, which dithers too, at its own levels.
"""

import numpy as np
import scipy.fft

from workbench.distortions.colour import color_quantization
from workbench.distortions.operator import FloatImage, Operator, deterministic
from workbench.domain.distortion import Distortion


def sparse_sampling(image: FloatImage, share: float) -> FloatImage:
    """Keep the largest coefficients of a cosine transform of the whole image; drop the rest.

    A place in the spectrum is kept for all three channels or for none, by the sum of their
    squares. TID2013's images were sampled sparsely and reconstructed by compressive sensing, which
    is iterative and far slower; the best sparse approximation stands in for it here and is NOT
    equivalent.

    Args:
        image: (H, W, 3), float32 in [0, 1].
        share: Of the coefficients that are kept, in [0, 1]; at least one is.
    """
    spectrum = scipy.fft.dctn(image, axes=(0, 1), norm="ortho")
    energy = np.einsum("hwc,hwc->hw", spectrum, spectrum)
    dropped = energy.size - max(1, round(share * energy.size))
    if dropped > 0:
        least = np.partition(energy, dropped, axis=None)[dropped]
        spectrum[energy < least] = 0
    kept = scipy.fft.idctn(spectrum, axes=(0, 1), norm="ortho", overwrite_x=True)
    return np.clip(np.asarray(kept, np.float32), 0, 1)


OPERATORS: tuple[Operator, ...] = (
    deterministic(
        Distortion(
            id="color_quantization_dither",
            name="Color quantization with dither",
            group="colour",
            source="TID2013 #22",
            explanation="Only a few colours, chosen to suit the image, may be used, and each pixel "
            "passes its rounding error on to its neighbours, so that tones in between appear as "
            "scattered dots and smooth areas look like newsprint seen up close.",
            parameter="number of colours in the palette",
            levels=(96, 48, 24, 12, 6),
            limits=(1, 256),
        ),
        color_quantization,
    ),
    deterministic(
        Distortion(
            id="sparse_sampling",
            name="Sparse sampling",
            group="compression",
            source="TID2013 #24",
            explanation="Only a small share of the measurements that make up the image is kept and "
            "the rest is guessed, so that texture and fine lines vanish, edges soften, and weak "
            "ripples run across the whole picture.",
            parameter="share of the coefficients that are kept",
            levels=(0.2, 0.1, 0.04, 0.012, 0.004),
            limits=(0, 1),
            neutral=1,
        ),
        sparse_sampling,
    ),
)
