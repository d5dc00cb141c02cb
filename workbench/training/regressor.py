"""From attributes to quality (Eq. 9), or from what an ablation reads."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import LambdaLR

from workbench.domain.canonical import Losses, no_losses
from workbench.domain.config import RegressorConfig
from workbench.errors import CheckpointMismatchError, ShapeError, TrainingDivergedError
from workbench.training.checkpoint import below, seeded


def warmup_cosine(step: int, steps: int, warmup: float) -> float:
    """Return the share of the peak rate at a step.

    Args:
        step: 0..steps-1.
        steps: Steps of the whole training.
        warmup: Share of the steps that are warm-up, in [0, 1).

    Example:
        >>> [round(warmup_cosine(step, 10, 0.2), 2) for step in (0, 1, 2, 6, 9)]
        [0.5, 1.0, 1.0, 0.5, 0.04]
    """
    rising = round(steps * warmup)
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / (steps - rising)))


POINTS = 250  # of a loss on the way, at most; each makes a GPU wait
SMALLEST_SPREAD = 1e-3  # an input that hardly varies in training must not decide elsewhere


@dataclass(frozen=True)
class Regressor:
    """A fitted regressor; it standardises its input by what it was fitted on.

    Attributes:
        network: Standardised input, (N, F), to standardised quality, (N, 1).
        centre: Mean of each of the F inputs, which are attributes' log-odds or probabilities in V
            views (F = V·A) but in an ablation, (F,).
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
    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Return quality, (N,), float64 in [0, 1], of the inputs of N images, (N, F)."""
        if inputs.shape[1] != len(self.centre):
            raise ShapeError(
                f"The regressor was fitted on {len(self.centre)} inputs an image, got inputs "
                f"{inputs.shape}."
            )
        standard_inputs = (torch.from_numpy(inputs) - self.centre) / self.spread
        standardised = self.network(standard_inputs)[:, 0].double().numpy()
        quality = standardised * self.quality_spread + self.quality_centre
        return np.clip(quality, 0.0, 1.0)  # type: ignore[no-any-return]

    def state(self) -> dict[str, Tensor]:
        """Return a copy of all that decides its predictions; `restored` takes it."""
        scales = torch.tensor([self.quality_centre, self.quality_spread], dtype=torch.float64)
        state = {f"network.{name}": values for name, values in self.network.state_dict().items()}
        state |= {"centre": self.centre, "spread": self.spread, "quality": scales}
        return {name: values.clone() for name, values in state.items()}

    @classmethod
    def restored(cls, state: Mapping[str, Tensor], config: RegressorConfig) -> "Regressor":
        """Return the regressor whose `state` this is.

        Raises:
            CheckpointMismatchError: It is no state of a regressor of this configuration.
        """
        try:
            network = _network(len(state["centre"]), config)
            network.load_state_dict(below(state, "network."))
            centre, spread = state["quality"].tolist()
            return cls(network.eval(), state["centre"], state["spread"], centre, spread)
        except (KeyError, RuntimeError, ValueError) as fault:
            raise CheckpointMismatchError(
                "The tensors are not those of a regressor of kind "
                f"'{config.kind}' with layers {config.hidden}: {' '.join(str(fault).split())}"
            ) from fault


def fit_regressor(
    inputs: np.ndarray,
    quality: np.ndarray,
    config: RegressorConfig,
    *,
    seed: int,
    losses: Losses = no_losses,
) -> Regressor:
    """Fit the MLP, or the linear map, by mean squared error.

    Args:
        inputs: Of N images, (N, F), float32: what `TunedModel.regressor_inputs` returns.
        quality: (N,), in [0, 1].
        config: Kind, layers, dropout and schedule.
        seed: Decides first weights, dropout and order.
        losses: Gets the mean loss of epochs.
    """
    features = torch.from_numpy(inputs)
    target = torch.from_numpy(quality).float()
    centre, spread = features.mean(0), features.std(0, correction=0).clamp(min=SMALLEST_SPREAD)
    middle, width = target.mean(), target.std(correction=0).clamp(min=1e-6)
    with seeded(seed, torch.device("cpu")):
        network = _network(features.shape[1], config)
        _fit(network, (features - centre) / spread, (target - middle) / width, config, losses)
    return Regressor(network.eval(), centre, spread, middle.item(), width.item())


def _network(width: int, config: RegressorConfig) -> nn.Sequential:
    if config.kind == "linear":
        return nn.Sequential(nn.Linear(width, 1))
    first, second = config.hidden
    # Alpha dropout keeps the mean and variance that SELU normalises to (METHOD §1.5).
    return nn.Sequential(
        nn.Linear(width, first), nn.SELU(), nn.AlphaDropout(config.dropout),
        nn.Linear(first, second), nn.SELU(), nn.AlphaDropout(config.dropout),
        nn.Linear(second, 1),
    )  # fmt: skip


def _fit(
    network: nn.Module, inputs: Tensor, target: Tensor, config: RegressorConfig, losses: Losses
) -> None:
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
    )
    steps = config.epochs * -(-len(inputs) // config.batch_size)
    schedule = LambdaLR(
        optimizer, lambda step: warmup_cosine(min(step, steps - 1), steps, config.warmup)
    )
    every = -(-config.epochs // POINTS)
    for epoch in range(config.epochs):
        total = torch.zeros(())
        for batch in torch.split(torch.randperm(len(inputs)), config.batch_size):
            loss = F.mse_loss(network(inputs[batch])[:, 0], target[batch])
            if not torch.isfinite(loss):
                raise TrainingDivergedError(
                    f"The regressor's loss became {loss.item()} in epoch {epoch + 1}. "
                    f"Lower regressor.learning_rate (now {config.learning_rate:g})."
                )
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            total += loss.detach() * len(batch)
        if (epoch + 1) % every == 0:
            losses("regressor", epoch + 1, total.item() / len(inputs))
