"""KADID-10k #24 and #25: too much of what makes a picture crisp."""

import numpy as np

from workbench.distortions.colourspace import lab_to_rgb, rgb_to_lab
from workbench.distortions.filters import gaussian_filter
from workbench.distortions.operator import FloatImage, Operator, deterministic
from workbench.domain.distortion import Distortion

_SHARPEN_SIGMA = 3.0  # METHOD: radius 3, which MATLAB's imsharpen takes as standard deviation


def high_sharpen(image: FloatImage, amount: float) -> FloatImage:
    """Add the difference to a blurred copy, on L* alone as MATLAB's `imsharpen` does."""
    lab = rgb_to_lab(image)
    lightness = np.ascontiguousarray(lab[..., 0])
    detail = lightness - gaussian_filter(lightness, _SHARPEN_SIGMA)
    lab[..., 0] = np.clip(lightness + np.float32(amount) * detail, 0, 100)
    return lab_to_rgb(lab)


def contrast_change(image: FloatImage, amount: float) -> FloatImage:
    """Apply an S-shaped curve through (.3, .25 - amount/4), (.5, .5) and (.7, .75 + amount/4).

    The curve is the not-a-knot cubic spline through these points and the fixed ends (0, 0) and
    (1, 1). They lie symmetrically around (.5, .5), so it is one odd cubic in u = I - .5,
    .5 + (1 - c/4) u + c u^3, with c from the outer points. -.2 changes nothing; larger amounts
    raise the contrast of the mid-tones, smaller ones lower it.
    """
    cubic = -(0.05 + amount / 4) / 0.042
    u = image - np.float32(0.5)
    curve = u * (np.float32(1 - cubic / 4) + np.float32(cubic) * u * u)
    return np.clip(curve + np.float32(0.5), 0, 1)


OPERATORS: tuple[Operator, ...] = (
    deterministic(
        Distortion(
            id="high_sharpen",
            name="High sharpen",
            group="sharpness",
            source="KADID-10k #24",
            explanation="The difference between the image and a blurred copy of it is added many "
            "times over, so that edges get bright and dark halos, texture and grain turn harsh "
            "and gritty, and fine parts are driven to black or white.",
            parameter="how many times the difference is added",
            levels=(1, 2, 3, 6, 12),
            limits=(0, None),
            neutral=0,
        ),
        high_sharpen,
    ),
    deterministic(
        Distortion(
            id="contrast_change",
            name="Contrast change",
            group="sharpness",
            source="KADID-10k #25",
            explanation="The tones are bent by an S-shaped curve around mid-grey, so that the "
            "middle tones are either pulled apart into harsh lights and darks or pushed together "
            "until the picture looks flat, grey and foggy.",
            parameter="amount x: tones .3 and .7 become .25 - x/4 and .75 + x/4",
            levels=(0.3, 0.15, 0, -0.4, -0.6),
            limits=(-1, 1),
            neutral=-0.2,
        ),
        contrast_change,
    ),
)
