"""What of a run goes into its result: terms, predictions, baselines, libraries."""

from contextlib import suppress
from importlib.metadata import version as installed
from platform import python_version

import numpy as np
from pydantic import TypeAdapter

from workbench.atomic_files import atomic_write
from workbench.datasets.image_set import ImageSet
from workbench.datasets.splits.grouped import photograph_folds
from workbench.distortions import catalogue
from workbench.domain.canonical import Progress, content_hash
from workbench.domain.config import RunConfig
from workbench.domain.metrics import QualityMetrics
from workbench.domain.run import Control, Predictions, Protocol
from workbench.encoders.protocol import source_digest
from workbench.evaluation import baselines, brisque, refit
from workbench.evaluation.correlation import quality_metrics
from workbench.evaluation.identification import identification_metrics, packed
from workbench.experiment.cross_validation import CrossValidated
from workbench.experiment.training_plan import TrainingPlan
from workbench.training import crops, regressor

_BASELINES = TypeAdapter(dict[str, QualityMetrics])


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
    """Return what simple methods reach on grouped folds; one uses the distortions' names.

    None reads an attribute, so all versions that run under one configuration share them: they are
    computed once and cached.
    """
    config, known = plan.config, catalogue(plan.recipes)
    folds = photograph_folds(data.photograph, folds=config.split.folds, seed=config.split.seed)
    names, further = [known[name].name for name in distortions], baselines.offered_metrics()
    decided_by = [
        plan.encoder.facts.model_dump(), data.hash, list(data.names), names, config.seed,
        config.split.model_dump(mode="json"), config.regressor.model_dump(mode="json"),
        environment(), source_digest(baselines, brisque, refit, regressor, crops),
    ]  # fmt: skip
    file = plan.settings.cache / "baselines" / f"{content_hash(decided_by)[:32]}.json"
    # A metric of another package may change under its name, as a file of weights may.
    stored = plan.encoder.is_fixed and not further
    if stored:
        with suppress(OSError, ValueError):
            return _BASELINES.validate_json(file.read_bytes())
    results = baselines.baselines(
        plan.encoder,
        refit.FoldedData(data.images, data.quality, data.photograph, folds),
        names,
        crops=crops.grid_crops,
        whole=crops.whole_view if config.regressor.reads_whole_image else None,
        regress=lambda inputs, quality, seed: (
            plan.fit_regressor(inputs, quality, seed=seed).predict
        ),
        seed=config.seed,
        progress=progress,
        further=further,
    )
    figures = {name: result.quality for name, result in results.items()}
    if stored:
        with suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(file) as partial:
                partial.write_bytes(_BASELINES.dump_json(figures))
    return figures


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
