"""What makes a sentence good, as one weighted sum that is stated and shown."""

from typing import Self

from pydantic import Field, model_validator

from workbench.domain.canonical import Frozen
from workbench.errors import ConfigError, UnknownNameError

REWARDED = ("identification", "strength", "specificity", "quality")
WEIGHTS = (*REWARDED, "redundancy", "dead")
QUALITY = 0.3  # the usual weight where there are scores
_SAID = {"identification": "AUC", "strength": "SRCC", "dead": "dead levels"}


class Objective(Frozen):
    """Weights of the sum that a search maximises, and what it takes to replace a sentence.

    A type's score is the mean over its sentences of

        identification · AUC + strength · SRCC + specificity · AUC against the worst confusion
        + quality · share of the quality left unexplained by the other sentences of the set
        − redundancy · likeness to a sibling − dead · share of dead levels

    Lint's rules on text are no part of the sum: a sentence that breaks one is not proposed,
    whatever it scores.

    Attributes:
        identification: Weight of the AUC of its own type against all other images.
        strength: Weight of the SRCC with the strength of its own type.
        specificity: Weight of the AUC against the type that it is taken for most.
        quality: Weight of what it adds to the quality scores; 0 where there are none.
        redundancy: Weight of what it repeats of the sentences before it.
        dead: Weight of the share of levels at which it is no more probable than on clean images.
        gain: Least gain of a sentence that replaces one at fault, where the first four weights
            add up to 1.
        margin: Least gain of a sentence that replaces one that is not, likewise; its interval over
            photographs must lie above 0, too.
    """

    identification: float = Field(0.4, ge=0, le=1)
    strength: float = Field(0.3, ge=0, le=1)
    specificity: float = Field(0.3, ge=0, le=1)
    quality: float = Field(0.0, ge=0, le=1)
    redundancy: float = Field(0.2, ge=0, le=1)
    dead: float = Field(0.1, ge=0, le=1)
    gain: float = Field(0.02, ge=0, le=1)
    margin: float = Field(0.1, ge=0, le=1)

    @model_validator(mode="after")
    def _rewards_something(self) -> Self:
        if self.reward == 0:
            raise ValueError(f"at least one of {', '.join(REWARDED)} must be above 0")
        return self

    @property
    def reward(self) -> float:
        """The sum of the weights of what is good: the score of a perfect sentence."""
        return self.identification + self.strength + self.specificity + self.quality

    def least(self, *, faulty: bool) -> float:
        """Return the least gain of a sentence that replaces one, at fault or not."""
        return self.reward * (self.gain if faulty else self.margin)

    def weights(self) -> dict[str, float]:
        """Return the weights by name."""
        return {name: getattr(self, name) for name in WEIGHTS}

    def said(self) -> str:
        """Return the sum in one line; what has no weight is left out.

        Example:
            >>> DEFAULT_OBJECTIVE.said()
            '0.4 AUC + 0.3 SRCC + 0.3 specificity - 0.2 redundancy - 0.1 dead levels'
        """
        terms = [
            f"{'+' if name in REWARDED else '-'} {weight:g} {_SAID.get(name, name)}"
            for name, weight in self.weights().items()
            if weight
        ]
        return " ".join(terms).removeprefix("+ ")


DEFAULT_OBJECTIVE = Objective()


def objective_of(weights: str = "", *, scored: bool) -> Objective:
    """Return the objective that somebody asks for, in words such as "identification=1,dead=0".

    Args:
        weights: Names and weights; a weight that is not named is the usual one.
        scored: Whether there are quality scores; without, quality has no weight.

    Raises:
        ConfigError: It is no list of weights from 0 to 1, or weighs quality without scores.
        UnknownNameError: There is no such weight.

    Example:
        >>> objective_of("identification=1, specificity=.5", scored=True).said()
        '1 AUC + 0.3 SRCC + 0.5 specificity + 0.3 quality - 0.2 redundancy - 0.1 dead levels'
    """
    chosen: dict[str, float] = {"quality": QUALITY} if scored else {}
    for pair in filter(str.strip, weights.split(",")):
        name, _, number = (word.strip() for word in pair.partition("="))
        if name not in WEIGHTS:
            raise UnknownNameError("weight", name, WEIGHTS)
        try:
            chosen[name] = float(number)
        except ValueError as fault:
            raise ConfigError(
                f"'{pair.strip()}' is no weight. Write it as name=number, such as {name}=0.5."
            ) from fault
        if not 0 <= chosen[name] <= 1:
            raise ConfigError(f"The weight of {name} must be from 0 to 1, not {number}.")
    if chosen.get("quality") and not scored:
        raise ConfigError(
            "quality has no weight without scores. Add --scores haarpsi, or leave quality out."
        )
    if not any({**DEFAULT_OBJECTIVE.weights(), **chosen}[name] for name in REWARDED):
        raise ConfigError(f"At least one of {', '.join(REWARDED)} must have a weight above 0.")
    return Objective(**chosen)
