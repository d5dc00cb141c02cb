"""Does its probability follow the strength of its distortion? (SRCC over photographs and levels)"""

from workbench.domain.finding import Finding
from workbench.drafting.lint.rule import Rule, Subject
from workbench.drafting.lint.statistics import chance_dose_srcc, dose_srcc, pooled_srcc

STILL = 0.05  # a mean probability that moves less over all levels stands still; decision 0013
DEAD_LEVEL = 0.05  # one-sided chance that shuffled levels would follow the strength as well
INVERTED_LEVEL = 0.01  # of what is called a fault, less is tolerated
EDGE = 0.1  # distance from 0 or 1 within which all means lie when it is saturated


def dead(subject: Subject) -> Finding | None:
    """Find attributes whose probability follows the strength no better than shuffled levels."""
    figures = dose_figures(subject)
    if not figures or not figures["inverting"] < figures["dose_srcc"] <= figures["chance"]:
        return None
    return subject.finding(
        "dead",
        "doubt",
        f"Its probability does not follow the strength of {subject.distortion.name}: SRCC "
        f"{figures['dose_srcc']:+.2f}; one in twenty shuffles reaches {figures['chance']:.2f}.",
        "Name a look that the strongest level plainly has; or this encoder cannot see it.",
        figures=figures,
    )


def inverted(subject: Subject) -> Finding | None:
    """Find attributes whose probability falls as their distortion gets stronger."""
    figures = dose_figures(subject)
    if not figures or figures["dose_srcc"] > figures["inverting"]:
        return None
    return subject.finding(
        "inverted",
        "fault",
        f"Its probability falls as {subject.distortion.name} gets stronger: SRCC "
        f"{figures['dose_srcc']:+.2f}, from {figures['clean']:.2f} on clean photographs to "
        f"{figures['strongest']:.2f}.",
        "Say the opposite, or name what comes with the distortion, not what goes.",
        figures=figures,
    )


def saturated(subject: Subject) -> Finding | None:
    """Find attributes that follow the strength, but so near to 0 or 1 that nobody can see it."""
    figures = dose_figures(subject)
    if not figures or figures["dose_srcc"] <= figures["chance"]:
        return None
    low, high = figures["lowest"], figures["highest"]
    if high - low >= STILL or not (high <= EDGE or low >= 1 - EDGE):
        return None
    where = "never says yes" if high <= EDGE else "says yes to clean photographs too"
    return subject.finding(
        "saturated",
        "hint",
        f"It {where}: its mean probability stays between {low:.3f} and {high:.3f} at all levels.",
        "Use plainer or stronger words for what the strongest level shows."
        if high <= EDGE
        else "Be more specific: it fits photographs without any distortion.",
        figures=figures,
    )


def dose_figures(subject: Subject) -> dict[str, float]:
    """Return what the rules above go by; empty where the probe does not have the distortion."""
    own = subject.distortion.id
    if subject.response is None or own not in subject.response.probability:
        return {}
    strength, table = subject.response.strengths[own], subject.response.probability[own]
    means = table.mean(0)
    return {
        "dose_srcc": dose_srcc(strength, table),
        "pooled_srcc": pooled_srcc(strength, table),
        "chance": chance_dose_srcc(table.shape[1], len(table), level=DEAD_LEVEL),
        "inverting": -chance_dose_srcc(table.shape[1], len(table), level=INVERTED_LEVEL),
        "clean": float(means[0]),
        "strongest": float(means[strength.argmax()]),
        "lowest": float(means.min()),
        "highest": float(means.max()),
    }


def follows(subject: Subject) -> bool:
    """Return whether its probability follows the strength, and moves enough to be seen."""
    return bool(dose_figures(subject)) and not (
        dead(subject) or inverted(subject) or saturated(subject)
    )


RULES = (
    Rule("dead", "does not follow its distortion's strength", "images", dead),
    Rule("inverted", "falls as its distortion gets stronger", "images", inverted),
    Rule("saturated", "hardly moves from 0 or 1", "images", saturated),
)
