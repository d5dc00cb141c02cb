"""Make one chunk of a generated set: the part of the work that a worker does at a time."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image

from workbench.atomic_files import atomic_write
from workbench.datasets.generation.plan import (
    LOSSY_QUALITY,
    GeneratorConfig,
    PlannedImage,
    plan_image,
)
from workbench.datasets.generation.sources import Source, begun_sources, open_source
from workbench.datasets.image_reader import read_image
from workbench.datasets.photographs import photograph_file
from workbench.domain.distortion import Distortion
from workbench.errors import CorruptImageError, DataError

CHUNK = 8  # images


class Distort(Protocol):
    """Applies (distortion, level) steps in their order: (H, W, 3), uint8, in and out."""

    def __call__(  # noqa: D102
        self, image: np.ndarray, steps: Sequence[tuple[str, int]], /, *, seed: int
    ) -> np.ndarray: ...


@dataclass(frozen=True)
class ChunkMaker:
    """Makes any chunk of one set; can be pickled, so that any process makes the same bytes."""

    folder: str  # of the photographs
    out: Path  # the set's folder
    config: GeneratorConfig
    specs: tuple[Distortion, ...]  # in the configuration's order
    distort: Distort

    @property
    def sources(self) -> list[Source]:
        """The photographs as they were when the set was begun."""
        return begun_sources(self.out)

    @property
    def chunks(self) -> range:
        """Numbers of all chunks."""
        return range(-(-self.config.count // CHUNK))

    def images_of(self, chunk: int) -> range:
        """Indices of the images of a chunk."""
        return range(chunk * CHUNK, min((chunk + 1) * CHUNK, self.config.count))

    def part(self, chunk: int) -> Path:
        """Return the file that holds a finished chunk's rows of the manifest."""
        return self.out / "parts" / f"{chunk:08d}.json"

    def __call__(self, chunk: int) -> int:
        """Make what is missing of a chunk and return how many images it has.

        Raises:
            DataError: A photograph changed, or the disk is full; what is done stays.
        """
        photographs = len(self.sources)
        planned = [
            plan_image(self.config, self.specs, photographs, index)
            for index in self.images_of(chunk)
        ]
        try:
            rows = [
                row
                for photograph, images in groupby(planned, key=lambda image: image.photograph)
                for row in self._of_photograph(photograph, list(images))
            ]
            with atomic_write(self.part(chunk)) as passing:
                passing.write_text(json.dumps(rows))
        except OSError as fault:
            raise DataError(
                f"{self.out} could not be written: {fault}. What is done stays; free some space "
                "and give the same command again."
            ) from fault
        return len(planned)

    def _of_photograph(self, photograph: int, planned: list[PlannedImage]) -> list[dict[str, Any]]:
        source = self.sources[photograph]
        clean = open_source(source, photograph_file(self.folder, source.name), self.config.size)
        reference = self.out / reference_name(photograph)
        if not reference.exists():
            with atomic_write(reference) as passing:
                passing.write_bytes(encode(clean, "png", None))
        return [self._row(source, clean, image) for image in planned]

    def _row(self, source: Source, clean: np.ndarray, planned: PlannedImage) -> dict[str, Any]:
        distorted, digest = self._read(planned) or self._make(clean, planned)
        known = {spec.id: spec for spec in self.specs}
        return {
            "image": image_name(self.config, planned.index),
            "reference": reference_name(planned.photograph),
            "photograph": source.name,
            "photograph_sha256": source.sha256,
            "types": [name for name, _ in planned.steps],
            "levels": [level for _, level in planned.steps],
            "level_counts": [len(known[name].levels) for name, _ in planned.steps],
            "parameters": [known[name].levels[level - 1] for name, level in planned.steps],
            "seed": planned.seed,
            "width": clean.shape[1],
            "height": clean.shape[0],
            "sha256": digest,
            **_scores(clean, distorted, self.config.scores),
        }

    def _read(self, planned: PlannedImage) -> tuple[np.ndarray, str] | None:
        """Return an image that was written before the chunk was interrupted, if it is intact."""
        file = self.out / image_name(self.config, planned.index)
        if self.config.form == "array" or not file.exists():
            return None
        try:
            return read_image(file), hashlib.sha256(file.read_bytes()).hexdigest()
        except CorruptImageError:
            return None

    def _make(self, clean: np.ndarray, planned: PlannedImage) -> tuple[np.ndarray, str]:
        distorted = self.distort(clean, planned.steps, seed=planned.seed)
        if self.config.form == "array":
            rows = np.load(self.out / "images.npy", mmap_mode="r+")
            rows[planned.index] = distorted
            return distorted, hashlib.sha256(distorted.tobytes()).hexdigest()
        content = encode(distorted, self.config.form, self.config.quality)
        with atomic_write(self.out / image_name(self.config, planned.index)) as passing:
            passing.write_bytes(content)
        return distorted, hashlib.sha256(content).hexdigest()


def image_name(config: GeneratorConfig, index: int) -> str:
    """Return the path of an image below the set's folder, or the row of the array.

    Example:
        >>> image_name(GeneratorConfig(count=9, distortions=("jpeg",), max_distortions=1), 7)
        'images/00000007.png'
    """
    if config.form == "array":
        return f"images.npy#{index}"
    suffix = {"png": "png", "jpeg": "jpg", "webp": "webp"}[config.form]
    return f"images/{index:08d}.{suffix}"


def reference_name(photograph: int) -> str:
    """Return the path of a clean image below the set's folder.

    Example:
        >>> reference_name(3)
        'references/00000003.png'
    """
    return f"references/{photograph:08d}.png"


def encode(image: np.ndarray, form: str, quality: int | None) -> bytes:
    """Return an image, (H, W, 3), uint8, as a file; None is quality 95, or lossless for WebP."""
    settings: dict[str, dict[str, Any]] = {
        # Level 1 takes a third of the time of the default for files some percent larger.
        "png": {"compress_level": 1},
        "jpeg": {"quality": quality or LOSSY_QUALITY, "subsampling": "4:4:4"},
        "webp": {"lossless": True, "quality": 0} if quality is None else {"quality": quality},
    }
    file = BytesIO()
    Image.fromarray(image).save(file, form, **settings[form])
    return file.getvalue()


def _scores(clean: np.ndarray, distorted: np.ndarray, metrics: Sequence[str]) -> dict[str, float]:
    if not metrics:
        return {}
    from workbench.datasets.weak_scores import weak_scores

    return {metric: float(weak_scores(clean, distorted[None], metric)[0]) for metric in metrics}
