"""Several distortions on one image, as in a multi-distortion set."""

from collections.abc import Sequence

from workbench.distortions.apply import apply_to_floats
from workbench.distortions.base import ByteImage
from workbench.distortions.pixels import (
    require_bytes,
    require_rgb_shape,
    stretched,
    to_bytes,
    to_floats,
)
from workbench.domain.recipe import Recipe


def apply_sequence(
    image: ByteImage,
    steps: Sequence[tuple[str, int]],
    *,
    seed: int,
    stretch: bool = False,
    recipes: tuple[Recipe, ...] = (),
) -> ByteImage:
    """Return an image with several distortions, one after another, rounded to bytes once.

    Args:
        image: (H, W, 3), uint8, RGB.
        steps: (distortion, level) in the order in which they are applied; none is a plain copy.
        seed: >= 0; each step draws its own random numbers from it.
        stretch: Stretch all values together to [0, 1] before the first and after the last step.
        recipes: Distortion types beside the built-in ones.

    Returns:
        A new array, (H, W, 3), uint8.

    Raises:
        ConfigError: Unknown distortion, level out of range, negative seed.
        DataError: Not 8-bit.
        ShapeError: Not (H, W, 3).

    Example:
        >>> import numpy as np
        >>> grey = np.full((1, 1, 3), 100, np.uint8)
        >>> apply_sequence(grey, [("mean_shift", 1), ("mean_shift", 5)], seed=0).tolist()
        [[[100, 100, 100]]]
    """
    require_bytes(image)
    require_rgb_shape(image)
    floats = stretched(to_floats(image)) if stretch else to_floats(image)
    for distortion, level in steps:
        floats = apply_to_floats(floats, distortion, level, seed=seed, recipes=recipes)
    return to_bytes(stretched(floats) if stretch else floats)
