"""From attribute probabilities, and nothing else, to quality (Eq. 9)."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from workbench.domain.run import RegressorConfig
from workbench.errors import ShapeError, TrainingDivergedError
from workbench.tuning.schedule import scheduled

SMALLEST_SPREAD = 1e-3  # an attribute that hardly varies in training must not decide elsewhere


@dataclass(frozen=True)
class Regressor:
    """A fitted regressor; it standardises its input by what it was fitted on.

    Attributes:
        network: Standardised probabilities, (N, A), to standardised quality, (N, 1).
        centre: Mean probability of each attribute, (A,).
        spread: Standard deviation of each, (A,).
        quality_centre: Mean quality of the training images.
        quality_spread: Its standard deviation.
    """

    network: nn.Module
    centre: Tensor
    spread: Tensor
    quality_centre: float
    quality_spread: float

    @torch.no_grad()
    def predict(self, probabilities: np.ndarray) -> np.ndarray:
        """Return quality, (N,), float64 in [0, 1], of attribute probabilities, (N, A)."""
        if probabilities.shape[1] != len(self.centre):
            raise ShapeError(
                f"The regressor was fitted on {len(self.centre)} attributes, got probabilities "
                f"{probabilities.shape}."
            )
        given = (torch.from_numpy(probabilities) - self.centre) / self.spread
        standardised = self.network(given)[:, 0].double().numpy()
        quality = standardised * self.quality_spread + self.quality_centre
        return np.clip(quality, 0.0, 1.0)  # type: ignore[no-any-return]


def fit_regressor(
    probabilities: np.ndarray, quality: np.ndarray, config: RegressorConfig, *, seed: int
) -> Regressor:
    """Fit the MLP by mean squared error.

    Args:
        probabilities: (N, A), float32, in [0, 1].
        quality: (N,), in [0, 1].
        config: Layers, dropout and schedule.
        seed: Decides first weights, dropout and order.

    Raises:
        TrainingDivergedError: The loss is no finite number.
    """
    given = torch.from_numpy(probabilities)
    target = torch.from_numpy(quality).float()
    centre, spread = given.mean(0), given.std(0, correction=0).clamp(min=SMALLEST_SPREAD)
    middle, width = target.mean(), target.std(correction=0).clamp(min=1e-6)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = _network(given.shape[1], config)
        _fit(network, (given - centre) / spread, (target - middle) / width, config)
    return Regressor(network.eval(), centre, spread, middle.item(), width.item())


def _network(attributes: int, config: RegressorConfig) -> nn.Sequential:
    first, second = config.hidden
    return nn.Sequential(
        nn.Linear(attributes, first), nn.SELU(), nn.AlphaDropout(config.dropout),
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
