"""Pixels of any labelled image."""

import numpy as np

from workbench.datasets.labelled import ImageDataset, LabelledImage
from workbench.datasets.photographs import read_image
from workbench.datasets.video import read_frame
from workbench.errors import CorruptImageError


def read_pixels(dataset: ImageDataset, image: LabelledImage) -> np.ndarray:
    """Return the pixels of an image, of a video's frame or of a row of an array of images.

    Returns:
        RGB, (H, W, 3), uint8.

    Raises:
        CorruptImageError: The file is missing, broken off or of no known form.
    """
    file = dataset.path(image)
    if image.frame is None:
        return read_image(file)
    if file.suffix == ".npy":
        try:
            return np.array(np.load(file, mmap_mode="r")[image.frame])
        except (OSError, ValueError, IndexError) as fault:
            raise CorruptImageError(f"{file} has no row {image.frame} ({fault}).") from fault
    return read_frame(file, image.frame)
