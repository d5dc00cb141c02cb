"""Trained weights on disk: safetensors with the facts they belong to, never a pickle."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from workbench.atomic_files import atomic_write
from workbench.domain.canonical import content_hash
from workbench.domain.config import TuningConfig
from workbench.encoders import Encoder
from workbench.errors import CheckpointMismatchError, RunError

FORMAT = "trained-weights/1"
REMEDY = "Run the version again with --again to train it anew."
FACT_NAMES = {
    "attributes": "attribute set",
    "config": "configuration",
    "data": "set of images",
    "rows": "split",
}


def save_state(file: Path, state: Mapping[str, Tensor], facts: Mapping[str, str]) -> None:
    """Write tensors and the facts that decide them atomically; `load_state` compares the facts.

    Raises:
        RunError: The file cannot be written.
    """
    tensors = {name: values.detach().cpu().contiguous() for name, values in state.items()}
    try:
        with atomic_write(file) as passing:
            save_file(tensors, passing, {**facts, "format": FORMAT})
    except (OSError, SafetensorError) as fault:
        raise RunError(
            f"Trained weights cannot be written to {file}: {fault}. Free some space or make the "
            "folder writable, then resume the run."
        ) from fault


def load_state(file: Path, facts: Mapping[str, str]) -> dict[str, Tensor]:
    """Return the tensors of a file; takes and raises what `read_state` does."""
    return read_state(file, facts)[0]


def read_state(file: Path, facts: Mapping[str, str]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors of a file that `save_state` wrote, and all facts that it states.

    Raises:
        CheckpointMismatchError: It is missing or damaged, or one of the facts given here differs.
    """
    try:
        with safe_open(file, framework="pt") as opened:
            stated = opened.metadata() or {}
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as fault:
        raise CheckpointMismatchError(
            f"{file} holds no trained weights that can be read ({fault}). {REMEDY}"
        ) from fault
    for name, value in {**facts, "format": FORMAT}.items():
        if stated.get(name) != value:
            raise CheckpointMismatchError(
                f"{file} was trained with another {FACT_NAMES.get(name, name)}: "
                f"{stated.get(name, 'none')}, expected {value}. {REMEDY}"
            )
    return tensors, stated


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed the block; afterwards the random state is as it was."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def random_state(device: torch.device) -> dict[str, Tensor]:
    """Return a copy of the random state, on the CPU; `set_random_state` restores it.

    Example:
        >>> with seeded(0, torch.device("cpu")):
        ...     state = random_state(torch.device("cpu"))
        ...     first = torch.rand(2)
        ...     set_random_state(state, torch.device("cpu"))
        ...     bool((torch.rand(2) == first).all())
        True
    """
    state = {"torch": torch.get_rng_state()}
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def set_random_state(state: Mapping[str, Tensor], device: torch.device) -> None:
    """Restore a state; one saved on a CPU leaves the GPU's as it is, and the reverse."""
    torch.set_rng_state(state["torch"])
    if device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"], device)


def fingerprint(
    encoder: Encoder,
    attributes: Sequence[Tensor],
    strengths: np.ndarray,
    config: TuningConfig,
    seed: int,
    start: Mapping[str, Tensor] | None,
) -> dict[str, str]:
    """Return the facts that a checkpoint must share with the training that resumes from it."""
    encoded = hashlib.sha256(b"".join(values.cpu().numpy().tobytes() for values in attributes))
    first = hashlib.sha256(b"".join(values.numpy().tobytes() for values in (start or {}).values()))
    return {
        "encoder": f"{encoder.facts.name} {encoder.facts.weights}",
        "attributes": encoded.hexdigest(),
        "data": hashlib.sha256(np.ascontiguousarray(strengths).tobytes()).hexdigest(),
        "config": content_hash(config.model_dump(mode="json")),
        "seed": str(seed),
        "start": first.hexdigest(),
    }


def below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors whose names start with a prefix, without it.

    Example:
        >>> list(below({"best/prompts": torch.ones(1), "trained/prompts": torch.ones(1)}, "best/"))
        ['prompts']
    """
    return {
        name.removeprefix(prefix): values
        for name, values in tensors.items()
        if name.startswith(prefix)
    }
