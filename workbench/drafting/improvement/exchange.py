"""Which of the sentences that came may take the place of which, and what speaks against each."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from workbench.domain.attributes import AttributeSet
from workbench.domain.finding import Finding
from workbench.domain.proposal import SentenceFigures
from workbench.drafting.improvement.measuring import Bench, Evidence, faults_of
from workbench.drafting.lint import lint, lint_phrase
from workbench.drafting.lint.rule import rules

REPEATS = frozenset({"duplicate", "near_duplicate", "same_meaning"})  # rules about two sentences
FRONT = 8  # points of a front that are kept; an expert reads no more


class Change(NamedTuple):
    """One sentence in place of another.

    Attributes:
        distortion: The type.
        place: Index among its sentences.
        old, new: The words.
        reason: What is wrong with the old ones, in words.
        call_id: The call that wrote the new ones.
        others: Sentences that could stand there instead and that no other one beats in every
            figure, the highest score first, each with its call.
    """

    distortion: str
    place: int
    old: str
    new: str
    reason: str
    call_id: int | None
    others: tuple[tuple[str, int | None], ...] = ()


def text_rules() -> tuple[str, ...]:
    """Return the names of lint's rules that need no image: the hard bounds of a search."""
    return tuple(name for name, rule in rules().items() if "image" not in rule.needs
                 and rule.needs != "opposites")  # fmt: skip


class Exchanges:
    """What came for each type, and what of it is better than what stands there.

    Args:
        attributes: The set that is improved.
        bench: Measures sentences.

    Attributes:
        present: Type to its sentences in that set.
        came: (type, sentence) of all that came, to the call that wrote it.
    """

    def __init__(self, attributes: AttributeSet, bench: Bench) -> None:
        self.bench = bench
        self.present = attributes.phrases()
        self.came: dict[tuple[str, str], int | None] = {}
        self._text_faults: dict[tuple[str, str, tuple[str, ...]], str] = {}
        findings = lint(
            attributes, bench.catalogue, text=bench.text, polarity=bench.polarity,
            only=text_rules(),
        )  # fmt: skip
        self._findings = {
            (found.distortion, found.phrase): found
            for found in reversed(findings)  # the worst one stays
            if found.severity != "hint"
        }

    def add(self, distortion: str, phrase: str, call_id: int | None) -> bool:
        """Take note of a sentence that came; return whether it is a new one."""
        if (distortion, phrase) in self.came or phrase in self.present[distortion]:
            return False
        self.came[distortion, phrase] = call_id
        return True

    def faults(self, distortion: str, phrases: Sequence[str], index: int) -> list[str]:
        """Return what speaks against a sentence, in words: what was measured, then its words."""
        evidence = self.bench.evidence(distortion, phrases)
        said = faults_of(evidence, index, self.bench.catalogue)
        finding = self._findings.get((distortion, phrases[index]))
        if finding is None or (
            finding.rule in REPEATS and (said or self._is_gone(finding, phrases))
        ):
            return said
        return [*said, finding.reason[0].lower() + finding.reason[1:].rstrip(".")]

    def assembled(self, distortion: str, phrases: Sequence[str]) -> list[str]:
        """Return the sentences after every exchange that gains enough, the greatest first."""
        current = list(phrases)
        for _ in range(2 * len(current)):
            exchange = self._best_exchange(distortion, current)
            if exchange is None:
                break
            place, phrase = exchange
            current[place] = phrase
        return current

    def changes(self, best: Mapping[str, Sequence[str]]) -> list[Change]:
        """Return what differs between the best sentences and the set, with the reasons.

        Args:
            best: Each type's sentences.
        """
        return [
            Change(
                d, place, old, new, self._reason(d, place), self.came[d, new],
                tuple((other, self.came[d, other]) for other in self._front(d, place, new)),
            )
            for d, phrases in best.items()
            for place, (old, new) in enumerate(zip(self.present[d], phrases, strict=True))
            if old != new
        ]  # fmt: skip

    def _front(self, distortion: str, place: int, chosen: str) -> list[str]:
        """Return what else could stand in a place of the set and is beaten in every figure by none.

        Each is measured beside the sentences that the set has now, as it would be taken.
        """
        present = self.present[distortion]
        evidence = self.bench.evidence(distortion, present)
        allowed = [
            phrase
            for d, phrase in self.came
            if d == distortion
            and phrase not in present
            and self._gain(distortion, evidence, place, phrase) > 0
            and not self._breaks_rule(distortion, present, place, phrase)
        ]
        figures = {
            phrase: self.bench.figures_at(distortion, present, place, phrase)
            for phrase in dict.fromkeys([chosen, *allowed])
        }
        front = pareto_front(figures)
        front.sort(key=lambda phrase: -figures[phrase].score)
        return [phrase for phrase in front if phrase != chosen][:FRONT]

    def _is_gone(self, finding: Finding, phrases: Sequence[str]) -> bool:
        """Whether what a sentence repeats has been replaced since."""
        siblings = {f"{finding.distortion}: {phrase}" for phrase in phrases}
        own = f"{finding.distortion}: "
        return all(other.startswith(own) and other not in siblings for other in finding.others)

    def _best_exchange(self, distortion: str, phrases: Sequence[str]) -> tuple[int, str] | None:
        """Return place and sentence of the exchange that gains most of those that rules allow."""
        evidence = self.bench.evidence(distortion, phrases)
        gains = [
            (gain, -place, phrase)
            for place in range(len(phrases))
            for d, phrase in self.came
            if d == distortion
            and phrase not in phrases
            and (gain := self._gain(distortion, evidence, place, phrase)) > 0
        ]
        for _, place, phrase in sorted(gains, reverse=True):  # rules cost more than gains
            if not self._breaks_rule(distortion, phrases, -place, phrase):
                return -place, phrase
        return None

    def _gain(
        self, distortion: str, evidence: Sequence[Evidence], index: int, phrase: str
    ) -> float:
        """Return what an exchange gains; 0 if that is less than it takes."""
        after = list(evidence)
        (after[index],) = self.bench.evidence(distortion, [phrase])
        if faults_of(after, index, self.bench.catalogue):
            return 0.0
        words, objective = [each.phrase for each in evidence], self.bench.objective
        present = words[index] in self.present[distortion]
        if present and not self.faults(distortion, words, index):
            # By itself: what another sentence repeats of it is that one's fault.
            gain, low = self.bench.gain_interval([evidence[index]], [after[index]])
            return gain if gain >= objective.least(faulty=False) and low > 0 else 0.0
        gain, _ = self.bench.gain_interval(evidence, after)
        return gain if gain >= objective.least(faulty=True) else 0.0

    def _breaks_rule(
        self, distortion: str, phrases: Sequence[str], index: int, phrase: str
    ) -> bool:
        """Whether lint finds a fault or a doubt in a sentence's words, beside the others."""
        siblings = tuple(p for place, p in enumerate(phrases) if place != index)
        key = distortion, phrase, siblings
        if key not in self._text_faults:
            others = {**self.present, distortion: siblings}
            found: list[Finding] = lint_phrase(
                phrase, distortion, AttributeSet.from_phrases(others), self.bench.catalogue,
                text=self.bench.text, polarity=self.bench.polarity, only=text_rules(),
            )  # fmt: skip
            serious = (finding.reason for finding in found if finding.severity != "hint")
            self._text_faults[key] = next(serious, "")
        return bool(self._text_faults[key])

    def _reason(self, distortion: str, index: int) -> str:
        """Say in one sentence what is wrong with a sentence of the set."""
        words = "; ".join(self.faults(distortion, self.present[distortion], index))
        return f"{words[:1].upper()}{words[1:]}." if words else "Another one does better."


def pareto_front(figures: Mapping[str, SentenceFigures]) -> list[str]:
    """Return the sentences of which no other one is as good in every figure and better in one.

    The figures are AUC, SRCC, specificity, quality, redundancy and dead levels, whatever the
    weights of the sum.

    Example:
        >>> def figures(auc: float, srcc: float) -> SentenceFigures:
        ...     return SentenceFigures(score=0, auc=auc, srcc=srcc, specificity=0.5)
        >>> pareto_front({"a": figures(0.9, 0.1), "b": figures(0.5, 0.8), "c": figures(0.4, 0.8)})
        ['a', 'b']
    """
    points = {phrase: _point(own) for phrase, own in figures.items()}
    return [
        phrase
        for phrase, own in points.items()
        if not any(_beats(other, own) for other in points.values())
    ]


def _point(own: SentenceFigures) -> tuple[float, ...]:
    return (
        own.auc, own.srcc, own.specificity, own.quality or 0.0, -own.redundancy,
        -len(own.dead_levels),
    )  # fmt: skip


def _beats(one: Sequence[float], other: Sequence[float]) -> bool:
    return one != other and all(a >= b for a, b in zip(one, other, strict=True))
