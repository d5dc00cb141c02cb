"""What an operator is: a specification and the pure function that does what it says."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.domain.distortion import Distortion

FloatImage = NDArray[np.float32]
ByteImage = NDArray[np.uint8]
Function = Callable[[FloatImage, float, np.random.Generator], FloatImage]


@dataclass(frozen=True)
class Operator:
    """A distortion that can be applied.

    Attributes:
        spec: What is done, in words, and its levels.
        function: Takes an image (H, W, 3), float32 RGB in [0, 1]; a value of the parameter, in the
            unit and within the limits that the specification states; and a random generator, which
            alone decides what is random. Returns a new image of the same kind and leaves its input
            untouched.
        forms: Of image files that the image goes through, by Pillow's names, such as "JPEG".
    """

    spec: Distortion
    function: Function
    forms: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Seedless:
    """Give a function that needs no randomness the signature of one that does; can be pickled."""

    function: Callable[[FloatImage, float], FloatImage]

    def __call__(self, image: FloatImage, value: float, _rng: np.random.Generator, /) -> FloatImage:
        return self.function(image, value)


def deterministic(
    spec: Distortion,
    function: Callable[[FloatImage, float], FloatImage],
    forms: tuple[str, ...] = (),
) -> Operator:
    """Return the operator of a function of image and parameter that draws no random numbers."""
    return Operator(spec, _Seedless(function), forms)


def effective_strength(spec: Distortion, level: int) -> float:
    """Return how far a level is from changing nothing, as a share of the farthest level.

    Levels of mean shift and contrast change are not ordered by strength (level 3 of mean shift
    changes nothing); |parameter - neutral| is. Without a neutral value it is the nominal l/L.

    Args:
        spec: A distortion with levels.
        level: 0 (clean) to L.

    Returns:
        Strength in [0, 1].

    Example:
        >>> shift = Distortion(id="s", name="s", group="brightness", source="", explanation="",
        ...                    levels=(.15, 0, -.3), neutral=0)
        >>> [effective_strength(shift, level) for level in range(4)]
        [0.0, 0.5, 0.0, 1.0]
    """
    if level == 0 or spec.neutral is None:
        return spec.strength(level)
    neutral = spec.neutral
    distances = [abs(value - neutral) for value in spec.levels]
    return distances[level - 1] / max(distances)
