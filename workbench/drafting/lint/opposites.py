"""Phrases that must not fire where a phrase fires: its negations, and antonyms of its type.

Antonyms are kept as text in `attribute_db/antonyms.yaml`; a language model suggests them
(`prompts/opposite.md.j2`), and people choose.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from workbench.drafting.lint.statistics import dose_srcc, interval_of_mean
from workbench.drafting.lint.words import NEGATIONS, OPPOSITES, words
from workbench.settings import resource
from workbench.text_files import read_yaml

_Floats = NDArray[np.float64]

NEGATED = ("no {}", "no visible {} at all")
FOLLOWS = 0.2  # SRCC that the opposite of a fault may have with its strength
FIRING = 0.5  # probability above which a sentence fires: it is nearer than the negative one
FIRING_SHARE = 0.05  # of the strongest images, on which an opposite may fire


@dataclass(frozen=True)
class Opposites:
    """What the opposites of an attribute do on its own distortion.

    Attributes:
        probability: Each opposite's probability, (P, L+1), clean first, in [0, 1].
        encoder_share: Share of the antonyms of the probe's distortions that follow or fire on
            their fault; None where none is known.
    """

    probability: Mapping[str, _Floats]
    encoder_share: float | None


@cache
def antonyms() -> Mapping[str, tuple[str, ...]]:
    """Return the antonyms of each distortion that has some, by its id."""
    text = resource("attribute_db/antonyms.yaml").read_text(encoding="utf-8")
    return {distortion: tuple(phrases) for distortion, phrases in read_yaml(text).items()}


def opposites_of(phrase: str, distortion: str) -> tuple[str, ...]:
    """Return the negations of a phrase, the phrase with its pole swapped, and its type's antonyms.

    What is negated already is not negated again.

    Example:
        >>> opposites_of("softer edges", "somebodys_own")
        ('no softer edges', 'no visible softer edges at all', 'sharper edges')
    """
    known = antonyms().get(distortion, ())
    if not NEGATIONS.isdisjoint(words(phrase)):
        return known
    return (*(template.format(phrase) for template in NEGATED), *_swapped(phrase), *known)


def follows_fault(strength: _Floats, tables: list[_Floats]) -> dict[str, float]:
    """Return how sentences that should not follow a distortion do so all the same.

    Args:
        strength: Of each level, clean first, (L+1,).
        tables: The probability of each sentence, (P, L+1).

    Returns:
        "srcc", the median of their SRCC with strength; "firing", the share of them and the
        photographs with a probability above one half at the strongest level; and "firing_least",
        the low end of its interval over photographs.
    """
    strongest = np.stack([table[:, strength.argmax()] for table in tables], axis=1) > FIRING
    by_photograph = strongest.mean(1, keepdims=True)  # (P, 1)
    return {
        "srcc": float(np.median([dose_srcc(strength, table) for table in tables])),
        "firing": float(by_photograph.mean()),
        "firing_least": float(interval_of_mean(by_photograph)[0][0]),
    }


def fires_anyway(figures: Mapping[str, float]) -> bool:
    """Return whether sentences with these figures of `follows_fault` fail the polarity test."""
    return figures["srcc"] > FOLLOWS or figures["firing_least"] > FIRING_SHARE


def _swapped(phrase: str) -> tuple[str, ...]:
    """Return the phrase with the other pole of an axis, if it has just one word of any pole."""
    spoken = phrase.split()
    poles = {
        word: counterpole.split()[0]
        for one, other, _ in OPPOSITES
        for pole, counterpole in ((one, other), (other, one))
        for word in pole.split()
    }
    hits = [place for place, word in enumerate(spoken) if word.casefold() in poles]
    if len(hits) != 1:
        return ()
    spoken[hits[0]] = poles[spoken[hits[0]].casefold()]
    return (" ".join(spoken),)
