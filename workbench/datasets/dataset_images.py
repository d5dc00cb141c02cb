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
from workbench.datasets import generated, live
from workbench.datasets.adapters import dataset_adapter
from workbench.datasets.frames import read_pixels
from workbench.datasets.image_reader import READER
from workbench.datasets.image_set import ImageSet, strengths
from workbench.datasets.labelled import ImageDataset, LabelledImage
from workbench.domain.canonical import Progress, content_hash
from workbench.domain.config import DatasetConfig
from workbench.errors import DataError

FORMAT = 1  # raised when the same pixels would be kept in another form


@dataclass(frozen=True)
class CachedImages:
    """Images of any size in one memory-mapped file."""

    pixels: np.ndarray  # all bytes, uint8
    shapes: tuple[tuple[int, ...], ...]  # (H, W, 3) of each image
    starts: tuple[int, ...]  # where each image begins

    def __len__(self) -> int:
        return len(self.shapes)

    def __getitem__(self, index: int, /) -> np.ndarray:
        start, shape = self.starts[index], self.shapes[index]
        return self.pixels[start : start + prod(shape)].reshape(shape)

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[index] for index in range(len(self)))


def files_hash(files: Sequence[Path], names: Sequence[str]) -> str:
    """Return the SHA-256 over the bytes of files, in their order.

    Args:
        files: Each is read once, however often it is listed.
        names: What distinguishes images of one file (frames of a video).

    Raises:
        DataError: A file cannot be read.
    """
    digests = dict.fromkeys(files, "")
    with ThreadPoolExecutor(2) as threads:
        digests = dict(zip(digests, threads.map(_digest, digests), strict=True))
    return content_hash([FORMAT, READER, [digests[file] for file in files], list(names)])


def cached_images(
    key: str,
    read: Sequence[Callable[[], np.ndarray]],
    *,
    cache: Path,
    progress: Progress,
) -> CachedImages:
    """Return images from the cache; where they are missing, all are decoded now.

    Args:
        key: Hash of all that decides the pixels; see `files_hash`.
        read: Reads each image, (H, W, 3), uint8.
        cache: Folder to store the pixels in; they take H·W·3 bytes an image.
        progress: What it raises ends the decoding and leaves nothing.

    Raises:
        DataError: An image is corrupt, or the cache cannot be written.
    """
    folder = cache / "decoded" / key[:32]
    if not (folder / "index.json").is_file():
        try:
            with atomic_folder(folder) as passing:
                _decode(passing, read, progress)
        except OSError as fault:
            raise DataError(
                f"Decoded images could not be written to {folder}: {fault}. "
                "Free some space, or set WORKBENCH_CACHE to another folder."
            ) from fault
    shapes = [tuple(shape) for shape in json.loads((folder / "index.json").read_text())]
    starts = np.cumsum([0, *(prod(shape) for shape in shapes)])[:-1].tolist()
    pixels = np.memmap(folder / "pixels.bin", dtype=np.uint8, mode="r")
    return CachedImages(pixels, tuple(shapes), tuple(starts))


def _decode(folder: Path, read: Sequence[Callable[[], np.ndarray]], progress: Progress) -> None:
    shapes = []
    with (folder / "pixels.bin").open("wb") as file, ThreadPoolExecutor(2) as threads:
        for start in range(0, len(read), 4):  # a few at a time: memory stays small
            for image in threads.map(lambda read_image: read_image(), read[start : start + 4]):
                file.write(np.ascontiguousarray(image).data)
                shapes.append(image.shape)
            progress(len(shapes) / len(read), "decoding images")
    (folder / "index.json").write_text(json.dumps(shapes))


def _digest(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as fault:
        raise DataError(
            f"{file} cannot be read: {fault.strerror}. Put it back, or check the dataset: "
            "workbench datasets check."
        ) from fault


BINS = 5  # levels of a dataset that has none (METHOD §5)


def chosen_set(config: DatasetConfig, *, home: Path, cache: Path, progress: Progress) -> ImageSet:
    """Return the scored images of a dataset that show no other than the chosen distortions.

    Args:
        config: Which dataset, where, which distortions, and how many images at most.
        home: Where tables are registered.
        cache: Folder to store decoded images in.
        progress: The share done and what is being done.

    Raises:
        UnknownNameError: No such dataset.
        DatasetNotFoundError: It is not below the root.
        DataError: Nothing is left, an image is corrupt, or the dataset has no scores.
    """
    dataset = dataset_adapter(config.dataset, home).open(config.root)
    rows = _draw(dataset, _suitable(dataset, config), config)
    images = [dataset.images[row] for row in rows]
    distortions = tuple(sorted(config.distortions))
    progress(0.0, "reading files")
    digest = files_hash(
        [dataset.path(image) for image in images], [str(image.frame) for image in images]
    )
    pixels = cached_images(
        digest, [partial(read_pixels, dataset, image) for image in images],
        cache=cache, progress=progress,
    )  # fmt: skip
    quality = np.array([image.quality for image in images], dtype=np.float64)
    truth = strengths([image.present for image in images], distortions)
    levels = {p.distortion: p.levels or BINS for image in dataset.images for p in image.present}
    data = ImageSet(
        images=pixels,
        names=tuple(image.name for image in images),
        photograph=tuple(image.group for image in images),
        distortion=tuple("+".join(p.distortion for p in image.present) for image in images),
        level=tuple(_level(image) for image in images),
        quality=quality,
        truth=truth,
        distortions=distortions,
        levels=tuple(levels[name] for name in distortions),
        hash=content_hash([digest, quality.tolist(), truth.tolist()]),
        dataset=_description(dataset, config, len(rows)),
        target=f"{dataset.facts.score} of {dataset.facts.title}, mapped to [0, 1]",
        subset=tuple(image.subset for image in images),
        origin=(dataset, rows),
    )
    return _with_quantile_levels(data, dataset, rows) if _lacks_levels(dataset, data) else data


def _suitable(dataset: ImageDataset, config: DatasetConfig) -> NDArray[np.intp]:
    """Return rows of the images that have a score and show none but the chosen distortions."""
    chosen, where = set(config.distortions), f"{dataset.facts.title} in {dataset.root}"
    shows = [{present.distortion for present in image.present} for image in dataset.images]
    every = sorted(set[str]().union(*shows))
    missing = sorted(chosen - set(every))
    if missing:
        raise DataError(
            f"{where} shows no {', '.join(missing)}; it has "
            f"{', '.join(every) or 'no known distortions'}. Name those in data.distortions."
        )
    scored = [row for row, image in enumerate(dataset.images) if image.quality is not None]
    rows = [row for row in scored if shows[row] <= chosen]
    if not rows:
        only = f"and of those none shows only {', '.join(sorted(chosen)) or 'no distortion'}"
        raise DataError(
            f"{where} leaves no image: of {len(dataset.images)}, {len(scored)} have a score"
            + (
                f", {only}. {_nearest(shows, scored, chosen)}"
                if scored
                else f". {_no_score(dataset)}"
            )
        )
    return np.array(rows)


def _nearest(shows: Sequence[set[str]], scored: Sequence[int], chosen: set[str]) -> str:
    """Say which distortions have to be chosen too, so that an image is left."""
    fewest = min(
        (shows[row] - chosen for row in scored), key=lambda more: (len(more), sorted(more))
    )
    return f"Add to data.distortions what its images show too, such as {', '.join(sorted(fewest))}."


def _no_score(dataset: ImageDataset) -> str:
    """Say how a dataset gets scores; one of pristine photographs never has any."""
    if dataset.facts.name == generated.FACTS.name:
        return "Generate the set with scores: workbench generate … --scores haarpsi."
    if dataset.facts.score:
        return f"Add the scores. {dataset.facts.obtain}"
    return "Name a dataset that has scores: workbench datasets list."


def _draw(dataset: ImageDataset, rows: NDArray[np.intp], config: DatasetConfig) -> NDArray[np.intp]:
    """Return at most so many rows, in the order of the dataset; no drawn group is divided."""
    if config.images is None or config.images >= len(rows):
        return rows
    sizes = Counter(dataset.images[row].group for row in rows)
    names = sorted(sizes)
    drawn, room = set[str](), config.images
    for index in np.random.default_rng(config.seed).permutation(len(names)):
        if sizes[names[index]] <= room:
            drawn.add(names[index])
            room -= sizes[names[index]]
    if len(drawn) < 2:
        raise DataError(
            f"{config.images} images are fewer than two whole groups of {dataset.facts.title}. "
            "Raise data.images."
        )
    return np.array([row for row in rows if dataset.images[row].group in drawn])


def _level(image: LabelledImage) -> int:
    return (image.present[0].level or 0) if len(image.present) == 1 else 0


def _lacks_levels(dataset: ImageDataset, data: ImageSet) -> bool:
    return dataset.facts.name == live.FACTS.name and bool(data.distortions)


def _with_quantile_levels(
    data: ImageSet, dataset: ImageDataset, rows: NDArray[np.intp]
) -> ImageSet:
    """Return images of LIVE with levels, which are quantiles of the training part."""
    types = tuple(type for type in dataset.facts.types if type.distortion in data.distortions)
    chosen = replace(dataset, facts=dataset.facts.model_copy(update={"types": types}))

    def by_training(train: NDArray[np.intp]) -> NDArray[np.float32]:
        images = live.with_levels(chosen, rows[train].tolist(), BINS).images
        return strengths([images[row].present for row in rows], data.distortions)

    truth = by_training(np.arange(len(data)))
    levels = np.rint(truth.max(1) * BINS).astype(int).tolist()
    return replace(data, truth=truth, level=tuple(levels), by_training=by_training)


def _description(dataset: ImageDataset, config: DatasetConfig, count: int) -> str:
    part = "" if count == len(dataset.images) else f", {count} of {len(dataset.images)} images"
    drawn = f" drawn by group with seed {config.seed}" if config.images is not None else ""
    return f"{dataset.facts.title}{part}{drawn}"
