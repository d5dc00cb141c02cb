"""Crops of an image, random ones to train on, a grid of them to score, and all of it (METHOD §1.8).

Quality is never judged on a resized image alone, since resizing hides distortions.
"""

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from workbench.datasets.image_set import Images
from workbench.errors import ShapeError

MIRRORED = 0.5  # share of the random crops


def random_crops(images: Images, rows: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """Return one random crop of each chosen image, half of them mirrored.

    Args:
        images: N images, each (H, W, 3), uint8.
        rows: Which images, (B,), int64.
        size: Side of a crop in pixels.
        generator: Decides position and mirroring.

    Returns:
        (B, 3, size, size), uint8.

    Raises:
        ShapeError: An image is smaller than a crop.
    """
    chosen = [images[row] for row in rows.tolist()]
    drawn = torch.rand(3, len(chosen), generator=generator).tolist()
    crops = np.empty((len(chosen), size, size, 3), dtype=np.uint8)
    for crop, image, down, right, mirror in zip(crops, chosen, *drawn, strict=True):
        height, width = _margins(image, size)
        top, left = int(down * (height + 1)), int(right * (width + 1))
        pixels = image[top : top + size, left : left + size]
        crop[:] = pixels[:, ::-1] if mirror < MIRRORED else pixels
    return torch.from_numpy(crops).permute(0, 3, 1, 2)


def grid_crops(image: np.ndarray, size: int) -> Tensor:
    """Return the fewest evenly spaced crops that cover an image.

    Args:
        image: (H, W, 3), uint8.
        size: Side of a crop in pixels.

    Returns:
        (crops, 3, size, size), uint8.

    Example:
        >>> grid_crops(np.zeros((288, 384, 3), np.uint8), 96).shape
        torch.Size([12, 3, 96, 96])
    """
    height, width = _margins(image, size)
    tops = np.linspace(0, height, -(-image.shape[0] // size)).round().astype(int)
    lefts = np.linspace(0, width, -(-image.shape[1] // size)).round().astype(int)
    crops = np.stack([image[y : y + size, x : x + size] for y in tops for x in lefts])
    return torch.from_numpy(crops).permute(0, 3, 1, 2)


def whole_view(image: np.ndarray, size: int) -> Tensor:
    """Return a whole image squashed to a square, antialiased: what no crop shows at once.

    Takes what `grid_crops` does; returns (1, 3, size, size), uint8.

    Example:
        >>> whole_view(np.full((288, 384, 3), 7, np.uint8), 96).unique()
        tensor([7], dtype=torch.uint8)
    """
    square = Image.fromarray(image).resize((size, size), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(square)).permute(2, 0, 1)[None]


def grid_crop_choices(
    images: Images, rows: Tensor, size: int, generator: torch.Generator
) -> Tensor:
    """Return one crop of each chosen image, at random among those of `grid_crops`.

    For towers that cache what they computed of a crop: the same few crops come again and again.
    Takes, returns and raises what `random_crops` does; nothing is mirrored.
    """
    grids = [grid_crops(images[row], size) for row in rows.tolist()]
    chosen = torch.rand(len(grids), generator=generator).tolist()
    return torch.stack(
        [grid[int(share * len(grid))] for grid, share in zip(grids, chosen, strict=True)]
    )


def _margins(image: np.ndarray, size: int) -> tuple[int, int]:
    height, width = image.shape[0] - size, image.shape[1] - size
    if min(height, width) < 0:
        raise ShapeError(
            f"Images of {image.shape[1]}x{image.shape[0]} px are smaller than the encoder's "
            f"{size}x{size} px view; use larger images."
        )
    return height, width
