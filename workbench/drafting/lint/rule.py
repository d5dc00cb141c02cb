"""What a rule is, and the registry that finds every one of them by itself."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.domain.distortion import Distortion
from workbench.domain.finding import Finding, Severity
from workbench.drafting.lint import rules as package
from workbench.drafting.lint.opposites import Opposites
from workbench.drafting.lint.probe import Response
from workbench.drafting.lint.vocabulary import Meaning
from workbench.drafting.lint.words import stems
from workbench.errors import ConfigError
from workbench.registry import Registry, discover

if TYPE_CHECKING:  # the rules on words are asked for without it
    from torch import Tensor

Polarity = Callable[[Sequence[str]], list[tuple[str, str]]]


class TextTower(Protocol):
    """What lint asks of an encoder."""

    def encode_texts(self, sentences: Sequence[str]) -> "Tensor":
        """Return L2-normalised embeddings of N sentences, (N, E)."""

    def token_counts(self, sentences: Sequence[str]) -> tuple[list[int], int]:
        """Return the number of tokens of N sentences, and how many the tower reads."""


@dataclass(frozen=True)
class Other:
    """An attribute that the one in question is compared with.

    Attributes:
        distortion: Its distortion.
        phrase: Its words.
        vector: Embedding of its positive sentence, (E,), if there is a text tower.
    """

    distortion: str
    phrase: str
    vector: NDArray[np.float32] | None = None

    @cached_property
    def stems(self) -> tuple[str, ...]:
        """Its stems, in their order."""
        return tuple(stems(self.phrase))

    @property
    def title(self) -> str:
        """How a finding names it."""
        return f"{self.distortion}: {self.phrase}"


@dataclass(frozen=True)
class Subject:
    """One attribute, as the rules see it.

    Attributes:
        distortion: Its distortion.
        phrase: Its words.
        catalogue: All distortions by id.
        others: What it is compared with. Over a whole set these are the attributes before it, so
            that a pair is told once.
        identity: The attribute's identity, if it has one.
        sentences: Its positive and negative sentence.
        pair: Their embeddings, (2, E), if there is a text tower.
        tokens: The number of tokens of both sentences, likewise.
        context_length: How many the tower reads, likewise.
        meaning: Where it stands among what is said of faults, likewise.
        response: Its probability on the images of the probe, if there is one.
        opposites: What its opposites do on its own distortion, likewise.
    """

    distortion: Distortion
    phrase: str
    catalogue: Mapping[str, Distortion]
    others: Sequence[Other] = ()
    identity: str | None = None
    sentences: tuple[str, str] = ("", "")
    pair: NDArray[np.float32] | None = None
    tokens: tuple[int, int] | None = None
    context_length: int = 0
    meaning: Meaning | None = None
    response: Response | None = None
    opposites: Opposites | None = None

    @cached_property
    def stems(self) -> tuple[str, ...]:
        """Stems of its words, in their order."""
        return tuple(stems(self.phrase))

    @property
    def siblings(self) -> list[Other]:
        """The others of its own distortion."""
        return [other for other in self.others if other.distortion == self.distortion.id]

    def finding(
        self,
        rule: str,
        severity: Severity,
        reason: str,
        suggestion: str,
        *,
        others: Sequence[Other] = (),
        figures: Mapping[str, float] | None = None,
    ) -> Finding:
        """Return a finding about this attribute; figures are rounded to four places."""
        return Finding(
            rule=rule,
            severity=severity,
            distortion=self.distortion.id,
            phrase=self.phrase,
            identity=self.identity,
            reason=reason,
            suggestion=suggestion,
            others=tuple(other.title for other in others),
            figures={name: round(float(value), 4) for name, value in (figures or {}).items()},
        )


# The vocabulary is what a text tower makes of the curated attributes and the explanations; the
# opposites of an attribute are measured on images.
Needs = Literal["words", "text tower", "vocabulary", "images", "opposites"]


@dataclass(frozen=True)
class Rule:
    """One thing that can be wrong with an attribute.

    Attributes:
        name: Stable; what `--rule` and `Finding.rule` say.
        says: One line for people: what it finds.
        needs: What must be at hand; a rule without it is left out.
        check: Returns a finding about the subject, or None.
    """

    name: str
    says: str
    needs: Needs
    check: Callable[[Subject], Finding | None]


@cache
def rules() -> Registry[Rule]:
    """Return every rule by name: all that the modules of `rules/` list in `RULES`.

    Raises:
        ConfigError: Two rules share a name.

    Example:
        >>> rules()["too_lon"]
        Traceback (most recent call last):
        workbench.errors.UnknownNameError: Unknown rule 'too_lon'. Did you mean 'too_long'?
    """
    rules: dict[str, Rule] = {}
    for module in discover(package):
        for rule in module.RULES:
            if rule.name in rules:
                raise ConfigError(f"Two lint rules are called '{rule.name}'; rename one of them.")
            rules[rule.name] = rule
    return Registry("rule", rules)
