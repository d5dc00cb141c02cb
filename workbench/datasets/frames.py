"""Single frames of a video."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from workbench.datasets.image_reader import read_image
from workbench.datasets.labelled import ImageDataset, LabelledImage
from workbench.datasets.photographs import readable_name
from workbench.errors import CorruptImageError


def count_frames(file: Path) -> int:
    """Return how many frames a video states to have, at least 1.

    Raises:
        CorruptImageError: It is missing or no video.
    """
    with _opened(file) as video:
        count = int(video.get(cv2.CAP_PROP_FRAME_COUNT))
    if count < 1:
        raise CorruptImageError(f"{file} has no frame. Replace it.")
    return count


def read_frame(file: Path, number: int) -> np.ndarray:
    """Return one frame of a video.

    Args:
        file: Any video that OpenCV's FFmpeg reads.
        number: From 0.

    Returns:
        RGB, (H, W, 3), uint8.

    Raises:
        CorruptImageError: No video, or it breaks off before this frame.
    """
    with _opened(file) as video:
        video.set(cv2.CAP_PROP_POS_FRAMES, number)
        reached = int(video.get(cv2.CAP_PROP_POS_FRAMES)) == number
        decoded, frame = video.read()
    if not (reached and decoded):
        raise CorruptImageError(f"{file} breaks off before frame {number}. Replace it.")
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), np.uint8)


def even_frames(count: int, wanted: int) -> list[int]:
    """Return numbers of `wanted` of `count` frames, evenly spread and away from both ends.

    Example:
        >>> even_frames(250, 5), even_frames(3, 5)
        ([25, 75, 125, 175, 225], [0, 1, 2])
    """
    taken = min(count, wanted)
    return [(2 * index + 1) * count // (2 * taken) for index in range(taken)]


@contextmanager
def _opened(file: Path) -> "Iterator[cv2.VideoCapture]":
    if not file.is_file():
        raise CorruptImageError(f"{file} does not exist. Put it back.")
    if readable_name(str(file)) != str(file):  # OpenCV would end the whole process
        raise CorruptImageError(
            f"{readable_name(str(file))} cannot be opened: its path is no UTF-8. Rename the file "
            "or its folder."
        )
    video = cv2.VideoCapture(str(file), cv2.CAP_FFMPEG)
    try:
        if not video.isOpened():
            raise CorruptImageError(f"{file} is no readable video. Replace it.")
        yield video
    finally:
        video.release()


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
        except (OSError, ValueError, LookupError, EOFError, TypeError) as fault:
            raise CorruptImageError(
                f"{file} has no row {image.frame} ({fault}). Generate the set again."
            ) from fault
    return read_frame(file, image.frame)
