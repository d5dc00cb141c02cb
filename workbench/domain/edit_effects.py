"""What each edit between two versions contributed to quality."""

from typing import Literal

from workbench.domain.canonical import Frozen
from workbench.domain.comparison import Interval
from workbench.domain.metrics import Metric

EditKind = Literal["added", "removed", "reworded"]
EffectVerdict = Literal["helps", "hurts", "not distinguishable"]
RefitName = Literal["ridge", "mlp"]


class Effect(Frozen):
    """A change of SRCC, and how sure it is.

    Attributes:
        delta_srcc: SRCC after less SRCC before.
        ci: 95% interval, paired bootstrap over photographs; None where there is none.
        p_holm: Two-sided p-value after Holm's correction over all rows of its table.
        verdict: What may be said of it after that correction.
        reason: Why there is no interval.
    """

    delta_srcc: Metric
    ci: Interval | None
    p_holm: Metric
    verdict: EffectVerdict
    reason: str = ""


class EditEffect(Frozen):
    """One edit made alone to version a.

    Attributes:
        before: The phrase of version a; None for an added attribute.
        after: The phrase of version b; None for a removed attribute.
        shapley: Its share of what all edits gain together; None unless asked for.
        shapley_error: Standard error of that share over the sampled orders.
        retuned: The same edit with the tower tuned anew and the run's own regressor, against the
            run of version a; None unless asked for. Corrected over the edits that were retuned.
    """

    distortion: str
    kind: EditKind
    before: str | None
    after: str | None
    effect: Effect
    shapley: float | None = None
    shapley_error: float | None = None
    retuned: Effect | None = None

    @property
    def sign(self) -> str:
        """The kind as one character."""
        return {"added": "+", "removed": "−", "reworded": "~"}[self.kind]

    @property
    def phrases(self) -> str:
        """What was removed, added or reworded: "phrase", or "before → after"."""
        return " → ".join(phrase for phrase in (self.before, self.after) if phrase is not None)


class DistortionEffect(Frozen):
    """All edits of one distortion made together to version a."""

    distortion: str
    edits: int
    effect: Effect


class AttributeWorth(Frozen):
    """What version b loses without one of its attributes: SRCC with it less SRCC without."""

    distortion: str
    phrase: str
    effect: Effect


class Attribution(Frozen):
    """What changed from version a to version b, and what each change contributed.

    Attributes:
        a, b: Hashes of the versions.
        a_label, b_label: What people call them.
        refit: The regressor that every figure here was refitted with.
        run_srcc: SRCC that the runs of a and b themselves reached.
        srcc: SRCC of a and b under the refit.
        edits: Every edit alone, strongest first.
        by_distortion: All edits of a distortion together, strongest first.
        together: All edits together; what `shapley` sums to.
        retuned: b under the refit less a with all edits: what tuning b anew did to the
            attributes that both versions have.
        attributes: Every attribute of b, left out alone, strongest first.
        permutations: Sampled orders behind the Shapley values; 0 where there are none.
        notes: What is approximate, in words.
    """

    a: str
    b: str
    a_label: str
    b_label: str
    refit: RefitName
    images: int
    photographs: int
    resamples: int
    run_srcc: tuple[Metric, Metric]
    srcc: tuple[Metric, Metric]
    edits: tuple[EditEffect, ...]
    by_distortion: tuple[DistortionEffect, ...]
    together: Effect
    retuned: Effect
    attributes: tuple[AttributeWorth, ...]
    permutations: int
    notes: tuple[str, ...]
