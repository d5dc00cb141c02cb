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
from workbench.domain.run import SplitFigures
from workbench.encoders import load_encoder
from workbench.encoders.protocol import computing_threads
from workbench.evaluation.correlation import quality_metrics
from workbench.evaluation.identification import identification_metrics
from workbench.experiment.data import make_data, open_and_locked
from workbench.experiment.resumable_training import Task
from workbench.settings import Settings
from workbench.training.probabilities import HeldOutPredictions
from workbench.training.regressor import fit_regressor

UNSEEN = -1


def cross_validate(
    task: Task, data: ImageSet, splits: Sequence[Split], progress: Progress
) -> tuple[HeldOutPredictions, tuple[SplitFigures, ...], NDArray[np.intp]]:
    """Tune and regress on each split's training part and predict its test part.

    An image's own prediction is that of the first split that held it out; with grouped folds that
    is the first repeat. What later splits say of it is in their own figures.

    Args:
        task: What is trained with.
        data: The open images.
        splits: In the order in which they are taken.
        progress: Told the share done.

    Returns:
        What the splits gave, over the images that were ever held out; figures of each split; and
        the rows of those images.
    """
    fold_of = np.full(len(data), UNSEEN)
    quality, strengths = np.zeros(len(data)), np.zeros_like(data.truth)
    truth = np.zeros_like(data.truth)
    probabilities: list[NDArray[np.float32]] = []
    figures = []
    for number, split in enumerate(splits):
        told = part(progress, number / len(splits), (number + 1) / len(splits))
        outcome = _outcome(task, data, split, number, told)
        figures.append(outcome.figures(split, data))
        first = fold_of[split.test] == UNSEEN
        if first.any():
            own = split.test[first]
            quality[own], strengths[own] = outcome.quality[first], outcome.strengths[first]
            truth[own], fold_of[own] = outcome.truth[first], len(probabilities)
            probabilities.append(outcome.probabilities)
    tested = np.flatnonzero(fold_of != UNSEEN)
    found = HeldOutPredictions(
        strengths=strengths[tested],
        truth=truth[tested],
        quality=quality[tested],
        probabilities=np.stack(probabilities)[:, tested],
        fold_of=fold_of[tested],
    )
    return found, tuple(figures), tested


@dataclass(frozen=True)
class _Outcome:
    """What one split gave.

    Attributes:
        quality: Predicted quality of the n images of its test part, (n,).
        strengths, truth: Their predicted and true strengths, (n, D).
        probabilities: Of all images, (N, A); 0 for those in no part of the split.
    """

    quality: NDArray[np.float64]
    strengths: NDArray[np.float32]
    truth: NDArray[np.float32]
    probabilities: NDArray[np.float32]

    def figures(self, split: Split, data: ImageSet) -> SplitFigures:
        return SplitFigures(
            name=split.name,
            images=len(split.test),
            quality=quality_metrics(data.quality[split.test].tolist(), self.quality.tolist()),
            identification=identification_metrics(self.truth, self.strengths, levels=data.levels),
        )


def _outcome(task: Task, data: ImageSet, split: Split, number: int, progress: Progress) -> _Outcome:
    """Tune and regress on a split's training part, and predict its test part."""
    seed = task.config.seed + number
    model = task.tuned(f"split-{number}", data, split.train, split.validation, progress, seed=seed)
    seen, aside, unseen = (
        model.features(ChosenImages(data.images, rows)) for rows in split.parts.values()
    )
    regressor = fit_regressor(
        task.regressed(model, seen), data.quality[split.train], task.config.regressor, seed=seed
    )
    probabilities = np.zeros((len(data), task.attributes.size), dtype=np.float32)
    for rows, some in zip(split.parts.values(), (seen, aside, unseen), strict=True):
        probabilities[rows] = some.probabilities
    return _Outcome(
        quality=regressor.predict(task.regressed(model, unseen)),
        strengths=model.strengths(unseen.probabilities),
        truth=data.strengths(split.train)[split.test],
        probabilities=probabilities,
    )


def retuned_qualities(
    every: Sequence[AttributeSet],
    config: RunConfig,
    *,
    settings: Settings,
    recipes: tuple[Recipe, ...],
    progress: Progress,
) -> list[np.ndarray]:
    """Return the held-out quality, (N,), that a run with each attribute set would give.

    Args:
        every: Attributes of the configuration's distortions.
        config: As in the runs that it is compared with.
        settings: Cache folder, device, hub.
        recipes: The store's distortion types beside the built-in ones.
        progress: Told the share done.

    Raises:
        DataError, RunError: Images cannot be made; training diverged or was cancelled.
    """
    encoder = load_encoder(config.encoder, settings, seed=config.seed)
    whole = make_data(config.data, settings, part(progress, 0.0, 0.1), recipes)
    data, _ = open_and_locked(whole, config.split.locked)
    splits, found = run_splits(data, config.split), []
    for place, attributes in enumerate(every):
        start, end = (0.1 + 0.9 * done / len(every) for done in (place, place + 1))
        with computing_threads(encoder.threads), TemporaryDirectory() as folder:
            task = Task.of(
                encoder, attributes, config,
                folder=Path(folder), parent=None, devices=settings.devices, cache=settings.cache,
            )  # fmt: skip
            found.append(cross_validate(task, data, splits, part(progress, start, end))[0].quality)
    return found
