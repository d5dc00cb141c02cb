"""One run of a version: tune, regress and evaluate it; every photograph is held out once."""

import time

from workbench.datasets.splits.run_splits import run_splits
from workbench.domain.attributes import Version
from workbench.domain.canonical import Losses, Progress, no_losses, part
from workbench.domain.config import RunConfig
from workbench.domain.distortion import Recipe
from workbench.domain.run import RunResult, run_key
from workbench.encoders import load_encoder
from workbench.encoders.protocol import computing_threads
from workbench.evaluation.correlation import quality_metrics
from workbench.evaluation.identification import (
    all_clean,
    held_out_strengths,
    identification_metrics,
)
from workbench.evaluation.strength_tables import strength_tables
from workbench.experiment.config_files import attributes_for
from workbench.experiment.cross_validation import cross_validate
from workbench.experiment.data import make_data, open_and_locked, require_disjoint_data
from workbench.experiment.final_model import evaluate_locked, save_run_files, train_final_model
from workbench.experiment.result import (
    baselines_of,
    controls_of,
    environment,
    predictions_of,
    protocol_of,
)
from workbench.experiment.training_plan import TrainingPlan, parent_folder, resumable_trainings
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
    owner: str = "",
    losses: Losses = no_losses,
) -> RunResult:
    """Tune, regress and evaluate one version; every photograph is held out exactly once.

    An interrupted run goes on where it was, to the same figures.

    Args:
        version: The frozen attributes.
        config: Everything else that decides the numbers.
        settings: Cache folder, device, hub.
        progress: Gets the share done; may raise RunCancelledError.
        recipes: The store's distortion types beside the built-in ones.
        afresh: Discard what an interrupted attempt has trained.
        owner: Who sees to it that no two of its processes do the same run, such as a store; an
            earlier process of the same owner that still holds the trainings loses them.
        losses: Gets the losses of its trainings.

    Raises:
        ConfigError: The version lacks a distortion of the configuration, or one has no operator.
        DataError, RunError: Images cannot be made; training diverged or was cancelled.
    """
    started = time.monotonic()
    require_disjoint_data(config)
    attributes = attributes_for(version, config, recipes)
    encoder = load_encoder(config.encoder, settings, seed=config.seed)
    key = run_key(version.hash, config.hash)
    with (
        computing_threads(encoder.threads),
        resumable_trainings(settings, key, afresh=afresh, owner=owner) as folder,
    ):
        images = make_data(config.data, settings, part(progress, 0.0, 0.1), recipes)
        data, locked = open_and_locked(images, config.split.locked)
        parent = parent_folder(version, config, settings)
        plan = TrainingPlan(encoder, attributes, config, settings, folder, parent, recipes, losses)
        splits = run_splits(data, config.split)
        validated = cross_validate(plan, data, splits, part(progress, 0.1, 0.7))
        model = train_final_model(plan, data, part(progress, 0.7, 0.8))
        on_other_data = transfers(model, data, part(progress, 0.8, 0.9))
        # Baselines need every image held out exactly once, which published splits do not promise.
        baselines = {} if config.split.published else baselines_of(
            plan, data, data.distortions, part(progress, 0.9, 1.0)
        )  # fmt: skip
        locked_part = evaluate_locked(model, locked)
        progress(0.99, "saving the model")  # asks once more whether this is still our run
        protocol = protocol_of(validated.data, config, crop=encoder.facts.image_size)
        save_run_files(version, model, validated, protocol)
    progress(1.0, "done")
    tested, predicted = validated.data, validated.predictions
    return RunResult(
        version=version.hash,
        attributes=attributes.hash,
        attribute_count=attributes.size,
        config_hash=config.hash,
        encoder=encoder.facts,
        protocol=protocol,
        quality=quality_metrics(tested.quality.tolist(), predicted.quality.tolist()),
        identification=identification_metrics(
            predicted.truth, predicted.strengths, levels=data.levels
        ),
        all_clean=all_clean(predicted.truth, levels=data.levels),
        predictions=predictions_of(tested, predicted.quality),
        baselines=baselines,
        strengths=held_out_strengths(
            predicted.truth, predicted.strengths, distortions=data.distortions, levels=data.levels
        ),
        strength_tables=strength_tables(
            predicted.truth, predicted.strengths, tested.photograph,
            distortions=data.distortions, levels=data.levels,
        ),
        splits=validated.splits,
        transfers=on_other_data,
        controls=controls_of(validated),
        locked=locked_part,
        duration_s=time.monotonic() - started,
        environment=environment(),
    )  # fmt: skip
