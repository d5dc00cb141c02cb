"""The form of a phrase: one claim, without what the polarity template says already."""

import re

from workbench.domain.finding import Finding
from workbench.drafting.lint.rule import Rule, Subject
from workbench.drafting.lint.words import (
    CLAUSE_OPENERS,
    FAULT_KINDS,
    FINITE_VERBS,
    SINGULAR_FAULTS,
    stems,
    words,
)

_STRONG = re.compile(
    r"\s*;\s*|,?\s+(?:as well as|along with|together with|in addition to|plus|combined with|"
    r"accompanied by|and also)\s+",
    re.I,
)
_WEAK = re.compile(r",?\s+(?:and|or|and/or)\s+|\s*/\s*|,\s+", re.I)
_OPENING = re.compile(
    r"\bthere(?:'s| is| are)\b|\b(?:you|we|one|viewers?) (?:can |may |might )?"
    r"(?:see|notice|observe)s?\b|^(?:it|this) (?:has|shows|is)\b",
    re.I,
)
_PLACE = re.compile(
    r"\b(?:in|within|of|across|throughout|on|to) (?:the|this|that|an?) (?:\w+ )?"
    r"(?:photo|photograph|image|picture|frame)s?\b(?! (?:area|edge|corner|border|cent))",
    re.I,
)
_WHOLE = re.compile(r"\b(?:whole|entire|intact|flawless) (?:photo|image|picture)", re.I)
_SUBJECT = re.compile(r"^(?:the |this |an? )?(?:photo|photograph|image|picture)\b", re.I)


def several_claims(subject: Subject) -> Finding | None:
    """Find two faults that are joined by a conjunction.

    Joined adjectives ("soft, blurry edges") and faults of one kind ("swirls and ripples") are one
    claim; the kinds are those of the lexicon.
    """
    parts = _claims(subject.phrase)
    if parts is None:
        return None
    first, second = parts
    return subject.finding(
        "several_claims",
        "doubt",
        f"It claims two things at once, '{first}' and '{second}'.",
        f"Make two attributes of it: '{first}', and '{second}'.",
    )


def _claims(phrase: str) -> tuple[str, str] | None:
    for joint, kinds_matter in ((_STRONG, False), (_WEAK, True)):
        for match in joint.finditer(phrase):
            first, second = phrase[: match.start()].strip(), phrase[match.end() :].strip()
            if min(len(first.split()), len(second.split())) < 2:
                continue
            if match[0].strip() == "," and not _ends_a_claim(first):
                continue
            if not kinds_matter or _differ(first, second):
                return first, second
    return None


def _ends_a_claim(first: str) -> bool:
    """Tell "dark shadows, …" from "smeared, …", where a comma only joins adjectives."""
    last = first.split()[-1].casefold()
    return last in SINGULAR_FAULTS or (last.endswith("s") and not last.endswith(("ss", "ous")))


def _differ(first: str, second: str) -> bool:
    first_kinds, second_kinds = _kinds(first), _kinds(second)
    return bool(first_kinds and second_kinds) and not first_kinds & second_kinds


def _kinds(text: str) -> set[str]:
    spoken = stems(text)
    return {
        kind
        for kind, openings in FAULT_KINDS.items()
        if any(word.startswith(tuple(openings.split())) for word in spoken)
    }


def doubled_by_template(subject: Subject) -> Finding | None:
    """Find "there is", "in the photo" and full sentences inside the phrase."""
    phrase = subject.phrase
    sentence = subject.sentences[0] or f"There is {phrase} in the photo."
    double = _OPENING.search(phrase) or _SUBJECT.search(phrase) or _location(phrase)
    if double:
        said = double[0].strip()
        bare = " ".join(phrase.replace(double[0], " ").split())
        return subject.finding(
            "doubled_by_template",
            "doubt",
            f"With its template it reads '{sentence}', so '{said}' is said twice.",
            f"Leave '{said}' out" + (f": '{bare}'." if bare else "."),
        )
    verb = _own_verb(phrase)
    if verb is None:
        return None
    return subject.finding(
        "doubled_by_template",
        "doubt",
        f"With its template it reads '{sentence}', a sentence within a sentence ('{verb}').",
        "Turn it into a phrase without a verb of its own: 'soft edges', not 'edges are soft'.",
    )


def _location(phrase: str) -> re.Match[str] | None:
    match = _PLACE.search(phrase)
    return None if match and _WHOLE.search(match[0]) else match


def _own_verb(phrase: str) -> str | None:
    spoken = words(phrase)
    for where, word in enumerate(spoken):
        if word in CLAUSE_OPENERS:
            return None  # what follows is the clause's verb
        if word in FINITE_VERBS and where > 0:
            return word
    return None


RULES = (
    Rule("several_claims", "two claims in one", "words", several_claims),
    Rule("doubled_by_template", "words that the template says too", "words", doubled_by_template),
)
