"""The search: evidence to the language model, its sentences to the bench, the better ones kept.

The loop is GEPA's (Agrawal et al. 2025, arXiv 2507.19457): a candidate maps each type to its K
sentences, an example is a photograph at one level of a type, its trace is what was measured, and a
change is accepted if the sum over the examples rises. How evidence becomes sentences is our own:
one call for one type, and of what came each sentence by itself may take the place of another, so
that a good one is left alone. Decision 0029.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from workbench.domain.attributes import Attribute, AttributeSet
from workbench.domain.canonical import Progress
from workbench.domain.distortion import Distortion
from workbench.domain.finding import Finding
from workbench.drafting.improvement.budget import Budget, BudgetSpentError
from workbench.drafting.improvement.measuring import Bench, Evidence, faults_of
from workbench.drafting.lint import lint, lint_phrase
from workbench.drafting.lint.rule import rules
from workbench.drafting.templates import PromptContext
from workbench.errors import DraftParseError, WorkbenchError

if TYPE_CHECKING:
    from gepa.core.adapter import EvaluationBatch

TRIED = 8  # sentences that a prompt names as tried; a small model reads no more
NEAREST = 2  # types that a prompt contrasts with
CONFUSED = 0.9  # AUC against the worst confusion below which a prompt names it
REPEATS = frozenset({"duplicate", "near_duplicate", "same_meaning"})  # rules about two sentences
LONGEST = 120  # characters of one clause in a prompt

Ask = Callable[[Distortion, PromptContext, int], tuple[Attribute, ...]]
Candidate = dict[str, str]


class Example(NamedTuple):
    """A photograph at one level of a type, by number."""

    distortion: str
    photograph: int
    level: int


class Change(NamedTuple):
    """One sentence in place of another.

    Attributes:
        distortion: The type.
        place: Index among its sentences.
        old, new: The words.
        reason: What is wrong with the old ones, in words.
        call_id: The call that wrote the new ones.
    """

    distortion: str
    place: int
    old: str
    new: str
    reason: str
    call_id: int | None


@dataclass(frozen=True)
class Found:
    """What a search ends with.

    Attributes:
        changes: The sentences that are better, by type and place.
        tried: How many new sentences were measured, those that break a rule on text included.
        fault: What ended the search early, if something did.
    """

    changes: tuple[Change, ...]
    tried: int
    fault: WorkbenchError | None = None


def text_rules() -> tuple[str, ...]:
    """Return the names of lint's rules that need no image: the hard bounds of a search."""
    return tuple(name for name, rule in rules().items() if "image" not in rule.needs
                 and rule.needs != "opposites")  # fmt: skip


def search(
    attributes: AttributeSet,
    bench: Bench,
    ask: Ask,
    *,
    wanted: Sequence[str],
    rounds: int,
    budget: Budget,
    seed: int,
    progress: Progress,
) -> Found:
    """Seek better sentences for some types of a set, on the photographs of the bench alone.

    A type whose sentences nothing speaks against is not asked about.

    Args:
        attributes: The set; its other types are what sentences must not fit.
        bench: Measures sentences on the search part.
        ask: Asks a language model about a type; its last argument counts the questions of a type.
        wanted: Types to improve, each in the set.
        rounds: How often a type is asked about at most.
        budget: When to stop; whoever asks counts in it.
        seed: Same seed and same answers, same result.
        progress: Told the share done and the type that is asked about.

    Returns:
        The changes; none if no better sentence was found.
    """
    import gepa  # 0.3 s that other commands need not spend

    phrases = attributes.phrases()
    task = Search(attributes, bench, ask, tuple(wanted), rounds, budget, progress)
    examples = [
        Example(d, photograph, level)
        for d in wanted
        for photograph in range(len(bench.probe.photographs))
        for level in range(bench.probe.embeddings[d].shape[1] - 1)
    ]
    if not examples or task.is_over():
        return Found((), task.tried)
    result = gepa.optimize(
        seed_candidate={d: "\n".join(phrases[d]) for d in wanted},
        trainset=examples,
        adapter=task,
        candidate_selection_strategy="current_best",
        skip_perfect_score=False,
        batch_sampler=_AllExamples(),
        module_selector=task.next_type,
        stop_callbacks=[lambda _state: task.is_over()],
        logger=_Silent(),
        track_best_outputs=False,
        seed=seed,
    )
    best = result.best_candidate
    progress(1.0, "searched")
    return Found(tuple(task.changes(best)), task.tried, task.fault)


class _AllExamples:
    """A batch is all there is: measuring costs nothing beside a call."""

    def next_minibatch_ids(self, loader: Any, _state: Any) -> list[int]:
        return list(loader.all_ids())


class _Silent:
    def log(self, message: str) -> None:
        """Say nothing."""


@dataclass
class Search:
    """What gepa asks of us, its adapter, and what it does not need to know.

    Takes what `search` does.
    """

    attributes: AttributeSet
    bench: Bench
    ask: Ask
    wanted: tuple[str, ...]
    rounds: int
    budget: Budget
    progress: Progress
    tried: int = 0
    fault: WorkbenchError | None = None
    asked: dict[str, int] = field(default_factory=dict)
    calls: dict[tuple[str, str], int | None] = field(default_factory=dict)  # of what came
    _text_faults: dict[tuple[str, str, tuple[str, ...]], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.present = self.attributes.phrases()
        findings = lint(
            self.attributes, self.bench.catalogue, text=self.bench.text,
            polarity=self.bench.polarity, only=text_rules(),
        )  # fmt: skip
        self.findings = {
            (found.distortion, found.phrase): found
            for found in reversed(findings)  # the worst one stays
            if found.severity != "hint"
        }

    # What gepa calls.

    def evaluate(
        self, batch: list[Example], candidate: Candidate, capture_traces: bool = False
    ) -> "EvaluationBatch[list[Evidence], None]":
        """Score a candidate on examples; the trace of one is what its type's sentences do."""
        from gepa.core.adapter import EvaluationBatch

        measured = {d: self.measured(d, _lines(text)) for d, text in candidate.items()}
        tables = {d: self.bench.by_example(each) for d, each in measured.items()}
        return EvaluationBatch(
            outputs=[None] * len(batch),
            scores=[float(tables[e.distortion][e.photograph, e.level]) for e in batch],
            trajectories=[measured[e.distortion] for e in batch] if capture_traces else None,
        )

    def make_reflective_dataset(
        self, _candidate: Candidate, eval_batch: Any, components_to_update: list[str]
    ) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """Put what was measured of a type's sentences into words."""
        traces = {trace[0].distortion: trace for trace in eval_batch.trajectories}
        phrases = {d: [each.phrase for each in traces[d]] for d in components_to_update}
        return {
            d: [{"phrase": p, "faults": self.faults(d, own, i)} for i, p in enumerate(own)]
            for d, own in phrases.items()
        }

    def propose_new_texts(
        self,
        candidate: Candidate,
        reflective_dataset: Mapping[str, Sequence[Mapping[str, Any]]],
        components_to_update: list[str],
    ) -> Candidate:
        """Ask about a type and return its sentences with those changed that gain by it.

        It raises nothing: gepa would ask again.
        """
        texts: Candidate = {}
        for d in components_to_update:
            phrases = _lines(candidate[d])
            try:
                came = self._answers(d, reflective_dataset[d])
            except (DraftParseError, BudgetSpentError):
                continue  # three useless replies, or no money for another: no better sentence
            except WorkbenchError as fault:
                self.fault = fault
                return {}
            for attribute in came:
                if (d, attribute.phrase) not in self.calls and attribute.phrase not in phrases:
                    self.calls[d, attribute.phrase] = attribute.call_id
                    self.tried += 1
            better = self.assembled(d, phrases)
            if better != phrases:
                texts[d] = "\n".join(better)
        return texts

    def next_type(
        self, _state: Any, _traces: Any, _scores: Any, _number: int, candidate: Candidate
    ) -> list[str]:
        """Choose the type to ask about: the least asked one, of these the one with least score."""
        open_types = self._open_types(candidate)
        if not open_types:
            self.asked.update(dict.fromkeys(self.wanted, self.rounds))  # nothing is left to do
            return [self.wanted[0]]
        chosen = min(open_types, key=lambda d: (self.asked.get(d, 0), self._score(d, candidate), d))
        done = sum(self.asked.values()) / (self.rounds * len(self.wanted))
        self.progress(min(done, 1.0), chosen)
        return [chosen]

    # What it comes to.

    def is_over(self) -> bool:
        """Whether there is nothing to ask, or no way to."""
        fresh = not self.asked and not self._open_types(
            {d: "\n".join(self.present[d]) for d in self.wanted}
        )
        asked_all = all(self.asked.get(d, 0) >= self.rounds for d in self.wanted)
        return self.fault is not None or self.budget.spent or fresh or asked_all

    def changes(self, best: Candidate) -> list[Change]:
        """Return what differs between the best candidate and the set, with the reasons."""
        return [
            Change(d, index, old, new, self._reason(d, index), self.calls[d, new])
            for d in self.wanted
            for index, (old, new) in enumerate(zip(self.present[d], _lines(best[d]), strict=True))
            if old != new
        ]

    def measured(self, distortion: str, phrases: Sequence[str]) -> list[Evidence]:
        """Return what was measured of a type's sentences."""
        return self.bench.evidence(distortion, phrases)

    def faults(self, distortion: str, phrases: Sequence[str], index: int) -> list[str]:
        """Return what speaks against a sentence, in words: what was measured, then its words."""
        said = faults_of(self.measured(distortion, phrases), index, self.bench.catalogue)
        finding = self.findings.get((distortion, phrases[index]))
        if finding is None or (
            finding.rule in REPEATS and (said or self._is_gone(finding, phrases))
        ):
            return said
        return [*said, finding.reason[0].lower() + finding.reason[1:].rstrip(".")]

    def _is_gone(self, finding: Finding, phrases: Sequence[str]) -> bool:
        """Whether what a sentence repeats has been replaced since."""
        siblings = {f"{finding.distortion}: {phrase}" for phrase in phrases}
        own = f"{finding.distortion}: "
        return all(other.startswith(own) and other not in siblings for other in finding.others)

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

    def _best_exchange(self, distortion: str, phrases: Sequence[str]) -> tuple[int, str] | None:
        """Return place and sentence of the exchange that gains most of those that rules allow."""
        evidence = self.measured(distortion, phrases)
        gains = [
            (gain, -place, phrase)
            for place in range(len(phrases))
            for d, phrase in self.calls
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
        (after[index],) = self.measured(distortion, [phrase])
        if faults_of(after, index, self.bench.catalogue):
            return 0.0
        words = [each.phrase for each in evidence]
        present = words[index] in self.present[distortion]
        if present and not self.faults(distortion, words, index):
            # By itself: what another sentence repeats of it is that one's fault.
            gain, low = self.bench.gain_interval([evidence[index]], [after[index]])
            return gain if gain >= self.bench.objective.margin and low > 0 else 0.0
        gain, _ = self.bench.gain_interval(evidence, after)
        return gain if gain >= self.bench.objective.gain else 0.0

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

    def _answers(
        self, distortion: str, found: Sequence[Mapping[str, Any]]
    ) -> tuple[Attribute, ...]:
        turn = self.asked.get(distortion, 0)
        self.asked[distortion] = turn + 1
        faults = {str(each["phrase"]): each["faults"] for each in found}
        return self.ask(self.bench.catalogue[distortion], self.context(distortion, faults), turn)

    def context(self, distortion: str, faults: Mapping[str, Sequence[str]]) -> PromptContext:
        """Return what a prompt about a type shows.

        Args:
            distortion: The type.
            faults: Its sentences in their order, each with what speaks against it.
        """
        measured = sorted(self.measured(distortion, list(faults)), key=lambda e: e.specificity)
        rivals = dict.fromkeys(e.rival for e in measured if e.rival and e.specificity < CONFUSED)
        tried = [p for d, p in self.calls if d == distortion and p not in faults]
        return PromptContext(
            neighbours=tuple(self.bench.catalogue[r] for r in [*rivals][:NEAREST]),
            kept=tuple(phrase for phrase, clauses in faults.items() if not clauses),
            evidence=tuple(
                (phrase, "; ".join(clause[:LONGEST] for clause in clauses))
                for phrase, clauses in faults.items()
                if clauses
            ),
            tried=tuple(tried[-TRIED:]),
        )

    def first_contexts(self) -> dict[str, PromptContext]:
        """Return what the first prompt about each type shows that has a sentence at fault."""
        start = {d: "\n".join(self.present[d]) for d in self.wanted}
        return {
            d: self.context(
                d, {p: self.faults(d, self.present[d], i) for i, p in enumerate(self.present[d])}
            )
            for d in self._open_types(start)
        }

    def _open_types(self, candidate: Candidate) -> list[str]:
        """Return the types that may be asked about and have a sentence at fault."""
        return [
            d
            for d in self.wanted
            if self.asked.get(d, 0) < self.rounds
            and any(
                self.faults(d, _lines(candidate[d]), index)
                for index in range(len(_lines(candidate[d])))
            )
        ]

    def _score(self, distortion: str, candidate: Candidate) -> float:
        return self.bench.score(self.measured(distortion, _lines(candidate[distortion])))

    def _reason(self, distortion: str, index: int) -> str:
        """Say in one sentence what is wrong with a sentence of the set."""
        words = "; ".join(self.faults(distortion, self.present[distortion], index))
        return f"{words[:1].upper()}{words[1:]}." if words else "Another one does better."


def _lines(text: str) -> list[str]:
    return text.split("\n")
