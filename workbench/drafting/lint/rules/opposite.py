"""Does the opposite fire as well? Then the encoder reads a topic, not a statement."""

from collections.abc import Sequence

import numpy as np

from workbench.domain.finding import Finding
from workbench.drafting.lint.opposites import FIRING_SHARE, FOLLOWS, follows_fault
from workbench.drafting.lint.rule import Rule, Subject
from workbench.drafting.lint.rules.dose_response import follows
from workbench.drafting.lint.statistics import interval_of_mean, photograph_srccs

NAME = "fires_on_opposite"
MOST = 0.5  # share of the antonyms: with more of them failing, no single phrase is to blame


def fires_on_opposite(subject: Subject) -> Finding | None:
    """Find attributes whose negations and antonyms follow the fault as they do themselves.

    It is no more than a hint where no antonyms are known to judge the encoder by. Where the
    encoder fails on most antonyms, `topics_alone` says so once.
    """
    if subject.opposites is None or _encoder_fails(subject) or not (figures := _figures(subject)):
        return None
    return subject.finding(
        NAME,
        "hint" if subject.opposites.encoder_share is None else "doubt",
        f"{_told(subject, figures)}.",
        "Use words whose opposite the encoder tells from them.",
        figures=figures,
    )


def topics_alone(subjects: Sequence[Subject]) -> Finding | None:
    """Return one hint for a whole set if the encoder hears no difference to most antonyms."""
    failing = [(s, figures) for s in subjects if _encoder_fails(s) and (figures := _figures(s))]
    if not failing:
        return None
    subject, figures = failing[0]
    asked = sum(s.opposites is not None for s in subjects)
    share = subject.opposites.encoder_share if subject.opposites else None
    return subject.finding(
        NAME,
        "hint",
        f"The encoder reads topics, not statements: {share:.0%} of the known antonyms follow or "
        f"fire on the fault that they deny, and opposites of {len(failing)} of {asked} attributes "
        f"do as the attributes themselves, of this one first. {_told(subject, figures)}.",
        "Take its probabilities for what a photo is about, or use an encoder that passes.",
        figures={**figures, "encoder_share": share or 0.0},
    )


def _encoder_fails(subject: Subject) -> bool:
    share = subject.opposites.encoder_share if subject.opposites else None
    return share is not None and share > MOST


def _figures(subject: Subject) -> dict[str, float]:
    """Return what the opposites do and the attribute itself, if they do as much; else nothing.

    That is a median SRCC above .2, within the noise of the attribute's own, or more of them firing
    at the strongest level than the photographs' noise explains.
    """
    own = subject.distortion.id
    if subject.opposites is None or subject.response is None or not follows(subject):
        return {}
    strength, table = subject.response.strengths[own], subject.response.probability[own]
    tables = list(subject.opposites.probability.values())
    figures = follows_fault(strength, tables)
    theirs = np.median([photograph_srccs(strength, other) for other in tables], axis=0)  # (P,)
    lead, _ = interval_of_mean((photograph_srccs(strength, table) - theirs)[:, None])
    as_much = figures["srcc"] > FOLLOWS and lead[0] <= 0
    if not as_much and figures["firing_least"] <= FIRING_SHARE:
        return {}
    itself = follows_fault(strength, [table])
    return {
        "opposite_srcc": figures["srcc"],
        "opposite_firing": figures["firing"],
        "srcc": itself["srcc"],
        "firing": itself["firing"],
    }


def _told(subject: Subject, figures: dict[str, float]) -> str:
    opposites = list(subject.opposites.probability) if subject.opposites else []
    return (
        f"Opposites such as '{opposites[0]}' and '{opposites[-1]}' follow "
        f"{subject.distortion.name} with a median SRCC of {figures['opposite_srcc']:+.2f} (itself "
        f"{figures['srcc']:+.2f}), and {figures['opposite_firing']:.0%} of them are above one "
        f"half at the strongest level (itself {figures['firing']:.0%})"
    )


RULES = (Rule(NAME, "its opposite fires as well", "opposites", fires_on_opposite),)
