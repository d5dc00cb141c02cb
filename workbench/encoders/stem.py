"""A patch embedding that sees distortions: band energies of small blocks, then one linear layer.

A linear patch embedding, as ViTs have, needs many images before it finds out that blur, noise and
compression show in the *energy* of fine detail and not in its sign. Here the energies are given:
each colour plane is analysed by a fixed block cosine transform, and a cell is described by the
logarithms of mean, power and peak of each band. Nothing in it is learned but the last linear layer.
Decision 0007 has the measurements.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BLOCK = 4  # pixels on a side of the cosine transform
PLANES = 3  # luma and two colour differences, ITU-R BT.601
BANDS = PLANES * BLOCK * BLOCK
FEATURES = 3 * BANDS


class BandEnergyStem(nn.Module):
    """Images to one vector per cell, in the place of a ViT's patch convolution.

    Args:
        width: W, channels of the result.
        cell: Side of a cell in pixels, a multiple of the block.
    """

    bank: Tensor
    planes: Tensor

    def __init__(self, width: int, cell: int) -> None:
        super().__init__()
        self.blocks_per_cell, self.out_channels = cell // BLOCK, width
        bank = cosine_bank(BLOCK)[:, :, None, None]
        self.register_buffer("bank", bank.repeat(PLANES, 1, 1, 1), persistent=False)
        planes = [[0.299, 0.587, 0.114], [-0.169, -0.331, 0.5], [0.5, -0.419, -0.081]]
        self.register_buffer("planes", torch.tensor(planes)[:, :, None, None], persistent=False)
        self.norm = nn.BatchNorm2d(FEATURES, affine=False)
        self.proj = nn.Conv2d(FEATURES, width, 1)

    def features(self, images: Tensor) -> Tensor:
        """Return log energies, (B, 144, S/cell, S/cell), of normalised images, (B, 3, S, S)."""
        blocks = F.pixel_unshuffle(F.conv2d(images, self.planes), BLOCK)  # (B, 48, S/4, S/4)
        bands = F.conv2d(blocks, self.bank, groups=PLANES)
        size = bands.abs()
        mean = F.avg_pool2d(size, self.blocks_per_cell)
        power = F.avg_pool2d(bands.square(), self.blocks_per_cell)
        peak = F.max_pool2d(size, self.blocks_per_cell)
        return torch.cat([(mean + 1e-3).log(), (power + 1e-5).log(), (peak + 1e-3).log()], 1)

    def forward(self, images: Tensor) -> Tensor:
        """Return cell vectors, (B, W, S/cell, S/cell)."""
        with torch.no_grad():
            features = self.features(images)
        return self.proj(self.norm(features))  # type: ignore[no-any-return]


def cosine_bank(size: int) -> Tensor:
    """Return the orthonormal cosine transform (DCT-II) of size x size blocks.

    Returns:
        (size², size²), float32; row u·size+v has u half-cycles down and v across.

    Example:
        >>> bank = cosine_bank(4)
        >>> torch.allclose(bank @ bank.T, torch.eye(16), atol=1e-6)
        True
    """
    place = torch.arange(size, dtype=torch.float64)
    rows = torch.cos(math.pi * (2 * place[None] + 1) * place[:, None] / (2 * size))
    rows *= math.sqrt(2 / size)
    rows[0] /= math.sqrt(2)
    bank = torch.einsum("ux,vy->uvxy", rows, rows)
    return bank.reshape(size * size, size * size).float()
