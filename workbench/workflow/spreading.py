"""Work over many items, here in several processes or on a Ray cluster: the same answer anywhere."""

import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from workbench.datasets.generation.parallel import Each, each_in_parallel
from workbench.datasets.photographs import readable_name
from workbench.domain.image_score import Score
from workbench.inference import QualityModel, load_model
from workbench.inference.quality_model import batches
from workbench.settings import Settings

Place = Literal["local", "ray"]


def spread(
    place: Place, *, address: str | None = None, workers: int | None = None
) -> AbstractContextManager[Each]:
    """Return what applies a function to many items.

    Args:
        place: Processes of this machine, or a Ray cluster.
        address: Of the cluster, "HOST:PORT"; None starts one here.
        workers: How many at a time; None for one on each core.

    Raises:
        ConfigError: Ray is not installed, or there is no cluster at the address.
    """
    if place == "local":
        return nullcontext(partial(each_in_parallel, workers=workers or os.cpu_count() or 1))
    from workbench.queue.ray_executor import each_on_ray

    return each_on_ray(address, at_once=workers)


def score_over(
    each: Each, model: Path, images: Iterable[str], settings: Settings
) -> Iterator[Score]:
    """Yield the scores of images, and of those in folders, in the order of `score_all`.

    Args:
        each: Does the work.
        model: Folder of the model, absolute; every machine must find it and the images.
        images: Files and folders.
        settings: Device and hub; its key stays here.

    Raises:
        DataError: What `score_all` would raise.
    """
    scorer = _Scorer(model, settings.model_copy(update={"api_key": None}))
    names = (
        [(name, str(Path(name).absolute())) for name in map(str, together)]
        for together in batches(images)
    )
    done: dict[int, list[Score]] = {}
    following = 0
    for number, scores in each(scorer, enumerate(names)):
        done[number] = scores
        while following in done:
            yield from done.pop(following)
            following += 1


_models: dict[Path, QualityModel] = {}  # of this process


@dataclass(frozen=True)
class _Scorer:
    """Scores a numbered batch; the model is read once by each process."""

    model: Path
    settings: Settings

    def __call__(self, batch: tuple[int, list[tuple[str, str]]]) -> tuple[int, list[Score]]:
        number, files = batch
        if self.model not in _models:
            _models.clear()
            _models[self.model] = load_model(self.model, self.settings)
        scores = _models[self.model].score_all([file for _, file in files])
        return number, [
            score.model_copy(update={"image": readable_name(name)})
            for (name, _), score in zip(files, scores, strict=True)
        ]
