"""One run of a version: tune, regress and evaluate it; every photograph is held out once."""

import time

from workbench.datasets.splits.run_splits import run_splits
from workbench.domain.attributes import Version
from workbench.domain.canonical import Progress, part
from workbench.domain.config import RunConfig
from workbench.domain.distortion import Recipe
from workbench.domain.run import RunResult, run_key
from workbench.encoders import load_encoder
from workbench.encoders.protocol import computing_threads
from workbench.evaluation.correlation import quality_metrics
from workbench.evaluation.identification import all_clean, identification_metrics
from workbench.evaluation.strength_tables import strength_tables
from workbench.experiment.config_files import attributes_for
from workbench.experiment.cross_validation import cross_validate
from workbench.experiment.data import make_data, open_and_locked, require_disjoint_data
from workbench.experiment.final_model import evaluate_locked, keep, train_final_model
from workbench.experiment.result import baselines_of, environment, predictions_of, protocol_of
from workbench.experiment.resumable_training import Task, parent_folder, resumable_trainings
from workbench.experiment.transfer import transfers
from workbench.settings import Settings


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
    require_disjoint_data(config)
    attributes = attributes_for(version, config, recipes)
    key = run_key(version.hash, config.hash)
    encoder = load_encoder(config.encoder, settings, seed=config.seed)
    with (
        computing_threads(encoder.threads),
        resumable_trainings(settings, key, afresh=afresh) as folder,
    ):
        every = make_data(config.data, settings, part(progress, 0.0, 0.1), recipes)
        data, locked = open_and_locked(every, config.split.locked)
        parent = parent_folder(version, config, settings)
        task = Task.of(
            encoder, attributes, config,
            folder=folder, parent=parent, devices=settings.devices, cache=settings.cache,
        )  # fmt: skip
        splits = run_splits(data, config.split)
        found, figures, tested = cross_validate(task, data, splits, part(progress, 0.1, 0.7))
        model = train_final_model(task, data, part(progress, 0.7, 0.8))
        elsewhere = transfers(model, data, config, settings, recipes, part(progress, 0.8, 0.9))
        shown = data.only(tested)
        beside = {} if config.split.published else baselines_of(
            encoder, data, data.distortions, config, recipes, part(progress, 0.9, 1.0)
        )  # fmt: skip
        apart = evaluate_locked(model, data, locked)
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
