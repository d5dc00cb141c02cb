"""Judgements, files, causes, sounds and feelings: what no camera could point at."""

import re

from workbench.domain.finding import Finding
from workbench.drafting.lint.rule import Rule, Subject
from workbench.drafting.lint.words import NOT_VISUAL, words

NAME = "not_visual"
_KINDS = {
    kind: re.compile(rf"\b(?:{'|'.join(sorted(terms, key=len, reverse=True))})\b")
    for kind, terms in NOT_VISUAL.items()
}


def not_visual(subject: Subject) -> Finding | None:
    """Find the first word that stands for something one cannot see."""
    text = " ".join(words(subject.phrase))
    for kind, terms in _KINDS.items():
        if found := terms.search(text):
            return subject.finding(
                NAME,
                "doubt",
                f"'{found[0]}' is {kind}.",
                "Name what can be pointed at in the picture: a shape, an edge, a tone, a pattern.",
            )
    return None


RULES = (Rule(NAME, "judgements, files, causes, sounds, feelings", "words", not_visual),)
