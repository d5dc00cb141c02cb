"""The whole project on one screen.

    Distortion -> draft_distortion() -> AttributeSet (draft) -> expert edits -> freeze_version()
      -> Version -> run_version() -> RunResult -> compare_finished() -> Comparison

Each arrow is one function whose argument is the result of the one before.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from workbench.datasets.generation.generator import GeneratedSet, generate
from workbench.datasets.generation.plan import GeneratorConfig
from workbench.datasets.splits.run_splits import run_splits
from workbench.distortions import (
    apply_sequence,
    catalogue,
    operator_of,
)
from workbench.domain.attributes import Attribute, AttributeSet, Version
from workbench.domain.comparison import Comparison, SubsetKind
from workbench.domain.config import RunConfig
from workbench.domain.conflicts import Resolution, Side
from workbench.domain.lineage import common_ancestor
from workbench.domain.merging import Merged, merge
from workbench.domain.progress import Progress, part
from workbench.domain.recipe import Recipe
from workbench.domain.run import Run, RunResult, run_key
from workbench.drafting.candidates import Found, gather_candidates
from workbench.drafting.draft import draft_attributes
from workbench.drafting.lint import lint
from workbench.drafting.local_server import LanguageModel
from workbench.drafting.named_model import NamedModel
from workbench.drafting.pool import words_of
from workbench.drafting.templates import Surroundings
from workbench.encoders import load_encoder
from workbench.errors import ConfigError, WorkbenchError
from workbench.evaluation.comparable import finished_results, stands_under
from workbench.evaluation.comparison import compare_runs
from workbench.evaluation.correlation import quality_metrics
from workbench.evaluation.identification import all_clean, identification_metrics
from workbench.evaluation.quoted import quoted_rows
from workbench.evaluation.seen_parts import on_locked
from workbench.evaluation.strength_tables import strength_tables
from workbench.evaluation.subsets import KINDS
from workbench.settings import Settings
from workbench.store import Store
from workbench.training.held_out import held_out
from workbench.training.images import make_data, open_and_locked
from workbench.training.record import baselines_of, environment, predictions_of, protocol_of
from workbench.training.task import Task, kept_trainings, parent_folder
from workbench.training.transfer import transfers
from workbench.training.unseen import require_unseen
from workbench.training.whole import keep, on_locked_images, trained_whole
from workbench.tuning.polarity import sentence_pairs
from workbench.tuning.threads import computing_threads


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


def freeze_version(
    store: Store,
    attributes: AttributeSet,
    *,
    message: str,
    author: str,
    parent: str | None = None,
    merged: str | None = None,
    alias: str | None = None,
) -> Version:
    """Freeze a set of attributes for known distortions; the same content is the same version."""
    known = store.recipes.catalogue()
    for distortion in attributes.distortions:
        known[distortion]  # raises UnknownNameError with the name that was meant
    return store.versions.freeze(
        attributes, message=message, author=author, parent=parent, merged=merged, alias=alias
    )


def merge_versions(
    store: Store,
    ours: str,
    theirs: str,
    *,
    base: str | None = None,
    resolve: Mapping[str, Resolution] | None = None,
    prefer: Side | None = None,
) -> Merged:
    """Merge two versions; without conflicts, `freeze_version` takes what comes of it.

    Args:
        store: The open store.
        ours: The version that is merged into; the parent of what comes of it.
        theirs: The version that is merged in.
        base: What both came from; None takes their nearest common ancestor.
        resolve: Conflict id to what shall hold.
        prefer: What shall hold in the other conflicts.

    Raises:
        ConfigError: They share no ancestor, or `resolve` does not fit the conflicts.
        VersionNotFoundError: A reference names no version.
    """
    a, b = store.versions.get(ours), store.versions.get(theirs)
    parents = {one.hash: (one.parent, one.merged) for one in store.versions.summaries()}
    start = base or common_ancestor(parents, a.hash, b.hash)
    if start is None:
        raise ConfigError(
            f"Versions {a.label} and {b.label} share no ancestor. Name the version that both came "
            "from with --base. Nothing was merged."
        )
    common = store.versions.get(start).attributes
    return merge(common, a.attributes, b.attributes, resolve=resolve, prefer=prefer)


def enqueue_run(store: Store, ref: str, config: RunConfig) -> Run:
    """Queue a version for a worker; the explicit step from freezing to training."""
    version = store.versions.get(ref)
    _attributes_for(version, config, tuple(store.recipes.list()))
    return store.runs.enqueue(version.hash, config)


def run_version(
    version: Version,
    config: RunConfig,
    *,
    settings: Settings,
    progress: Progress,
    recipes: tuple[Recipe, ...] = (),
    afresh: bool = False,
) -> RunResult:
    """Tune, regress and evaluate one version; every photograph is held out exactly once.

    A run that was broken off goes on where it was, to the same figures.

    Args:
        version: The frozen attributes.
        config: Everything else that decides the numbers.
        settings: Cache folder, device, hub.
        progress: Told the share done; may raise RunCancelledError.
        recipes: The store's distortion types beside the built-in ones.
        afresh: Forget what an attempt that was broken off has left.

    Raises:
        ConfigError: The version lacks a distortion of the configuration, or one has no operator.
        DataError, RunError: Images cannot be made; training diverged or was cancelled.
    """
    started = time.monotonic()
    require_unseen(config)
    attributes = _attributes_for(version, config, recipes)
    key = run_key(version.hash, config.hash)
    encoder = load_encoder(config.encoder, settings, seed=config.seed)
    with (
        computing_threads(encoder.threads),
        kept_trainings(settings, key, afresh=afresh) as folder,
    ):
        every = make_data(config.data, settings, part(progress, 0.0, 0.1), recipes)
        data, locked = open_and_locked(every, config.split.locked)
        parent = parent_folder(version, config, settings)
        task = Task.of(
            encoder, attributes, config,
            folder=folder, parent=parent, devices=settings.devices, cache=settings.cache,
        )  # fmt: skip
        splits = run_splits(data, config.split)
        found, figures, tested = held_out(task, data, splits, part(progress, 0.1, 0.7))
        model = trained_whole(task, data, part(progress, 0.7, 0.8))
        elsewhere = transfers(model, data, config, settings, recipes, part(progress, 0.8, 0.9))
        shown = data.only(tested)
        beside = {} if config.split.published else baselines_of(
            encoder, data, data.distortions, config, recipes, part(progress, 0.9, 1.0)
        )  # fmt: skip
        apart = on_locked_images(model, data, locked)
        terms = protocol_of(shown, config, crop=encoder.facts.image_size)
        keep(settings, version, config, model, found, shown, terms)
    progress(1.0, "done")
    return RunResult(
        version=version.hash,
        attributes=attributes.hash,
        attribute_count=attributes.size,
        config_hash=config.hash,
        encoder=encoder.facts,
        protocol=terms,
        quality=quality_metrics(shown.quality.tolist(), found.quality.tolist()),
        identification=identification_metrics(found.truth, found.strengths, levels=data.levels),
        all_clean=all_clean(found.truth, levels=data.levels),
        predictions=predictions_of(shown, found.quality),
        baselines=beside,
        strength_tables=strength_tables(
            found.truth, found.strengths, shown.photograph,
            distortions=data.distortions, levels=data.levels,
        ),
        splits=figures,
        transfers=elsewhere,
        locked=apart,
        duration_s=time.monotonic() - started,
        environment=environment(),
    )  # fmt: skip


def generate_set(
    photographs: str,
    out: Path,
    config: GeneratorConfig,
    *,
    recipes: tuple[Recipe, ...] = (),
    workers: int = 1,
    progress: Progress,
) -> GeneratedSet:
    """Make a multi-distortion set of a folder of photographs, or what is missing of it."""
    known = catalogue(recipes)
    return generate(
        photographs,
        out,
        config,
        [known[name] for name in config.distortions],
        partial(apply_sequence, stretch=config.stretch, recipes=recipes),
        workers=workers,
        progress=progress,
    )


def compare_finished(
    store: Store,
    runs: Sequence[Run],
    *,
    resamples: int = 10_000,
    kinds: Sequence[SubsetKind] = KINDS,
    quote: Sequence[str] = (),
    locked: bool = False,
) -> Comparison:
    """Compare finished runs under one protocol, such as those of `comparable_runs`.

    Whoever shows what comes of it calls `runs.looking.look_at` first.

    Args:
        store: The open store.
        runs: With their results.
        resamples: Bootstrap resamples of photographs.
        kinds: What the images are divided by for figures within their parts.
        quote: Published tables to stand beside; see `quoted_rows`.
        locked: Compare on the locked photographs instead of the held-out ones.
    """
    labels = [store.versions.get(run.version).label for run in runs]
    if len(set(labels)) < len(labels):
        labels = [f"{label}, run {run.id}" for label, run in zip(labels, runs, strict=True)]
    runs = [on_locked(run) for run in runs] if locked else runs
    protocol = finished_results(runs, labels)[0].protocol
    return compare_runs(
        runs,
        labels,
        resamples=resamples,
        groups={name: spec.group for name, spec in store.recipes.catalogue().items()},
        kinds=kinds,
        quoted=[row for name in quote for row in quoted_rows(name, protocol)],
    )


def comparable_runs(
    store: Store,
    refs: Sequence[str],
    *,
    config: RunConfig | None = None,
    dataset: str = "",
    terms: str = "",
) -> list[Run]:
    """Return one finished run of each version, all under one configuration.

    Args:
        store: The open store.
        refs: Two or more versions.
        config: The configuration; None takes the newest that all of them have run.
        dataset: Only data sets of whose description this is a part.
        terms: Only protocols in whose split, target or crops these words stand.

    Raises:
        ConfigError: Fewer than two versions, or no configuration that all of them have run.
    """
    versions = [store.versions.get(ref) for ref in refs]
    if len({version.hash for version in versions}) < 2:
        raise ConfigError("A comparison needs two different versions; name another one.")
    done = [
        {run.config.hash: run.id for run in reversed(store.runs.list(version.hash))
         if run.status == "done"}
        for version in versions
    ]  # fmt: skip
    common = set.intersection(*(set(runs) for runs in done))
    if config is not None:
        common &= {config.hash}
    for key in sorted(common, key=lambda key: done[0][key], reverse=True):
        found = [store.runs.get(runs[key]) for runs in done]
        protocols = (run.result.protocol for run in found if run.result)
        if all(stands_under(protocol, dataset, terms) for protocol in protocols):
            return found
    names = ", ".join(version.label for version in versions)
    like = " and ".join(f"'{words}'" for words in (dataset, terms) if words)
    raise ConfigError(
        f"{'That' if config else 'No'} configuration{like and ' with ' + like} has "
        f"{'not ' if config else ''}been run to its end for all of {names}. "
        "Run each of them with the same experiment: workbench run REF --config FILE."
    )


def _attributes_for(
    version: Version, config: RunConfig, recipes: tuple[Recipe, ...]
) -> AttributeSet:
    for distortion in config.data.distortions:
        operator_of(distortion, recipes)  # raises with the name that was meant, or what is missing
    attributes = version.attributes.restricted_to(config.data.distortions)
    missing = sorted(set(config.data.distortions) - set(attributes.distortions))
    if missing:
        raise ConfigError(
            f"Version {version.label} has no attributes for {', '.join(missing)}. "
            "Draft them, or take them out of data.distortions."
        )
    return attributes
