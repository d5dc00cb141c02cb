"""The model of a run: refitted once on all open images, saved, and scored on the locked ones."""

from dataclasses import dataclass

import numpy as np

from workbench.datasets.image_set import ImageSet
from workbench.datasets.splits.grouped import set_apart
from workbench.domain.attributes import Version
from workbench.domain.canonical import Progress
from workbench.domain.run import LockedPart, Protocol
from workbench.evaluation.correlation import quality_metrics
from workbench.evaluation.identification import (
    all_clean,
    held_out_strengths,
    identification_metrics,
)
from workbench.experiment.cross_validation import CrossValidated
from workbench.experiment.result import predictions_of
from workbench.experiment.training_plan import TrainingPlan
from workbench.inference.model_card import card_of
from workbench.inference.model_files import model_folder, save_model
from workbench.inference.unlikeness import Familiarity, TrainingImages
from workbench.training.refit_inputs import refit_inputs_file, save_refit_inputs
from workbench.training.regressor import Regressor
from workbench.training.tuned_model import Features, TunedModel


@dataclass(frozen=True)
class FinalModel:
    """A tuned tower and its regressor, both trained on all open images.

    Attributes:
        plan: What it was trained with.
        tuned: The tower with its head.
        regressor: From what the configuration lets it read to quality.
        absent: Mean probability of each attribute over the clean open images, (A,); over all of
            them where none is clean.
        absent_inputs: Likewise of what the regressor reads of them in V views, (V, A).
        embeddings: Of all open images, (N, E).
    """

    plan: TrainingPlan
    tuned: TunedModel
    regressor: Regressor
    absent: np.ndarray
    absent_inputs: np.ndarray
    embeddings: np.ndarray

    def quality(self, features: Features) -> np.ndarray:
        """Return quality, (N,), of the features of N images."""
        return self.regressor.predict(self.plan.regressor_inputs(self.tuned, features))


def train_final_model(plan: TrainingPlan, data: ImageSet, progress: Progress) -> FinalModel:
    """Tune and regress once on all open images.

    Early stopping still needs a validation part; the regressor, which stops by nothing, gets all.
    """
    rows, config = np.arange(len(data)), plan.config
    validation = np.zeros(len(data), dtype=bool)
    if config.split.validation:
        photographs = set_apart(data.photograph, config.split.validation, config.split.seed)
        validation = np.isin(np.array(data.photograph), list(photographs))
    # "whole" is what its files have always been called, so that older runs can be resumed.
    tuned = plan.tune(
        "whole", data, rows[~validation], rows[validation], progress, seed=config.seed
    )
    features = plan.features(tuned, data.images)
    inputs = plan.regressor_inputs(tuned, features)
    regressor = plan.fit_regressor(inputs, data.quality, seed=config.seed, name="whole")
    clean = data.strengths().max(1) == 0
    chosen = clean if clean.any() else slice(None)
    return FinalModel(
        plan, tuned, regressor,
        absent=features.probabilities[chosen].mean(0),
        absent_inputs=features.inputs[chosen].mean(0),
        embeddings=features.embeddings,
    )  # fmt: skip


def evaluate_locked(model: FinalModel, locked: ImageSet) -> LockedPart | None:
    """Return the figures on the locked photographs; None without any."""
    if not len(locked):
        return None
    features = model.plan.features(model.tuned, locked.images)
    quality, truth = model.quality(features), locked.strengths()
    strengths = model.tuned.strengths(features.probabilities)
    return LockedPart(
        quality=quality_metrics(locked.quality.tolist(), quality.tolist()),
        identification=identification_metrics(truth, strengths, levels=locked.levels),
        all_clean=all_clean(truth, levels=locked.levels),
        predictions=predictions_of(locked, quality),
        strengths=held_out_strengths(
            truth, strengths, distortions=locked.distortions, levels=locked.levels
        ),
    )


def save_run_files(
    version: Version, model: FinalModel, validated: CrossValidated, protocol: Protocol
) -> None:
    """Save what scoring and the effects of edits need of a run; the protocol is `validated`'s.

    Raises:
        RunError: A file cannot be written.
    """
    attributes, config, settings = model.plan.attributes, model.plan.config, model.plan.settings
    save_refit_inputs(
        refit_inputs_file(settings, version.hash, config.hash), validated.predictions,
        version=version.hash, config_hash=config.hash, attributes=attributes,
        target=validated.data.quality, photographs=validated.data.photograph,
    )  # fmt: skip
    known = TrainingImages.of(validated.statistics, model.embeddings)
    familiarity = Familiarity.of(known, validated.apart)
    card = card_of(model.plan.encoder, version, attributes, config, protocol)
    folder = model_folder(settings, version.hash, config.hash)
    save_model(
        folder, card, model.tuned, model.regressor,
        absent=model.absent, absent_inputs=model.absent_inputs,
        familiarity=familiarity,
    )  # fmt: skip
