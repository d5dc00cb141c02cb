"""Views of an image: random crops to train on, a grid of crops to score (METHOD §1.8).

Quality is never judged on a resized image, since resizing hides distortions.
"""

import numpy as np
import torch
from torch import Tensor

from workbench.errors import ShapeError


def random_crops(
    images: np.ndarray, index: Tensor, size: int, generator: torch.Generator
) -> Tensor:
    """Return one random crop of each chosen image, half of them mirrored.

    Args:
        images: (N, H, W, 3), uint8.
        index: Which images, (B,), int64.
        size: Side of a crop in pixels.
        generator: Decides places and mirrors.

    Returns:
        (B, 3, size, size), uint8.

    Raises:
        ShapeError: An image is smaller than a crop.
    """
    height, width = _room(images, size)
    top = torch.randint(height + 1, index.shape, generator=generator).tolist()
    left = torch.randint(width + 1, index.shape, generator=generator).tolist()
    mirrored = (torch.rand(index.shape, generator=generator) < 0.5).tolist()
    crops = np.empty((len(index), size, size, 3), dtype=np.uint8)
    for place, (i, y, x, flip) in enumerate(zip(index.tolist(), top, left, mirrored, strict=True)):
        crop = images[i, y : y + size, x : x + size]
        crops[place] = crop[:, ::-1] if flip else crop
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
    height, width = _room(image[None], size)
    tops = np.linspace(0, height, -(-image.shape[0] // size)).round().astype(int)
    lefts = np.linspace(0, width, -(-image.shape[1] // size)).round().astype(int)
    crops = np.stack([image[y : y + size, x : x + size] for y in tops for x in lefts])
    return torch.from_numpy(crops).permute(0, 3, 1, 2)


def grid_crop_choices(
    images: np.ndarray, index: Tensor, size: int, generator: torch.Generator
) -> Tensor:
    """Return one crop of each chosen image, at random among those of `grid_crops`.

    For towers that remember what they computed of a crop: the same few crops come again and again.
    Takes, returns and raises what `random_crops` does; nothing is mirrored.
    """
    _room(images, size)
    grids = [grid_crops(images[i], size) for i in index.tolist()]
    chosen = torch.rand(len(grids), generator=generator).tolist()
    return torch.stack(
        [grid[int(share * len(grid))] for grid, share in zip(grids, chosen, strict=True)]
    )


def _room(images: np.ndarray, size: int) -> tuple[int, int]:
    height, width = images.shape[1] - size, images.shape[2] - size
    if min(height, width) < 0:
        raise ShapeError(
            f"Images of {images.shape[2]}x{images.shape[1]} px are smaller than the encoder's "
            f"{size}x{size} px view; use larger images."
        )
    return height, width
