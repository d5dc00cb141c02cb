"""From attribute probabilities to quality (Eq. 9), or from what an ablation reads."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from workbench.domain.config import RegressorConfig
from workbench.errors import CheckpointMismatchError, ShapeError, TrainingDivergedError


def warmup_cosine(step: int, steps: int, warmup: float) -> float:
    """Return the share of the peak rate at a step.

    Args:
        step: 0..steps-1.
        steps: All steps of the training.
        warmup: Share of the steps that are warm-up, in [0, 1).

    Example:
        >>> [round(warmup_cosine(step, 10, 0.2), 2) for step in (0, 1, 2, 6, 9)]
        [0.5, 1.0, 1.0, 0.5, 0.04]
    """
    rising = round(steps * warmup)
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / (steps - rising)))


def scheduled(optimizer: Optimizer, steps: int, warmup: float) -> LambdaLR:
    """Return torch's scheduler over `warmup_cosine`."""
    return LambdaLR(optimizer, lambda step: warmup_cosine(min(step, steps - 1), steps, warmup))


SMALLEST_SPREAD = 1e-3  # an attribute that hardly varies in training must not decide elsewhere


@dataclass(frozen=True)
class Regressor:
    """A fitted regressor; it standardises its input by what it was fitted on.

    Attributes:
        network: Standardised input, (N, F), to standardised quality, (N, 1).
        centre: Mean of each of the F inputs, which are attribute probabilities (F = A) but in an
            ablation, (F,).
        spread: Standard deviation of each, (F,).
        quality_centre: Mean quality of the training images.
        quality_spread: Its standard deviation.
    """

    network: nn.Module
    centre: Tensor
    spread: Tensor
    quality_centre: float
    quality_spread: float

    @torch.no_grad()
    def predict(self, given: np.ndarray) -> np.ndarray:
        """Return quality, (N,), float64 in [0, 1], of the inputs of N images, (N, F)."""
        if given.shape[1] != len(self.centre):
            raise ShapeError(
                f"The regressor was fitted on {len(self.centre)} attributes, got probabilities "
                f"{given.shape}."
            )
        inputs = (torch.from_numpy(given) - self.centre) / self.spread
        standardised = self.network(inputs)[:, 0].double().numpy()
        quality = standardised * self.quality_spread + self.quality_centre
        return np.clip(quality, 0.0, 1.0)  # type: ignore[no-any-return]

    def state(self) -> dict[str, Tensor]:
        """Return a copy of all that decides its predictions; `restored` takes it."""
        network = {f"network.{name}": one for name, one in self.network.state_dict().items()}
        scales = torch.tensor([self.quality_centre, self.quality_spread], dtype=torch.float64)
        kept = {**network, "centre": self.centre, "spread": self.spread, "quality": scales}
        return {name: values.clone() for name, values in kept.items()}

    @classmethod
    def restored(cls, state: Mapping[str, Tensor], config: RegressorConfig) -> "Regressor":
        """Return the regressor whose `state` this is.

        Args:
            state: Tensors by name.
            config: As it was fitted by.

        Raises:
            CheckpointMismatchError: The tensors are not those of such a regressor.
        """
        own = {
            name.removeprefix("network."): values
            for name, values in state.items()
            if name.startswith("network.")
        }
        try:
            network = _network(len(state["centre"]), config)
            network.load_state_dict(own)
            centre, spread = state["quality"].tolist()
            return cls(network.eval(), state["centre"], state["spread"], centre, spread)
        except (KeyError, RuntimeError, ValueError) as fault:
            raise CheckpointMismatchError(
                "The tensors are not those of a regressor of kind "
                f"'{config.kind}' with layers {config.hidden}: {' '.join(str(fault).split())}"
            ) from fault


def fit_regressor(
    given: np.ndarray, quality: np.ndarray, config: RegressorConfig, *, seed: int
) -> Regressor:
    """Fit the MLP, or the linear map, by mean squared error.

    Args:
        given: Of N images, (N, F), float32: attribute probabilities, or what an ablation reads.
        quality: (N,), in [0, 1].
        config: Kind, layers, dropout and schedule.
        seed: Decides first weights, dropout and order.

    Raises:
        TrainingDivergedError: The loss is no finite number.
    """
    inputs = torch.from_numpy(given)
    target = torch.from_numpy(quality).float()
    centre, spread = inputs.mean(0), inputs.std(0, correction=0).clamp(min=SMALLEST_SPREAD)
    middle, width = target.mean(), target.std(correction=0).clamp(min=1e-6)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = _network(inputs.shape[1], config)
        _fit(network, (inputs - centre) / spread, (target - middle) / width, config)
    return Regressor(network.eval(), centre, spread, middle.item(), width.item())


def _network(inputs: int, config: RegressorConfig) -> nn.Sequential:
    if config.kind == "linear":
        return nn.Sequential(nn.Linear(inputs, 1))
    first, second = config.hidden
    return nn.Sequential(
        nn.Linear(inputs, first), nn.SELU(), nn.AlphaDropout(config.dropout),
        nn.Linear(first, second), nn.SELU(), nn.AlphaDropout(config.dropout),
        nn.Linear(second, 1),
    )  # fmt: skip


def _fit(network: nn.Module, given: Tensor, target: Tensor, config: RegressorConfig) -> None:
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
    )
    steps = config.epochs * -(-len(given) // config.batch_size)
    schedule = scheduled(optimizer, steps, config.warmup)
    for epoch in range(config.epochs):
        for batch in torch.split(torch.randperm(len(given)), config.batch_size):
            loss = F.mse_loss(network(given[batch])[:, 0], target[batch])
            if not torch.isfinite(loss):
                raise TrainingDivergedError(
                    f"The regressor's loss became {loss.item()} in epoch {epoch + 1}. "
                    f"Lower regressor.learning_rate (now {config.learning_rate:g})."
                )
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
