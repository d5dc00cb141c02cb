"""The search: evidence to the language model, its sentences to the bench, the better ones kept.

The loop is GEPA's (Agrawal et al. 2025, arXiv 2507.19457): a candidate maps each type to its K
sentences, an example is a photograph at one level of a type, its trace is what was measured, and a
change is accepted if the sum over the examples rises. How evidence becomes sentences is our own:
one call for one type, and of what came each sentence by itself may take the place of another, so
that a good one is left alone. Decision 0029.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from workbench.domain.attributes import Attribute, AttributeSet
from workbench.domain.canonical import Progress
from workbench.domain.distortion import Distortion
from workbench.domain.llm_call import LLMCall
from workbench.drafting.client import Log
from workbench.drafting.draft_attributes import Recall
from workbench.drafting.improvement.exchange import Change, Exchanges
from workbench.drafting.improvement.measuring import Bench, Evidence
from workbench.drafting.templates import PromptContext
from workbench.errors import DraftError, DraftParseError, WorkbenchError

if TYPE_CHECKING:
    from gepa.core.adapter import EvaluationBatch

TRIED = 8  # sentences that a prompt names as tried; a small model reads no more
NEAREST = 2  # types that a prompt contrasts with
CONFUSED = 0.9  # AUC against the worst confusion below which a prompt names it
LONGEST = 120  # characters of one clause in a prompt

Ask = Callable[[Distortion, PromptContext, int], tuple[Attribute, ...]]
Candidate = dict[str, str]


class Example(NamedTuple):
    """A photograph at one level of a type, by number."""

    distortion: str
    photograph: int
    level: int


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


class BudgetSpentError(DraftError):
    """No further call may be made; what was found so far stands."""


@dataclass
class Budget:
    """Calls, cost and time; a call that is answered from the log counts as one that is made.

    So a search that was broken off and is started again ends where it would have ended, time apart.

    Attributes:
        calls: Most calls; None for any number.
        cost_usd: Most US dollars; None for any.
        minutes: Longest time in which calls are begun; None for any.
        clock: Seconds of a clock that only goes forward.
    """

    calls: int | None = None
    cost_usd: float | None = None
    minutes: float | None = None
    clock: Callable[[], float] = time.monotonic
    spent_calls: int = 0
    spent_usd: float = 0.0
    _started: float = field(init=False)

    def __post_init__(self) -> None:
        self._started = self.clock()

    @property
    def spent(self) -> bool:
        """Whether no further call may be begun."""
        return (
            (self.calls is not None and self.spent_calls >= self.calls)
            or (self.cost_usd is not None and self.spent_usd >= self.cost_usd)
            or (self.minutes is not None and self.clock() - self._started >= 60 * self.minutes)
        )

    def counted(self, call: LLMCall) -> LLMCall:
        """Count a call, and return it."""
        self.spent_calls += 1
        self.spent_usd += call.cost_usd or 0.0
        return call

    def recalling(self, recall: Recall) -> Recall:
        """Return a function that recalls, and counts what it recalls."""

        def counting(key: str) -> LLMCall | None:
            call = recall(key)
            return None if call is None else self.counted(call)

        return counting

    def logging(self, log: Log) -> Log:
        """Return a function that logs and counts; after a useless reply it ends what is spent.

        Whoever asks would ask again then. A request that was refused is logged, and not counted.

        Raises:
            BudgetSpentError: The reply was of no use, and no further call may be made.
        """

        def counting(call: LLMCall) -> LLMCall:
            logged = log(call)
            if not (logged.model_answered or logged.reply or logged.reasoning):
                return logged
            self.counted(logged)
            if logged.error is not None and self.spent:
                raise BudgetSpentError(f"The budget is spent; the last reply: {logged.error}")
            return logged

        return counting


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
    changes = task.exchanges.changes({d: _lines(best[d]) for d in wanted})
    return Found(tuple(changes), task.tried, task.fault)


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

    def __post_init__(self) -> None:
        self.exchanges = Exchanges(self.attributes, self.bench)
        self.present = self.exchanges.present  # sentences of each type

    # What gepa calls.

    def evaluate(
        self, batch: list[Example], candidate: Candidate, capture_traces: bool = False
    ) -> "EvaluationBatch[list[Evidence], None]":
        """Score a candidate on examples; the trace of one is what its type's sentences do."""
        from gepa.core.adapter import EvaluationBatch

        measured = {d: self.bench.evidence(d, _lines(text)) for d, text in candidate.items()}
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
            d: [
                {"phrase": p, "faults": self.exchanges.faults(d, own, i)} for i, p in enumerate(own)
            ]
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
                self.tried += self.exchanges.add(d, attribute.phrase, attribute.call_id)
            better = self.exchanges.assembled(d, phrases)
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
        measured = sorted(
            self.bench.evidence(distortion, list(faults)), key=lambda e: e.specificity
        )
        rivals = dict.fromkeys(e.rival for e in measured if e.rival and e.specificity < CONFUSED)
        tried = [p for d, p in self.exchanges.came if d == distortion and p not in faults]
        return PromptContext(
            phrases=tuple(faults),
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
                d,
                {
                    p: self.exchanges.faults(d, self.present[d], i)
                    for i, p in enumerate(self.present[d])
                },
            )
            for d in self._open_types(start)
        }

    def _open_types(self, candidate: Candidate) -> list[str]:
        """Return the types that may be asked about and have a sentence at fault."""
        return [
            d
            for d in self.wanted
            if self.asked.get(d, 0) < self.rounds
            and any(self._faults(d, _lines(candidate[d])).values())
        ]

    def _faults(self, distortion: str, phrases: Sequence[str]) -> dict[str, list[str]]:
        """Return what speaks against each sentence of a type, in their order."""
        return {
            phrase: self.exchanges.faults(distortion, phrases, index)
            for index, phrase in enumerate(phrases)
        }

    def _score(self, distortion: str, candidate: Candidate) -> float:
        return self.bench.score(self.bench.evidence(distortion, _lines(candidate[distortion])))


def _lines(text: str) -> list[str]:
    return text.split("\n")
