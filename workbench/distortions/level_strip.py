"""A distortion at a glance: one photograph at every level, side by side."""

import numpy as np

from workbench.distortions.apply import apply_distortion
from workbench.distortions.catalogue import operator_of
from workbench.distortions.operator import ByteImage
from workbench.domain.distortion import Recipe

GAP = 4  # white pixels between two levels


def strip(image: ByteImage, distortion: str, recipes: tuple[Recipe, ...] = ()) -> ByteImage:
    """Return an image clean and at every level of a distortion.

    Args:
        image: (H, W, 3), uint8, RGB.
        distortion: Id of a distortion with an operator.
        recipes: Distortion types beside the built-in ones.

    Returns:
        (L + 1, H, W, 3), uint8; the first one is clean.

    Raises:
        ConfigError: Unknown distortion, or one without operator.
        DataError, ShapeError: As in `apply_distortion`.

    Example:
        >>> strip(np.zeros((2, 2, 3), np.uint8), "mean_shift")[:, 0, 0, 0].tolist()
        [0, 38, 20, 0, 0, 0]
    """
    levels = range(len(operator_of(distortion, recipes).spec.levels) + 1)
    return np.stack(
        [apply_distortion(image, distortion, level, seed=0, recipes=recipes) for level in levels]
    )


def side_by_side(images: ByteImage) -> ByteImage:
    """Join images into one picture, from left to right, with a white gap between them.

    Args:
        images: (N, H, W, 3), uint8.

    Returns:
        (H, N W + (N - 1) GAP, 3), uint8.

    Example:
        >>> side_by_side(np.zeros((3, 2, 10, 3), np.uint8)).shape
        (2, 38, 3)
    """
    framed = np.pad(images, ((0, 0), (0, 0), (0, GAP), (0, 0)), constant_values=255)
    return np.ascontiguousarray(np.concatenate(list(framed), axis=1)[:, :-GAP])
