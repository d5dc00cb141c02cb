"""The model of a run: trained once on all open images, to score what comes, and kept."""

from dataclasses import dataclass

import numpy as np

from workbench.datasets.image_set import ImageSet
from workbench.datasets.splits.grouped import set_apart
from workbench.domain.attributes import Version
from workbench.domain.canonical import Progress
from workbench.domain.config import RunConfig
from workbench.domain.run import LockedPart, Protocol
from workbench.evaluation.correlation import quality_metrics
from workbench.evaluation.identification import all_clean, identification_metrics
from workbench.experiment.result import predictions_of
from workbench.experiment.resumable_training import Task
from workbench.inference.model_files import model_folder, save_model
from workbench.settings import Settings
from workbench.training.probabilities import (
    HeldOutPredictions,
    probabilities_file,
    save_probabilities,
)
from workbench.training.regressor import Regressor, fit_regressor
from workbench.training.tuned_model import Features, TunedModel


@dataclass(frozen=True)
class FinalModel:
    """A tuned tower and its regressor, both trained on all open images.

    Attributes:
        task: What it was trained with.
        tuned: The tower with its head.
        regressor: From what the configuration gives it to quality.
        absent: Mean probability of each attribute over the clean open images, (A,); over all of
            them where none is clean.
    """

    task: Task
    tuned: TunedModel
    regressor: Regressor
    absent: np.ndarray

    def quality(self, seen: Features) -> np.ndarray:
        """Return quality, (N,), of the features of N images."""
        return self.regressor.predict(self.task.regressed(self.tuned, seen))


def train_final_model(task: Task, data: ImageSet, progress: Progress) -> FinalModel:
    """Tune and regress once on all open images.

    Args:
        task: What is trained with.
        data: The open images.
        progress: Told the share done.
    """
    rows, config = np.arange(len(data)), task.config
    held = np.zeros(len(data), dtype=bool)
    if config.split.validation:
        chosen = set_apart(data.photograph, config.split.validation, config.split.seed)
        held = np.isin(np.array(data.photograph), list(chosen))
    tuned = task.tuned("whole", data, rows[~held], rows[held], progress, seed=config.seed)
    seen = tuned.features(data.images)
    regressor = fit_regressor(
        task.regressed(tuned, seen), data.quality, config.regressor, seed=config.seed
    )
    clean = data.strengths().max(1) == 0
    absent = seen.probabilities[clean if clean.any() else slice(None)].mean(0)
    return FinalModel(task, tuned, regressor, absent)


def evaluate_locked(model: FinalModel, data: ImageSet, locked: ImageSet) -> LockedPart | None:
    """Return the figures on the locked photographs; None without any.

    Args:
        model: Trained on all open images.
        data: All images, open and locked.
        locked: The locked ones.
    """
    if not len(locked):
        return None
    seen = model.tuned.features(locked.images)
    quality, truth = model.quality(seen), locked.strengths()
    return LockedPart(
        quality=quality_metrics(locked.quality.tolist(), quality.tolist()),
        identification=identification_metrics(
            truth, model.tuned.strengths(seen.probabilities), levels=data.levels
        ),
        all_clean=all_clean(truth, levels=data.levels),
        predictions=predictions_of(locked, quality),
    )


def keep(
    settings: Settings,
    version: Version,
    config: RunConfig,
    model: FinalModel,
    found: HeldOutPredictions,
    shown: ImageSet,
    terms: Protocol,
) -> None:
    """Keep what scoring and attribution need of a run.

    Args:
        settings: Says where results lie.
        version: What was run.
        config: Under which configuration.
        model: Trained on all open images.
        found: What the splits gave.
        shown: The images that they were held out of, in that order.
        terms: Of these images.

    Raises:
        RunError: A file cannot be written.
    """
    attributes = model.task.attributes
    save_probabilities(
        probabilities_file(settings, version.hash, config.hash), found,
        version=version.hash, config_hash=config.hash, attributes=attributes,
        target=shown.quality, photographs=shown.photograph,
    )  # fmt: skip
    save_model(
        model_folder(settings, version.hash, config.hash), model.tuned, model.regressor,
        absent=model.absent, version=version, attributes=attributes, config=config, protocol=terms,
    )  # fmt: skip
