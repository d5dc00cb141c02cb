"""What a multi-distortion set will hold, image by image, before a pixel is touched (METHOD §4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from pydantic import Field, ValidationError, model_validator

from workbench.domain.canonical import Frozen, fault_words
from workbench.domain.config import ImageForm, QualityMetricName
from workbench.domain.distortion import Distortion
from workbench.errors import InvalidConfigError

LOSSY_QUALITY = 95


class GeneratorConfig(Frozen):
    """Everything that decides a multi-distortion set except the photographs."""

    count: int = Field(ge=1)  # number of images
    # ids to draw from; the order decides the draw
    distortions: tuple[str, ...] = Field(min_length=1)
    # most distortions on one image; the paper takes all that there are
    max_distortions: int = Field(ge=1)
    # probability that an image is left clean; the paper's is 0
    clean_share: float = Field(0, ge=0, le=1)
    seed: int = Field(0, ge=0)  # decides every draw
    # width and height in pixels; None leaves every photograph at its own
    size: tuple[int, int] | None = None
    # stretch the values of an image to the whole range before its first and after its last
    # distortion, as KADID-10k's official generator does
    stretch: bool = False
    form: ImageForm = "png"  # files of one kind, or one memory-mapped array, which needs a size
    # of JPEG (95 if None) and WebP (lossless if None), 1 to 100
    quality: int | None = Field(None, ge=1, le=100)
    # full-reference metrics to compute as weak supervision
    scores: tuple[QualityMetricName, ...] = ()

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if len(set(self.distortions)) < len(self.distortions):
            raise ValueError("distortions: one is named twice")
        if self.max_distortions > len(self.distortions):
            raise ValueError(
                f"max_distortions: at most {len(self.distortions)}, the number of distortions to "
                f"draw from, not {self.max_distortions}"
            )
        if self.size is not None and min(self.size) < 1:
            raise ValueError(f"size: width and height must be at least 1, not {self.size}")
        if self.form == "array" and self.size is None:
            raise ValueError("size: an array needs one width and height for all images")
        if self.quality is not None and self.form in ("png", "array"):
            raise ValueError(f"quality: {self.form} is lossless")
        return self


def generator_config(**choices: Any) -> GeneratorConfig:
    """Return the configuration that was asked for.

    Raises:
        InvalidConfigError: It is not possible; says why.

    Example:
        >>> generator_config(count=9, distortions=("jpeg",), max_distortions=99)
        Traceback (most recent call last):
        workbench.errors.InvalidConfigError: The set has 1 fault: max_distortions: at most 1, the \
number of distortions to draw from, not 99.
    """
    try:
        return GeneratorConfig(**choices)
    except ValidationError as fault:
        raise InvalidConfigError("The set", fault_words(fault)) from None


@dataclass(frozen=True, slots=True)
class PlannedImage:
    """What one image will be."""

    index: int  # in the set, from 0
    photograph: int  # index
    steps: tuple[tuple[str, int], ...]  # (distortion, level) in the order of applying
    seed: int  # of the random numbers of its distortions


def plan_image(
    config: GeneratorConfig, specs: Sequence[Distortion], photographs: int, index: int
) -> PlannedImage:
    """Return the plan of one image; it depends on nothing but the arguments.

    K is uniform on 1..max_distortions, the K types are drawn without replacement, each gets a
    uniform level, and the order of drawing is the order of applying. Images of one photograph
    stand together, and photographs differ by at most one in how many images they get.

    Example:
        >>> blur = Distortion(id="blur", name="Blur", group="blur", source="", explanation="",
        ...                   levels=(1, 2, 4))
        >>> config = GeneratorConfig(count=4, distortions=("blur",), max_distortions=1)
        >>> [plan_image(config, [blur], 2, i).photograph for i in range(4)]
        [0, 0, 1, 1]
        >>> plan_image(config, [blur], 2, 0).steps
        (('blur', 2),)
    """
    rng = np.random.default_rng([config.seed, index])
    clean = rng.random() < config.clean_share
    drawn = 0 if clean else int(rng.integers(1, config.max_distortions, endpoint=True))
    chosen = [specs[drawn_index] for drawn_index in rng.permutation(len(specs))[:drawn]]
    return PlannedImage(
        index=index,
        photograph=index * photographs // config.count,
        steps=tuple(
            (spec.id, int(rng.integers(1, len(spec.levels), endpoint=True))) for spec in chosen
        ),
        seed=int(rng.integers(2**32)),
    )
