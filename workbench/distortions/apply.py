"""Distort an image by name, level and seed: once, in a sequence, or at every level."""

from collections.abc import Sequence
from zlib import crc32

import numpy as np

from workbench.distortions.catalogue import operator_of
from workbench.distortions.operator import ByteImage, FloatImage, Operator
from workbench.distortions.pixels import (
    require_bytes,
    require_rgb_shape,
    stretched,
    to_bytes,
    to_floats,
)
from workbench.domain.distortion import Distortion, Recipe
from workbench.errors import ConfigError, DataError


def apply_distortion(
    image: ByteImage,
    distortion: str,
    level: int,
    *,
    seed: int,
    stretch: bool = False,
    recipes: tuple[Recipe, ...] = (),
) -> ByteImage:
    """Return a distorted copy of an 8-bit image.

    The random numbers depend on seed, distortion and level alone: not on the process, nor on what
    was distorted before.

    Args:
        image: (H, W, 3), uint8, RGB; grey images go through `as_rgb` first.
        distortion: Id of a distortion in the catalogue.
        level: 0 (a plain copy) to the number of levels.
        seed: >= 0.
        stretch: Stretch all values together to [0, 1] before and after, as KADID-10k's official
            generator does.
        recipes: Further distortion types.

    Returns:
        A new array, (H, W, 3), uint8.

    Raises:
        ConfigError: Unknown distortion, one without operator, level out of range, negative seed.
        DataError: Not 8-bit.
        ShapeError: Not (H, W, 3).

    Example:
        >>> grey = np.full((1, 1, 3), 100, np.uint8)
        >>> apply_distortion(grey, "mean_shift", 1, seed=0).tolist()
        [[[138, 138, 138]]]
    """
    require_bytes(image)
    require_rgb_shape(image)
    operator = operator_of(distortion, recipes)
    _require_level(operator.spec, level, seed)
    if level == 0:
        return np.array(image, order="C")
    return to_bytes(_distort(to_floats(image), operator, level, seed, stretch))


def apply_parameter(
    image: ByteImage,
    distortion: str,
    parameter: float,
    *,
    seed: int,
    recipes: tuple[Recipe, ...] = (),
) -> ByteImage:
    """Return a distorted copy of an 8-bit image, at any value of the parameter.

    The random numbers are the same whatever the value, so that only the strength changes with it.

    Args:
        image: (H, W, 3), uint8, RGB.
        distortion: Id of a distortion in the catalogue.
        parameter: In the unit and within the limits that its specification states; of a recipe,
            the level.
        seed: >= 0.
        recipes: Further distortion types.

    Returns:
        A new array, (H, W, 3), uint8.

    Raises:
        ConfigError: Unknown distortion, one without operator, a value out of its limits, negative
            seed.
        DataError, ShapeError: As `apply_distortion`.

    Example:
        >>> grey = np.full((1, 1, 3), 100, np.uint8)
        >>> apply_parameter(grey, "mean_shift", 0.1, seed=0).tolist()
        [[[126, 126, 126]]]
    """
    require_bytes(image)
    require_rgb_shape(image)
    operator = operator_of(distortion, recipes)
    spec = operator.spec
    _require_level(spec, 0, seed)
    low, high = spec.limits
    below = low is not None and parameter < low
    if below or (high is not None and parameter > high) or not np.isfinite(parameter):
        bound = (
            f"at least {low:g}"
            if below
            else "a finite number"
            if high is None
            else (f"at most {high:g}")
        )
        raise ConfigError(
            f"The parameter of {spec.name} must be {bound}, got {parameter:g} ({spec.parameter})."
        )
    rng = np.random.default_rng([seed, crc32(spec.id.encode())])
    return to_bytes(operator.function(to_floats(image), parameter, rng))


def apply_to_floats(
    image: FloatImage,
    distortion: str,
    level: int,
    *,
    seed: int,
    stretch: bool = False,
    recipes: tuple[Recipe, ...] = (),
) -> FloatImage:
    """Return a distorted copy of an image in [0, 1], without rounding in between.

    The other arguments are those of `apply_distortion`; the same seed draws the same numbers.

    Returns:
        A new array, (H, W, 3), float32 in [0, 1].

    Raises:
        ConfigError, ShapeError: As `apply_distortion`.
        DataError: Not floating point (float32 or float64), or values outside [0, 1].
    """
    if not isinstance(image, np.ndarray) or image.dtype not in (np.float32, np.float64):
        kind = image.dtype if isinstance(image, np.ndarray) else type(image).__name__
        raise DataError(f"Expected an image of type float32 or float64, got {kind}.")
    require_rgb_shape(image)
    if not (image.min() >= 0 and image.max() <= 1):  # also false for NaN
        raise DataError(
            f"Expected values in [0, 1], got {image.min():g} to {image.max():g}: divide 8-bit "
            "values by 255."
        )
    operator = operator_of(distortion, recipes)
    _require_level(operator.spec, level, seed)
    floats = np.array(image, np.float32, order="C")
    return floats if level == 0 else _distort(floats, operator, level, seed, stretch)


def _distort(
    image: FloatImage, operator: Operator, level: int, seed: int, stretch: bool
) -> FloatImage:
    spec = operator.spec
    rng = np.random.default_rng([seed, crc32(spec.id.encode()), level])
    if stretch:
        image = stretched(image)
    distorted = operator.function(image, spec.levels[level - 1], rng)
    return stretched(distorted) if stretch else distorted


def _require_level(spec: Distortion, level: int, seed: int) -> None:
    count = len(spec.levels)
    if isinstance(level, bool) or not isinstance(level, int | np.integer):
        raise ConfigError(f"The level must be a whole number, got {level!r}.")
    if not 0 <= level <= count:
        raise ConfigError(
            f"{spec.name} has levels 1 to {count} (0 is the clean image), got level {level}."
        )
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ConfigError(f"The seed must be a whole number of 0 or more, got {seed!r}.")


def apply_sequence(
    image: ByteImage,
    steps: Sequence[tuple[str, int]],
    *,
    seed: int,
    stretch: bool = False,
    recipes: tuple[Recipe, ...] = (),
) -> ByteImage:
    """Return an image with several distortions, one after another, rounded to bytes once.

    Steps are (distortion, level) in the order of applying; without any it is a plain copy. Each
    step draws random numbers of its own from the seed. Values are stretched before the first step
    and after the last. The rest, errors included, is as in `apply_distortion`.

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


GAP = 4  # white pixels between two levels


def strip(image: ByteImage, distortion: str, recipes: tuple[Recipe, ...] = ()) -> ByteImage:
    """Return an image clean and at every level of a distortion.

    Returns:
        (L + 1, H, W, 3), uint8; the first one is clean. Errors are those of `apply_distortion`.

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
