"""A saved model on disk: `model.json` and `model.safetensors`, written atomically.

    save_model(folder, card, tuned, regressor, absent=…, absent_inputs=…)   # at the end of a run
    read_model(folder)                                                      # card and tensors

Weights only: nothing is ever unpickled. The card names the SHA-256 of the weights, and the weights
hold the SHA-256 of the rest of the card, so that neither can be changed without the other.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import ValidationError
from safetensors.torch import save
from torch import Tensor

from workbench.atomic_files import atomic_folder
from workbench.domain.canonical import content_hash, fault_words, short_repr
from workbench.domain.config import STORED
from workbench.domain.run import Run, run_key
from workbench.encoders.protocol import checked_tensors
from workbench.errors import (
    CheckpointMismatchError,
    ConfigError,
    InvalidConfigError,
    RunError,
    ShapeError,
)
from workbench.inference.model_card import FORMAT, ModelCard
from workbench.inference.unlikeness import Familiarity, familiarity_of
from workbench.settings import Settings
from workbench.text_files import TextFault, read_file, read_json
from workbench.training.regressor import Regressor
from workbench.training.tuned_model import TunedModel

CARD, WEIGHTS, ONNX = "model.json", "model.safetensors", "model.onnx"
MOST_CARD = 20_000_000  # bytes
_EXACT = (torch.float32, torch.float64)
_NUMBERS = {  # by how a tensor's name begins
    "card": (torch.uint8,),
    "groups": (torch.int64,),
    "familiar": (*_EXACT, torch.float16),
}
REMEDY = "Export the model again."


def model_folder(settings: Settings, version: str, config_hash: str) -> Path:
    """Return where the model of a version, by its hash, under a configuration lies."""
    return settings.results / "models" / run_key(version, config_hash)


def run_folder(settings: Settings, run: Run) -> Path:
    """Return the folder of a run's model.

    Raises:
        RunError: The run has left none.
        CheckpointMismatchError: What lies there is of another version or configuration.
    """
    folder = model_folder(settings, run.version, run.config.hash)
    if run.status != "done":
        raise RunError(f"Run {run.id} is {run.status}, so it has no model. Take one that is done.")
    if not folder.is_dir():
        raise RunError(f"Run {run.id} has no model in {folder}: run it again with --again.")
    card = _read_card(folder / CARD)
    for name, value in (("version", run.version), ("config_hash", run.config.hash)):
        if card.get(name) != value:
            raise CheckpointMismatchError(
                f"{folder} is of another run: its {name} is {card.get(name)}, not {value}: "
                "run it again with --again."
            )
    return folder


def save_model(
    folder: Path,
    card: ModelCard,
    tuned: TunedModel,
    regressor: Regressor,
    *,
    absent: np.ndarray,
    absent_inputs: np.ndarray,
    familiarity: Familiarity | None = None,
) -> None:
    """Write a model; an older one is replaced once the new one is complete.

    Args:
        folder: Where.
        card: What is known about it.
        tuned: The tower with its attributes.
        regressor: From what the card says it reads to quality.
        absent: Mean probability of each attribute over clean images, (A,).
        absent_inputs: Mean of what the regressor reads of each there in V views, (V, A).
        familiarity: What pictures unlike the training images are told by; None where that is
            unknown.

    Raises:
        ShapeError: The card's attributes, the model's columns and `absent` differ in number.
        ConfigError: The folder holds something else.
        RunError: It cannot be written.
    """
    attributes = sum(map(len, card.attributes.values()))
    if not attributes == len(tuned.pairs) == len(absent) == absent_inputs.shape[1]:
        raise ShapeError(
            f"{attributes} attributes, a model of {len(tuned.pairs)} and absent levels of "
            f"{absent.shape} do not fit."
        )
    card = card.model_copy(update={"unlike": familiarity.words() if familiarity else ""})
    tensors = {
        **{f"tuned.{name}": values for name, values in tuned.state().items()},
        **{f"regressor.{name}": values for name, values in regressor.state().items()},
        **{
            f"familiar.{name}": values
            for name, values in (familiarity.state() if familiarity else {}).items()
        },
        "pairs": tuned.pairs,
        "groups": tuned.head.groups,
        "absent": torch.from_numpy(np.asarray(absent, dtype=np.float64)),
        "absent_inputs": torch.from_numpy(np.asarray(absent_inputs, dtype=np.float64)),
        "card": _digest(_without_weights(card.model_dump(mode="json"))),
    }
    with replaced_model_folder(folder) as partial:
        _write(partial, card, tensors)


def read_model(folder: Path) -> tuple[ModelCard, dict[str, Tensor]]:
    """Return the card and the tensors of a saved model, verified by their hashes.

    Raises:
        CheckpointMismatchError: A file is missing, damaged, edited or of another format.
        InvalidConfigError: The card lacks a field or has a wrong one.
    """
    raw = _read_card(folder / CARD)
    try:
        card = ModelCard.model_validate(raw, context=STORED)
    except ValidationError as fault:
        raise InvalidConfigError(str(folder / CARD), fault_words(fault)) from fault
    tensors = checked_tensors(folder / WEIGHTS, card.weights, remedy=REMEDY)
    if not torch.equal(tensors.get("card", torch.empty(0)), _digest(_without_weights(raw))):
        raise CheckpointMismatchError(
            f"{folder / CARD} was changed after the model was written. {REMEDY}"
        )
    # A model that was written while only probabilities of crops were read has no others.
    tensors.setdefault("absent_inputs", tensors.get("absent", torch.empty(0))[None])
    _require_shapes(folder / WEIGHTS, card, tensors)
    return card, tensors


@contextmanager
def replaced_model_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder that replaces a model's folder when the block succeeds.

    Raises:
        ConfigError: The folder holds anything but a model.
        RunError: It cannot be written.
    """
    files = {CARD, WEIGHTS, ONNX}
    if folder.exists() and not (folder.is_dir() and {f.name for f in folder.iterdir()} <= files):
        raise ConfigError(f"{folder} holds more than a model. Name a new folder.")
    try:
        with atomic_folder(folder, replace=True) as partial:
            yield partial
    except OSError as fault:
        raise RunError(
            f"The model cannot be written to {folder}: {fault}. Free some space or make the folder "
            "writable."
        ) from fault


def _write(folder: Path, card: ModelCard, tensors: dict[str, Tensor]) -> None:
    # Cloned, since safetensors refuses tensors that share memory.
    weights = save({name: t.detach().cpu().contiguous().clone() for name, t in tensors.items()})
    (folder / WEIGHTS).write_bytes(weights)
    card = card.model_copy(update={"weights": hashlib.sha256(weights).hexdigest()})
    text = json.dumps(card.model_dump(mode="json"), indent=2, ensure_ascii=False)
    (folder / CARD).write_text(text + "\n", encoding="utf-8")


def _read_card(file: Path) -> dict[str, Any]:
    try:
        raw = read_json(read_file(file, MOST_CARD))
    except FileNotFoundError:
        raise CheckpointMismatchError(
            f"{file} is missing. Name a folder that `workbench export` has written."
        ) from None
    except (OSError, TextFault) as fault:
        raise CheckpointMismatchError(f"{file} cannot be read: {fault}. {REMEDY}") from fault
    stated = raw.get("format") if isinstance(raw, dict) else None
    if stated != FORMAT:
        raise CheckpointMismatchError(
            f"{file} has the format {short_repr(stated)}, this workbench reads '{FORMAT}'. {REMEDY}"
        )
    return raw  # type: ignore[no-any-return]


def _without_weights(raw: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in raw.items() if name != "weights"}


def _digest(raw: dict[str, Any]) -> Tensor:
    return torch.tensor(list(bytes.fromhex(content_hash(raw))), dtype=torch.uint8)


def _require_shapes(file: Path, card: ModelCard, tensors: dict[str, Tensor]) -> None:
    groups = [d for d, phrases in enumerate(card.attributes.values()) for _ in phrases]
    expected = {
        "pairs": (len(groups), 2, card.encoder_facts.embedding_width),
        "groups": (len(groups),),
        "absent": (len(groups),),
        "absent_inputs": (1 + card.regressor.reads_whole_image, len(groups)),
    }
    for name, shape in expected.items():
        got = tuple(tensors[name].shape) if name in tensors else "missing"
        if got != shape:
            raise CheckpointMismatchError(f"{file}: '{name}' is {got}, not {shape}. {REMEDY}")
    for name, tensor in tensors.items():
        if tensor.dtype not in _NUMBERS.get(name.partition(".")[0], _EXACT):
            kind = str(tensor.dtype).removeprefix("torch.")
            raise CheckpointMismatchError(
                f"{file}: '{name}' holds {kind}, which no model that was saved here has. {REMEDY}"
            )
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise CheckpointMismatchError(
                f"{file}: '{name}' has values that are no numbers. {REMEDY}"
            )
    if tensors["groups"].tolist() != groups:
        raise CheckpointMismatchError(f"{file} groups its attributes differently. {REMEDY}")
    try:
        familiarity_of(tensors, width=card.encoder_facts.embedding_width)
    except CheckpointMismatchError as fault:
        raise CheckpointMismatchError(f"{file}: {fault} {REMEDY}") from fault
