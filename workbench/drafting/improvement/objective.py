"""What makes a sentence good, as one weighted sum that is stated and shown."""

from pydantic import Field

from workbench.domain.canonical import Frozen


class Objective(Frozen):
    """Weights of the sum that a search maximises, and what it takes to replace a sentence.

    A type's score is the mean over its sentences of

        identification · AUC + strength · SRCC + specificity · AUC against the worst confusion
        − redundancy · likeness to a sibling − dead · share of dead levels

    Lint's rules on text are no part of the sum: a sentence that breaks one is not proposed,
    whatever it scores.

    Attributes:
        identification: Weight of the AUC of its own type against all other images.
        strength: Weight of the SRCC with the strength of its own type.
        specificity: Weight of the AUC against the type that it is taken for most.
        redundancy: Weight of what it repeats of the sentences before it.
        dead: Weight of the share of levels at which it is no more probable than on clean images.
        gain: Least gain of a sentence that replaces one at fault.
        margin: Least gain of a sentence that replaces one that is not; its interval over
            photographs must lie above 0, too.
    """

    identification: float = Field(0.4, ge=0, le=1)
    strength: float = Field(0.3, ge=0, le=1)
    specificity: float = Field(0.3, ge=0, le=1)
    redundancy: float = Field(0.2, ge=0, le=1)
    dead: float = Field(0.1, ge=0, le=1)
    gain: float = Field(0.02, ge=0, le=1)
    margin: float = Field(0.1, ge=0, le=1)

    def said(self) -> str:
        """Return the sum in one line.

        Example:
            >>> DEFAULT_OBJECTIVE.said()
            '0.4 AUC + 0.3 SRCC + 0.3 specificity - 0.2 redundancy - 0.1 dead levels'
        """
        return (
            f"{self.identification:g} AUC + {self.strength:g} SRCC + {self.specificity:g} "
            f"specificity - {self.redundancy:g} redundancy - {self.dead:g} dead levels"
        )


DEFAULT_OBJECTIVE = Objective()
