"""A tuned tower with its attributes: from images to attribute probabilities to strengths."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from workbench.datasets.image_set import Images
from workbench.domain.config import RegressorConfig
from workbench.encoders import Encoder
from workbench.training.crops import grid_crops, whole_view
from workbench.training.modules import (
    AttributeHead,
    PromptedTower,
    attribute_log_odds,
    attribute_probabilities,
    distortion_loss,
)

CROPS = 64  # of several images are scored at once, and of a large one twice as many

Precision = Literal["fp32", "bf16"]

# Largest log-odds, either way, that a regressor reads in a crop: 6e-6 from certainty (decision 25).
# Unclipped, one crop beyond it could outweigh all others in the mean.
CERTAIN = 12.0


def resolve_precision(wanted: Literal["auto", "fp32", "bf16"], device: torch.device) -> Precision:
    """Return the precision itself; "auto" is bf16 where the device is much faster in it.

    Example:
        >>> resolve_precision("bf16", torch.device("cpu"))
        'bf16'
    """
    if wanted != "auto":
        return wanted
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp32"
    # Without either instruction set bf16 is emulated, and slower than fp32 (decision 0015).
    features = torch.cpu.get_capabilities()
    return "bf16" if features.get("amx_bf16") or features.get("avx512_bf16") else "fp32"


def clipped(log_odds: Tensor) -> Tensor:
    """Return log-odds, of any shape, within ±`CERTAIN`."""
    return log_odds.clamp(-CERTAIN, CERTAIN)


@contextmanager
def computing(precision: Precision, device: torch.device) -> Iterator[None]:
    """Compute the block's towers in a precision, by the attention that is fastest in it."""
    if precision == "fp32":
        yield
        return
    with torch.autocast(device.type, dtype=torch.bfloat16):
        # The fused attention's backward pass takes 1.4 times as long there (decision 0015).
        if device.type == "cpu" and torch.is_grad_enabled():
            with sdpa_kernel(SDPBackend.MATH):
                yield
        else:
            yield


class Examples(NamedTuple):
    """Images, each (H, W, 3), uint8, and their true strengths, (N, D), in [0, 1]."""

    images: Images
    strengths: np.ndarray


@dataclass(frozen=True)
class Features:
    """What a tuned tower makes of N images.

    Attributes:
        probabilities: Of the attributes, (N, A), float32, averaged over a grid of crops.
        embeddings: L2-normalised, averaged over the crops, (N, E), float32.
        inputs: What a regressor reads of the attributes in each of V views, (N, V, A), float32:
            their log-odds, clipped, or probabilities; in the crops, averaged, then in the whole
            image if it reads that too.
    """

    probabilities: np.ndarray
    embeddings: np.ndarray
    inputs: np.ndarray


@dataclass(frozen=True)
class TunedModel:
    """A tuned tower with its attributes, ready to score images.

    Attributes:
        encoder: The encoder that was tuned.
        tower: Normalised crops, (B, 3, S, S), to embeddings, (B, E).
        head: The weights w_{a,d}.
        pairs: Embeddings of the sentences, (A, 2, E).
        scale: s of Eq. 6.
        precision: What the tower computes in.
    """

    encoder: Encoder
    tower: nn.Module
    head: AttributeHead
    pairs: Tensor
    scale: float
    precision: Precision = "fp32"

    @torch.no_grad()
    def features(self, images: Images, regressor: RegressorConfig) -> Features:
        """Return what the tower makes of images of any size, each (H, W, 3), uint8.

        The regressor's configuration says what `Features.inputs` are.
        """
        self.tower.eval()
        rows: list[tuple[Tensor, Tensor, Tensor]] = []
        pending: list[Tensor] = []
        size = self.encoder.tower.image_size
        for image in images:
            views = [grid_crops(image, size)]
            if regressor.reads_whole_image:
                views.append(whole_view(image, size))
            pending.append(torch.cat(views))
            if sum(map(len, pending)) >= CROPS:
                rows += self._averaged(pending, regressor)
                pending = []
        rows += self._averaged(pending, regressor) if pending else []
        if not rows:
            attributes, width = len(self.pairs), self.pairs.shape[-1]
            shapes = ((attributes,), (width,), (1 + regressor.reads_whole_image, attributes))
            return Features(*(np.zeros((0, *shape), np.float32) for shape in shapes))
        columns = zip(*rows, strict=True)
        return Features(*(torch.stack(values).cpu().numpy() for values in columns))

    def probabilities(self, images: Images) -> np.ndarray:
        """Return attribute probabilities, (N, A), float32, averaged over a grid of crops."""
        crops_only = RegressorConfig(readout="probabilities", views="crops")
        return self.features(images, crops_only).probabilities

    @torch.no_grad()
    def strengths(self, probabilities: np.ndarray) -> np.ndarray:
        """Return distortion strengths, (N, D), of attribute probabilities, (N, A) (Eq. 7)."""
        on_device = torch.from_numpy(probabilities).to(self.pairs.device)
        return self.head(on_device).cpu().numpy()  # type: ignore[no-any-return]

    def regressor_inputs(self, features: Features, regressor: RegressorConfig) -> np.ndarray:
        """Return what a regressor reads of N images: (N, V·A), in an ablation (N, D) or (N, E).

        The features are those that the same configuration asked for.
        """
        match regressor.given:
            case "strengths":
                return self.strengths(features.probabilities)
            case "embedding":
                return features.embeddings
            case "attributes":
                return features.inputs.reshape(len(features.inputs), -1)

    def loss(self, crops: Tensor, targets: Tensor) -> Tensor:
        """Return Eq. 8 over crops, (B, 3, S, S) uint8, with true strengths, (B, D)."""
        probabilities = self._probabilities(self._embeddings(crops))
        return distortion_loss(self.head(probabilities), targets.to(self.pairs.device))

    def trained(self) -> dict[str, nn.Parameter]:
        """Return what tuning changes, by name: prompts or the tower, and the head's logits."""
        parameters: dict[str, nn.Parameter] = {}
        if isinstance(self.tower, PromptedTower):
            parameters["prompts"] = self.tower.prompts
        elif self.tower is not self.encoder.tower:
            parameters |= {f"tower.{name}": p for name, p in self.tower.named_parameters()}
        return {**parameters, "head.logits": self.head.logits}

    def state(self) -> dict[str, Tensor]:
        """Return a copy of what was trained, on the CPU; `restored_model` takes it."""
        return {name: values.detach().cpu().clone() for name, values in self.trained().items()}

    def _averaged(
        self, views: Sequence[Tensor], regressor: RegressorConfig
    ) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Return one row of `Features` for each image, from the views of each, the whole last."""
        batches = torch.split(torch.cat(list(views)), 2 * CROPS)
        embeddings = torch.cat([self._embeddings(batch) for batch in batches])
        log_odds = attribute_log_odds(embeddings, self.pairs, scale=self.scale)
        probabilities = torch.sigmoid(log_odds)
        inputs = clipped(log_odds) if regressor.reads_log_odds else probabilities
        sizes = [len(of_image) for of_image in views]
        parts = (torch.split(values, sizes) for values in (probabilities, embeddings, inputs))
        rows = []
        for of_image in zip(*parts, strict=True):
            crops = len(of_image[0]) - regressor.reads_whole_image
            p, e, i = (values[:crops].mean(0) for values in of_image)
            rows.append((p, e, torch.cat([i[None], of_image[2][crops:]])))
        return rows

    def _embeddings(self, crops: Tensor) -> Tensor:
        inputs = self.encoder.tower.prepare(self.encoder.normalise(crops))
        with computing(self.precision, self.encoder.device):
            embeddings = self.tower(inputs)
        return F.normalize(embeddings.float(), dim=-1)

    def _probabilities(self, embeddings: Tensor) -> Tensor:
        return attribute_probabilities(embeddings, self.pairs, scale=self.scale)
