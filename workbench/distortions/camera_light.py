"""The camera pack, #1, #2, #5, #10, #11, #13: too much, too little or the wrong light.

Faults of real photographs, as models of one parameter. All but flat contrast happen to the light
before the camera's tone curve, so they are computed in linear light.
"""

import numpy as np
from numpy.typing import NDArray

from workbench.distortions.colourspace import from_linear, luma, to_linear
from workbench.distortions.operator import FloatImage, Operator, deterministic
from workbench.domain.distortion import Distortion

_AIRLIGHT = (0.55, 0.85)  # linear light of thick haze, white = 1: a dull day to a bright one
_NEAREST = (0.1, 0.5)  # distance of the lower edge as a share of that of the upper

# CIE 15:2018: u', v' of D65, and sRGB's matrix from XYZ (IEC 61966-2-1).
_NEUTRAL = (0.19783, 0.46833)
_XYZ_TO_RGB = np.array(
    [[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]]
)


def under_exposure(image: FloatImage, stops: float) -> FloatImage:
    """Halve the light once per stop."""
    return from_linear(to_linear(image) * np.float32(2.0**-stops))


def over_exposure(image: FloatImage, stops: float) -> FloatImage:
    """Double the light once per stop; each channel is cut off where the sensor is full."""
    return from_linear(to_linear(image) * np.float32(2.0**stops))


def haze(image: FloatImage, depth: float, rng: np.random.Generator) -> FloatImage:
    """Mix in airlight by distance: I t + A (1 - t), t = exp(-depth x), as Koschmieder's law says.

    A picture does not tell distances, so they are those of a landscape: x grows evenly from a
    random share at the lower edge to 1 at the upper one. The grey A is random too.
    """
    air, nearest = np.float32(rng.uniform(*_AIRLIGHT)), rng.uniform(*_NEAREST)
    distance = np.linspace(1, nearest, image.shape[0], dtype=np.float32)[:, None, None]
    light = to_linear(image)
    light -= air
    light *= np.exp(np.float32(-depth) * distance)
    light += air
    return from_linear(light)


def colour_cast(image: FloatImage, distance: float, rng: np.random.Generator) -> FloatImage:
    """Multiply R, G and B as a camera does that takes another white for neutral.

    The hue is random: a wrong colour temperature (orange, blue), a wrong tint (green, magenta), or
    something between.
    """
    gains = white_balance_error(distance, float(rng.uniform(0, 2 * np.pi)))
    return from_linear(to_linear(image) * gains.astype(np.float32))


def white_balance_error(distance: float, hue_rad: float) -> NDArray[np.float64]:
    """Return what grey of luminance 1 becomes, (R, G, B) in linear light, its luminance kept.

    Args:
        distance: From D65, in units of the CIE 1976 diagram u'v'; about .002 is just noticeable.
        hue_rad: Direction in that diagram from the u' axis: 0 is pink, a quarter turn yellow-green.

    Example:
        >>> white_balance_error(0, 0).round(2).tolist()
        [1.0, 1.0, 1.0]
        >>> white_balance_error(0.05, np.deg2rad(45)).round(2).tolist()
        [1.53, 0.89, 0.5]
    """
    u = _NEUTRAL[0] + distance * np.cos(hue_rad)
    v = _NEUTRAL[1] + distance * np.sin(hue_rad)
    xyz = np.array([9 * u, 4 * v, 12 - 3 * u - 20 * v]) / (4 * v)  # Y = 1
    gains: NDArray[np.float64] = np.maximum(_XYZ_TO_RGB @ xyz, 0)
    return gains


def vignetting(image: FloatImage, stops: float) -> FloatImage:
    """Let the light fall from the centre as the fourth power of a cosine, E = cos^4 a.

    The angle a is that of a lens whose corners lose the given number of stops: tan a grows with the
    distance from the centre, and cos^4 a is 2^-stops at the farthest pixel.
    """
    height, width = image.shape[:2]
    rows, columns = ((np.arange(size) - (size - 1) / 2) ** 2 for size in (height, width))
    steepness = (2 ** (stops / 2) - 1) / max(rows[0] + columns[0], 1)  # tan^2 a per squared pixel
    rows, columns = ((steepness * square).astype(np.float32) for square in (rows, columns))
    light = to_linear(image)
    light /= ((1 + rows[:, None] + columns) ** 2)[..., None]
    return from_linear(light)


def flat_contrast(image: FloatImage, loss: float) -> FloatImage:
    """Pull all values towards the mean luma of the image: m + (1 - loss) (I - m)."""
    mean = np.float32(luma(image).mean(dtype=np.float64))
    pulled: FloatImage = image * np.float32(1 - loss) + np.float32(loss) * mean
    return np.clip(pulled, 0, 1)


OPERATORS: tuple[Operator, ...] = (
    deterministic(
        Distortion(
            id="under_exposure",
            name="Under-exposure",
            group="camera",
            source="camera #1, stops of ISO 12232",
            explanation="Too little light reaches the sensor, so that the whole picture is dark, "
            "shadows close up into black in which objects disappear, and even what should be white "
            "is a dull grey.",
            parameter="light that is missing, in stops",
            levels=(0.5, 1, 1.75, 2.75, 4),
            limits=(0, None),
            neutral=0,
            near=("darken", "mean_shift"),
        ),
        under_exposure,
    ),
    deterministic(
        Distortion(
            id="over_exposure",
            name="Over-exposure",
            group="camera",
            source="camera #2, stops of ISO 12232",
            explanation="Too much light reaches the sensor until it is full, so that skies, skin "
            "and windows burn out to empty white or to one plain colour, while the rest of the "
            "picture is pale and glaring.",
            parameter="light that is too much, in stops",
            levels=(0.35, 0.7, 1.2, 1.8, 2.6),
            limits=(0, None),
            neutral=0,
            near=("brighten", "mean_shift"),
        ),
        over_exposure,
    ),
    Operator(
        Distortion(
            id="haze",
            name="Haze",
            group="camera",
            source="camera #5, after Narasimhan and Nayar 2002",
            explanation="Light scattered by mist, dust or smog lies between lens and scene, the "
            "more the farther away things are, so that distant parts pale into a uniform grey, "
            "black is nowhere left, and colours fade with depth.",
            parameter="optical depth of the air in front of the farthest things",
            levels=(0.04, 0.12, 0.3, 0.65, 1.4),
            limits=(0, None),
            neutral=0,
            stochastic=True,
            near=("smoke", "contrast_change", "brighten", "mean_shift"),
        ),
        haze,
    ),
    Operator(
        Distortion(
            id="colour_cast",
            name="Colour cast",
            group="camera",
            source="camera #10, u'v' of CIE 15",
            explanation="The camera takes a wrong white for neutral, so that one tint, such as "
            "orange, blue, green or pink, lies over everything alike, and snow, paper, skin and "
            "grey walls look dyed.",
            parameter="distance of the tinted from the neutral white in CIE 1976 u'v'",
            levels=(0.008, 0.016, 0.026, 0.038, 0.054),
            limits=(0, 0.1),
            neutral=0,
            stochastic=True,
            near=("color_saturation_2",),
        ),
        colour_cast,
    ),
    deterministic(
        Distortion(
            id="vignetting",
            name="Vignetting",
            group="camera",
            source="camera #11, after Goldman 2010",
            explanation="The lens passes less light the farther from the middle of the picture, so "
            "that the four corners and then the edges sink into shade around a bright centre.",
            parameter="light that the corners lose, in stops",
            levels=(0.6, 1.2, 2, 3, 4.5),
            limits=(0, None),
            neutral=0,
            near=("uneven_illumination", "darken"),
        ),
        vignetting,
    ),
    deterministic(
        Distortion(
            id="flat_contrast",
            name="Flat contrast",
            group="camera",
            source="camera #13, after Peli 1990",
            explanation="Dull light or a weak tone curve squeezes all tones towards one middle "
            "grey, so that neither black nor white is left, colours turn drab, and things hardly "
            "stand out from what is behind them.",
            parameter="share of the contrast that is lost",
            levels=(0.15, 0.3, 0.45, 0.6, 0.75),
            limits=(0, 1),
            neutral=0,
            near=("contrast_change", "color_saturation_1"),
        ),
        flat_contrast,
    ),
)
