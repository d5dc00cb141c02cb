"""Candidates of several distortions, asked for at once."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from workbench.domain.attributes import Attribute
from workbench.domain.distortion import Distortion
from workbench.drafting.client import LanguageModel, Log
from workbench.drafting.draft import Recall, draft_attributes, recalled_attributes
from workbench.drafting.in_threads import in_threads
from workbench.drafting.named_model import NamedModel
from workbench.drafting.pool import Candidate, pooled
from workbench.drafting.templates import Surroundings
from workbench.errors import DraftError, WorkbenchError

Found = tuple[Candidate, ...]
Answer = tuple[Attribute, ...] | None


def gather_candidates(
    subjects: Sequence[tuple[Distortion, Surroundings]],
    model: NamedModel,
    *,
    template: str = "few_shot",
    k: int = 5,
    samples: int = 1,
    seed: int = 0,
    log: Log,
    recall: Recall,
    at_once: int | None = None,
) -> Iterator[tuple[str, Found | WorkbenchError]]:
    """Yield the pooled candidates of each distortion as soon as all its samples are there.

    Args:
        subjects: The distortions, each once, with what a template may show of the rest.
        model: Who is asked; one that is only named is not asked, the log alone answers.
        template: Name of the prompt template.
        k: How many attributes each sample has, ≥ 1.
        samples: How often to ask about each distortion, ≥ 1.
        seed: Start of the sampling seeds.
        log: Stores a call, as for `draft_attributes`; called from several threads.
        recall: Finds a stored call, as for `draft_attributes`; called from several threads.
        at_once: Most requests under way at once; without, what suits the model.

    Yields:
        Id and candidates, or what went wrong; one that fails is asked about no further and stops
        no other.
    """
    asked = isinstance(model, LanguageModel)
    ask = partial(draft_attributes, log=log) if asked else recalled_attributes
    gathered = {
        spec.id: _Answers(
            partial(
                ask, spec, model,
                template=template, k=k, seed=seed, around=around, recall=recall,
            ),
            [None] * samples,
        )
        for spec, around in subjects
    }  # fmt: skip
    jobs = [(id, sample) for id in gathered for sample in range(samples)]
    limit = at_once or model.at_once
    for (id, sample), found in in_threads(jobs, lambda job: gathered[job[0]].ask(job[1]), limit):
        if gathered[id].take(sample, found):
            yield id, gathered[id].outcome(model.name, template)


@dataclass
class _Answers:
    """What came so far of the samples of one distortion."""

    draft: Callable[..., Answer]
    answers: list[Answer]
    taken: int = 0
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

    def take(self, sample: int, found: Answer | WorkbenchError) -> bool:
        """Keep what came of one sample, and say whether it was the last one."""
        if not isinstance(found, WorkbenchError):
            self.answers[sample] = found
        self.taken += 1
        return self.taken == len(self.answers)

    def outcome(self, model: str, template: str) -> Found | WorkbenchError:
        whole = [answer for answer in self.answers if answer is not None]
        if self.fault is None and len(whole) < len(self.answers):
            return DraftError(
                f"The log lacks {len(self.answers) - len(whole)} of {len(self.answers)} answers "
                f"of {model} to this prompt of template '{template}'. Draft without --offline to "
                "ask for them, or read another log in with 'workbench calls import'."
            )
        return self.fault or pooled(whole)
