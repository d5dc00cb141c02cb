"""Two attributes that say the same: as often in the set, and as often in the regressor's input."""

import numpy as np

from workbench.domain.finding import Finding
from workbench.drafting.lint.rule import Other, Rule, Subject
from workbench.drafting.lint.words import overlap

# Decision 0013 says how each was found.
SHARED_WITHIN = 0.6  # of the stems of two siblings
SHARED_ACROSS = 0.75  # of two attributes of different distortions
ALIKE_WITHIN = 0.78  # cosine of two siblings' sentences
ALIKE_ACROSS = 0.90


def duplicate(subject: Subject) -> Finding | None:
    """Find the same words in the same order; articles, endings and punctuation do not count."""
    same = [other for other in subject.others if other.stems == subject.stems]
    if not same or not subject.stems:
        return None
    within = any(other.distortion == subject.distortion.id for other in same)
    return subject.finding(
        "duplicate",
        "fault",
        f"{_quoted(same)} says the same words.",
        "Remove one of them." if within else "Keep it where it fits best, reword the other.",
        others=same,
    )


def near_duplicate(subject: Subject) -> Finding | None:
    """Find attributes that share most of their words, within and across distortions."""
    near = [(shared, other) for other in subject.others if (shared := _shared(subject, other))]
    if not near:
        return None
    most, nearest = max(near, key=lambda pair: pair[0])
    return subject.finding(
        "near_duplicate",
        "doubt",
        f"It shares {most:.0%} of its words with {_quoted([nearest])}.",
        "Merge the two, or say what makes this one different.",
        others=[other for _, other in near],
        figures={"shared": most},
    )


def same_meaning(subject: Subject) -> Finding | None:
    """Find sentences that the text tower can hardly tell apart, though their words differ."""
    if subject.pair is None:
        return None
    measured = [other for other in subject.others if other.vector is not None]
    if not measured:
        return None
    cosines = np.stack([other.vector for other in measured if other.vector is not None])
    alike = [
        (float(cosine), other)
        for cosine, other in zip(cosines @ subject.pair[0], measured, strict=True)
        if cosine >= _alike(subject, other)
        and other.stems != subject.stems
        and not _shared(subject, other)
    ]
    if not alike:
        return None
    most, nearest = max(alike, key=lambda pair: pair[0])
    return subject.finding(
        "same_meaning",
        "doubt",
        f"To the text tower it nearly is {_quoted([nearest])} (cosine {most:.2f}).",
        "Merge the two, or use words that tell them apart.",
        others=[other for _, other in alike],
        figures={"cosine": most},
    )


def _shared(subject: Subject, other: Other) -> float:
    """Return the share of common words if it makes two attributes near duplicates, else 0."""
    if other.stems == subject.stems:
        return 0.0
    shared = overlap(subject.stems, other.stems)
    within = other.distortion == subject.distortion.id
    return shared if shared >= (SHARED_WITHIN if within else SHARED_ACROSS) else 0.0


def _alike(subject: Subject, other: Other) -> float:
    return ALIKE_WITHIN if other.distortion == subject.distortion.id else ALIKE_ACROSS


def _quoted(others: list[Other]) -> str:
    return " and ".join(f"'{other.phrase}' of {other.distortion}" for other in others[:3])


RULES = (
    Rule("duplicate", "the same words twice", "words", duplicate),
    Rule("near_duplicate", "most words in common with another", "words", near_duplicate),
    Rule("same_meaning", "the text tower hears no difference to another", "text tower",
         same_meaning),
)  # fmt: skip
