"""Held-out quality of attribute sets that are no versions, tuned for a question and not kept."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from workbench.datasets.splits.run_splits import run_splits
from workbench.domain.attributes import AttributeSet
from workbench.domain.config import RunConfig
from workbench.domain.progress import Progress, part
from workbench.domain.recipe import Recipe
from workbench.encoders import load_encoder
from workbench.settings import Settings
from workbench.training.held_out import held_out
from workbench.training.images import make_data, open_and_locked
from workbench.training.task import Task
from workbench.tuning.threads import computing_threads


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
            found.append(held_out(task, data, splits, part(progress, start, end))[0].quality)
    return found
