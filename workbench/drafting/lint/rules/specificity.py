"""Does it speak of its own distortion, or of others, or of what is in the photograph?"""

import numpy as np

from workbench.domain.distortion import are_near
from workbench.domain.finding import Finding
from workbench.drafting.lint.rule import Rule, Subject
from workbench.drafting.lint.rules.dose_response import dead, follows, inverted
from workbench.drafting.lint.statistics import content_share

OUTRANKED = 0.8  # share of pairs that the other distortion wins; decision 0013
EVEN = 0.5  # AUC at which two distortions have the same probability
NAMED = 3  # distortions that the reason names
MOSTLY = 0.5  # above it photographs move the probability more than levels do: the definition
LEAST_PHOTOGRAPHS = 3


def also_fires_on(subject: Subject) -> Finding | None:
    """Find attributes that fit another distortion better than their own.

    That is one that wins four of five pairs, or more than half of them whichever photographs there
    had been. What does not follow its own distortion at all is left to the rules of dose and
    response, and types declared near show the same fault, so they count for nothing.
    """
    own = subject.distortion.id
    if subject.response is None or own not in subject.response.probability:
        return None
    if dead(subject) or inverted(subject):
        return None
    near = [other for other in subject.response.probability if _near(subject, other)]
    grounding = subject.response.grounding(own, near)
    if grounding is None:
        return None
    row = subject.response.auc_row(own)
    rivals = {d: 1 - area for d, area in row.items() if d not in near and 1 - area >= OUTRANKED}
    if grounding.high < EVEN:
        rivals[grounding.rival] = 1 - grounding.auc
    if not rivals:
        return None
    worst = sorted(rivals, key=rivals.__getitem__, reverse=True)
    kin = all(_group(subject, other) == subject.distortion.group for other in worst)
    named = ", ".join(f"{other} {rivals[other]:.2f}" for other in worst[:NAMED])
    more = f" and {len(worst) - NAMED} more" if len(worst) > NAMED else ""
    return subject.finding(
        "also_fires_on",
        "hint" if kin else "doubt",
        f"It also fires on {named}{more}: the share of pairs in which the strongest levels there "
        f"have a higher probability than those of {own}. AUC against {grounding.rival} "
        f"{grounding.auc:.2f} ({grounding.low:.2f} to {grounding.high:.2f} over photographs), SRCC "
        f"with its strength {grounding.rival_srcc:+.2f}, with that of {own} {grounding.srcc:+.2f}.",
        f"Add what {subject.distortion.name} shows and {_name(subject, worst[0])} does not.",
        figures={
            **rivals,
            "grounding_auc": grounding.auc,
            "grounding_low": grounding.low,
            "grounding_high": grounding.high,
            "srcc": grounding.srcc,
            "rival_srcc": grounding.rival_srcc,
        },
    )


def content_driven(subject: Subject) -> Finding | None:
    """Find attributes whose probability differs more between photographs than between levels.

    It is a doubt if that holds whichever photograph is left out, a hint if one of them decides it.
    What does not follow its distortion at all is left to the rules of dose and response.
    """
    if subject.response is None or not follows(subject):
        return None
    table = subject.response.probability[subject.distortion.id]
    if len(table) < LEAST_PHOTOGRAPHS or (share := content_share(table)) <= MOSTLY:
        return None
    least = min(content_share(np.delete(table, row, axis=0)) for row in range(len(table)))
    return subject.finding(
        "content_driven",
        "doubt" if least > MOSTLY else "hint",
        f"{share:.0%} of what moves its probability is the photograph, and the level of "
        f"{subject.distortion.name} the rest.",
        "Leave out objects and materials that only some photographs have; name what the "
        "distortion does to any of them.",
        figures={"content_share": share, "one_left_out": least},
    )


def _near(subject: Subject, other: str) -> bool:
    return other in subject.catalogue and are_near(subject.distortion, subject.catalogue[other])


def _group(subject: Subject, other: str) -> str | None:
    return subject.catalogue[other].group if other in subject.catalogue else None


def _name(subject: Subject, other: str) -> str:
    return subject.catalogue[other].name if other in subject.catalogue else other


RULES = (
    Rule("also_fires_on", "fits another distortion better than its own", "images", also_fires_on),
    Rule("content_driven", "differs more by photograph than by level", "images", content_driven),
)
