"""A distortion: what is done to a photograph, and the sentence that explains it to an LLM."""

import re
from typing import Literal, Self

from pydantic import Field, model_validator

from workbench.domain.canonical import Frozen, content_hash

Group = Literal[
    "blur", "colour", "compression", "noise", "brightness", "spatial", "sharpness", "camera"
]


class Distortion(Frozen):
    """One entry of the catalogue.

    Attributes:
        id: Stable name in code, files and URLs ("gaussian_blur").
        name: The name people read ("Gaussian blur").
        group: KADID-10k's family of distortions, or "camera" for the faults of real photographs.
        source: Where the definition comes from ("KADID-10k #1").
        explanation: One sentence on what is done to the image; the LLM reads it.
        parameter: What the levels vary, with its unit ("standard deviation in pixels").
        levels: The parameter at level 1..L.
        limits: Smallest and largest parameter that the operator takes; None where unbounded.
        neutral: The parameter at which nothing changes, where there is one.
        stochastic: Whether a seed decides the result.
        has_operator: Whether the workbench can apply it; without, attributes can still be written.
        near: Ids of types that show the same fault in another model. That a sentence fits them too
            says nothing against it. Declared on one side, it holds for both (`are_near`).
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    name: str
    group: Group
    source: str
    explanation: str
    parameter: str = ""
    levels: tuple[float, ...] = ()
    limits: tuple[float | None, float | None] = (None, None)
    neutral: float | None = None
    stochastic: bool = False
    has_operator: bool = True
    near: tuple[str, ...] = ()

    def strength(self, level: int) -> float:
        """Return the nominal strength of a level, l/L in [0, 1]; level 0 is the clean image.

        Example:
            >>> words = {"name": "b", "source": "", "explanation": ""}
            >>> blur = Distortion(id="b", group="blur", levels=(1, 2), **words)
            >>> [blur.strength(level) for level in (0, 1, 2)]
            [0.0, 0.5, 1.0]
        """
        return level / len(self.levels)


def are_near(one: Distortion, other: Distortion) -> bool:
    """Return whether one of two types declares the other as near.

    Example:
        >>> words = {"name": "b", "source": "", "explanation": ""}
        >>> lens = Distortion(id="lens", group="blur", **words)
        >>> focus = Distortion(id="focus", group="camera", near=("lens",), **words)
        >>> are_near(lens, focus), are_near(focus, focus)
        (True, False)
    """
    return other.id in one.near or one.id in other.near


class Step(Frozen):
    """One operator of a recipe.

    Attributes:
        operator: Id of an operator of the catalogue.
        parameters: Its parameter at level 1..L of the recipe, in the operator's own unit.
    """

    operator: str
    parameters: tuple[float, ...]


class Recipe(Frozen):
    """A distortion type that somebody added; without steps it can be described, not applied.

    Attributes:
        id: Stable name in files and results.
        name: The name people read.
        group: The family it is listed under.
        explanation: One sentence on what is done to the image; the LLM reads it.
        steps: Operators in the order in which they are applied.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    name: str = Field(min_length=1)
    group: Group
    explanation: str = Field(min_length=1)
    steps: tuple[Step, ...] = ()

    @model_validator(mode="after")
    def _one_number_of_levels(self) -> Self:
        counts = [len(step.parameters) for step in self.steps]
        if len(set(counts)) > 1 or 0 in counts:
            raise ValueError(f"every step needs one parameter per level, got {counts} of them")
        return self

    @property
    def levels(self) -> int:
        """Number of levels L; 0 without steps."""
        return len(self.steps[0].parameters) if self.steps else 0

    @property
    def hash(self) -> str:
        """SHA-256 of the content."""
        return content_hash(self.model_dump(mode="json"))

    def spec(self) -> Distortion:
        """Return the catalogue entry; its parameter is the level itself.

        The source carries the hash, so that images of two recipes are never taken for each other.

        Example:
            >>> dim = Recipe(id="dim", name="Dim", group="brightness", explanation="It gets dark.",
            ...              steps=(Step(operator="darken", parameters=(.1, .4)),))
            >>> dim.spec().levels
            (1.0, 2.0)
        """
        return Distortion(
            id=self.id,
            name=self.name,
            group=self.group,
            source=f"recipe {self.hash[:12]}",
            explanation=self.explanation,
            parameter="level of the recipe" if self.steps else "",
            levels=tuple(range(1, self.levels + 1)),
            limits=(1, self.levels) if self.steps else (None, None),
            has_operator=bool(self.steps),
        )


def id_of(name: str) -> str:
    """Return the id that a name suggests.

    Example:
        >>> id_of("Night shot (phone)")
        'night_shot_phone'
    """
    return re.sub(r"[^a-z0-9]+", "_", name.casefold()).strip("_")
