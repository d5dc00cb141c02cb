"""The training loop: tune a tower until attribute probabilities tell distortion strengths."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from workbench.domain.run import TuningConfig
from workbench.encoders import Encoder
from workbench.errors import TrainingDivergedError
from workbench.tuning.head import AttributeHead, attribute_probabilities, distortion_loss
from workbench.tuning.prompts import PromptedTower
from workbench.tuning.schedule import scheduled
from workbench.tuning.views import grid_crop_choices, grid_crops, random_crops

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class TunedModel:
    """A tuned tower with its attributes, ready to score images.

    Attributes:
        encoder: Where it came from.
        tower: Normalised crops, (B, 3, S, S), to embeddings, (B, E).
        head: The weights w_{a,d}.
        pairs: Embeddings of the sentences, (A, 2, E).
        scale: s of Eq. 6.
    """

    encoder: Encoder
    tower: nn.Module
    head: AttributeHead
    pairs: Tensor
    scale: float

    @torch.no_grad()
    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Return attribute probabilities, (N, A), float32, averaged over a grid of crops.

        Args:
            images: (N, H, W, 3), uint8.
        """
        self.tower.eval()
        size = self.encoder.tower.image_size
        rows = [self._forward(grid_crops(image, size)).mean(0) for image in images]
        return torch.stack(rows).cpu().numpy()

    @torch.no_grad()
    def strengths(self, probabilities: np.ndarray) -> np.ndarray:
        """Return distortion strengths, (N, D), of attribute probabilities, (N, A) (Eq. 7)."""
        given = torch.from_numpy(probabilities).to(self.pairs.device)
        return self.head(given).cpu().numpy()  # type: ignore[no-any-return]

    def _forward(self, crops: Tensor) -> Tensor:
        given = self.encoder.tower.prepare(self.encoder.normalise(crops))
        embeddings = F.normalize(self.tower(given).float(), dim=-1)
        return attribute_probabilities(embeddings, self.pairs, scale=self.scale)

    def loss(self, crops: Tensor, targets: Tensor) -> Tensor:
        """Return Eq. 8 over crops, (B, 3, S, S) uint8, with true strengths, (B, D)."""
        return distortion_loss(self.head(self._forward(crops)), targets.to(self.pairs.device))


def tune(
    encoder: Encoder,
    pairs: Tensor,
    groups: Tensor,
    images: np.ndarray,
    strengths: np.ndarray,
    config: TuningConfig,
    *,
    seed: int,
    progress: Progress,
) -> TunedModel:
    """Tune prompts, or the whole tower, on images of known distortion strengths.

    An epoch shows every image `config.crops` times, each time another random crop. The encoder is
    left as it was: prompts are new parameters, and a whole tower is tuned as a copy.

    Args:
        encoder: The frozen encoder.
        pairs: Text embeddings of the attributes, (A, 2, E).
        groups: Distortion of each attribute, (A,).
        images: (N, H, W, 3), uint8, may be memory-mapped.
        strengths: True strengths, (N, D), in [0, 1].
        config: Mode, schedule and batch.
        seed: Decides prompts, order and crops; the same seed gives the same bits.
        progress: Told the share done; what it raises passes through.

    Raises:
        TrainingDivergedError: The loss is no finite number; names the epoch.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = _start(encoder, pairs, groups, config)
        trained = [*_trained(model.tower, config), *model.head.parameters()]
        if config.mode != "none":
            _train(model, trained, images, strengths, config, seed, progress)
    return model


def _start(encoder: Encoder, pairs: Tensor, groups: Tensor, config: TuningConfig) -> TunedModel:
    tower: nn.Module = encoder.tower
    if config.mode == "shallow" or config.mode == "deep":
        tower = PromptedTower(encoder.tower, config.mode, config.prompts)
    elif config.mode == "whole":
        tower = deepcopy(encoder.tower).requires_grad_(True)
    scale = config.logit_scale or encoder.logit_scale
    return TunedModel(encoder, tower, AttributeHead(groups.to(pairs.device)), pairs, scale)


def _trained(tower: nn.Module, config: TuningConfig) -> list[nn.Parameter]:
    return [] if config.mode == "none" else [p for p in tower.parameters() if p.requires_grad]


def _train(
    model: TunedModel,
    trained: list[nn.Parameter],
    images: np.ndarray,
    strengths: np.ndarray,
    config: TuningConfig,
    seed: int,
    progress: Progress,
) -> None:
    generator = torch.Generator().manual_seed(seed)
    targets = torch.from_numpy(strengths)
    optimizer = torch.optim.AdamW(
        trained, lr=config.learning_rate, weight_decay=config.weight_decay
    )
    shown = len(images) * config.crops
    steps = config.epochs * -(-shown // config.batch_size)
    schedule = scheduled(optimizer, steps, config.warmup)
    model.tower.train()
    size, done = model.encoder.tower.image_size, 0
    # A tower that prepares crops is shown the same ones again, since it need not compute them anew.
    crops_of = grid_crop_choices if model.encoder.tower.prepares else random_crops
    for epoch in range(config.epochs):
        order = torch.randperm(shown, generator=generator) % len(images)
        for batch in torch.split(order, config.batch_size):
            loss = model.loss(crops_of(images, batch, size, generator), targets[batch])
            if not torch.isfinite(loss):
                raise TrainingDivergedError(
                    f"The loss became {loss.item()} in epoch {epoch + 1} of {config.epochs}. "
                    f"Lower tuning.learning_rate (now {config.learning_rate:g})."
                )
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(trained, config.clip_norm)
            optimizer.step()
            schedule.step()
            done += 1
            progress(done / steps, f"tuning, epoch {epoch + 1} of {config.epochs}")
    model.tower.eval()
