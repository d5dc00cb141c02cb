"""Pixels of a dataset, decoded once and read memory-mapped from then on.

The cache is one file of raw bytes, image after image, and a small index. Its name is the hash of
the files' own bytes, so a dataset that was moved is not decoded again and a changed file is.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from workbench.domain.base import content_hash
from workbench.domain.progress import Progress
from workbench.errors import DataError
from workbench.files import folder_written_whole

FORMAT = 1  # raised when the same files would give other pixels


@dataclass(frozen=True)
class CachedImages:
    """Images of any size in one memory-mapped file.

    Attributes:
        pixels: All bytes, uint8.
        shapes: (H, W, 3) of each image.
        starts: Where each image begins.
    """

    pixels: np.ndarray
    shapes: tuple[tuple[int, ...], ...]
    starts: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.shapes)

    def __getitem__(self, place: int, /) -> np.ndarray:
        start, shape = self.starts[place], self.shapes[place]
        return self.pixels[start : start + prod(shape)].reshape(shape)

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[place] for place in range(len(self)))


def files_hash(files: Sequence[Path], names: Sequence[str] | None = None) -> str:
    """Return the SHA-256 over the bytes of files, in their order.

    Args:
        files: The files; each is read once, however often it is named.
        names: What tells apart images of one file (frames of a video).

    Raises:
        DataError: A file cannot be read.
    """
    digests = dict.fromkeys(files, "")
    with ThreadPoolExecutor(2) as threads:
        digests = dict(zip(digests, threads.map(_digest, digests), strict=True))
    return content_hash([FORMAT, [digests[file] for file in files], list(names or ())])


def cached_images(
    key: str,
    read: Sequence[Callable[[], np.ndarray]],
    *,
    cache: Path,
    progress: Progress,
) -> CachedImages:
    """Return images from the cache; what is not there is decoded now, all of it or nothing.

    Args:
        key: Hash of all that decides the pixels; see `files_hash`.
        read: Reads each image, (H, W, 3), uint8.
        cache: Folder to keep the pixels in; they take H·W·3 bytes an image.
        progress: Told the share done; what it raises passes through.

    Raises:
        DataError: An image is corrupt, or the cache cannot be written.
    """
    folder = cache / "decoded" / key[:32]
    if not (folder / "index.json").is_file():
        try:
            with folder_written_whole(folder) as making:
                _decode(making, read, progress)
        except OSError as fault:
            raise DataError(
                f"Decoded images could not be written to {folder}: {fault}. "
                "Free some space, or set WORKBENCH_CACHE to another folder."
            ) from fault
    shapes = [tuple(shape) for shape in json.loads((folder / "index.json").read_text())]
    starts = np.cumsum([0, *(prod(shape) for shape in shapes)])[:-1].tolist()
    pixels = np.memmap(folder / "pixels.bin", dtype=np.uint8, mode="r")
    return CachedImages(pixels, tuple(shapes), tuple(starts))


def _decode(making: Path, read: Sequence[Callable[[], np.ndarray]], progress: Progress) -> None:
    shapes = []
    with (making / "pixels.bin").open("wb") as file, ThreadPoolExecutor(2) as threads:
        for start in range(0, len(read), 16):  # a few at a time: memory stays small
            for image in threads.map(lambda one: one(), read[start : start + 16]):
                file.write(np.ascontiguousarray(image).data)
                shapes.append(image.shape)
            progress(len(shapes) / len(read), "decoding images")
    (making / "index.json").write_text(json.dumps(shapes))


def _digest(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as fault:
        raise DataError(f"{file} cannot be read: {fault.strerror}.") from fault
