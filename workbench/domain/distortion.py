"""A distortion: what is done to a photograph, and the sentence that explains it to an LLM."""

from typing import Literal

from pydantic import Field

from workbench.domain.base import Frozen

Group = Literal["blur", "colour", "compression", "noise", "brightness", "spatial", "sharpness"]


class Distortion(Frozen):
    """One entry of the catalogue.

    Attributes:
        id: Stable name in code, files and URLs ("gaussian_blur").
        name: The name people read ("Gaussian blur").
        group: KADID-10k's family of distortions.
        source: Where the definition comes from ("KADID-10k #1").
        explanation: One sentence on what is done to the image; the LLM reads it.
        parameter: What the levels vary, with its unit ("standard deviation in pixels").
        levels: The parameter at level 1..L.
        limits: Smallest and largest parameter that the operator takes; None where unbounded.
        neutral: The parameter at which nothing changes, where there is one.
        stochastic: Whether a seed decides the result.
        has_operator: Whether the workbench can apply it; without, attributes can still be written.
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

    def strength(self, level: int) -> float:
        """Return the nominal strength of a level, l/L in [0, 1]; level 0 is the clean image.

        Example:
            >>> words = {"name": "b", "source": "", "explanation": ""}
            >>> blur = Distortion(id="b", group="blur", levels=(1, 2), **words)
            >>> [blur.strength(level) for level in (0, 1, 2)]
            [0.0, 0.5, 1.0]
        """
        return level / len(self.levels)
