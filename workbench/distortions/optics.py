"""TID2013 #23, LVQ #4 and #5: a lens that parts colours, smoke in front of it, a lamp beside it.

Neither data set published its parameters, so the models and their levels are ours.
"""

import cv2
import numpy as np

from workbench.distortions.filters import gaussian_filter
from workbench.distortions.operator import FloatImage, Operator, deterministic
from workbench.domain.distortion import Distortion

_FRINGE_BLUR = 0.25  # pixels of standard deviation per pixel of offset
_SMOKE_GREY = 0.85  # what shows where smoke hides everything, white = 1
_CLOUD_GRIDS = ((3, 8), (6, 4), (12, 2), (24, 1))  # (values a side, weight), coarse to fine
_CLOUD_CONTRAST = 1.6  # a sum of random values keeps to the middle; this spreads it again
_THINNEST = 0.25  # least opacity of smoke as a share of the greatest


def chromatic_aberration(image: FloatImage, offset: float) -> FloatImage:
    """Move red to the right and blue to the left of green, and blur both slightly.

    Parts of a pixel are interpolated linearly, edges replicated. The blur is a Gaussian of a
    quarter of the offset.
    """
    parted = image.copy()
    for channel, direction in ((0, 1), (2, -1)):
        moved = _moved_right(image[..., channel], direction * offset)
        parted[..., channel] = gaussian_filter(moved, _FRINGE_BLUR * offset)
    return np.clip(parted, 0, 1, out=parted)


def _moved_right(channel: FloatImage, offset: float) -> FloatImage:
    """Return one channel, (H, W), with every row moved by a number of pixels of either sign."""
    last = channel.shape[1] - 1
    source = np.clip(np.arange(last + 1) - offset, 0, last)
    left = source.astype(np.intp)
    right_share = (source - left).astype(np.float32)
    right = channel[:, np.minimum(left + 1, last)]
    return np.ascontiguousarray(channel[:, left] * (1 - right_share) + right * right_share)


def smoke(image: FloatImage, density: float, rng: np.random.Generator) -> FloatImage:
    """Mix in light grey smoke whose opacity a drifts over the image: (1 - a) I + .85 a.

    The opacity is `density` times a random cloud that is nowhere thinner than a quarter.
    """
    thickness = _THINNEST + (1 - _THINNEST) * cloud(image.shape[0], image.shape[1], rng)
    opacity = (np.float32(density) * thickness)[..., None]
    return np.clip(image + opacity * (np.float32(_SMOKE_GREY) - image), 0, 1)


def cloud(height: int, width: int, rng: np.random.Generator) -> FloatImage:
    """Return smooth random values, as of a cloud.

    Grids of random values, each twice as fine and half as strong as the one before, are enlarged
    by bicubic interpolation and averaged.

    Returns:
        (height, width), float32 in [0, 1].
    """
    total = np.zeros((height, width), np.float32)
    for side, weight in _CLOUD_GRIDS:
        grid = rng.random((side, side), np.float32) - np.float32(0.5)
        enlarged = cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
        total += np.float32(weight) * np.asarray(enlarged, np.float32)
    total *= np.float32(_CLOUD_CONTRAST / sum(weight for _, weight in _CLOUD_GRIDS))
    total += np.float32(0.5)
    return np.clip(total, 0, 1, out=total)


def uneven_illumination(image: FloatImage, loss: float, rng: np.random.Generator) -> FloatImage:
    """Light one spot fully and everything else the less the farther away: I (1 - loss (r / R)^2).

    r is the distance from the spot, R that of the farthest corner; the spot is drawn uniformly from
    the middle half of the height and of the width.
    """
    height, width = image.shape[:2]
    down, right = rng.uniform(0.25, 0.75, 2) * (height - 1, width - 1)
    squares = [(np.arange(height) - down) ** 2, (np.arange(width) - right) ** 2]
    farthest = squares[0].max() + squares[1].max()
    if farthest == 0:  # a single pixel
        return image.copy()
    rows, columns = ((loss / farthest * square).astype(np.float32) for square in squares)
    lit: FloatImage = image * (1 - rows[:, None] - columns)[..., None]
    return np.clip(lit, 0, 1)


OPERATORS: tuple[Operator, ...] = (
    deterministic(
        Distortion(
            id="chromatic_aberration",
            name="Chromatic aberration",
            group="colour",
            source="TID2013 #23",
            explanation="The red and the blue part of the image are moved sideways in opposite "
            "directions and slightly blurred, as by a lens that bends colours differently, so that "
            "upright edges get red fringes on one side and blue ones on the other.",
            parameter="offset of red and of blue in pixels",
            levels=(0.5, 0.75, 1, 2, 4),
            limits=(0, None),
            neutral=0,
        ),
        chromatic_aberration,
    ),
    Operator(
        Distortion(
            id="smoke",
            name="Smoke",
            group="brightness",
            source="LVQ #4",
            explanation="Light grey smoke drifts in front of the scene, thicker in some places "
            "than in others, so that contrast and colour fade unevenly and dark parts turn milky.",
            parameter="opacity where the smoke is thickest",
            levels=(0.3, 0.5, 0.7, 0.9),
            limits=(0, 1),
            neutral=0,
            stochastic=True,
        ),
        smoke,
    ),
    Operator(
        Distortion(
            id="uneven_illumination",
            name="Uneven illumination",
            group="brightness",
            source="LVQ #5",
            explanation="The light falls on one spot and fades with the distance from it, so that "
            "one part of the image is bright while its far sides and corners sink into darkness.",
            parameter="share of the light that is lost at the farthest corner",
            levels=(0.4, 0.6, 0.8, 1),
            limits=(0, 1),
            neutral=0,
            stochastic=True,
        ),
        uneven_illumination,
    ),
)
