"""What a normalising network forgets: statistics of raw pixels, per cell and of the whole view.

Nothing here is learned. Per cell of 32 px: band energies at three scales, absolute brightness and
colour with their quantiles, clipping, exactly equal neighbours (flat areas), long straight edges,
and how far the colour planes agree. Of the whole view: histograms, how many values and colours
occur, the rhythm of its gradients (block grids), and whether green lies shifted against red.

Shapes: B images, S their side (a multiple of 32), N cells = (S/32)².
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

CELL = 32  # pixels
BLOCK = 4  # pixels on a side of the cosine transform
TINY = 1e-4
QUANTILES = (0.02, 0.25, 0.5, 0.75, 0.98)
RUN = 16  # pixels; a copied patch of KADID-10k #20 has sides as long
LAGS = (*range(1, 17), 24, 32)
SHIFTS = (0, 2, 4, 6)  # of green against red, in pixels of the halved view (KADID-10k #5)

CELL_FEATURES = 350
VIEW_FEATURES = 259


class PixelStatistics(nn.Module):
    """Images in [0, 1] to statistics of their cells and of the whole view."""

    bank: Tensor
    planes: Tensor

    def __init__(self) -> None:
        super().__init__()
        bank = cosine_bank(BLOCK)[:, :, None, None]
        self.register_buffer("bank", bank.repeat(3, 1, 1, 1), persistent=False)
        # Luma and two colour differences, ITU-R BT.601.
        planes = [[0.299, 0.587, 0.114], [-0.169, -0.331, 0.5], [0.5, -0.419, -0.081]]
        self.register_buffer("planes", torch.tensor(planes)[:, :, None, None], persistent=False)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return statistics of cells, (B, 350, S/32, S/32), and of the view, (B, 259).

        The images, (B, 3, S, S), are RGB in [0, 1].
        """
        colours = F.conv2d(images, self.planes)
        luma = colours[:, :1]
        cells = [self._bands(colours), _intensity(images, colours), _flatness(images, luma)]
        cells += [_straight_edges(luma), _agreement(images)]
        view = [_histograms(images, colours), _counts(images), _rhythm(luma), _shift(images)]
        return torch.cat(cells, 1), torch.cat(view, 1)

    def _bands(self, colours: Tensor) -> Tensor:
        energies = []
        for scale, keep in ((1, 3), (2, 2), (4, 1)):
            scaled = F.avg_pool2d(colours, scale) if scale > 1 else colours
            bands = F.conv2d(F.pixel_unshuffle(scaled, BLOCK), self.bank, groups=3)
            side, size = CELL // BLOCK // scale, bands.abs()
            kinds = (
                F.avg_pool2d(size, side),
                F.max_pool2d(size, side),
                F.avg_pool2d(bands.square(), side).sqrt(),
            )
            energies += [(kind + 1e-3).log() for kind in kinds[:keep]]
        return torch.cat(energies, 1)  # 6 · 48 = 288


def _intensity(images: Tensor, colours: Tensor) -> Tensor:
    values = torch.cat([images, colours], 1)
    mean = F.avg_pool2d(values, CELL)
    spread = (F.avg_pool2d(values.square(), CELL) - mean.square()).clamp_min(0).sqrt()
    extremes = values[:, :4]
    low, high = -F.max_pool2d(-extremes, CELL), F.max_pool2d(extremes, CELL)
    chroma = images.amax(1, keepdim=True) - images.amin(1, keepdim=True)
    shades = [F.avg_pool2d(chroma, CELL), F.max_pool2d(chroma, CELL)]
    black = F.avg_pool2d((images < 1.5 / 255).float(), CELL)
    white = F.avg_pool2d((images > 253.5 / 255).float(), CELL)
    quantiles = [_quantiles(values[:, plane]) for plane in (3, 4, 5)]
    return torch.cat(
        [mean, spread, (spread + TINY).log(), low, high, *shades, black, white, *quantiles], 1
    )  # 6+6+6+4+4+2+3+3+15 = 49


def _quantiles(plane: Tensor) -> Tensor:
    thinned = plane[:, ::2, ::2]  # a quarter of the pixels gives the same quantiles
    side, cells = CELL // 2, plane.shape[-1] // CELL
    parts = thinned.reshape(-1, cells, side, cells, side).transpose(2, 3).flatten(3)
    ordered = parts.sort(-1).values
    index = [round(share * (side * side - 1)) for share in QUANTILES]
    return ordered[..., index].permute(0, 3, 1, 2)


def _flatness(images: Tensor, luma: Tensor) -> Tensor:
    across, down = _steps(images)
    equal_across = (across.abs().amax(1, keepdim=True) < 0.5 / 255).float()
    equal_down = (down.abs().amax(1, keepdim=True) < 0.5 / 255).float()
    luma_across, luma_down = (step.abs() for step in _steps(luma))
    bend = (luma - F.avg_pool2d(luma, 3, 1, 1, count_include_pad=False)).abs()
    shares = [equal_across, equal_down, equal_across * equal_down]
    shares += [(luma_across < 1.5 / 255).float(), (luma_down < 1.5 / 255).float()]
    means = [F.avg_pool2d(share, CELL) for share in shares]
    return torch.cat([*means, (F.avg_pool2d(bend, CELL) + TINY).log()], 1)  # 6


def _straight_edges(luma: Tensor) -> Tensor:
    contrasts = []  # of an edge against its neighbours
    for step, along in zip(_steps(luma), ((RUN, 1), (1, RUN)), strict=True):
        run = F.avg_pool2d(step.abs(), along, 1, (along[0] // 2, along[1] // 2))
        run = run[..., : luma.shape[-2], : luma.shape[-1]]
        axis = -1 if along[0] == RUN else -2
        around = (run.roll(1, axis) + run.roll(-1, axis)) / 2
        contrasts += [F.max_pool2d(run - around, CELL), F.max_pool2d(run / (around + 0.01), CELL)]
    return (torch.cat(contrasts, 1).clamp_min(0) + TINY).log()  # 4


def _agreement(images: Tensor) -> Tensor:
    fine = images - F.avg_pool2d(images, 5, 1, 2, count_include_pad=False)
    power = F.avg_pool2d(fine.square(), CELL) + 1e-6
    product = F.avg_pool2d(fine * fine.roll(1, 1), CELL)  # of each plane with the next
    return product / (power * power.roll(1, 1)).sqrt()[:, [0, 1, 2]]  # 3


def _steps(planes: Tensor) -> tuple[Tensor, Tensor]:
    across = F.pad(planes[..., 1:] - planes[..., :-1], (0, 1, 0, 0), mode="replicate")
    down = F.pad(planes[..., 1:, :] - planes[..., :-1, :], (0, 0, 0, 1), mode="replicate")
    return across, down


def _histograms(images: Tensor, colours: Tensor) -> Tensor:
    luma = _histogram(colours[:, 0], 64, 0.0, 1.0)
    rgb = [_histogram(images[:, plane, ::2, ::2], 32, 0.0, 1.0) for plane in range(3)]
    hues = [_histogram(colours[:, plane, ::2, ::2], 16, -0.5, 0.5) for plane in (1, 2)]
    return torch.cat([luma, *rgb, *hues], 1)  # 64 + 96 + 32 = 192


def _histogram(plane: Tensor, bins: int, low: float, high: float) -> Tensor:
    index = ((plane.flatten(1) - low) / (high - low) * bins).long().clamp(0, bins - 1)
    counts = plane.new_zeros(len(plane), bins)
    counts.scatter_add_(1, index, torch.ones_like(index, dtype=plane.dtype))
    return (counts / index.shape[1]).sqrt()


def _counts(images: Tensor) -> Tensor:
    levels = (images * 255).round().long()
    counts = []
    for plane in range(3):
        used = _histogram(images[:, plane] * (255 / 256) + 0.5 / 256, 256, 0.0, 1.0) > 0
        reach = levels[:, plane].flatten(1).amax(1) - levels[:, plane].flatten(1).amin(1) + 1
        counts += [used.sum(1) / reach, used.sum(1).float().log()]
    packed = (levels[:, 0] << 16 | levels[:, 1] << 8 | levels[:, 2])[:, ::2, ::2].flatten(1)
    ordered = packed.sort(1).values
    colours = (ordered[:, 1:] != ordered[:, :-1]).sum(1) + 1
    return torch.stack([*counts, colours.float().log()], 1)  # 7


def _rhythm(luma: Tensor) -> Tensor:
    values = []
    for step, axis in zip(_steps(luma), (-2, -1), strict=True):
        profile = step.abs().mean((1, axis))  # (B, S)
        smooth = F.avg_pool1d(profile[:, None], 9, 1, 4, count_include_pad=False)[:, 0]
        beat = (profile / (smooth + 0.002) - 1).clamp(-1, 3)
        power = beat.square().mean(1) + 1e-4
        values += [(beat[:, lag:] * beat[:, :-lag]).mean(1) / power for lag in LAGS]
        values += [power.log(), beat.amax(1)]
    return torch.stack(values, 1)  # 2 · (18 + 2) = 40


def _shift(images: Tensor) -> Tensor:
    halved = F.avg_pool2d(images[:, :2], 2)
    fine = halved - F.avg_pool2d(halved, 9, 1, 4, count_include_pad=False)
    red, green = fine[:, 0], fine[:, 1]
    power = (red.square().mean((1, 2)) * green.square().mean((1, 2))).sqrt() + 1e-6
    pairs = [(down, right) for down in SHIFTS for right in SHIFTS]
    pairs += [(-2, -2), (-4, -4), (-2, 0), (0, -2)]
    values = [(red * green.roll(pair, (1, 2))).mean((1, 2)) / power for pair in pairs]
    return torch.stack(values, 1)  # 20


def cosine_bank(size: int) -> Tensor:
    """Return the orthonormal cosine transform (DCT-II) of size x size blocks.

    Returns:
        (size², size²), float32; row u·size+v has u half-cycles down and v across.

    Example:
        >>> bank = cosine_bank(4)
        >>> torch.allclose(bank @ bank.T, torch.eye(16), atol=1e-6)
        True
    """
    index = torch.arange(size, dtype=torch.float64)
    rows = torch.cos(math.pi * (2 * index[None] + 1) * index[:, None] / (2 * size))
    rows *= math.sqrt(2 / size)
    rows[0] /= math.sqrt(2)
    bank = torch.einsum("ux,vy->uvxy", rows, rows)
    return bank.reshape(size * size, size * size).float()
