"""What a model says of one image, and what it would say if an attribute were absent or weaker."""

from pydantic import Field

from workbench.domain.canonical import Frozen
from workbench.domain.metrics import Metric, Undefined

ByAttribute = dict[str, dict[str, float]]  # distortion id to phrase to value


class Unlike(Frozen):
    """How unlike all training images a picture is; what is unlike them has no score to trust.

    Attributes:
        distance: To the nearest training images; 1 is typical of held-out photographs.
        threshold: A distance above it is flagged.
        percentile: How many per cent of the held-out images were nearer.
        flagged: Whether the score is not to be trusted.
    """

    distance: float = Field(ge=0)
    threshold: float = Field(gt=0)
    percentile: float = Field(ge=0, le=100)
    flagged: bool

    @property
    def words(self) -> str:
        """What a flag means, for people; "" without one.

        Example:
            >>> Unlike(distance=9, threshold=2, percentile=99.8, flagged=True).words[:70]
            'This picture is unlike everything the model was trained on (farther th'
        """
        if not self.flagged:
            return ""
        farther = "all" if self.percentile == 100 else f"{self.percentile:.1f} %"
        return (
            f"This picture is unlike everything the model was trained on (farther than {farther} "
            "of the held-out photographs): don't trust the score."
        )


UNKNOWN_UNLIKE = Undefined(undefined="the model was made without it; run its version again")


class Score(Frozen):
    """Quality, strengths and attributes of one image, and what each attribute does to the quality.

    `base` and all contributions add up to `unclipped`.

    Attributes:
        image: Its path as it was given, "" for pixels.
        quality: In [0, 1], higher is better.
        unclipped: The same before it is clipped to [0, 1].
        clipped: Whether the two differ.
        distortions: Strength of each distortion, in [0, 1].
        attributes: Probability of each attribute, in [0, 1].
        inputs: What the regressor reads of each attribute: in the crops, then in the whole image if
            it reads that too. Empty where it reads the probabilities above, or no attributes.
        base: Unclipped quality of the image that contributions are counted from.
        contributions: What each attribute adds to it; undefined where the regressor reads no
            attributes.
        unlike: How unlike all training images it is; undefined where the model cannot tell.
    """

    image: str
    quality: float = Field(ge=0, le=1)
    unclipped: float
    clipped: bool
    distortions: dict[str, float]
    attributes: ByAttribute
    inputs: tuple[ByAttribute, ...] = ()
    base: Metric
    contributions: ByAttribute | Undefined
    unlike: Unlike | Undefined = UNKNOWN_UNLIKE


class Counterfactual(Frozen):
    """What the model would say if some attributes were absent; its own answer, not the world's.

    Attributes:
        without: What is taken to be absent: phrases or distortion ids, as they were given.
        quality: The quality that the model would give, in [0, 1].
        change: By how much that differs from the quality of the image as it is.
        absent: Probability that each of those attributes is given instead.
    """

    without: tuple[str, ...] = Field(min_length=1)
    quality: float = Field(ge=0, le=1)
    change: float
    absent: ByAttribute


class Weakened(Frozen):
    """What the model would say if some attributes showed less; its own answer, not the world's.

    Attributes:
        left: Share, in [0, 1], that is left of each phrase or distortion id as it was given.
        quality: The quality that the model would give, in [0, 1].
        change: By how much that differs from the quality of the image as it is.
    """

    left: dict[str, float] = Field(min_length=1)
    quality: float = Field(ge=0, le=1)
    change: float
