"""Trained weights on disk: safetensors with the facts they belong to, never a pickle."""

import hashlib
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from workbench.atomic_files import atomic_write
from workbench.domain.canonical import content_hash
from workbench.domain.config import TuningConfig
from workbench.encoders import Encoder
from workbench.errors import CheckpointMismatchError, RunError

FORMAT = "trained-weights/1"


def save_state(file: Path, state: Mapping[str, Tensor], facts: Mapping[str, str]) -> None:
    """Write tensors and the facts they belong to, whole or not at all.

    Args:
        file: Its folder exists.
        state: Tensors by name.
        facts: What decides them, by name; `load_state` compares them.

    Raises:
        RunError: The file cannot be written.
    """
    tensors = {name: values.detach().cpu().contiguous() for name, values in state.items()}
    try:
        with atomic_write(file) as passing:
            save_file(tensors, passing, {**facts, "format": FORMAT})
    except (OSError, SafetensorError) as fault:
        raise RunError(
            f"Trained weights cannot be written to {file}: {fault}. Make room or the folder "
            "writable, then resume the run."
        ) from fault


def load_state(file: Path, facts: Mapping[str, str]) -> dict[str, Tensor]:
    """Return the tensors of a file that belongs to the given facts.

    Args:
        file: As `save_state` wrote it.
        facts: What it must belong to; other facts of the file play no part.

    Raises:
        CheckpointMismatchError: It is missing, damaged, no safetensors file, or belongs to
            something else; names the fact that differs.
    """
    return read_state(file, facts)[0]


def read_state(file: Path, facts: Mapping[str, str]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors and all facts of a file; takes and raises what `load_state` does."""
    try:
        with safe_open(file, framework="pt") as opened:
            found = opened.metadata() or {}
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as fault:
        raise CheckpointMismatchError(
            f"{file} holds no trained weights that can be read ({fault}). {_AGAIN}"
        ) from fault
    for name, value in {**facts, "format": FORMAT}.items():
        if found.get(name) != value:
            raise CheckpointMismatchError(
                f"{file} was trained with another {_WORDS.get(name, name)}: "
                f"{found.get(name, 'none')}, expected {value}. {_AGAIN}"
            )
    return tensors, found


_AGAIN = "Run the version again with --again to train it anew."
_WORDS = {
    "attributes": "attribute set",
    "config": "configuration",
    "data": "set of images",
    "rows": "split",
}


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed the block; afterwards the random state is as it was."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def random_state(device: torch.device) -> dict[str, Tensor]:
    """Return a copy of the state, on the CPU; `set_random_state` takes it.

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
    """Put the state back; a state of a CPU leaves the GPU's as it is, and the reverse."""
    torch.set_rng_state(state["torch"])
    if device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"], device)


@dataclass(frozen=True)
class Position:
    """How far a training is.

    Attributes:
        epoch: Number of epochs done.
        lowest: Lowest loss on the validation part so far.
        waited: Epochs since then.
        best: Trained weights of that epoch; empty without a validation part.
    """

    epoch: int = 0
    lowest: float = math.inf
    waited: int = 0
    best: Mapping[str, Tensor] = field(default_factory=dict)

    def after(self, loss: float | None, state: Mapping[str, Tensor]) -> "Position":
        """Return the position one epoch later.

        Args:
            loss: On the validation part; None without.
            state: The trained weights.
        """
        if loss is None:
            return Position(self.epoch + 1)
        if loss < self.lowest:
            return Position(self.epoch + 1, loss, 0, state)
        return Position(self.epoch + 1, self.lowest, self.waited + 1, self.best)

    def waited_for(self, patience: int) -> bool:
        """Return whether training stops here."""
        return bool(patience) and self.waited >= patience


def fingerprint(
    encoder: Encoder,
    pairs: Tensor,
    groups: Tensor,
    strengths: np.ndarray,
    config: TuningConfig,
    seed: int,
    start: Mapping[str, Tensor] | None,
) -> dict[str, str]:
    """Return the facts that a checkpoint of a training must share with it."""
    attributes = hashlib.sha256(pairs.cpu().numpy().tobytes() + groups.cpu().numpy().tobytes())
    first = hashlib.sha256(b"".join(values.numpy().tobytes() for values in (start or {}).values()))
    return {
        "encoder": f"{encoder.facts.name} {encoder.facts.weights}",
        "attributes": attributes.hexdigest(),
        "data": hashlib.sha256(np.ascontiguousarray(strengths).tobytes()).hexdigest(),
        "config": content_hash(config.model_dump(mode="json")),
        "seed": str(seed),
        "start": first.hexdigest(),
    }


def saved(
    file: Path,
    facts: Mapping[str, str],
    trained: Mapping[str, nn.Parameter],
    optimizer: torch.optim.Optimizer,
    generator: torch.Generator,
    position: Position,
) -> None:
    """Write a training that stands between two epochs.

    Raises:
        RunError: The file cannot be written.
    """
    state: dict[str, Tensor] = {f"trained/{name}": one for name, one in trained.items()}
    state |= {f"best/{name}": one for name, one in position.best.items()}
    for name, parameter in trained.items():
        kept = optimizer.state[parameter]
        state |= {f"optimizer/{name}/{key}": torch.as_tensor(one) for key, one in kept.items()}
    drawn = {**random_state(_device(trained)), "crops": generator.get_state()}
    state |= {f"random/{name}": one for name, one in drawn.items()}
    told = {"epoch": str(position.epoch), "lowest": position.lowest.hex()}
    save_state(file, state, {**facts, **told, "waited": str(position.waited)})


def resumed(
    file: Path,
    facts: Mapping[str, str],
    trained: Mapping[str, nn.Parameter],
    optimizer: torch.optim.Optimizer,
    generator: torch.Generator,
) -> Position:
    """Put a training back to where a file left it.

    Raises:
        CheckpointMismatchError: The file is damaged or of another training.
    """
    tensors, told = read_state(file, facts)
    with torch.no_grad():
        for name, parameter in trained.items():
            parameter.copy_(tensors[f"trained/{name}"])
            optimizer.state[parameter] = {
                key: one if key == "step" else one.to(parameter.device)
                for key, one in _below(tensors, f"optimizer/{name}/").items()
            }
    drawn, best = _below(tensors, "random/"), _below(tensors, "best/")
    set_random_state(drawn, _device(trained))
    generator.set_state(drawn["crops"])
    return Position(int(told["epoch"]), float.fromhex(told["lowest"]), int(told["waited"]), best)


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): one for key, one in tensors.items() if key.startswith(prefix)}


def _device(trained: Mapping[str, nn.Parameter]) -> torch.device:
    return next(iter(trained.values())).device
