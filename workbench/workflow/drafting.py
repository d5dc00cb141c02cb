"""Draft attributes with a language model, and take what it wrote into the working draft."""

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial

from workbench.domain.attributes import Attribute, AttributeSet, DraftRow
from workbench.domain.canonical import Progress
from workbench.domain.distortion import Distortion
from workbench.domain.finding import Finding
from workbench.drafting.candidates import (
    Candidate,
    Candidates,
    candidates_from_calls,
    gather_candidates,
    words_of,
)
from workbench.drafting.client import NamedModel
from workbench.drafting.draft_attributes import DEFAULTS, DraftOptions, draft_attributes
from workbench.drafting.local_server import LanguageModel
from workbench.drafting.templates import Messages, PromptContext, load_template, render
from workbench.errors import StoreError, WorkbenchError
from workbench.registry import Registry
from workbench.store import Store
from workbench.store.draft_rows import usable_phrase
from workbench.text_files import printable


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
    *,
    answered: Callable[[str], None] = lambda _id: None,
) -> Iterator[tuple[str, Candidates | WorkbenchError]]:
    """Ask about several distortions at once and yield each when all its samples are there.

    Every call is logged and a repeated one recalled. The draft is not touched.

    Args:
        store: The open store.
        distortions: Ids of the distortions.
        model: Who is asked; one that is only named is not asked, the log alone answers.
        options: How it is asked.
        answered: Called with a distortion's id whenever one of its samples is there.

    Yields:
        Id and pooled candidates, or what went wrong; a distortion that fails stops no other.

    Raises:
        RoleError: Who asks may not; no model was.
        UnknownNameError: A distortion or a neighbour does not exist.
    """
    store.actor.require("editor", "ask a model")
    return gather_candidates(
        prompt_subjects(store, distortions, options),
        model,
        options,
        log=store.calls.add,
        recall=store.calls.find,
        answered=answered,
    )


def prompt_subjects(
    store: Store, distortions: Sequence[str], options: DraftOptions = DEFAULTS
) -> list[tuple[Distortion, PromptContext]]:
    """Return each distortion with what the template shows of the rest, as `prompt_context`.

    Raises:
        UnknownNameError: A distortion, a neighbour or the template does not exist.
    """
    known, draft = store.recipes.catalogue(), store.draft.attribute_set()
    shows_findings = "findings" in load_template(options.template).variables
    return [
        (known[id], _context(known, draft, id, options.neighbours, shows_findings))
        for id in distortions
    ]


def rendered_prompts(
    store: Store, distortions: Sequence[str], options: DraftOptions = DEFAULTS
) -> dict[str, Messages]:
    """Return distortion to the messages that it would be asked about with."""
    template = load_template(options.template)
    return {
        spec.id: render(template, spec, options.k, context)
        for spec, context in prompt_subjects(store, distortions, options)
    }


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
    return _context(known, store.draft.attribute_set(), distortion, neighbours, True)


def _context(
    known: Registry[Distortion],
    draft: AttributeSet,
    distortion: str,
    neighbours: Sequence[str] | None,
    with_findings: bool,
) -> PromptContext:
    spec = known[distortion]
    if neighbours is None:
        near = [other for other in known.values() if other.group == spec.group]
    else:
        near = [known[id] for id in neighbours]
    attributes = draft.restricted_to([distortion]).without_rejected()
    return PromptContext(
        neighbours=tuple(other for other in near if other != spec),
        phrases=attributes.phrases().get(distortion, ()),
        findings=_findings(attributes, known) if with_findings else (),
    )


def _findings(attributes: AttributeSet, known: Registry[Distortion]) -> tuple[Finding, ...]:
    # Lint brings torch, which takes seconds to import; most templates show no findings.
    from workbench.drafting.lint import lint
    from workbench.training.prompt_pairs import sentence_pairs

    return tuple(lint(attributes, known, polarity=partial(sentence_pairs, polarity="not")))


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


MOST_CALLS = 1_000  # of a type's newest, from which candidates are read


def logged_candidates(
    store: Store, distortion: str, *, besides: Collection[str] = ()
) -> tuple[Candidate, ...]:
    """Return what models have answered about a distortion so far, the most supported first.

    Args:
        store: The open store.
        distortion: Id of the distortion.
        besides: Phrases that are left out, such as those that the draft holds.
    """
    calls = store.calls.list(distortion=distortion, limit=MOST_CALLS)
    return candidates_from_calls(reversed(calls), besides=besides)


def decide_candidate(
    store: Store,
    distortion: str,
    phrase: str,
    *,
    author: str,
    words: str | None = None,
    reject: bool = False,
) -> DraftRow:
    """Take one candidate into the draft, in its own or in other words, or reject it.

    A rejected one stays in the draft as rejected, so that it is not offered again. Either way the
    author is who decided, so that no later draft replaces it. What an editor takes is proposed:
    a reviewer accepts it.

    Args:
        store: The open store.
        distortion: Id of the distortion.
        phrase: The candidate, to the letter as it was seen.
        author: Who decides.
        words: What to take instead; it still names the call that it comes from.
        reject: Whether to reject it.

    Raises:
        StoreError: No model has answered that, or the draft holds it already.
    """
    candidates = logged_candidates(store, distortion)
    seen = next((each.attribute for each in candidates if each.attribute.phrase == phrase), None)
    if seen is None:
        raise StoreError(
            f"No model has answered '{printable(phrase[:60])}' about {distortion}. Nothing was "
            "changed."
        )
    reworded = words is not None and words != phrase
    accepted = "accepted" if store.actor.may("reviewer") else "proposed"
    attribute = seen.model_copy(
        update={
            "phrase": usable_phrase(words) if words is not None else phrase,
            "origin": "expert" if reworded else "llm",
            "status": "rejected" if reject else accepted,
            "decided_by": author,
        }
    )
    return store.draft.add(distortion, attribute, author=author)
