"""One epoch of tuning after another: crops, loss, gradient, step; saved and resumed in between."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from workbench.domain.canonical import Losses, Progress, no_losses
from workbench.domain.config import TuningConfig
from workbench.errors import RunError, TrainingDivergedError
from workbench.training.checkpoint import (
    below,
    random_state,
    read_state,
    save_state,
    set_random_state,
)
from workbench.training.crops import grid_crop_choices, grid_crops, random_crops
from workbench.training.distributed import ProcessGroup
from workbench.training.regressor import POINTS, warmup_cosine
from workbench.training.tuned_model import Examples, TunedModel


@dataclass(frozen=True)
class Position:
    """How far a training is.

    Attributes:
        epoch: Number of epochs done.
        lowest: Lowest validation loss so far.
        waited: Epochs since then.
        best: Trained weights of that epoch; empty without a validation part.
    """

    epoch: int = 0
    lowest: float = math.inf
    waited: int = 0
    best: Mapping[str, Tensor] = field(default_factory=dict)

    def after(self, loss: float | None, state: Mapping[str, Tensor]) -> "Position":
        """Return the position one epoch later; the loss is None without a validation part."""
        if loss is None:
            return Position(self.epoch + 1)
        if loss < self.lowest:
            return Position(self.epoch + 1, loss, 0, state)
        return Position(self.epoch + 1, self.lowest, self.waited + 1, self.best)


class EpochTraining:
    """A model with the optimiser and the generators that train it on examples, epoch by epoch.

    Attributes:
        trained: The parameters that are trained, by name.
        group: Processes that share every batch; None for this process alone.
    """

    def __init__(
        self, model: TunedModel, examples: Examples, config: TuningConfig, seed: int
    ) -> None:
        self.model, self.images, self.config = model, examples.images, config
        self.targets = torch.from_numpy(np.asarray(examples.strengths))
        self.generator = torch.Generator().manual_seed(seed)
        self.group: ProcessGroup | None = None
        trained = model.trained()
        if config.weights == "mean":
            del trained["head.logits"]
        self.trained = {name: values for name, values in trained.items() if values.requires_grad}
        self.optimizer = torch.optim.AdamW(
            self.trained.values(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self.crops = len(examples.images) * config.crops  # in an epoch
        self.steps = -(-self.crops // config.batch_size)
        # A tower that caches what it prepares gets the same crops again, not computed anew.
        prepares = model.encoder.tower.prepares
        self._crops_of = grid_crop_choices if prepares else random_crops

    def epoch(self, number: int, progress: Progress, losses: Losses = no_losses) -> None:
        """Take every image once for each crop, in a new order.

        The losses are means over the steps since the one before.

        Raises:
            RunError: The memory does not hold a batch; says which one might fit.
        """
        config, size = self.config, self.model.encoder.tower.image_size
        self.model.tower.train()
        order = torch.randperm(self.crops, generator=self.generator) % len(self.images)
        every, since = -(-self.steps * config.epochs // POINTS), []
        for step, batch in enumerate(torch.split(order, config.batch_size)):
            done = number * self.steps + step
            try:
                crops = self._crops_of(self.images, batch, size, self.generator)
                since.append(self.step(crops, batch, done))
            except (MemoryError, RuntimeError) as fault:  # of torch's own classes, the CPU has none
                if not _out_of_memory(fault):
                    raise
                size = len(batch)
                fits = f"Try tuning.batch_size {size // 2}." if size > 1 else "Free some memory."
                raise RunError(
                    f"The memory does not hold a step with a batch of {size}. {fits}"
                ) from fault
            if (done + 1) % every == 0:
                losses("tuning", done + 1, torch.stack(since).mean().item())
                since = []
            share = (done + 1) / (self.steps * config.epochs)
            progress(share, f"tuning, epoch {number + 1} of {config.epochs}")

    def step(self, crops: Tensor, batch: Tensor, done: int) -> Tensor:
        """Follow the gradient once and return the batch's loss before that, ().

        Args:
            crops: (B, 3, S, S), uint8.
            batch: Row of the image that each crop is of, (B,).
            done: Steps before this one, in all epochs.

        Raises:
            TrainingDivergedError: The loss or its gradient is no longer finite.
        """
        config = self.config
        rate = warmup_cosine(done, self.steps * config.epochs, config.warmup)
        for parameters in self.optimizer.param_groups:
            parameters["lr"] = config.learning_rate * rate
        loss = self._gradients(crops, batch)
        norm = nn.utils.clip_grad_norm_(self.trained.values(), config.clip_norm)
        if not torch.isfinite(loss + norm):  # one question, as each one waits for a GPU
            epoch = done // self.steps
            self.require_finite("loss", loss.item(), epoch)
            self.require_finite("gradient", norm.item(), epoch)
        self.optimizer.step()
        return loss.detach()

    def require_finite(self, name: str, value: float, epoch: int) -> None:
        """Raise a TrainingDivergedError unless a value of an epoch, counted from 0, is finite."""
        config = self.config
        if not math.isfinite(value):
            raise TrainingDivergedError(
                f"The {name} became {value} in epoch {epoch + 1} of {config.epochs}. Lower "
                f"tuning.learning_rate (now {config.learning_rate:g})."
            )

    @torch.no_grad()
    def crop_loss(self) -> float:
        """Return the loss of one crop by the weights that the last step left."""
        crop = grid_crops(self.images[0], self.model.encoder.tower.image_size)[:1]
        return self.model.loss(crop, self.targets[:1]).item()

    def save(self, file: Path, facts: Mapping[str, str], position: Position) -> None:
        """Write a checkpoint between two epochs; raises what `save_state` does."""
        state: dict[str, Tensor] = {f"trained/{name}": p for name, p in self.trained.items()}
        state |= {f"best/{name}": values for name, values in position.best.items()}
        for name, parameter in self.trained.items():
            moments = self.optimizer.state[parameter]
            state |= {f"optimizer/{name}/{k}": torch.as_tensor(v) for k, v in moments.items()}
        random = {**random_state(self._device), "crops": self.generator.get_state()}
        state |= {f"random/{name}": values for name, values in random.items()}
        reached = {
            "epoch": str(position.epoch),
            "lowest": position.lowest.hex(),  # exact, and infinity too
            "waited": str(position.waited),
        }
        save_state(file, state, {**facts, **reached})

    def resume(self, file: Path, facts: Mapping[str, str]) -> Position:
        """Put the training back to where a checkpoint left it; raises what `read_state` does."""
        tensors, stated = read_state(file, facts)
        with torch.no_grad():
            for name, parameter in self.trained.items():
                parameter.copy_(tensors[f"trained/{name}"])
                # AdamW keeps its step count on the CPU, wherever the parameter is.
                self.optimizer.state[parameter] = {
                    key: values if key == "step" else values.to(parameter.device)
                    for key, values in below(tensors, f"optimizer/{name}/").items()
                }
        random = below(tensors, "random/")
        set_random_state(random, self._device)
        self.generator.set_state(random["crops"])
        lowest, waited = float.fromhex(stated["lowest"]), int(stated["waited"])
        return Position(int(stated["epoch"]), lowest, waited, below(tensors, "best/"))

    @property
    def _device(self) -> torch.device:
        return next(iter(self.trained.values())).device

    def _gradients(self, crops: Tensor, batch: Tensor) -> Tensor:
        """Leave the gradients of the batch's mean loss, over all processes, and return the loss."""
        if self.group is None:
            loss = self.model.loss(crops, self.targets[batch])
        else:
            rows, share = self.group.part(len(batch))
            loss = share * self.model.loss(crops[rows], self.targets[batch[rows]])
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss if self.group is None else self.group.join(loss, self.trained.values())


def _out_of_memory(fault: Exception) -> bool:
    messages = ("allocate memory", "bad_alloc")
    return isinstance(fault, MemoryError | torch.OutOfMemoryError) or any(
        message in str(fault) for message in messages
    )
