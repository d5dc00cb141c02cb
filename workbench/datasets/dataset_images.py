"""A dataset as distributed, made ready to tune and test on."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.atomic_files import atomic_folder
from workbench.datasets import live
from workbench.datasets.frames import read_pixels
from workbench.datasets.image_set import ImageSet
from workbench.datasets.labelled import ImageDataset, LabelledImage, adapters
from workbench.domain.canonical import Progress, content_hash
from workbench.domain.config import DatasetConfig
from workbench.errors import DataError

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
            with atomic_folder(folder) as making:
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


BINS = 5  # levels of a dataset that has none (METHOD §5)


def chosen_set(config: DatasetConfig, *, cache: Path, progress: Progress) -> ImageSet:
    """Return the scored images of a dataset that show no other than the chosen distortions.

    Args:
        config: Which dataset, where, which distortions, and how many images at most.
        cache: Folder to keep decoded images in.
        progress: Told the share done and what is being done.

    Raises:
        UnknownNameError: No such dataset.
        DatasetNotFoundError: It is not below the root.
        DataError: Nothing is left, an image is corrupt, or the dataset has no scores.
    """
    dataset = adapters()[config.dataset].load(Path(config.root))
    rows = _drawn(dataset, _suitable(dataset, config), config)
    images = [dataset.images[row] for row in rows]
    distortions = tuple(sorted(config.distortions))
    files = [dataset.path(image) for image in images]
    progress(0.0, "reading files")
    digest = files_hash(files, [str(image.frame) for image in images])
    pixels = cached_images(
        digest, [partial(read_pixels, dataset, image) for image in images],
        cache=cache, progress=progress,
    )  # fmt: skip
    quality = np.array([image.quality for image in images], dtype=np.float64)
    levels = _levels(dataset, distortions)
    whole = ImageSet(
        images=pixels,
        names=_names(images),
        photograph=tuple(image.group for image in images),
        distortion=tuple("+".join(one.distortion for one in image.present) for image in images),
        level=tuple(_level(image) for image in images),
        quality=quality,
        truth=_strengths(images, distortions),
        distortions=distortions,
        levels=levels,
        hash=content_hash([digest, quality.tolist(), _strengths(images, distortions).tolist()]),
        dataset=_words(dataset, config, len(rows)),
        target=f"{dataset.facts.score} of {dataset.facts.title}, mapped to [0, 1]",
        subset=tuple(image.subset for image in images),
        origin=(dataset, rows),
    )
    return _levelled(whole) if dataset.facts.name == live.FACTS.name else whole


def _suitable(dataset: ImageDataset, config: DatasetConfig) -> NDArray[np.intp]:
    """Return rows of the images that have a score and show none but the chosen distortions."""
    wanted, title = set(config.distortions), dataset.facts.title
    here = {one.distortion for image in dataset.images for one in image.present}
    missing = sorted(wanted - here)
    if missing:
        raise DataError(
            f"{title} in {config.root} shows no {', '.join(missing)}; it has "
            f"{', '.join(sorted(here)) or 'no known distortions'}."
        )
    rows = [
        row
        for row, image in enumerate(dataset.images)
        if image.quality is not None and {one.distortion for one in image.present} <= wanted
    ]
    if not rows:
        scored = sum(image.quality is not None for image in dataset.images)
        raise DataError(
            f"{title} in {config.root} leaves no image: of {len(dataset.images)}, {scored} have a "
            f"score, and of those none shows only {', '.join(sorted(wanted)) or 'no distortion'}."
        )
    return np.array(rows)


def _drawn(
    dataset: ImageDataset, rows: NDArray[np.intp], config: DatasetConfig
) -> NDArray[np.intp]:
    """Return at most so many rows, whole groups in a drawn order, in the order of the dataset."""
    if config.images is None or config.images >= len(rows):
        return rows
    sizes = Counter(dataset.images[row].group for row in rows)
    names = sorted(sizes)
    kept, room = set[str](), config.images
    for place in np.random.default_rng(config.seed).permutation(len(names)):
        if sizes[names[place]] <= room:
            kept.add(names[place])
            room -= sizes[names[place]]
    if len(kept) < 2:
        raise DataError(
            f"{config.images} images are fewer than two whole groups of {dataset.facts.title}. "
            "Raise data.images."
        )
    return np.array([row for row in rows if dataset.images[row].group in kept])


def _names(images: Sequence[LabelledImage]) -> tuple[str, ...]:
    return tuple(
        image.file if image.frame is None else f"{image.file}#{image.frame}" for image in images
    )


def _level(image: LabelledImage) -> int:
    return (image.present[0].level or 0) if len(image.present) == 1 else 0


def _levels(dataset: ImageDataset, distortions: Sequence[str]) -> tuple[int, ...]:
    known = {
        one.distortion: one.levels or BINS for image in dataset.images for one in image.present
    }
    return tuple(known[name] for name in distortions)


def _strengths(images: Sequence[LabelledImage], distortions: Sequence[str]) -> NDArray[np.float32]:
    column = {name: d for d, name in enumerate(distortions)}
    strengths = np.zeros((len(images), len(distortions)), dtype=np.float32)
    for row, image in enumerate(images):
        for one in image.present:
            if one.level and one.distortion in column:
                strengths[row, column[one.distortion]] = one.level / one.levels
    return strengths


def _levelled(found: ImageSet) -> ImageSet:
    """Return LIVE, whose levels are quantiles of the training part."""
    if found.origin is None or not found.distortions:
        return found
    whole, rows = found.origin
    types = tuple(one for one in whole.facts.types if one.distortion in found.distortions)
    dataset = replace(whole, facts=whole.facts.model_copy(update={"types": types}))

    def by_training(train: NDArray[np.intp]) -> NDArray[np.float32]:
        images = live.with_levels(dataset, rows[train].tolist(), BINS).images
        return _strengths([images[row] for row in rows], found.distortions)

    truth = by_training(np.arange(len(found)))
    levels = np.rint(truth.max(1) * BINS).astype(int).tolist()
    return replace(found, truth=truth, level=tuple(levels), by_training=by_training)


def _words(dataset: ImageDataset, config: DatasetConfig, count: int) -> str:
    part = "" if count == len(dataset.images) else f", {count} of {len(dataset.images)} images"
    drawn = f" drawn by group with seed {config.seed}" if config.images is not None else ""
    return f"{dataset.facts.title}{part}{drawn}"
