"""The whole project on one screen.

    Distortion -> draft_distortion() -> AttributeSet (draft) -> expert edits -> freeze_version()
      -> Version -> run_version() -> RunResult -> compare_versions() -> Comparison

Each arrow is one function whose argument is the result of the one before.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import version as installed
from pathlib import Path
from platform import python_version

import numpy as np

from workbench.datasets.distorted import DistortedSet, distorted_set
from workbench.datasets.generation.generator import GeneratedSet, generate
from workbench.datasets.generation.plan import GeneratorConfig
from workbench.datasets.splits.grouped import photograph_folds
from workbench.datasets.splits.locked import locked_photographs
from workbench.datasets.weak_scores import LABELS
from workbench.distortions import (
    apply_distortion,
    apply_sequence,
    catalogue,
    operator_of,
)
from workbench.domain.attributes import Attribute, AttributeSet, Version
from workbench.domain.comparison import Comparison, SubsetKind
from workbench.domain.conflicts import Resolution, Side
from workbench.domain.lineage import common_ancestor
from workbench.domain.merging import Merged, merge
from workbench.domain.metrics import QualityMetrics
from workbench.domain.recipe import Recipe
from workbench.domain.run import LockedPart, Predictions, Protocol, Run, RunConfig, RunResult
from workbench.drafting.draft import draft_attributes
from workbench.drafting.lint import lint
from workbench.drafting.local_server import LanguageModel
from workbench.drafting.pool import words_of
from workbench.drafting.templates import Surroundings
from workbench.encoders import Encoder, load_encoder
from workbench.errors import ConfigError
from workbench.evaluation.baselines import baselines
from workbench.evaluation.comparable import finished_results
from workbench.evaluation.comparison import compare_runs
from workbench.evaluation.correlation import quality_metrics
from workbench.evaluation.guard import after_looks
from workbench.evaluation.held_out import FoldedData
from workbench.evaluation.identification import all_clean, identification_metrics
from workbench.evaluation.locked import on_locked, part_of
from workbench.evaluation.quoted import quoted_rows
from workbench.evaluation.strength_tables import strength_tables
from workbench.evaluation.subsets import KINDS
from workbench.settings import Settings
from workbench.store import Store
from workbench.tuning.loop import tune
from workbench.tuning.polarity import encode_attributes, sentence_pairs
from workbench.tuning.probabilities import HeldOut, probabilities_file, save_probabilities
from workbench.tuning.regressor import fit_regressor
from workbench.tuning.threads import computing_threads
from workbench.tuning.views import grid_crops

Progress = Callable[[float, str], None]


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


def surroundings(store: Store, distortion: str) -> Surroundings:
    """Return what a template may show of the rest: the distortion's group, draft and findings."""
    known = store.recipes.catalogue()
    spec = known[distortion]
    held = store.draft.attribute_set().without_rejected().restricted_to([distortion])
    found = lint(held, known, polarity=partial(sentence_pairs, polarity="not"))
    return Surroundings(
        neighbours=tuple(one for one in known.values() if one.group == spec.group and one != spec),
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
) -> RunResult:
    """Tune, regress and evaluate one version; every photograph is held out exactly once.

    Args:
        version: The frozen attributes.
        config: Everything else that decides the numbers.
        settings: Cache folder, device, hub.
        progress: Told the share done; may raise RunCancelledError.
        recipes: The store's distortion types beside the built-in ones.

    Raises:
        ConfigError: The version lacks a distortion of the configuration, or one has no operator.
        DataError, RunError: Images cannot be made; training diverged or was cancelled.
    """
    started = time.monotonic()
    attributes = _attributes_for(version, config, recipes)
    encoder = load_encoder(config.encoder, settings, seed=config.seed)
    with computing_threads(encoder.threads):
        every = make_data(config, settings, part(progress, 0.0, 0.1), recipes)
        data = _open_images(every, config)
        found = held_out(encoder, attributes, data, config, part(progress, 0.1, 0.8))
        locked = locked_part(encoder, attributes, every, config, part(progress, 0.8, 0.9))
        beside = _baselines(encoder, data, config, recipes, part(progress, 0.9, 1.0))
    save_probabilities(
        probabilities_file(settings, version.hash, config.hash), found,
        version=version.hash, config_hash=config.hash, attributes=attributes,
        target=data.quality, photographs=data.photograph,
    )  # fmt: skip
    truth = data.strengths()
    progress(1.0, "done")
    return RunResult(
        version=version.hash,
        attributes=attributes.hash,
        attribute_count=attributes.size,
        config_hash=config.hash,
        encoder=encoder.facts,
        protocol=_protocol(config, data, encoder.facts.image_size, recipes),
        quality=quality_metrics(data.quality.tolist(), found.quality.tolist()),
        identification=identification_metrics(truth, found.strengths, levels=data.levels),
        all_clean=all_clean(truth, levels=data.levels),
        predictions=_predictions(data, found.quality),
        baselines=beside,
        strength_tables=strength_tables(
            truth, found.strengths, data.photograph,
            distortions=data.distortions, levels=data.levels,
        ),
        locked=locked,
        duration_s=time.monotonic() - started,
        environment=_environment(),
    )  # fmt: skip


def make_data(
    config: RunConfig,
    settings: Settings,
    progress: Progress,
    recipes: tuple[Recipe, ...] = (),
) -> DistortedSet:
    """Return the images of a configuration, distorted now or read from the cache."""
    return distorted_set(
        config.data,
        catalogue(recipes),
        lambda image, distortion, level, seed: apply_distortion(
            image, distortion, level, seed=seed, recipes=recipes
        ),
        cache=settings.cache,
        progress=progress,
    )


def held_out(
    encoder: Encoder,
    attributes: AttributeSet,
    data: DistortedSet,
    config: RunConfig,
    progress: Progress,
) -> HeldOut:
    """Tune and regress on all folds but one, predict that one; until each was held out."""
    pairs, groups = encode_attributes(encoder, attributes, config.tuning.polarity)
    truth = data.strengths()
    folds = photograph_folds(data.photograph, folds=config.split.folds, seed=config.split.seed)
    found = HeldOut.empty(truth, folds=len(folds), attributes=attributes.size)
    for fold, (train, test) in enumerate(folds):
        told = part(progress, fold / len(folds), (fold + 1) / len(folds))
        seed = config.seed + fold
        model = tune(
            encoder, pairs, groups, data.images[train], truth[train], config.tuning,
            seed=seed, progress=told,
        )  # fmt: skip
        seen, unseen = (model.probabilities(data.images[index]) for index in (train, test))
        regressor = fit_regressor(seen, data.quality[train], config.regressor, seed=seed)
        found.probabilities[fold, train], found.probabilities[fold, test] = seen, unseen
        found.fold_of[test] = fold
        found.strengths[test] = model.strengths(unseen)
        found.quality[test] = regressor.predict(unseen)
    return found


def locked_part(
    encoder: Encoder,
    attributes: AttributeSet,
    data: DistortedSet,
    config: RunConfig,
    progress: Progress,
) -> LockedPart | None:
    """Tune and regress once on all open photographs, predict the locked ones; None without any."""
    train, test = locked_photographs(data.photograph, config.split.locked)
    if not len(test):
        return None
    pairs, groups = encode_attributes(encoder, attributes, config.tuning.polarity)
    truth = data.strengths()
    model = tune(
        encoder, pairs, groups, data.images[train], truth[train], config.tuning,
        seed=config.seed, progress=progress,
    )  # fmt: skip
    seen, unseen = (model.probabilities(data.images[index]) for index in (train, test))
    regressor = fit_regressor(seen, data.quality[train], config.regressor, seed=config.seed)
    quality, hidden = regressor.predict(unseen), _only(data, test)
    return LockedPart(
        quality=quality_metrics(hidden.quality.tolist(), quality.tolist()),
        identification=identification_metrics(
            truth[test], model.strengths(unseen), levels=data.levels
        ),
        all_clean=all_clean(truth[test], levels=data.levels),
        predictions=_predictions(hidden, quality),
    )


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


def compare_versions(
    store: Store,
    refs: Sequence[str],
    *,
    config: RunConfig | None = None,
    resamples: int = 10_000,
    kinds: Sequence[SubsetKind] = KINDS,
    quote: Sequence[str] = (),
    locked: bool = False,
) -> Comparison:
    """Compare versions by their runs under one configuration; see `comparable_runs`.

    Whoever shows what comes of it calls `look_at` first.

    Args:
        store: The open store.
        refs: Two or more versions.
        config: The configuration; None takes the newest that all of them have run.
        resamples: Bootstrap resamples of photographs.
        kinds: What the images are divided by for figures within their parts.
        quote: Published tables to stand beside; see `quoted_rows`.
        locked: Compare on the locked photographs instead of the held-out ones.
    """
    runs = comparable_runs(store, refs, config=config)
    labels = [store.versions.get(run.version).label for run in runs]
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


def look_at(store: Store, comparison: Comparison, *, purpose: str, author: str) -> Comparison:
    """Record that a comparison's test figures are shown, and say what that does to its claims.

    Args:
        store: The open store.
        comparison: What is about to be shown.
        purpose: What for, in words ("compare draft, curated").
        author: Who looks.

    Returns:
        The comparison with the count of looks, this one included, and verdicts by that.
    """
    looked = [row.run for row in comparison.rows]
    store.looks.add_all(comparison.test_hash, runs=looked, purpose=purpose, author=author)
    looks = store.looks.list(comparison.test_hash)
    candidates = [store.runs.get(run) for run in dict.fromkeys(one.run for one in looks) if run]
    parts = [part_of(run, comparison.test_hash) for run in candidates]
    return after_looks(comparison, store.looks.count(comparison.test_hash), parts)


def compared_runs(store: Store, comparison: Comparison) -> tuple[Run, ...]:
    """Return the runs of a comparison's rows as seen on its test part, locked or held out."""
    runs = [store.runs.get(row.run) for row in comparison.rows]
    return tuple(part_of(run, comparison.test_hash) for run in runs)


def comparable_runs(
    store: Store, refs: Sequence[str], *, config: RunConfig | None = None
) -> list[Run]:
    """Return one finished run of each version, all under one configuration.

    Args:
        store: The open store.
        refs: Two or more versions.
        config: The configuration; None takes the newest that all of them have run.

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
    if not common:
        names = ", ".join(version.label for version in versions)
        raise ConfigError(
            f"{'That' if config else 'No'} configuration has "
            f"{'not ' if config else ''}been run to its end for all of {names}. "
            "Run each of them with the same experiment: workbench run REF --config FILE."
        )
    newest = max(common, key=lambda key: done[0][key])
    return [store.runs.get(runs[newest]) for runs in done]


def part(progress: Progress, start: float, end: float) -> Progress:
    """Return a progress function whose 0..1 is a part of the whole's."""
    return lambda share, text: progress(start + (end - start) * share, text)


def _baselines(
    encoder: Encoder,
    data: DistortedSet,
    config: RunConfig,
    recipes: tuple[Recipe, ...],
    progress: Progress,
) -> dict[str, QualityMetrics]:
    """Return what simple methods reach on the run's own folds; the tower recalls its crops."""
    folds = photograph_folds(data.photograph, folds=config.split.folds, seed=config.split.seed)
    known = catalogue(recipes)
    found = baselines(
        encoder,
        FoldedData(data.images, data.quality, data.photograph, folds),
        [known[name].name for name in data.distortions],
        views=grid_crops,
        regress=lambda seen, quality, seed: (
            fit_regressor(seen, quality, config.regressor, seed=seed).predict
        ),
        seed=config.seed,
        progress=progress,
    )
    return {name: one.quality for name, one in found.items()}


def _open_images(data: DistortedSet, config: RunConfig) -> DistortedSet:
    """Return the images that folds are made of: all but the locked ones."""
    rows, locked = locked_photographs(data.photograph, config.split.locked)
    return _only(data, rows) if len(locked) else data


def _only(data: DistortedSet, rows: np.ndarray) -> DistortedSet:
    return replace(
        data,
        images=data.images[rows],
        photograph=tuple(data.photograph[row] for row in rows),
        distortion=tuple(data.distortion[row] for row in rows),
        level=tuple(data.level[row] for row in rows),
        quality=data.quality[rows],
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


def _protocol(
    config: RunConfig, data: DistortedSet, crop: int, recipes: tuple[Recipe, ...]
) -> Protocol:
    photographs = len(set(data.photograph))
    where = "photographs of installed packages" if config.data.photographs == "packaged" else (
        f"photographs in {config.data.photographs}"
    )  # fmt: skip
    used = [recipe for recipe in recipes if recipe.id in data.distortions]
    made = "".join(f"; {recipe.id} is {recipe.spec().source}" for recipe in used)
    share = config.split.locked
    apart = f"{share:g} of the photographs locked away, " if share else ""
    size = f"{config.data.width}x{config.data.height} px"
    return Protocol(
        dataset=f"{where}, {size}, distorted at all levels{made}",
        data_hash=data.hash,
        target=f"{LABELS[config.data.quality_metric]} (full-reference weak supervision, no MOS)",
        distortions=data.distortions,
        split=f"{config.split.folds} folds by photograph, each held out once, {apart}"
        f"split seed {config.split.seed}, training seed {config.seed}",
        crop=f"grid of {crop} px crops, probabilities averaged",
        images=len(data.photograph),
        photographs=photographs,
    )


def _predictions(data: DistortedSet, quality: np.ndarray) -> Predictions:
    return Predictions(
        image=data.names,
        photograph=data.photograph,
        distortion=data.distortion,
        level=data.level,
        target=tuple(data.quality.tolist()),
        predicted=tuple(quality.tolist()),
    )


def _environment() -> dict[str, str]:
    libraries = ("torch", "open_clip_torch", "numpy", "scipy", "piq", "opencv-python-headless")
    return {"python": python_version(), **{name: installed(name) for name in libraries}}
