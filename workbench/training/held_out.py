"""Every image predicted by a model that never saw its photograph, split by split."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.datasets.image_set import ChosenImages, ImageSet
from workbench.datasets.splits.split import Split
from workbench.domain.progress import Progress, part
from workbench.domain.run import SplitFigures
from workbench.evaluation.correlation import quality_metrics
from workbench.evaluation.identification import identification_metrics
from workbench.training.task import Task
from workbench.tuning.probabilities import HeldOut
from workbench.tuning.regressor import fit_regressor

UNSEEN = -1


def held_out(
    task: Task, data: ImageSet, splits: Sequence[Split], progress: Progress
) -> tuple[HeldOut, tuple[SplitFigures, ...], NDArray[np.intp]]:
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
    found = HeldOut(
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
