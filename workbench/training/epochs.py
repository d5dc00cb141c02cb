"""One epoch of tuning after another: crops, loss, gradient, step."""

import math

import numpy as np
import torch
from torch import Tensor, nn

from workbench.datasets.image_set import Images
from workbench.domain.canonical import Progress
from workbench.domain.config import TuningConfig
from workbench.errors import RunError, TrainingDivergedError
from workbench.training.crops import grid_crop_choices, grid_crops, random_crops
from workbench.training.distributed import ProcessGroup
from workbench.training.regressor import warmup_cosine
from workbench.training.tuned_model import TunedModel


class EpochTraining:
    """A model with the optimiser and the generators that train it, one epoch after another.

    Args:
        model: What is trained.
        images: N images, each (H, W, 3), uint8.
        strengths: True strengths, (N, D), in [0, 1].
        config: Mode, schedule and batch.
        seed: Decides order and crops.

    Attributes:
        trained: The parameters that are trained, by name.
        team: Processes that share every batch; None without any.
    """

    def __init__(
        self,
        model: TunedModel,
        images: Images,
        strengths: np.ndarray,
        config: TuningConfig,
        seed: int,
    ) -> None:
        self.model, self.images, self.config = model, images, config
        self.targets = torch.from_numpy(np.asarray(strengths))
        self.generator = torch.Generator().manual_seed(seed)
        self.team: ProcessGroup | None = None
        trained = model.trained()
        if config.weights == "mean":
            del trained["head.logits"]
        self.trained = {name: one for name, one in trained.items() if one.requires_grad}
        self.optimizer = torch.optim.AdamW(
            self.trained.values(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self.shown = len(images) * config.crops
        self.steps = -(-self.shown // config.batch_size)  # in an epoch
        # A tower that prepares crops is shown the same ones again, since it need not compute them
        # anew.
        prepares = model.encoder.tower.prepares
        self._crops_of = grid_crop_choices if prepares else random_crops

    def epoch(self, number: int, progress: Progress) -> None:
        """Show every image once more, in a new order."""
        config, size = self.config, self.model.encoder.tower.image_size
        self.model.tower.train()
        order = torch.randperm(self.shown, generator=self.generator) % len(self.images)
        for step, batch in enumerate(torch.split(order, config.batch_size)):
            done = number * self.steps + step
            try:
                self.step(self._crops_of(self.images, batch, size, self.generator), batch, done)
            except (MemoryError, RuntimeError) as fault:  # of torch's own classes, the CPU has none
                if not _wants_memory(fault):
                    raise
                raise _too_large(len(batch)) from fault
            share = (done + 1) / (self.steps * config.epochs)
            progress(share, f"tuning, epoch {number + 1} of {config.epochs}")

    def step(self, crops: Tensor, batch: Tensor, done: int) -> None:
        """Follow the gradient once.

        Args:
            crops: (B, 3, S, S), uint8.
            batch: Which images they are of, (B,).
            done: Steps before this one, in all epochs.

        Raises:
            TrainingDivergedError: The loss or its gradient is no longer finite.
        """
        config = self.config
        rate = warmup_cosine(done, self.steps * config.epochs, config.warmup)
        for group in self.optimizer.param_groups:
            group["lr"] = config.learning_rate * rate
        loss = self.gradients(crops, batch)
        norm = nn.utils.clip_grad_norm_(self.trained.values(), config.clip_norm)
        if not torch.isfinite(loss + norm):  # one question, as each one waits for a GPU
            epoch = done // self.steps
            self.require_finite("loss", loss.item(), epoch)
            self.require_finite("gradient", norm.item(), epoch)
        self.optimizer.step()

    def require_finite(self, name: str, value: float, epoch: int) -> None:
        """Raise a TrainingDivergedError unless a value, found in an epoch from 0, is finite."""
        config = self.config
        if not math.isfinite(value):
            raise TrainingDivergedError(
                f"The {name} became {value} in epoch {epoch + 1} of {config.epochs}. Lower "
                f"tuning.learning_rate (now {config.learning_rate:g})."
            )

    @torch.no_grad()
    def loss_of_one(self) -> float:
        """Return the loss of one crop by the weights that the last step left."""
        crop = grid_crops(self.images[0], self.model.encoder.tower.image_size)[:1]
        return self.model.loss(crop, self.targets[:1]).item()

    def gradients(self, crops: Tensor, batch: Tensor) -> Tensor:
        """Leave the gradients of the batch's mean loss, whoever computed them, and return it."""
        if self.team is None:
            loss = self.model.loss(crops, self.targets[batch])
            self.optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            return loss
        rows, share = self.team.part(len(batch))
        loss = share * self.model.loss(crops[rows], self.targets[batch[rows]])
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        return self.team.join(loss, self.trained.values())


def _wants_memory(fault: Exception) -> bool:
    words = ("allocate memory", "bad_alloc")
    return isinstance(fault, MemoryError | torch.OutOfMemoryError) or any(
        one in str(fault) for one in words
    )


def _too_large(batch: int) -> RunError:
    fits = f"Try tuning.batch_size {batch // 2}." if batch > 1 else "Free some memory."
    return RunError(f"The memory does not hold a step with a batch of {batch}. {fits}")
