"""KADID-10k #16 to #18: light added or taken, by a curve or by a constant."""

import numpy as np

from workbench.distortions.colourspace import lab_to_rgb, rgb_to_lab
from workbench.distortions.operator import FloatImage, Operator, deterministic
from workbench.domain.distortion import Distortion


def tone_curve(values: FloatImage, middle: float) -> FloatImage:
    """Apply the smooth curve that keeps 0 and 1 and moves .5 to `middle`, and clip.

    A not-a-knot cubic spline through three points, (0, 0), (.5, middle) and (1, 1), is the
    parabola through them. KADID-10k's paper says that extreme values stay fixed.

    Args:
        values: Any shape, float32 in [0, 1].
        middle: What .5 becomes.

    Example:
        >>> tone_curve(np.array([0, .5, 1], np.float32), 0.75).tolist()
        [0.0, 0.75, 1.0]
    """
    bend = np.float32(2 - 4 * middle)
    curve: FloatImage = values * (bend * values + (1 - bend))
    return np.clip(curve, 0, 1)


def brighten(image: FloatImage, amount: float) -> FloatImage:
    """Raise the mid-tones: two parts curve on R, G, B and one part the same curve on L*."""
    middle = 0.5 + amount / 2
    lab = rgb_to_lab(image)
    lab[..., 0] = 100 * tone_curve(lab[..., 0] * np.float32(0.01), middle)
    mixed: FloatImage = (2 * tone_curve(image, middle) + lab_to_rgb(lab)) * np.float32(1 / 3)
    return np.clip(mixed, 0, 1)


def darken(image: FloatImage, amount: float) -> FloatImage:
    """Lower the mid-tones of R, G and B."""
    return tone_curve(image, 0.5 - amount / 2)


def mean_shift(image: FloatImage, shift: float) -> FloatImage:
    """Add a constant to every value, and clip."""
    shifted: FloatImage = image + np.float32(shift)
    return np.clip(shifted, 0, 1)


OPERATORS: tuple[Operator, ...] = (
    deterministic(
        Distortion(
            id="brighten",
            name="Brighten",
            group="brightness",
            source="KADID-10k #16",
            explanation="The middle tones are raised by a curve that leaves pure black and pure "
            "white in place, so that the picture looks overexposed: shadows are lifted and "
            "bright areas run together into white.",
            parameter="amount x: mid-grey .5 becomes .5 + x/2",
            levels=(0.1, 0.2, 0.4, 0.7, 1.1),
            limits=(0, None),
            neutral=0,
        ),
        brighten,
    ),
    deterministic(
        Distortion(
            id="darken",
            name="Darken",
            group="brightness",
            source="KADID-10k #17",
            explanation="The middle tones are lowered by a curve that leaves pure black and pure "
            "white in place, so that the picture looks underexposed: shadows run together into "
            "black and only the brightest parts stay readable.",
            parameter="amount x: mid-grey .5 becomes .5 - x/2",
            levels=(0.05, 0.1, 0.2, 0.4, 0.8),
            limits=(0, None),
            neutral=0,
        ),
        darken,
    ),
    deterministic(
        Distortion(
            id="mean_shift",
            name="Mean shift",
            group="brightness",
            source="KADID-10k #18",
            explanation="The same constant is added to or taken from every pixel, so that the "
            "whole image becomes evenly lighter and washed out or evenly darker and murky, and "
            "the lightest or darkest parts are cut off flat.",
            parameter="constant that is added, white = 1",
            levels=(0.15, 0.08, 0, -0.08, -0.15),
            limits=(-1, 1),
            neutral=0,
        ),
        mean_shift,
    ),
)
