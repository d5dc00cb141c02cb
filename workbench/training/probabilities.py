"""The attribute probabilities of a run, kept so that questions about attributes need no tuning."""

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

FORMAT = "attribute-probabilities/1"
_AGAIN = "run the version again with --again to have it"


@dataclass(frozen=True)
class HeldOutPredictions:
    """What tuning fold by fold gave; row i is image i of the data set.

    Attributes:
        strengths: Predicted strengths, (N, D), each by the fold that held the image out.
        truth: True strengths, (N, D), as that fold's training part tells levels.
        quality: Predicted quality, (N,), float64, likewise.
        probabilities: Of every image by every fold's tuned tower, (F, N, A), float32.
        fold_of: The fold that held each image out, (N,), int64.
    """

    strengths: NDArray[np.float32]
    truth: NDArray[np.float32]
    quality: NDArray[np.float64]
    probabilities: NDArray[np.float32]
    fold_of: NDArray[np.int64]


@dataclass(frozen=True)
class RunProbabilities:
    """The probabilities of one finished run and what a refit needs beside them.

    Attributes:
        attributes: (distortion, phrase) of each of the A columns.
        probabilities: (F, N, A), float32.
        fold_of: (N,), 0..F-1.
        target: Quality, (N,), float64.
        predicted: The run's own held-out quality, (N,), float64.
        photograph: Number of each image's photograph, (N,), 0..G-1.
    """

    attributes: tuple[tuple[str, str], ...]
    probabilities: NDArray[np.float32]
    fold_of: NDArray[np.int64]
    target: NDArray[np.float64]
    predicted: NDArray[np.float64]
    photograph: NDArray[np.int64]


def probabilities_file(settings: Settings, version: str, config_hash: str) -> Path:
    """Return where the probabilities of a version under a configuration lie.

    Example:
        >>> from workbench.settings import read_settings
        >>> probabilities_file(read_settings(), "a" * 64, "b" * 64).name
        'aaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb.safetensors'
    """
    return settings.results / "runs" / f"{run_key(version, config_hash)}.safetensors"


def save_probabilities(
    file: Path,
    found: HeldOutPredictions,
    *,
    version: str,
    config_hash: str,
    attributes: AttributeSet,
    target: NDArray[np.float64],
    photographs: tuple[str, ...],
) -> None:
    """Write a run's probabilities, whole or not at all; an older file of the run is replaced.

    Args:
        file: Where to; see `probabilities_file`.
        found: What tuning gave.
        version: Hash of the version.
        config_hash: Hash of the configuration.
        attributes: The attributes that were used, in the order of the A columns.
        target: Quality of the images, (N,).
        photographs: Photograph of each image, (N,).

    Raises:
        RunError: The file cannot be written.
    """
    names = [[d, phrase] for d, some in attributes.phrases().items() for phrase in some]
    facts = {"format": FORMAT, "version": version, "config": config_hash}
    arrays: dict[str, NDArray[Any]] = {
        "probabilities": np.ascontiguousarray(found.probabilities),
        "fold_of": found.fold_of,
        "target": np.asarray(target, dtype=np.float64),
        "predicted": found.quality,
        "photograph": np.unique(photographs, return_inverse=True)[1].astype(np.int64),
    }
    facts["attributes"] = json.dumps(names, ensure_ascii=False)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(file) as passing:
            save_file(arrays, passing, facts)
    except (OSError, SafetensorError) as fault:
        raise RunError(
            f"The run's attribute probabilities cannot be written to {file}: {fault}. "
            "Make room or the folder writable, then run the version again."
        ) from fault


def load_probabilities(settings: Settings, run: Run) -> RunProbabilities:
    """Return the probabilities that belong to a finished run.

    Args:
        settings: Says where results lie.
        run: The run, with its result.

    Raises:
        RunError: There is no such file, or it is damaged.
        CheckpointMismatchError: The file is of another run: version, configuration, targets or
            predictions differ from the run's.
    """
    file = probabilities_file(settings, run.version, run.config.hash)
    if not file.is_file():
        raise RunError(f"Run {run.id} has no attribute probabilities in {file}: {_AGAIN}.")
    try:
        with safe_open(file, framework="numpy") as opened:
            facts = opened.metadata() or {}
            arrays = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as fault:
        raise RunError(f"{file} is damaged ({fault}): {_AGAIN}.") from fault
    _require_of_run(file, facts, arrays, run)
    names = tuple((distortion, phrase) for distortion, phrase in json.loads(facts["attributes"]))
    return RunProbabilities(attributes=names, **arrays)


def _require_of_run(
    file: Path, facts: dict[str, str], arrays: dict[str, NDArray[np.generic]], run: Run
) -> None:
    expected = {"format": FORMAT, "version": run.version, "config": run.config.hash}
    for name, value in expected.items():
        if facts.get(name) != value:
            raise CheckpointMismatchError(
                f"{file} is of another run: its {name} is {facts.get(name)}, not {value}: {_AGAIN}."
            )
    told = run.result.predictions if run.result else None
    for name in ("target", "predicted"):
        if told is None or not np.array_equal(arrays[name], getattr(told, name)):
            raise CheckpointMismatchError(
                f"{file} is not of run {run.id}, whose {name} quality differs: {_AGAIN}."
            )
