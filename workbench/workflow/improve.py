"""Improve the draft's sentences with evidence: search, confirm, propose; a person decides.

search part      sentences are sought on it
validation part  decides, once, which of them are proposed
test part        is left for the claim
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from workbench.datasets.photographs import photograph_files
from workbench.domain.attributes import Attribute, AttributeSet, DraftRow
from workbench.domain.canonical import Progress, part
from workbench.domain.distortion import Distortion
from workbench.domain.proposal import OtherSentence, Proposal, SearchFacts, SentenceFigures
from workbench.drafting.client import LanguageModel
from workbench.drafting.draft_attributes import DraftOptions, draft_attributes
from workbench.drafting.improvement import (
    DEFAULT_OBJECTIVE,
    Bench,
    Objective,
    PhotographParts,
    PhotographsOfPart,
)
from workbench.drafting.improvement.exchange import Change
from workbench.drafting.improvement.search import Ask, Budget, Found, Search, search
from workbench.drafting.lint import RememberedTexts, load_probe, load_scores
from workbench.drafting.templates import Messages, PromptContext, load_template, render
from workbench.encoders import Encoder
from workbench.errors import ConfigError
from workbench.store import Store
from workbench.training.prompt_pairs import sentence_pairs

TEMPLATE = "improve"


class ImproveOptions(NamedTuple):
    """What a search is asked for.

    Attributes:
        rounds: How often the language model is asked about a type at most.
        k: Sentences of one reply.
        seed: Of the search and of the model's sampling.
        photographs: "packaged", or a folder.
        objective: What is maximised.
        template: The drafting template that takes turns with the evidence.
        scores: Full-reference metric of the photographs' quality scores; "" for no scores.
    """

    rounds: int = 2
    k: int = 5
    seed: int = 0
    photographs: str = "packaged"
    objective: Objective = DEFAULT_OBJECTIVE
    template: str = "few_shot"
    scores: str = ""


DEFAULTS = ImproveOptions()


class Improvement(NamedTuple):
    """What an improvement ends with.

    Attributes:
        proposals: As stored, open, by type and place.
        tried: New sentences that were measured in the search.
        unconfirmed: Better ones on the search part that were not on the validation part.
        calls: Calls of the language model.
        cost_usd: What they cost, as far as prices are known.
        objective: The weighted sum, in one line.
    """

    proposals: tuple[Proposal, ...]
    tried: int
    unconfirmed: int
    calls: int
    cost_usd: float
    objective: str


class FirstPrompts(NamedTuple):
    """What the model would be asked about a type.

    Attributes:
        drafting: First, by the drafting template; nothing of what was measured.
        evidence: Then, with what was measured, unless a sentence of the first answer is better.
    """

    drafting: Messages
    evidence: Messages


class Benches:
    """Measures sentences of a set of types on each part of the photographs; parts made as needed.

    Args:
        store: For the types that were added as data.
        encoder: Its untuned towers measure.
        attributes: The set; its types must not fit each other.
        options: Names the photographs and the objective.
        cache: `Settings.cache`.
        text: The encoder's texts; a page keeps them from one search to the next.
    """

    def __init__(
        self,
        store: Store,
        encoder: Encoder,
        attributes: AttributeSet,
        options: ImproveOptions,
        *,
        cache: Path,
        text: RememberedTexts | None = None,
    ) -> None:
        self.catalogue = store.recipes.catalogue()
        self.recipes = tuple(store.recipes.list())
        self.encoder, self.cache, self.options = encoder, cache, options
        self.attributes = attributes
        self.specs = [self.catalogue[d] for d in attributes.by_distortion]
        self.files = photograph_files(options.photographs)
        self.parts = PhotographParts.of(self.files)
        self.text = text or RememberedTexts(encoder)

    def search(self, progress: Progress) -> Bench:
        """Return what measures on the search part."""
        return self._of(PhotographsOfPart(self.files, self.parts, "search"), progress)

    def validation(self, progress: Progress) -> Bench:
        """Return what measures on the validation part."""
        return self._of(PhotographsOfPart(self.files, self.parts, "validation"), progress)

    def test(self, progress: Progress) -> Bench:
        """Return what measures on the test part; for a claim, once."""
        return self._of(PhotographsOfPart(self.files, self.parts, "test"), progress)

    def _of(self, files: Mapping[str, Path], progress: Progress) -> Bench:
        metric = self.options.scores
        probe = load_probe(
            self.encoder, self.specs, cache=self.cache, photographs=files,
            recipes=self.recipes, progress=part(progress, 0.0, 0.5 if metric else 1.0),
        )  # fmt: skip
        polarity = partial(sentence_pairs, polarity=self.encoder.default_polarity)
        bench = Bench(probe, self.catalogue, self.text, polarity, self.options.objective)
        if not metric:
            return bench
        scores = load_scores(
            self.encoder, self.specs, metric, cache=self.cache, photographs=files,
            recipes=self.recipes, progress=part(progress, 0.5, 1.0),
        )  # fmt: skip
        return bench.with_quality(scores, self.attributes)


def improve_draft(
    store: Store,
    distortions: Sequence[str],
    model: LanguageModel,
    encoder: Encoder,
    options: ImproveOptions = DEFAULTS,
    *,
    budget: Budget,
    cache: Path,
    author: str,
    progress: Progress,
    text: RememberedTexts | None = None,
) -> Improvement:
    """Seek better sentences for the draft and store them as proposals; the draft stays.

    Every call is logged and a repeated one recalled, so that a search that was broken off ends,
    with the same seed, in the same proposals.

    Args:
        store: The open store.
        distortions: Types to improve; all of the draft that can be measured if there are none.
        model: Who is asked.
        encoder: What sentences are measured by.
        options: Rounds, K, seed, photographs and objective.
        budget: What may be spent.
        cache: `Settings.cache`, for the embeddings.
        author: Whose search it is.
        progress: Told the share done and what is being done; may raise to break off.
        text: The encoder's texts, if they are kept from one search to the next.

    Raises:
        RoleError: Who asks may not; no model was.
        ConfigError: The draft has none of the types, or one cannot be measured.
        LLMRequestError: The model could not be reached, and nothing was found before.
        DataError: The photographs are too few, or cannot be read.
    """
    store.actor.require("editor", "have sentences improved")
    rows, wanted, measured = draft_scope(store, distortions)
    attributes = _set_of(rows, measured)
    benches = Benches(store, encoder, attributes, options, cache=cache, text=text)
    bench = benches.search(part(progress, 0.0, 0.2))
    ask = asking(store, model, options, budget)
    found = search(
        attributes, bench, ask, wanted=wanted, rounds=options.rounds, budget=budget,
        seed=options.seed, progress=part(progress, 0.2, 0.9),
    )  # fmt: skip
    if found.fault is not None and not found.changes:
        raise found.fault
    validation = benches.validation(part(progress, 0.9, 1.0))
    confirmed = confirm(attributes, found, validation)
    facts = SearchFacts(
        objective=options.objective.said(),
        photographs=options.photographs,
        parts=benches.parts.hash,
        search=len(benches.parts.search),
        validation=len(benches.parts.validation),
        encoder=encoder.facts.name,
        model=model.name,
        seed=options.seed,
        tried=found.tried,
        calls=budget.spent_calls,
        cost_usd=round(budget.spent_usd, 6),
        weights=options.objective.weights(),
        scores=options.scores,
        template=options.template,
    )
    proposals = [
        _proposal(change, gain, rows[change.distortion], (bench, validation), attributes, facts)
        for change, gain in confirmed
    ]
    return Improvement(
        proposals=tuple(store.proposals.add_all(proposals, author=author)),
        tried=found.tried,
        unconfirmed=len(found.changes) - len(confirmed),
        calls=budget.spent_calls,
        cost_usd=budget.spent_usd,
        objective=facts.objective,
    )


def draft_scope(
    store: Store, distortions: Sequence[str]
) -> tuple[dict[str, list[DraftRow]], tuple[str, ...], tuple[str, ...]]:
    """Return the draft's rows by type, the types to improve, and all that can be measured.

    Rejected attributes are left out.

    Raises:
        ConfigError: The draft has none of the types, or one cannot be measured.
        UnknownNameError: A type does not exist.
    """
    known = store.recipes.catalogue()
    rows: dict[str, list[DraftRow]] = {}
    for row in store.draft.rows():
        if row.attribute.status != "rejected":
            rows.setdefault(row.distortion, []).append(row)
    measured = tuple(d for d in rows if d in known and known[d].has_operator)
    for id in distortions:
        if id not in rows:
            known[id]  # raises with the name that was meant
            raise ConfigError(
                f"The draft has no attributes of {id} to improve. Draft some first: "
                f"'workbench draft {id}'."
            )
        if id not in measured:
            raise ConfigError(
                f"Nothing can be measured of {id}: the workbench cannot apply it. Leave it out."
            )
    if not measured:
        raise ConfigError(
            "The draft has no attributes that can be measured. Draft some first: 'workbench draft'."
        )
    return rows, tuple(dict.fromkeys(distortions)) or measured, measured


def asking(store: Store, model: LanguageModel, options: ImproveOptions, budget: Budget) -> Ask:
    """Return a function that asks the model about a type, within the budget; calls are logged.

    Questions take turns: first the drafting template, which is told nothing, then the evidence.
    What comes is measured either way, so that a model that makes nothing of evidence still gains.
    """
    drafting, told = (
        DraftOptions(template=template, k=options.k, seed=options.seed)
        for template in (options.template, TEMPLATE)
    )

    def ask(spec: Distortion, context: PromptContext, turn: int) -> tuple[Attribute, ...]:
        return draft_attributes(
            spec, model, told if turn % 2 else drafting,
            sample=turn + 1,  # the first one is greedy, and every seed would get the same
            context=context,
            log=budget.logging(store.calls.add),
            recall=budget.recalling(store.calls.find),
        )  # fmt: skip

    return ask


def first_prompts(
    store: Store,
    distortions: Sequence[str],
    encoder: Encoder,
    options: ImproveOptions = DEFAULTS,
    *,
    cache: Path,
    progress: Progress,
    text: RememberedTexts | None = None,
) -> dict[str, FirstPrompts]:
    """Return what the model would be asked first about each type with a sentence at fault.

    Takes and raises what `improve_draft` does; nobody is asked.
    """
    rows, wanted, measured = draft_scope(store, distortions)
    attributes = _set_of(rows, measured)
    benches = Benches(store, encoder, attributes, options, cache=cache, text=text)
    bench = benches.search(progress)
    task = Search(attributes, bench, _nobody, wanted, options.rounds, Budget(), progress)
    drafting, told = (load_template(name) for name in (options.template, TEMPLATE))
    return {
        d: FirstPrompts(
            *(render(each, bench.catalogue[d], options.k, context) for each in (drafting, told))
        )
        for d, context in task.first_contexts().items()
    }


def confirm(attributes: AttributeSet, found: Found, bench: Bench) -> list[tuple[Change, float]]:
    """Return the changes that gain on the validation part too, each by itself, and by how much."""
    confirmed = []
    for change in found.changes:
        gain = _gain(attributes, change, change.new, bench)
        if gain > 0:
            confirmed.append((change, gain))
    return confirmed


def _gain(attributes: AttributeSet, change: Change, phrase: str, bench: Bench) -> float:
    """Return by how much a sentence in the place of a change gains, to four places."""
    phrases = list(attributes.phrases()[change.distortion])
    before = bench.evidence(change.distortion, phrases)
    phrases[change.place] = phrase
    gain, _ = bench.gain_interval(before, bench.evidence(change.distortion, phrases))
    return round(gain, 4)


def _set_of(rows: Mapping[str, Sequence[DraftRow]], types: Sequence[str]) -> AttributeSet:
    return AttributeSet(by_distortion={d: tuple(row.attribute for row in rows[d]) for d in types})


def _nobody(spec: Distortion, _context: PromptContext, _turn: int) -> tuple[Attribute, ...]:
    raise ConfigError(f"Nobody is to be asked about {spec.id}.")


def _proposal(
    change: Change,
    gain: float,
    rows: Sequence[DraftRow],
    benches: tuple[Bench, Bench],
    attributes: AttributeSet,
    facts: SearchFacts,
) -> Proposal:
    row, phrases = rows[change.place], attributes.phrases()[change.distortion]
    bench, validation = benches

    def figures(phrase: str) -> SentenceFigures:
        return bench.figures_at(change.distortion, phrases, change.place, phrase)

    others = [
        OtherSentence(new=phrase, figures=figures(phrase), validation_gain=other, call_id=call_id)
        for phrase, call_id in change.others
        if (other := _gain(attributes, change, phrase, validation)) > 0
    ]
    return Proposal(
        row=row.id,
        row_version=row.row_version,
        identity=row.attribute.identity or "",
        distortion=change.distortion,
        old=change.old,
        new=change.new,
        reason=change.reason,
        before=figures(change.old),
        after=figures(change.new),
        validation_gain=gain,
        facts=facts,
        others=tuple(others),
        call_id=change.call_id,
    )
