"""Draft attributes with a language model, and take what it wrote into the working draft."""

from collections.abc import Iterator, Sequence
from functools import partial

from workbench.domain.attributes import Attribute, AttributeSet
from workbench.domain.canonical import Progress
from workbench.drafting.candidates import Found, gather_candidates, words_of
from workbench.drafting.client import NamedModel
from workbench.drafting.draft_attributes import draft_attributes
from workbench.drafting.lint import lint
from workbench.drafting.local_server import LanguageModel
from workbench.drafting.templates import Surroundings
from workbench.errors import WorkbenchError
from workbench.store import Store
from workbench.training.prompt_pairs import sentence_pairs


def draft_distortion(
    store: Store,
    distortion: str,
    model: LanguageModel,
    *,
    template: str = "few_shot",
    k: int = 5,
    seed: int = 0,
    sample: int = 0,
) -> tuple[Attribute, ...]:
    """Ask the language model for K attributes; every call is logged, a repeated one recalled."""
    return draft_attributes(
        store.recipes.catalogue()[distortion],
        model,
        around=surroundings(store, distortion),
        template=template,
        k=k,
        seed=seed,
        sample=sample,
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
    *,
    template: str = "few_shot",
    k: int = 5,
    samples: int = 1,
    seed: int = 0,
    neighbours: Sequence[str] | None = None,
    concurrency: int | None = None,
) -> Iterator[tuple[str, Found | WorkbenchError]]:
    """Ask about several distortions at once and hand each on when all its samples are there.

    Every call is logged and a repeated one recalled. The draft is not touched.

    Args:
        store: The open store.
        distortions: Ids of the distortions.
        model: Who is asked; one that is only named is not asked, the log alone answers.
        template: Name of the prompt template.
        k: How many attributes each sample has.
        samples: How often to ask about each distortion.
        seed: Start of the sampling seeds.
        neighbours: Ids of what a distortion is told from; without, those of its group.
        concurrency: Most requests under way at once; without, what suits the model.

    Returns:
        Pairs of an id and its pooled candidates, or what went wrong; one that fails stops no other.

    Raises:
        UnknownNameError: A distortion or a neighbour does not exist.
    """
    known = store.recipes.catalogue()
    subjects = [(known[id], surroundings(store, id, neighbours)) for id in distortions]
    return gather_candidates(
        subjects, model,
        template=template, k=k, samples=samples, seed=seed,
        log=store.calls.add, recall=store.calls.find, at_once=concurrency,
    )  # fmt: skip


def surroundings(
    store: Store, distortion: str, neighbours: Sequence[str] | None = None
) -> Surroundings:
    """Return what a template may show of the rest: neighbours, the draft, and lint's findings.

    Args:
        store: The open store.
        distortion: Id of the distortion.
        neighbours: Ids of what it is told from; without, the others of its group.
    """
    known = store.recipes.catalogue()
    spec = known[distortion]
    near = [one for one in known.values() if one.group == spec.group]
    if neighbours is not None:
        near = [known[id] for id in neighbours]
    held = store.draft.attribute_set().without_rejected().restricted_to([distortion])
    found = lint(held, known, polarity=partial(sentence_pairs, polarity="not"))
    return Surroundings(
        neighbours=tuple(one for one in near if one != spec),
        phrases=held.phrases().get(distortion, ()),
        findings=tuple(found),
    )


def take_candidates(
    store: Store, distortion: str, chosen: Sequence[Attribute], *, author: str
) -> tuple[Attribute, ...]:
    """Put candidates into the draft in place of those that no person has touched.

    What somebody wrote, reworded or judged stays, and what says the same is not added again.

    Args:
        store: The open store.
        distortion: Id of the distortion.
        chosen: What is put in, in this order.
        author: Who does it.

    Returns:
        What came in.
    """
    held = store.draft.attribute_set().by_distortion.get(distortion, ())
    kept = tuple(a for a in held if a.origin != "llm" or a.status != "proposed" or a.decided_by)
    known = {words_of(attribute.phrase) for attribute in kept}
    new = tuple(a for a in chosen if words_of(a.phrase) not in known)
    merged = AttributeSet(by_distortion={distortion: (*kept, *new)})
    store.draft.replace(merged, author=author, distortions=[distortion])
    return new
