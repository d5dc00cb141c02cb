"""Words that explain nothing: the label that they should explain, and what no camera can see."""

import re
from functools import cache

from workbench.domain.distortion import Distortion
from workbench.domain.finding import Finding
from workbench.drafting.lint.rule import Rule, Subject
from workbench.drafting.lint.words import (
    EVERYDAY_IN_NAMES,
    HARMLESS_IN_NAMES,
    NOT_VISUAL,
    SYNONYMS,
    stem,
    words,
)

_KINDS = {
    kind: re.compile(rf"\b(?:{'|'.join(sorted(terms, key=len, reverse=True))})\b")
    for kind, terms in NOT_VISUAL.items()
}
_EVERYDAY = frozenset(stem(word) for word in EVERYDAY_IN_NAMES)


def names_distortion(subject: Subject) -> Finding | None:
    """Find words of the distortion's name or id, their synonyms, and other types' names."""
    spoken = dict(zip(map(stem, words(subject.phrase)), words(subject.phrase), strict=True))
    named, kin = _own(subject.distortion)
    own = [word for key, word in spoken.items() if key in named or word in kin]
    if own:
        return subject.finding(
            "names_distortion",
            "fault",
            f"'{own[0]}' is a word of the distortion's own name, {subject.distortion.name}.",
            "Say what one sees instead of what it is called.",
        )
    for other in subject.catalogue.values():
        telling = _telling(other)
        if other.id != subject.distortion.id and telling and telling <= spoken.keys():
            return subject.finding(
                "names_distortion",
                "doubt",
                f"'{' '.join(spoken[key] for key in spoken if key in telling)}' names another "
                f"distortion, {other.name}.",
                "Say what one sees instead of what it is called.",
            )
    return None


def not_visual(subject: Subject) -> Finding | None:
    """Find the first word that stands for something one cannot see."""
    text = " ".join(words(subject.phrase))
    for kind, terms in _KINDS.items():
        if found := terms.search(text):
            return subject.finding(
                "not_visual",
                "doubt",
                f"'{found[0]}' is {kind}.",
                "Name what can be pointed at in the picture: a shape, an edge, a tone, a pattern.",
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


RULES = (
    Rule("names_distortion", "the distortion's own name, or another's", "words", names_distortion),
    Rule("not_visual", "judgements, files, causes, sounds, feelings", "words", not_visual),
)
