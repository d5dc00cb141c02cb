"""The images that are scored: pixels, files, or folders of files."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from workbench.datasets.photographs import photograph_files, read_image
from workbench.errors import ShapeError

Image = str | Path | np.ndarray  # a path, or (H, W, 3) uint8


def each_image(images: Iterable[Image]) -> Iterator[str | np.ndarray]:
    """Yield images with each folder replaced by its photographs, sorted by name.

    Raises:
        DatasetNotFoundError: A folder holds no image.
    """
    for image in images:
        if isinstance(image, np.ndarray):
            yield image
        elif Path(image).is_dir():
            yield from (str(file) for file in photograph_files(str(image)).values())
        else:
            yield str(image)


def opened(image: str | np.ndarray, size: int) -> tuple[str, np.ndarray]:
    """Return the name of an image and its pixels, (H, W, 3), uint8.

    Args:
        image: A path, or pixels; these have the name "".
        size: Side of the encoder's view in pixels.

    Raises:
        CorruptImageError: The file is missing, broken off or no image; it is named.
        ShapeError: Not (H, W, 3) uint8, or smaller than the view.
    """
    name = image if isinstance(image, str) else ""
    pixels = read_image(Path(image)) if isinstance(image, str) else image
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
        raise ShapeError(f"An image is (H, W, 3) uint8, got {pixels.shape} {pixels.dtype}.")
    height, width = pixels.shape[:2]
    if min(height, width) < size:
        raise ShapeError(
            f"{name or 'The image'} is {width}x{height} px, smaller than the encoder's "
            f"{size}x{size} px view; use a larger image."
        )
    return name, pixels
