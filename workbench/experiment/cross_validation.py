"""Every image predicted by a model that never saw its photograph, split by split."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from workbench.datasets.image_set import ChosenImages, ImageSet
from workbench.datasets.splits.run_splits import run_splits
from workbench.datasets.splits.split import Split
from workbench.domain.attributes import AttributeSet
from workbench.domain.canonical import Progress, part
from workbench.domain.config import RunConfig
from workbench.domain.distortion import Recipe
from workbench.domain.run import ControlName, SplitFigures
from workbench.encoders import load_encoder
from workbench.encoders.protocol import computing_threads
from workbench.evaluation.correlation import quality_metrics
from workbench.evaluation.identification import identification_metrics
from workbench.experiment.controls import Controls, HeldOutControl
from workbench.experiment.data import make_data, open_and_locked
from workbench.experiment.training_plan import TrainingPlan
from workbench.inference.unlikeness import TrainingImages, picture_statistics
from workbench.settings import Settings
from workbench.training.refit_inputs import HeldOutPredictions

NO_FOLD = -1


@dataclass(frozen=True)
class CrossValidated:
    """What cross-validation gave.

    Attributes:
        data: The images that were ever held out; with published splits these may not be all.
        predictions: Of these images, in that order.
        splits: Figures of each split's test part.
        controls: What other sentences predict of the images, by name and draw.
        apart: How far they lie from the training images of the fold that held them out, (N, 2).
        statistics: Of all open images, held out or not; see `picture_statistics`.
    """

    data: ImageSet
    predictions: HeldOutPredictions
    splits: tuple[SplitFigures, ...]
    controls: dict[tuple[ControlName, int], HeldOutControl]
    apart: NDArray[np.float64]
    statistics: NDArray[np.float64]


@dataclass(frozen=True)
class _SplitPredictions:
    """What one split's model predicted.

    Attributes:
        quality: Of the n images of its test part, (n,).
        strengths, truth: Their predicted and true strengths, (n, D).
        inputs: What the regressor reads of the attributes of all images in V views, (N, V, A); 0
            for those in no part of the split.
        controls: What other sentences predict of the test part.
        apart: How far the test part lies from the training part, (n, 2); see `TrainingImages`.
    """

    quality: NDArray[np.float64]
    strengths: NDArray[np.float32]
    truth: NDArray[np.float32]
    inputs: NDArray[np.float32]
    controls: dict[tuple[ControlName, int], HeldOutControl]
    apart: NDArray[np.float64]


def cross_validate(
    plan: TrainingPlan, data: ImageSet, splits: Sequence[Split], progress: Progress
) -> CrossValidated:
    """Tune and regress on each split's training part and predict its test part.

    An image's prediction is that of the first split that held it out; with grouped folds that is
    the first repeat. What later splits predict of it is in their own figures.
    """
    controls = Controls.of(plan)
    by_control = {
        key: HeldOutControl(np.zeros(len(data)), np.zeros_like(data.truth)) for key in controls.sets
    }
    fold_of = np.full(len(data), NO_FOLD)
    quality, strengths = np.zeros(len(data)), np.zeros_like(data.truth)
    truth = np.zeros_like(data.truth)
    inputs: list[NDArray[np.float32]] = []
    statistics = np.stack([picture_statistics(image) for image in data.images])
    apart = np.zeros((len(data), 2))
    figures = []
    for number, split in enumerate(splits):
        of_split = part(progress, number / len(splits), (number + 1) / len(splits))
        predicted = _predict_split(plan, controls, data, statistics, split, number, of_split)
        figures.append(_split_figures(predicted, split, data))
        first = fold_of[split.test] == NO_FOLD
        if first.any():
            rows = split.test[first]
            quality[rows], strengths[rows] = predicted.quality[first], predicted.strengths[first]
            truth[rows], fold_of[rows] = predicted.truth[first], len(inputs)
            apart[rows] = predicted.apart[first]
            inputs.append(predicted.inputs)
            for key, control in predicted.controls.items():
                by_control[key].quality[rows] = control.quality[first]
                by_control[key].strengths[rows] = control.strengths[first]
    tested = np.flatnonzero(fold_of != NO_FOLD)
    predictions = HeldOutPredictions(
        strengths=strengths[tested],
        truth=truth[tested],
        quality=quality[tested],
        inputs=np.stack(inputs)[:, tested],
        fold_of=fold_of[tested],
    )
    held_out = {
        key: HeldOutControl(control.quality[tested], control.strengths[tested])
        for key, control in by_control.items()
    }
    return CrossValidated(
        data.only(tested), predictions, tuple(figures), held_out, apart[tested], statistics
    )


def _predict_split(
    plan: TrainingPlan,
    controls: Controls,
    data: ImageSet,
    statistics: NDArray[np.float64],
    split: Split,
    number: int,
    progress: Progress,
) -> _SplitPredictions:
    """Tune and regress on a split's training part, and predict its test part."""
    seed = plan.config.seed + number
    model = plan.tune(f"split-{number}", data, split.train, split.validation, progress, seed=seed)
    beside = controls.beside(model)
    read = {
        name: plan.features(beside, ChosenImages(data.images, rows))
        for name, rows in split.parts.items()
    }
    parts = {name: controls.own(features) for name, features in read.items()}
    train, test = (plan.regressor_inputs(model, parts[name]) for name in ("train", "test"))
    regressor = plan.fit_regressor(
        train, data.quality[split.train], seed=seed, name=f"split-{number}"
    )
    inputs = np.zeros((len(data), *parts["train"].inputs.shape[1:]), dtype=np.float32)
    for name, rows in split.parts.items():
        inputs[rows] = parts[name].inputs
    known = TrainingImages.of(statistics[split.train], parts["train"].embeddings)
    quality, learned = regressor.predict(test), data.quality[split.train]
    return _SplitPredictions(
        quality=quality,
        strengths=model.strengths(parts["test"].probabilities),
        truth=data.strengths(split.train)[split.test],
        inputs=inputs,
        controls=controls.predict(model, read["train"], read["test"], learned, quality, seed=seed),
        apart=known.distances(statistics[split.test], parts["test"].embeddings),
    )


def _split_figures(predicted: _SplitPredictions, split: Split, data: ImageSet) -> SplitFigures:
    target = data.quality[split.test].tolist()
    return SplitFigures(
        name=split.name,
        images=len(split.test),
        quality=quality_metrics(target, predicted.quality.tolist()),
        identification=identification_metrics(
            predicted.truth, predicted.strengths, levels=data.levels
        ),
    )


def retuned_qualities(
    attribute_sets: Sequence[AttributeSet],
    config: RunConfig,
    *,
    settings: Settings,
    recipes: tuple[Recipe, ...],
    progress: Progress,
) -> list[np.ndarray]:
    """Return the held-out quality, (N,), that a run with each attribute set would give.

    The sets have the configuration's distortions. Raises what `run_version` does.
    """
    config = config.model_copy(update={"controls": False})
    encoder = load_encoder(config.encoder, settings, seed=config.seed)
    images = make_data(config.data, settings, part(progress, 0.0, 0.1), recipes)
    data, _ = open_and_locked(images, config.split.locked)
    splits, qualities = run_splits(data, config.split), []
    for number, attributes in enumerate(attribute_sets):
        start, end = (0.1 + 0.9 * done / len(attribute_sets) for done in (number, number + 1))
        with computing_threads(encoder.threads), TemporaryDirectory() as folder:
            plan = TrainingPlan(encoder, attributes, config, settings, Path(folder))
            validated = cross_validate(plan, data, splits, part(progress, start, end))
            qualities.append(validated.predictions.quality)
    return qualities
