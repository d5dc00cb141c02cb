"""Draft attributes with a language model, and take what it wrote into the working draft."""

from collections.abc import Iterator, Sequence
from functools import partial

from workbench.domain.attributes import Attribute, AttributeSet
from workbench.domain.canonical import Progress
from workbench.drafting.candidates import Candidates, gather_candidates, words_of
from workbench.drafting.client import NamedModel
from workbench.drafting.draft_attributes import DEFAULTS, DraftOptions, draft_attributes
from workbench.drafting.lint import lint
from workbench.drafting.local_server import LanguageModel
from workbench.drafting.templates import PromptContext
from workbench.errors import WorkbenchError
from workbench.store import Store
from workbench.training.prompt_pairs import sentence_pairs


def draft_distortion(
    store: Store,
    distortion: str,
    model: LanguageModel,
    options: DraftOptions = DEFAULTS,
    *,
    sample: int = 0,
) -> tuple[Attribute, ...]:
    """Ask the language model for K attributes; every call is logged, a repeated one recalled."""
    return draft_attributes(
        store.recipes.catalogue()[distortion],
        model,
        options,
        sample=sample,
        context=prompt_context(store, distortion, options.neighbours),
        log=store.calls.add,
        recall=store.calls.find,
    )


def draft_set(
    store: Store, distortions: Sequence[str], model: LanguageModel, *, progress: Progress
) -> AttributeSet:
    """Ask about each distortion in turn and return the set of all answers; the draft stays."""
    drafted = {}
    for done, distortion in enumerate(distortions):
        progress(done / len(distortions), distortion)
        drafted[distortion] = draft_distortion(store, distortion, model)
    progress(1.0, "drafted")
    return AttributeSet(by_distortion=drafted)


def draft_candidates(
    store: Store,
    distortions: Sequence[str],
    model: NamedModel,
    options: DraftOptions = DEFAULTS,
) -> Iterator[tuple[str, Candidates | WorkbenchError]]:
    """Ask about several distortions at once and yield each when all its samples are there.

    Every call is logged and a repeated one recalled. The draft is not touched.

    Args:
        store: The open store.
        distortions: Ids of the distortions.
        model: Who is asked; one that is only named is not asked, the log alone answers.
        options: How it is asked.

    Yields:
        Id and pooled candidates, or what went wrong; a distortion that fails stops no other.

    Raises:
        UnknownNameError: A distortion or a neighbour does not exist.
    """
    known = store.recipes.catalogue()
    subjects = [(known[id], prompt_context(store, id, options.neighbours)) for id in distortions]
    return gather_candidates(subjects, model, options, log=store.calls.add, recall=store.calls.find)


def prompt_context(
    store: Store, distortion: str, neighbours: Sequence[str] | None = None
) -> PromptContext:
    """Return what a template may show of the rest: neighbours, the draft, and lint's findings.

    Args:
        store: The open store.
        distortion: Id of the distortion.
        neighbours: Ids of the distortions it is contrasted with; None for the others of its group.
    """
    known = store.recipes.catalogue()
    spec = known[distortion]
    if neighbours is None:
        near = [other for other in known.values() if other.group == spec.group]
    else:
        near = [known[id] for id in neighbours]
    attributes = store.draft.attribute_set().without_rejected().restricted_to([distortion])
    return PromptContext(
        neighbours=tuple(other for other in near if other != spec),
        phrases=attributes.phrases().get(distortion, ()),
        findings=tuple(lint(attributes, known, polarity=partial(sentence_pairs, polarity="not"))),
    )


def take_candidates(
    store: Store, distortion: str, chosen: Sequence[Attribute], *, author: str
) -> tuple[Attribute, ...]:
    """Put candidates into the draft in place of those that no person has touched.

    What somebody wrote, reworded or judged stays, and what says the same is not added again.

    Args:
        store: The open store.
        distortion: Id of the distortion.
        chosen: The candidates, in this order.
        author: Who does it.

    Returns:
        The candidates that were put in.
    """
    present = store.draft.attribute_set().by_distortion.get(distortion, ())
    touched = tuple(
        a for a in present if a.origin != "llm" or a.status != "proposed" or a.decided_by
    )
    known = {words_of(attribute.phrase) for attribute in touched}
    new = tuple(a for a in chosen if words_of(a.phrase) not in known)
    merged = AttributeSet(by_distortion={distortion: (*touched, *new)})
    store.draft.replace(merged, author=author, distortions=[distortion])
    return new
