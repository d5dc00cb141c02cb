"""What a run's regressors read of the attributes, saved so that effects of edits need no tuning."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from workbench.atomic_files import atomic_write
from workbench.domain.attributes import AttributeSet
from workbench.domain.run import Run, run_key
from workbench.errors import CheckpointMismatchError, RunError
from workbench.settings import Settings

FORMAT = "refit-inputs/1"
PROBABILITIES = "attribute-probabilities/1"  # what runs left while crops' probabilities were read
_REMEDY = "run the version again with --again to create it"


@dataclass(frozen=True)
class HeldOutPredictions:
    """What cross-validation predicted of N images.

    Attributes:
        strengths: Predicted strengths, (N, D), each by the fold that held the image out.
        truth: True strengths, (N, D), by the levels of that fold's training part.
        quality: Predicted quality, (N,), float64, by the fold that held the image out.
        inputs: What a regressor reads of the attributes of every image in V views, by every fold's
            tuned tower, (F, N, V, A), float32.
        fold_of: The fold that held each image out, (N,), int64.
    """

    strengths: NDArray[np.float32]
    truth: NDArray[np.float32]
    quality: NDArray[np.float64]
    inputs: NDArray[np.float32]
    fold_of: NDArray[np.int64]


@dataclass(frozen=True)
class RefitInputs:
    """What a refit needs of one finished run.

    Attributes:
        attributes: (distortion, phrase) of each of the A columns.
        inputs: (F, N, V, A), float32.
        fold_of: (N,), 0..F-1.
        target: Quality, (N,), float64.
        predicted: The run's held-out quality, (N,), float64.
        photograph: Number of each image's photograph, (N,), 0..G-1.
    """

    attributes: tuple[tuple[str, str], ...]
    inputs: NDArray[np.float32]
    fold_of: NDArray[np.int64]
    target: NDArray[np.float64]
    predicted: NDArray[np.float64]
    photograph: NDArray[np.int64]


def refit_inputs_file(settings: Settings, version: str, config_hash: str) -> Path:
    """Return where the inputs of a version, by its hash, under a configuration lie."""
    return settings.results / "runs" / f"{run_key(version, config_hash)}.safetensors"


def save_refit_inputs(
    file: Path,
    predictions: HeldOutPredictions,
    *,
    version: str,
    config_hash: str,
    attributes: AttributeSet,
    target: NDArray[np.float64],
    photographs: tuple[str, ...],
) -> None:
    """Write a run's inputs for refits atomically; an older file of the run is replaced.

    The version is a hash, the attributes are those of the A columns, and target and photographs
    are those of the N images.

    Raises:
        RunError: The file cannot be written.
    """
    names = [[d, phrase] for d, phrases in attributes.phrases().items() for phrase in phrases]
    facts = {
        "format": FORMAT,
        "version": version,
        "config": config_hash,
        "attributes": json.dumps(names, ensure_ascii=False),
    }
    arrays: dict[str, NDArray[Any]] = {
        "inputs": np.ascontiguousarray(predictions.inputs),
        "fold_of": predictions.fold_of,
        "target": np.asarray(target, dtype=np.float64),
        "predicted": predictions.quality,
        "photograph": np.unique(photographs, return_inverse=True)[1].astype(np.int64),
    }
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(file) as passing:
            save_file(arrays, passing, facts)
    except (OSError, SafetensorError) as fault:
        raise RunError(
            f"The run's inputs for refits cannot be written to {file}: {fault}. "
            "Free some space or make the folder writable, then run the version again."
        ) from fault


def load_refit_inputs(settings: Settings, run: Run) -> RefitInputs:
    """Return the inputs for refits that belong to a finished run.

    Raises:
        RunError: There is no such file, or it is damaged.
        CheckpointMismatchError: The file is of another run: version, configuration, targets or
            predictions differ from the run's.
    """
    file = refit_inputs_file(settings, run.version, run.config.hash)
    if not file.is_file():
        raise RunError(f"Run {run.id} has no inputs for refits in {file}: {_REMEDY}.")
    try:
        with safe_open(file, framework="numpy") as opened:
            facts = opened.metadata() or {}
            arrays = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as fault:
        raise RunError(f"{file} is damaged ({fault}): {_REMEDY}.") from fault
    if facts.get("format") == PROBABILITIES and "probabilities" in arrays:
        facts["format"], arrays["inputs"] = FORMAT, arrays.pop("probabilities")[:, :, None]
    _require_of_run(file, facts, arrays, run)
    names = tuple((distortion, phrase) for distortion, phrase in json.loads(facts["attributes"]))
    return RefitInputs(attributes=names, **arrays)


def _require_of_run(
    file: Path, facts: dict[str, str], arrays: dict[str, NDArray[np.generic]], run: Run
) -> None:
    expected = {"format": FORMAT, "version": run.version, "config": run.config.hash}
    for name, value in expected.items():
        if (stated := facts.get(name)) != value:
            raise CheckpointMismatchError(
                f"{file} is of another run: its {name} is {stated}, not {value}: {_REMEDY}."
            )
    predictions = run.result.predictions if run.result else None
    for name in ("target", "predicted"):
        if predictions is None or not np.array_equal(arrays[name], getattr(predictions, name)):
            raise CheckpointMismatchError(
                f"{file} is not of run {run.id}, whose {name} quality differs: {_REMEDY}."
            )
