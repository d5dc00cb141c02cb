"""What of a run goes into its result: terms, predictions, baselines, libraries."""

from importlib.metadata import version as installed
from platform import python_version

import numpy as np

from workbench.datasets.image_set import ImageSet
from workbench.datasets.splits.grouped import photograph_folds
from workbench.distortions import catalogue
from workbench.domain.canonical import Progress
from workbench.domain.config import RunConfig
from workbench.domain.metrics import QualityMetrics
from workbench.domain.run import Control, Predictions, Protocol
from workbench.evaluation.baselines import baselines, offered_metrics
from workbench.evaluation.correlation import quality_metrics
from workbench.evaluation.identification import identification_metrics, packed
from workbench.evaluation.refit import FoldedData
from workbench.experiment.cross_validation import CrossValidated
from workbench.experiment.training_plan import TrainingPlan
from workbench.training.crops import grid_crops, whole_view


def protocol_of(data: ImageSet, config: RunConfig, *, crop: int) -> Protocol:
    """Return the terms of figures on some images; a crop has so many pixels a side."""
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
    # Stored in results, and compared: two protocols are ranked together only if they are equal.
    split = config.split
    locked = f"{split.locked:g} of the photographs locked away, " if split.locked else ""
    if split.published is not None:
        return f"published splits in {split.published}, {locked}training seed {config.seed}"
    times = f", {split.repeats} times" if split.repeats > 1 else ""
    stop = f"{split.validation:g} of the rest for validation, " if split.validation else ""
    return (
        f"{split.folds} folds by photograph, each held out once{times}, {locked}{stop}"
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
    plan: TrainingPlan, data: ImageSet, distortions: tuple[str, ...], progress: Progress
) -> dict[str, QualityMetrics]:
    """Return what simple methods reach on grouped folds; one uses the distortions' names."""
    config, known = plan.config, catalogue(plan.recipes)
    folds = photograph_folds(data.photograph, folds=config.split.folds, seed=config.split.seed)
    results = baselines(
        plan.encoder,
        FoldedData(data.images, data.quality, data.photograph, folds),
        [known[name].name for name in distortions],
        crops=grid_crops,
        whole=whole_view if config.regressor.reads_whole_image else None,
        regress=lambda inputs, quality, seed: (
            plan.fit_regressor(inputs, quality, seed=seed).predict
        ),
        seed=config.seed,
        progress=progress,
        further=offered_metrics(),
    )
    return {name: result.quality for name, result in results.items()}


MOST_CELLS = 1_000_000  # strengths that are kept of a control: some 2 MB


def controls_of(validated: CrossValidated) -> tuple[Control, ...]:
    """Return the figures of the controls, with what they predicted."""
    data, truth = validated.data, validated.predictions.truth
    target = data.quality.tolist()
    return tuple(
        Control(
            name=name,
            draw=draw,
            quality=quality_metrics(target, control.quality.tolist()),
            identification=identification_metrics(truth, control.strengths, levels=data.levels),
            predicted=packed(control.quality[:, None]),
            strengths=(
                packed(control.strengths.astype(np.float16))
                if control.strengths.size <= MOST_CELLS
                else ""
            ),
        )
        for (name, draw), control in validated.controls.items()
    )


def environment() -> dict[str, str]:
    """Return the versions of the libraries that decide the numbers."""
    libraries = ("torch", "open_clip_torch", "numpy", "scipy", "piq", "opencv-python-headless")
    return {"python": python_version(), **{name: installed(name) for name in libraries}}
