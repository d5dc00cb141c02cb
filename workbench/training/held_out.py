"""Every image predicted by a model that never saw its photograph, split by split."""

from collections.abc import Sequence

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
    images, attributes = len(data), task.attributes.size
    predicted, strengths = np.zeros(images), np.zeros_like(data.truth)
    truth, fold_of = np.zeros_like(data.truth), np.full(images, UNSEEN)
    figures: list[SplitFigures] = []
    probabilities: list[NDArray[np.float32]] = []
    for number, split in enumerate(splits):
        told = part(progress, number / len(splits), (number + 1) / len(splits))
        seed = task.config.seed + number
        model = task.tuned(f"split-{number}", data, split.train, split.validation, told, seed=seed)
        seen, unseen = (
            model.features(ChosenImages(data.images, rows)) for rows in (split.train, split.test)
        )
        regressor = fit_regressor(
            task.regressed(model, seen), data.quality[split.train], task.config.regressor, seed=seed
        )
        quality = regressor.predict(task.regressed(model, unseen))
        told_strengths, levels = model.strengths(unseen.probabilities), data.strengths(split.train)
        figures.append(
            SplitFigures(
                name=split.name,
                images=len(split.test),
                quality=quality_metrics(data.quality[split.test].tolist(), quality.tolist()),
                identification=identification_metrics(
                    levels[split.test], told_strengths, levels=data.levels
                ),
            )
        )
        first = fold_of[split.test] == UNSEEN
        if not first.any():
            continue
        own = split.test[first]
        predicted[own], strengths[own] = quality[first], told_strengths[first]
        truth[own], fold_of[own] = levels[own], len(probabilities)
        rows = np.zeros((images, attributes), dtype=np.float32)
        rows[split.train], rows[split.test] = seen.probabilities, unseen.probabilities
        kept = ChosenImages(data.images, split.validation)
        rows[split.validation] = model.probabilities(kept)
        probabilities.append(rows)
    tested = np.flatnonzero(fold_of != UNSEEN)
    found = HeldOut(
        strengths=strengths[tested],
        truth=truth[tested],
        quality=predicted[tested],
        probabilities=np.stack(probabilities)[:, tested],
        fold_of=fold_of[tested],
    )
    return found, tuple(figures), tested
