"""KADID-10k #1 to #3: what a lens or a moving camera takes away."""

import numpy as np

from workbench.distortions.filters import convolve, disk_kernel, gaussian_filter, line_kernel
from workbench.distortions.operator import FloatImage, Operator, deterministic
from workbench.domain.distortion import Distortion


def gaussian_blur(image: FloatImage, sigma: float) -> FloatImage:
    """Convolve with a Gaussian, edges replicated, cut off at 4 standard deviations.

    KADID-10k's level 1 (.1 pixels) leaves the image as it is: its kernel is a single pixel.
    """
    return gaussian_filter(image, sigma)


def lens_blur(image: FloatImage, radius: float) -> FloatImage:
    """Average over a disk, as a lens out of focus does; edges replicated."""
    if radius <= 0:
        return image.copy()
    return np.clip(convolve(image, disk_kernel(float(radius))), 0, 1)


def motion_blur(image: FloatImage, length: float, rng: np.random.Generator) -> FloatImage:
    """Average along a straight line of random direction, 0 to 180 degrees; edges replicated."""
    return np.clip(convolve(image, line_kernel(length, rng.uniform(0, 180))), 0, 1)


OPERATORS: tuple[Operator, ...] = (
    deterministic(
        Distortion(
            id="gaussian_blur",
            name="Gaussian blur",
            group="blur",
            source="KADID-10k #1",
            explanation="Every pixel is replaced by a bell-shaped weighted average of the pixels "
            "around it, so that fine detail and sharp edges melt softly and evenly in all "
            "directions.",
            parameter="standard deviation of the Gaussian in pixels",
            levels=(0.1, 0.5, 1, 2, 5),
            limits=(0, None),
            neutral=0,
        ),
        gaussian_blur,
    ),
    deterministic(
        Distortion(
            id="lens_blur",
            name="Lens blur",
            group="blur",
            source="KADID-10k #2",
            explanation="Every point is spread evenly over a round disk, as by a camera lens out "
            "of focus, so that small bright points become discs and edges widen into flat ramps.",
            parameter="radius of the disk in pixels",
            levels=(1, 2, 4, 6, 8),
            limits=(0, None),
            neutral=0,
        ),
        lens_blur,
    ),
    Operator(
        Distortion(
            id="motion_blur",
            name="Motion blur",
            group="blur",
            source="KADID-10k #3",
            explanation="Every point is smeared along a short straight line in one direction, as "
            "by a camera that moved during the exposure, so that edges across that direction "
            "smear while edges along it stay sharp.",
            parameter="length of the line in pixels",
            levels=(1, 2, 4, 6, 10),
            limits=(1, None),
            neutral=1,
            stochastic=True,
        ),
        motion_blur,
    ),
)
