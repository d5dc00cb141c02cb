"""What the text tower makes of the pair of sentences."""

from workbench.domain.finding import Finding
from workbench.drafting.lint.rule import Rule, Subject

COLLAPSED = 0.95  # cosine; decision 0013


def too_long(subject: Subject) -> Finding | None:
    """Find sentences of which the text tower reads only the beginning."""
    if subject.tokens is None or max(subject.tokens) <= subject.context_length:
        return None
    return subject.finding(
        "too_long",
        "fault",
        f"Its sentence has {max(subject.tokens)} tokens and the text tower reads "
        f"{subject.context_length}: the end is cut off.",
        "Say it in a dozen words.",
        figures={"tokens": max(subject.tokens), "context_length": subject.context_length},
    )


def polarity_collapse(subject: Subject) -> Finding | None:
    """Find attributes whose negative sentence reads like the positive one (METHOD §1.1)."""
    if subject.pair is None:
        return None
    cosine = float(subject.pair[0] @ subject.pair[1])
    if cosine < COLLAPSED:
        return None
    positive, negative = subject.sentences
    return subject.finding(
        "polarity_collapse",
        "doubt",
        f"The text tower hardly tells '{positive}' from '{negative}' (cosine {cosine:.2f}), so "
        "its probability stays near one half.",
        "If most attributes have this, take another polarity template; else reword this one.",
        figures={"cosine": cosine},
    )


RULES = (
    Rule("too_long", "more tokens than the text tower reads", "text tower", too_long),
    Rule("polarity_collapse", "positive and negative read alike", "text tower", polarity_collapse),
)
