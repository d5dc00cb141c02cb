"""What lint has to say about an attribute: a reason and a way out, never a deletion."""

from typing import Literal

from pydantic import Field

from workbench.domain.canonical import Frozen

Severity = Literal["fault", "doubt", "hint"]


class Finding(Frozen):
    """One finding about one attribute.

    Attributes:
        rule: Stable name of the rule ("names_distortion").
        severity: "fault" should be mended before freezing, "doubt" looked at, "hint" known.
        distortion: Id of the distortion.
        phrase: The attribute's words.
        identity: The attribute's identity, if it is stored.
        reason: One plain sentence with the figures that led to it.
        suggestion: What to do, often a wording; never empty.
        others: Phrases of the other attributes that it is about, as "distortion: phrase".
        figures: What was measured, by name ("dose_srcc").
    """

    rule: str
    severity: Severity
    distortion: str
    phrase: str
    identity: str | None = None
    reason: str
    suggestion: str
    others: tuple[str, ...] = ()
    figures: dict[str, float] = Field(default_factory=dict)
