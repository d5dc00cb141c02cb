"""Candidates of several distortions, asked for at once."""

import re
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import TypeVar

from workbench.domain.attributes import Attribute
from workbench.domain.distortion import Distortion
from workbench.domain.llm_call import LLMCall
from workbench.drafting.client import LanguageModel, Log, NamedModel
from workbench.drafting.draft_attributes import (
    DEFAULTS,
    DraftOptions,
    Recall,
    draft_attributes,
    recalled_attributes,
)
from workbench.drafting.parse import parse_attributes
from workbench.drafting.templates import PromptContext
from workbench.errors import DraftError, DraftParseError, WorkbenchError

TWINS_FROM = 0.6  # share of words in common (Jaccard) from which two phrases support each other
NOVELTY = 0.5  # weight of what a phrase shares with those above it, against its support
_MOST_ASKED = 20  # phrases, where a call does not say how many were asked for

_LITTLE = frozenset({"a", "an", "the", "of", "in", "on", "and", "or", "with", "to", "some"})
_PLURAL = re.compile(r"(?<=[a-z]{2}[a-rt-z])s$")


@dataclass(frozen=True)
class Candidate:
    """One phrase that a language model offers.

    Attributes:
        attribute: The phrase, with the call that made it first.
        support: In how many samples it or a twin of it occurs.
        samples: How many samples there were.
        twins: Other phrases that say nearly the same.
    """

    attribute: Attribute
    support: int
    samples: int
    twins: tuple[str, ...] = ()


def pooled(
    answers: Sequence[Iterable[Attribute]], besides: Collection[str] = ()
) -> tuple[Candidate, ...]:
    """Return the distinct candidates of several answers, best first.

    Args:
        answers: The attributes of each sample.
        besides: Phrases that are there already; they are left out.

    Example:
        >>> some = [["blocky edges", "pale sky"], ["edges, blocky", "grainy walls"]]
        >>> [c.attribute.phrase for c in pooled([[Attribute(phrase=p) for p in s] for s in some])]
        ['blocky edges', 'pale sky', 'grainy walls']
    """
    known = {words_of(phrase) for phrase in besides}
    first: dict[frozenset[str], Attribute] = {}
    held: list[set[frozenset[str]]] = []
    for answer in answers:
        held.append(set())
        for attribute in answer:
            words = words_of(attribute.phrase)
            held[-1].add(words)
            if words not in known:
                first.setdefault(words, attribute)
    candidates = [_candidate(words, attribute, first, held) for words, attribute in first.items()]
    return tuple(_ranked(candidates))


def candidates_from_calls(
    calls: Iterable[LLMCall], besides: Collection[str] = ()
) -> tuple[Candidate, ...]:
    """Return the pool of all usable replies of a log, without asking anybody.

    Args:
        calls: Of one distortion; what failed or cannot be parsed is passed over.
        besides: Phrases that are there already; they are left out.
    """
    answers = []
    for call in (call for call in calls if call.error is None):
        asked = asked_for(call)
        for k in [asked] if asked else range(1, _MOST_ASKED + 1):
            with suppress(DraftParseError):
                phrases = parse_attributes(call.text, k, cut=call.cut)
                answers.append(
                    [Attribute(phrase=p, origin="llm", call_id=call.id) for p in phrases]
                )
                break
    return pooled(answers, besides)


def asked_for(call: LLMCall) -> int:
    """Return how many attributes a call asked for; 0 if it does not say."""
    asked = call.request.parameters.get("response_format", {})
    for step in ("json_schema", "schema", "properties", "attributes", "maxItems"):
        asked = asked.get(step, {}) if isinstance(asked, dict) else {}
    return asked if isinstance(asked, int) else 0


def words_of(phrase: str) -> frozenset[str]:
    """Return the words that make a phrase what it is.

    Example:
        >>> sorted(words_of("The edges of blocks"))
        ['block', 'edge']
    """
    words = re.findall(r"[^\W_]+", phrase.casefold())
    content_words = frozenset(_PLURAL.sub("", word) for word in words if word not in _LITTLE)
    return content_words or frozenset(words)


def _candidate(
    words: frozenset[str],
    attribute: Attribute,
    first: dict[frozenset[str], Attribute],
    held: Sequence[set[frozenset[str]]],
) -> Candidate:
    near = {other for other in first if _alike(words, other) >= TWINS_FROM}
    return Candidate(
        attribute=attribute,
        support=sum(bool(near & answer) for answer in held),
        samples=len(held),
        twins=tuple(first[other].phrase for other in first if other in near and other != words),
    )


def _ranked(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Order by support less likeness to what stands higher (maximal marginal relevance)."""
    words = [words_of(candidate.attribute.phrase) for candidate in candidates]
    support = [candidate.support / candidate.samples for candidate in candidates]
    nearest = [0.0] * len(candidates)  # likeness to the most alike of those above; kept up to date
    left, ranked = list(range(len(candidates))), list[Candidate]()
    while left:
        best = max(left, key=lambda i: support[i] - NOVELTY * nearest[i])
        left.remove(best)
        ranked.append(candidates[best])
        for other in left:
            nearest[other] = max(nearest[other], _alike(words[other], words[best]))
    return ranked


def _alike(a: frozenset[str], b: frozenset[str]) -> float:
    return len(a & b) / len(a | b)


Job = TypeVar("Job")
Result = TypeVar("Result")


def in_threads(
    jobs: Iterable[Job], work: Callable[[Job], Result], concurrency: int
) -> Iterator[tuple[Job, Result | WorkbenchError]]:
    """Yield each job with what came of it, in the order in which they end.

    The threads are daemons: a break does not wait for a server that says nothing.

    Args:
        jobs: What is to be done; started in this order.
        work: Does one job.
        concurrency: Most jobs under way at once, ≥ 1.

    Yields:
        A job and its result; a `WorkbenchError` is handed on and stops no other job.

    Raises:
        Exception: Whatever else a job raised; no further job is started.

    Example:
        >>> sorted(in_threads([1, 2, 3], lambda number: number**2, concurrency=2))
        [(1, 1), (2, 4), (3, 9)]
    """
    waiting, answers = deque(jobs), SimpleQueue[tuple[Job, Result | Exception]]()
    count = len(waiting)

    def work_on() -> None:
        while True:
            try:
                job = waiting.popleft()
            except IndexError:  # the last one is taken, perhaps just now
                return
            try:
                answers.put((job, work(job)))
            except Exception as fault:
                answers.put((job, fault))

    for _ in range(min(concurrency, count)):
        Thread(target=work_on, daemon=True).start()
    try:
        for _ in range(count):
            job, result = answers.get()
            if isinstance(result, Exception) and not isinstance(result, WorkbenchError):
                raise result
            yield job, result
    finally:
        waiting.clear()


Candidates = tuple[Candidate, ...]
Answer = tuple[Attribute, ...] | None


def gather_candidates(
    subjects: Sequence[tuple[Distortion, PromptContext]],
    model: NamedModel,
    options: DraftOptions = DEFAULTS,
    *,
    log: Log,
    recall: Recall,
    answered: Callable[[str], None] = lambda _id: None,
) -> Iterator[tuple[str, Candidates | WorkbenchError]]:
    """Yield the pooled candidates of each distortion as soon as all its samples are there.

    Args:
        subjects: The distortions, each once, with what a template may show of the rest.
        model: Who is asked; one that is only named is not asked, the log alone answers.
        options: How it is asked.
        log: Stores a call, as for `draft_attributes`; called from several threads.
        recall: Finds a stored call, as for `draft_attributes`; called from several threads.
        answered: Called with a distortion's id whenever one of its samples is there.

    Yields:
        Id and candidates, or what went wrong; a distortion that fails is asked about no further
        and stops no other.
    """
    # A model that is only named cannot be asked: its answers come from the log.
    draft: Callable[..., Answer] = (
        partial(draft_attributes, log=log)
        if isinstance(model, LanguageModel)
        else recalled_attributes
    )
    samples = {
        spec.id: _Samples(
            partial(draft, spec, model, options, context=context, recall=recall),
            [None] * options.samples,
        )
        for spec, context in subjects
    }
    jobs = [(id, sample) for id in samples for sample in range(options.samples)]
    answers = in_threads(
        jobs,
        lambda job: samples[job[0]].ask(job[1]),
        concurrency=options.concurrency or model.concurrency,
    )
    for (id, sample), answer in answers:
        if not isinstance(answer, WorkbenchError):
            answered(id)
        if samples[id].add(sample, answer):
            yield id, samples[id].pool(model.name, options.template)


@dataclass
class _Samples:
    """The samples of one distortion that have come so far."""

    draft: Callable[..., Answer]
    answers: list[Answer]
    finished: int = 0
    fault: WorkbenchError | None = None

    def ask(self, sample: int) -> Answer:
        """Ask for one sample; after a fault nobody is asked again and the fault is raised again."""
        if self.fault is not None:
            raise self.fault
        try:
            return self.draft(sample=sample)
        except WorkbenchError as fault:
            self.fault = self.fault or fault
            raise

    def add(self, sample: int, answer: Answer | WorkbenchError) -> bool:
        """Keep the answer of one sample, and say whether it was the last one."""
        if not isinstance(answer, WorkbenchError):
            self.answers[sample] = answer
        self.finished += 1
        return self.finished == len(self.answers)

    def pool(self, model: str, template: str) -> Candidates | WorkbenchError:
        answers = [answer for answer in self.answers if answer is not None]
        if self.fault is None and len(answers) < len(self.answers):
            return DraftError(
                f"The log lacks {len(self.answers) - len(answers)} of {len(self.answers)} answers "
                f"of {model} to this prompt of template '{template}'. Draft without --offline to "
                "ask for them, or read another log in with 'workbench calls import'."
            )
        return self.fault or pooled(answers)
