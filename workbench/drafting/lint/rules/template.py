"""What the polarity template says already, the phrase must not say again."""

import re

from workbench.domain.finding import Finding
from workbench.drafting.lint.rule import Rule, Subject
from workbench.drafting.lint.words import CLAUSE_OPENERS, FINITE_VERBS, words

NAME = "doubled_by_template"
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


def doubled_by_template(subject: Subject) -> Finding | None:
    """Find "there is", "in the photo" and full sentences inside the phrase."""
    phrase = subject.phrase
    sentence = subject.sentences[0] or f"There is {phrase} in the photo."
    double = _OPENING.search(phrase) or _SUBJECT.search(phrase) or _location(phrase)
    if double:
        said = double[0].strip()
        bare = " ".join(phrase.replace(double[0], " ").split())
        return subject.finding(
            NAME,
            "doubt",
            f"With its template it reads '{sentence}', so '{said}' is said twice.",
            f"Leave '{said}' out" + (f": '{bare}'." if bare else "."),
        )
    verb = _own_verb(phrase)
    if verb is None:
        return None
    return subject.finding(
        NAME,
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


RULES = (Rule(NAME, "words that the template says too", "words", doubled_by_template),)
