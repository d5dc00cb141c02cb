"""What the offline encoder's transformer reads: statistics of cells instead of patches of pixels.

A linear patch embedding, as ViTs have, needs very many images before it finds out that blur, noise
and compression show in the *energy* of fine detail. Here each cell of 32 px is described by the
mean and spread of a frozen EfficientNet-Lite0's maps and by statistics of its raw pixels, which
keep the absolute brightness that a normalising network forgets. Decision 0007 has the measurements.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from workbench.encoders.lite0 import Lite0Front
from workbench.encoders.pixel_statistics import CELL, CELL_FEATURES, VIEW_FEATURES, PixelStatistics

CHUNK = 4  # images at a time, so that the maps stay in the processor's cache: twice as fast as 16
CELL_WIDTH = CELL_FEATURES + 2 * Lite0Front.channels
LARGEST = 8.0  # standard deviations; an image unlike all trained on must not flood the transformer


class StatisticsStem(nn.Module):
    """Images, or their cached statistics, to one vector per cell; in the place of a ViT's `conv1`.

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
        """Return what the rest needs of images, (B, F), float32; it never changes, so keep it.

        Args:
            images: RGB in [0, 1], (B, 3, S, S).
        """
        return torch.cat([self.statistics_at_once(part) for part in torch.split(images, CHUNK)])

    def forward(self, given: Tensor) -> Tensor:
        """Return cell vectors, (B, W, S/32, S/32).

        Args:
            given: Images in [0, 1], (B, 3, S, S), or their statistics, (B, F).
        """
        flat = self.statistics(given) if given.ndim == 4 else given.float()
        cells, view = flat[:, :-VIEW_FEATURES], flat[:, -VIEW_FEATURES:]
        cells = cells.reshape(len(flat), self.side**2, CELL_WIDTH)
        cells = _standard(cells, self.cell_mean, self.cell_spread)
        view = _standard(view, self.view_mean, self.view_spread)
        tokens = self.cell(cells) + self.view(view)[:, None]  # (B, N, W)
        vectors: Tensor = tokens.transpose(1, 2).unflatten(2, (self.side, self.side))
        return vectors

    def statistics_at_once(self, images: Tensor) -> Tensor:
        """Return what `statistics` does, without dividing the batch, so that it can be exported."""
        cells, view = self.pixels(images)
        found = [cells]
        for values in self.front(images):
            mean = _pooled(values, self.side)
            spread = (_pooled(values.square(), self.side) - mean.square()).clamp_min(0).sqrt()
            found += [mean, spread]
        return torch.cat([torch.cat(found, 1).flatten(2).transpose(1, 2).flatten(1), view], 1)


def _pooled(values: Tensor, side: int) -> Tensor:
    return F.avg_pool2d(values, values.shape[-1] // side)


def _standard(values: Tensor, mean: Tensor, spread: Tensor) -> Tensor:
    return ((values - mean) / spread).clamp(-LARGEST, LARGEST)
