"""What the text tower makes of the sentences: their length, their difference, their meaning."""

from workbench.domain.finding import Finding, Severity
from workbench.drafting.lint.rule import Rule, Subject

COLLAPSED = 0.95  # cosine; decision 0013
# Of so many curated attributes each test has something to say, by construction; decision 0013.
STRANGE = 0.01
MISPLACED = 0.015  # by itself
MISPLACED_TOGETHER = 0.02  # with its siblings
FEW = 3  # curated attributes; a type with fewer, such as a user's own, is told no more than a hint


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


def nonsense(subject: Subject) -> Finding | None:
    """Find phrases that are like nothing that is said of any fault.

    It is a fault where every curated attribute is more like the others.
    """
    meaning = subject.meaning
    if meaning is None or meaning.cosine_rank > STRANGE:
        return None
    return subject.finding(
        "nonsense",
        _at_most("fault" if meaning.cosine < meaning.least else "doubt", subject),
        f"It is like nothing that is said of a fault: mean cosine {meaning.cosine:.2f} with the "
        f"five most similar texts, '{meaning.nearest.partition(': ')[2]}' among them; the lowest "
        f"of a curated attribute is {meaning.least:.2f}.",
        "Name what the fault does to the picture: to an edge, a texture, a tone, a colour.",
        figures={"cosine": meaning.cosine, "least": meaning.least, "rank": meaning.cosine_rank},
    )


def misplaced(subject: Subject) -> Finding | None:
    """Find phrases that are more like another type's attributes than like their own type's.

    One is enough where hardly any curated attribute is as far off; less will do where its siblings
    are far off, too.
    """
    meaning = subject.meaning
    if meaning is None or meaning.margin >= 0:
        return None
    alone = meaning.margin_rank <= MISPLACED
    if not alone and meaning.siblings_rank > MISPLACED_TOGETHER:
        return None
    better = subject.catalogue[meaning.better].name
    share = meaning.margin_rank if alone else meaning.siblings_rank
    return subject.finding(
        "misplaced",
        _at_most("doubt", subject),
        f"It is closer to {better}'s attributes than to its own type's, by {-meaning.margin:.1f} "
        f"standard deviations{'' if alone else ', and its siblings are no closer to the type'}; "
        f"of the curated attributes {share:.1%} are as far off.",
        f"Move it to {better}, or name what only {subject.distortion.name} shows.",
        figures={
            "margin": meaning.margin,
            "rank": meaning.margin_rank,
            "rank_with_siblings": meaning.siblings_rank,
        },
    )


def _at_most(severity: Severity, subject: Subject) -> Severity:
    """Return the severity, or a hint where there is too little to compare with."""
    few = subject.meaning is not None and subject.meaning.known < FEW
    return "hint" if few else severity


RULES = (
    Rule("too_long", "more tokens than the text tower reads", "text tower", too_long),
    Rule("polarity_collapse", "positive and negative read alike", "text tower", polarity_collapse),
    Rule("nonsense", "like nothing that is said of a fault", "vocabulary", nonsense),
    Rule("misplaced", "more like another type's attributes", "vocabulary", misplaced),
)
