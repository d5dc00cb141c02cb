"""The whole project on one screen.

    Distortion -> draft_distortion() -> AttributeSet (draft) -> expert edits -> freeze_version()
      -> Version -> run_version() -> RunResult -> compare_versions() -> Comparison

Each arrow is one function whose argument is the result of the one before.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version as installed
from pathlib import Path
from platform import python_version

import numpy as np

from workbench.datasets.distorted import DistortedSet, distorted_set
from workbench.datasets.generation.generator import GeneratedSet, generate
from workbench.datasets.generation.plan import GeneratorConfig
from workbench.datasets.splits.grouped import photograph_folds
from workbench.datasets.weak_scores import LABELS
from workbench.distortions import (
    apply_distortion,
    apply_sequence,
    catalogue,
    operator_of,
)
from workbench.domain.attributes import Attribute, AttributeSet, Version
from workbench.domain.comparison import Comparison
from workbench.domain.metrics import QualityMetrics
from workbench.domain.recipe import Recipe
from workbench.domain.run import Predictions, Protocol, Run, RunConfig, RunResult
from workbench.drafting.draft import draft_attributes
from workbench.drafting.local_server import LanguageModel
from workbench.encoders import Encoder, load_encoder
from workbench.errors import ConfigError
from workbench.evaluation.baselines import baselines
from workbench.evaluation.comparison import compare_runs
from workbench.evaluation.correlation import quality_metrics
from workbench.evaluation.held_out import FoldedData
from workbench.evaluation.identification import all_clean, identification_metrics
from workbench.settings import Settings
from workbench.store import Store
from workbench.tuning.loop import tune
from workbench.tuning.polarity import encode_attributes
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
) -> tuple[Attribute, ...]:
    """Ask the language model for K attributes; every call is logged, a repeated one recalled."""
    return draft_attributes(
        store.recipes.catalogue()[distortion],
        model,
        template=template,
        k=k,
        seed=seed,
        log=store.calls.add,
        recall=store.calls.find,
    )


def freeze_version(
    store: Store,
    attributes: AttributeSet,
    *,
    message: str,
    author: str,
    parent: str | None = None,
    alias: str | None = None,
) -> Version:
    """Freeze a set of attributes for known distortions; the same content is the same version."""
    known = store.recipes.catalogue()
    for distortion in attributes.distortions:
        known[distortion]  # raises UnknownNameError with the name that was meant
    return store.versions.freeze(
        attributes, message=message, author=author, parent=parent, alias=alias
    )


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
        data = make_data(config, settings, part(progress, 0.0, 0.1), recipes)
        found = held_out(encoder, attributes, data, config, part(progress, 0.1, 0.9))
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
        duration_s=time.monotonic() - started,
        environment=_environment(),
    )


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
) -> Comparison:
    """Compare versions by their runs under one configuration; see `comparable_runs`."""
    runs = comparable_runs(store, refs, config=config)
    labels = [store.versions.get(run.version).label for run in runs]
    return compare_runs(runs, labels, resamples=resamples)


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
    size = f"{config.data.width}x{config.data.height} px"
    return Protocol(
        dataset=f"{where}, {size}, distorted at all levels{made}",
        data_hash=data.hash,
        target=f"{LABELS[config.data.quality_metric]} (full-reference weak supervision, no MOS)",
        distortions=data.distortions,
        split=f"{config.split.folds} folds by photograph, each held out once, "
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
