"""A tuned tower with its attributes: from images to attribute probabilities to strengths."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from workbench.datasets.image_set import Images
from workbench.encoders import Encoder
from workbench.training.crops import grid_crops
from workbench.training.modules import (
    AttributeHead,
    PromptedTower,
    attribute_probabilities,
    distortion_loss,
)

Precision = Literal["fp32", "bf16"]


def chosen_precision(wanted: Literal["auto", "fp32", "bf16"], device: torch.device) -> Precision:
    """Return the precision itself; "auto" is bf16 where the device is much faster in it.

    Example:
        >>> chosen_precision("bf16", torch.device("cpu"))
        'bf16'
    """
    if wanted != "auto":
        return wanted
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp32"
    able = torch.cpu.get_capabilities()
    return "bf16" if able.get("amx_bf16") or able.get("avx512_bf16") else "fp32"


@contextmanager
def computing(precision: Precision, device: torch.device) -> Iterator[None]:
    """Compute what the block's towers compute in a precision, by the attention that suits it."""
    if precision == "fp32":
        yield
        return
    with torch.autocast(device.type, dtype=torch.bfloat16):
        if device.type == "cpu" and torch.is_grad_enabled():
            with sdpa_kernel(SDPBackend.MATH):
                yield
        else:
            yield


CROPS = 64  # of several images are scored at once, and of a large one twice as many


@dataclass(frozen=True)
class Features:
    """What a tuned tower makes of N images.

    Attributes:
        probabilities: Of the attributes, (N, A), float32, averaged over a grid of crops.
        embeddings: L2-normalised, averaged over the crops, (N, E), float32.
    """

    probabilities: np.ndarray
    embeddings: np.ndarray


@dataclass(frozen=True)
class TunedModel:
    """A tuned tower with its attributes, ready to score images.

    Attributes:
        encoder: Where it came from.
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
    def features(self, images: Images) -> Features:
        """Return probabilities and embeddings of images of any size, each (H, W, 3), uint8.

        Raises:
            ShapeError: An image is smaller than a crop.
        """
        self.tower.eval()
        found: list[tuple[Tensor, Tensor]] = []
        waiting: list[Tensor] = []
        for image in images:
            waiting.append(grid_crops(image, self.encoder.tower.image_size))
            if sum(map(len, waiting)) >= CROPS:
                found += self._averaged(waiting)
                waiting = []
        found += self._averaged(waiting) if waiting else []
        if not found:
            attributes, width = len(self.pairs), self.pairs.shape[-1]
            return Features(*(np.zeros((0, size), np.float32) for size in (attributes, width)))
        return Features(*(torch.stack(some).cpu().numpy() for some in zip(*found, strict=True)))

    def probabilities(self, images: Images) -> np.ndarray:
        """Return attribute probabilities, (N, A), float32, averaged over a grid of crops."""
        return self.features(images).probabilities

    @torch.no_grad()
    def strengths(self, probabilities: np.ndarray) -> np.ndarray:
        """Return distortion strengths, (N, D), of attribute probabilities, (N, A) (Eq. 7)."""
        given = torch.from_numpy(probabilities).to(self.pairs.device)
        return self.head(given).cpu().numpy()  # type: ignore[no-any-return]

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
            own = self.tower.named_parameters()
            parameters |= {f"tower.{name}": values for name, values in own}
        return {**parameters, "head.logits": self.head.logits}

    def state(self) -> dict[str, Tensor]:
        """Return a copy of what was trained, on the CPU; `loop.restored` takes it."""
        return {name: values.detach().cpu().clone() for name, values in self.trained().items()}

    def _averaged(self, views: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
        some = torch.split(torch.cat(list(views)), 2 * CROPS)
        embeddings = torch.cat([self._embeddings(crops) for crops in some])
        probabilities = self._probabilities(embeddings)
        sizes = [len(some) for some in views]
        parts = (torch.split(some, sizes) for some in (probabilities, embeddings))
        return [(one.mean(0), other.mean(0)) for one, other in zip(*parts, strict=True)]

    def _embeddings(self, crops: Tensor) -> Tensor:
        given = self.encoder.tower.prepare(self.encoder.normalise(crops))
        with computing(self.precision, self.encoder.device):
            embeddings = self.tower(given)
        return F.normalize(embeddings.float(), dim=-1)

    def _probabilities(self, embeddings: Tensor) -> Tensor:
        return attribute_probabilities(embeddings, self.pairs, scale=self.scale)
