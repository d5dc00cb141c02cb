"""One attribute, one claim: its probability cannot say which of two was meant."""

import re

from workbench.domain.finding import Finding
from workbench.drafting.lint.rule import Rule, Subject
from workbench.drafting.lint.words import FAULT_KINDS, SINGULAR_FAULTS, stems

NAME = "several_claims"
_STRONG = re.compile(
    r"\s*;\s*|,?\s+(?:as well as|along with|together with|in addition to|plus|combined with|"
    r"accompanied by|and also)\s+",
    re.I,
)
_WEAK = re.compile(r",?\s+(?:and|or|and/or)\s+|\s*/\s*|,\s+", re.I)


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
        NAME,
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


RULES = (Rule(NAME, "two claims in one", "words", several_claims),)
