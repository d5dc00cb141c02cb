"""An attribute that names a distortion repeats the label that it should explain."""

from functools import cache

from workbench.domain.distortion import Distortion
from workbench.domain.finding import Finding
from workbench.drafting.lint.rule import Rule, Subject
from workbench.drafting.lint.words import (
    EVERYDAY_IN_NAMES,
    HARMLESS_IN_NAMES,
    SYNONYMS,
    stem,
    words,
)

NAME = "names_distortion"
_EVERYDAY = frozenset(stem(word) for word in EVERYDAY_IN_NAMES)


def names_distortion(subject: Subject) -> Finding | None:
    """Find words of the distortion's name or id, their synonyms, and other types' names."""
    spoken = dict(zip(map(stem, words(subject.phrase)), words(subject.phrase), strict=True))
    named, kin = _own(subject.distortion)
    own = [word for key, word in spoken.items() if key in named or word in kin]
    if own:
        return subject.finding(
            NAME,
            "fault",
            f"'{own[0]}' is a word of the distortion's own name, {subject.distortion.name}.",
            "Say what one sees instead of what it is called.",
        )
    for other in subject.catalogue.values():
        telling = _telling(other)
        if other.id != subject.distortion.id and telling and telling <= spoken.keys():
            return subject.finding(
                NAME,
                "doubt",
                f"'{' '.join(spoken[key] for key in spoken if key in telling)}' names another "
                f"distortion, {other.name}.",
                "Say what one sees instead of what it is called.",
            )
    return None


@cache
def _name_words(spec: Distortion) -> frozenset[str]:
    return frozenset(words(f"{spec.name} {spec.id}")) - HARMLESS_IN_NAMES


@cache
def _own(spec: Distortion) -> tuple[frozenset[str], frozenset[str]]:
    """Return the stems of a distortion's name, and the words that say the same."""
    named = _name_words(spec)
    kin = frozenset(kin for word in named for kin in SYNONYMS.get(word, ()))
    return frozenset(stem(word) for word in named), kin


@cache
def _telling(spec: Distortion) -> frozenset[str]:
    """Return the stems that together name a distortion anywhere; none if all are everyday."""
    named = frozenset(stem(word) for word in _name_words(spec))
    return frozenset() if named <= _EVERYDAY else named


RULES = (Rule(NAME, "the distortion's own name, or another's", "words", names_distortion),)
