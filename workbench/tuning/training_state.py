"""A training between two epochs: all that is needed to go on to the same bits."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from workbench.domain.base import content_hash
from workbench.domain.config import TuningConfig
from workbench.encoders import Encoder
from workbench.tuning.checkpoint import read_state, save_state
from workbench.tuning.randomness import random_state, set_random_state


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
