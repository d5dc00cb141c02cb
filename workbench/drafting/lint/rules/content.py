"""Does it speak of the distortion, or of what happens to be in the photograph?"""

import numpy as np

from workbench.domain.finding import Finding
from workbench.drafting.lint.rule import Rule, Subject
from workbench.drafting.lint.rules.dose_response import follows
from workbench.drafting.lint.statistics import content_share

NAME = "content_driven"
MOSTLY = 0.5  # above it photographs move the probability more than levels do: the definition
LEAST_PHOTOGRAPHS = 3


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
        NAME,
        "doubt" if least > MOSTLY else "hint",
        f"{share:.0%} of what moves its probability is the photograph, and the level of "
        f"{subject.distortion.name} the rest.",
        "Leave out objects and materials that only some photographs have; name what the "
        "distortion does to any of them.",
        figures={"content_share": share, "one_left_out": least},
    )


RULES = (Rule(NAME, "differs more by photograph than by level", "images", content_driven),)
