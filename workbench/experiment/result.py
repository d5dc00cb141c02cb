"""What of a run goes into its result: terms, predictions, baselines, libraries."""

from importlib.metadata import version as installed
from platform import python_version

import numpy as np

from workbench.datasets.image_set import ImageSet
from workbench.datasets.splits.grouped import photograph_folds
from workbench.distortions import catalogue
from workbench.domain.canonical import Progress
from workbench.domain.config import RunConfig
from workbench.domain.distortion import Recipe
from workbench.domain.metrics import QualityMetrics
from workbench.domain.run import Predictions, Protocol
from workbench.encoders import Encoder
from workbench.evaluation.baselines import baselines
from workbench.evaluation.image_metrics import offered_metrics
from workbench.evaluation.refit import FoldedData
from workbench.training.crops import grid_crops
from workbench.training.regressor import fit_regressor


def protocol_of(data: ImageSet, config: RunConfig, *, crop: int) -> Protocol:
    """Return the terms under which a run's figures stand.

    Args:
        data: The open images.
        config: Splits and seeds.
        crop: Side of a view in pixels.
    """
    return Protocol(
        dataset=data.dataset,
        data_hash=data.hash,
        target=data.target,
        distortions=data.distortions,
        split=_split_words(config),
        crop=f"grid of {crop} px crops, probabilities averaged",
        images=len(data),
        photographs=len(set(data.photograph)),
    )


def _split_words(config: RunConfig) -> str:
    split = config.split
    apart = f"{split.locked:g} of the photographs locked away, " if split.locked else ""
    if split.published is not None:
        return f"published splits in {split.published}, {apart}training seed {config.seed}"
    times = f", {split.repeats} times" if split.repeats > 1 else ""
    stop = f"{split.validation:g} of the rest for validation, " if split.validation else ""
    return (
        f"{split.folds} folds by photograph, each held out once{times}, {apart}{stop}"
        f"split seed {split.seed}, training seed {config.seed}"
    )


def predictions_of(data: ImageSet, quality: np.ndarray) -> Predictions:
    """Return predicted quality, (N,), beside what is known of the N images."""
    return Predictions(
        image=data.names,
        photograph=data.photograph,
        distortion=data.distortion,
        level=data.level,
        target=tuple(data.quality.tolist()),
        predicted=tuple(quality.tolist()),
    )


def baselines_of(
    encoder: Encoder,
    data: ImageSet,
    distortions: tuple[str, ...],
    config: RunConfig,
    recipes: tuple[Recipe, ...],
    progress: Progress,
) -> dict[str, QualityMetrics]:
    """Return what simple methods reach on grouped folds; the tower recalls its crops.

    Args:
        encoder: The untuned encoder.
        data: Images and quality.
        distortions: Ids of the distortions whose names are asked for.
        config: Folds, seed and regressor.
        recipes: The store's distortion types beside the built-in ones.
        progress: Told the share done.
    """
    known = catalogue(recipes)
    folds = photograph_folds(data.photograph, folds=config.split.folds, seed=config.split.seed)
    found = baselines(
        encoder,
        FoldedData(data.images, data.quality, data.photograph, folds),
        [known[name].name for name in distortions],
        crops=grid_crops,
        regress=lambda seen, quality, seed: (
            fit_regressor(seen, quality, config.regressor, seed=seed).predict
        ),
        seed=config.seed,
        progress=progress,
        further=offered_metrics(),
    )
    return {name: one.quality for name, one in found.items()}


def environment() -> dict[str, str]:
    """Return the versions of the libraries that decide the numbers."""
    libraries = ("torch", "open_clip_torch", "numpy", "scipy", "piq", "opencv-python-headless")
    return {"python": python_version(), **{name: installed(name) for name in libraries}}
