"""Does it fit its own distortion better than others? (AUC at the strongest levels)"""

from workbench.domain.distortion import are_near
from workbench.domain.finding import Finding
from workbench.drafting.lint.rule import Rule, Subject
from workbench.drafting.lint.rules.dose_response import follows

NAME = "also_fires_on"
OUTRANKED = 0.8  # share of pairs that the other distortion wins; decision 0013
NAMED = 3  # distortions that the reason names


def also_fires_on(subject: Subject) -> Finding | None:
    """Find attributes that fit another distortion better than their own.

    What does not follow its own distortion at all is left to the rules of dose and response, and
    types declared near show the same fault, so they count for nothing.
    """
    if subject.response is None or not follows(subject):
        return None
    row = subject.response.auc_row(subject.distortion.id)
    rivals = {
        other: 1 - auc
        for other, auc in row.items()
        if 1 - auc >= OUTRANKED and not _near(subject, other)
    }
    if not rivals:
        return None
    worst = sorted(rivals, key=rivals.__getitem__, reverse=True)
    kin = all(_group(subject, other) == subject.distortion.group for other in worst)
    named = ", ".join(f"{other} {rivals[other]:.2f}" for other in worst[:NAMED])
    more = f" and {len(worst) - NAMED} more" if len(worst) > NAMED else ""
    return subject.finding(
        NAME,
        "hint" if kin else "doubt",
        f"It also fires on {named}{more}: the share of pairs in which the strongest levels there "
        f"have a higher probability than those of {subject.distortion.id}.",
        f"Add what {subject.distortion.name} shows and {_name(subject, worst[0])} does not.",
        figures=rivals,
    )


def _near(subject: Subject, other: str) -> bool:
    return other in subject.catalogue and are_near(subject.distortion, subject.catalogue[other])


def _group(subject: Subject, other: str) -> str | None:
    return subject.catalogue[other].group if other in subject.catalogue else None


def _name(subject: Subject, other: str) -> str:
    return subject.catalogue[other].name if other in subject.catalogue else other


RULES = (Rule(NAME, "fits another distortion better than its own", "images", also_fires_on),)
