"""Make a multi-distortion set of any size from any photographs (METHOD §4).

    OUT/set.json            what decides the set; written first
    OUT/photographs.json    the photographs and their hashes
    OUT/references/         the clean images
    OUT/images/ or images.npy
    OUT/parts/              rows of finished chunks, while the set is not complete
    OUT/manifest.parquet    one row an image; written last: with it the set is complete
    OUT/README.md           the dataset card

A set that was interrupted at any point goes on where it stopped: the plan of every image depends
on the configuration alone, files are written atomically, and none is made again.
"""

import json
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from workbench.atomic_files import atomic_write, remove_partial
from workbench.datasets.generation.chunk import ChunkMaker, Distort
from workbench.datasets.generation.manifest import FORMAT, card, read_manifest, write_manifest
from workbench.datasets.generation.parallel import Each, each_in_parallel
from workbench.datasets.generation.plan import GeneratorConfig
from workbench.datasets.generation.sources import Source, read_sources, write_sources
from workbench.datasets.image_reader import READER
from workbench.domain.canonical import Progress
from workbench.domain.config import require_sides
from workbench.domain.distortion import Distortion
from workbench.errors import ConfigError, DataError

OWN = frozenset(
    {".lock", "set.json", "photographs.json", "references", "images", "images.npy", "parts",
     "manifest.parquet", "README.md"}
)  # fmt: skip
LIBRARIES = (
    "attribute-workbench", "numpy", "scipy", "scikit-image", "opencv-python-headless", "pillow",
)  # fmt: skip


@dataclass(frozen=True)
class GeneratedSet:
    """What a call made."""

    root: Path  # the set's folder
    images: int  # number in the set
    made: int  # how many of them this call made
    duration_s: float  # seconds that this call took to make them

    @property
    def images_per_second(self) -> float | None:
        """Rate of this call; None if nothing was left to make."""
        return self.made / self.duration_s if self.made else None


def generate(
    folder: str,
    out: Path,
    config: GeneratorConfig,
    specs: Sequence[Distortion],
    distort: Distort,
    *,
    forms: Sequence[str] = (),
    workers: int = 1,
    each: Each | None = None,
    progress: Progress,
) -> GeneratedSet:
    """Make a set, or what is missing of it.

    Args:
        folder: Folder of photographs, or "packaged".
        out: Folder of the set: new, empty, or begun by the same call.
        config: What decides the set.
        specs: The distortions of the configuration, in its order.
        distort: Applies the distortions of one image; can be pickled if workers > 1.
        forms: Of image files that the distortions go through on the way, such as "JPEG".
        workers: Processes; the bytes do not depend on their number.
        each: Does the work in their place, such as a cluster; nor do they depend on that.
        progress: The share done and the rate.

    Raises:
        DatasetNotFoundError: No photographs.
        ConfigError: A distortion has no operator; `out` holds something else, another set, or one
            begun with other libraries.
        DataError: Photographs that cannot be used, a size that the form cannot hold, a full disk,
            a killed worker.
    """
    for spec in specs:
        if not spec.has_operator:
            raise ConfigError(
                f"'{spec.id}' has no operator, so no image can be made with it. Leave it out of "
                "--distortions."
            )
    each = each or partial(each_in_parallel, workers=workers)
    forms = (*({config.form} - {"array"}), *forms)
    if config.size is not None:
        require_sides(*config.size, forms)
    _refuse_own_photographs(folder, out)
    facts = {  # all that decides the bytes of a set, but the photographs, as JSON
        "format": FORMAT,
        "reader": READER,
        "config": config.model_dump(mode="json"),
        "distortions": [spec.model_dump(mode="json") for spec in specs],
        "libraries": {name: installed(name) for name in LIBRARIES},
    }
    with _only_one(out):
        _refuse_other_set(out, facts)
        if not (out / "set.json").exists():
            sources = read_sources(
                folder,
                config.size,
                forms=forms,
                each=each,
                progress=lambda _share, text: progress(0, text),
            )
            _begin(out, config, facts, sources)
        _tidy(out)
        maker = ChunkMaker(folder, out, config, tuple(specs), distort)
        started = time.monotonic()
        made = _make(maker, each, progress)
        _finish(maker)
    progress(1, "done")
    return GeneratedSet(out, config.count, made, time.monotonic() - started)


def _refuse_own_photographs(folder: str, out: Path) -> None:
    if folder != "packaged" and out.resolve().is_relative_to(Path(folder).resolve()):
        raise ConfigError(
            f"{out} lies inside the folder of photographs, which would grow by its own images. "
            "Name a folder outside of it."
        )


def _refuse_other_set(out: Path, facts: dict[str, Any]) -> None:
    foreign = sorted(entry.name for entry in out.iterdir() if entry.name not in OWN)
    if foreign:
        raise ConfigError(
            f"{out} holds other files ({', '.join(foreign[:3])}); name a new or empty folder."
        )
    present = _read_json(out / "set.json")
    if present is None:
        return
    for part in ("format", "reader", "config", "distortions", "libraries"):
        if (old := present.get(part)) != facts[part]:
            raise ConfigError(
                f"{out} holds a set with other {part}: {_first_difference(old, facts[part])}. "
                "Name another folder, or give the command that it was begun with."
            )


def _first_difference(old: Any, new: Any) -> str:
    """Return where two JSON values differ first, in words."""
    if isinstance(old, dict) and isinstance(new, dict):
        key = next(k for k in sorted({*old, *new}) if old.get(k) != new.get(k))
        return f"{key} {_first_difference(old.get(key), new.get(key))}"
    return f"was {json.dumps(old)[:80]}, now {json.dumps(new)[:80]}"


def _begin(
    out: Path, config: GeneratorConfig, facts: dict[str, Any], sources: list[Source]
) -> None:
    """Lay out the folder; set.json comes last and makes it a set that was begun."""
    try:
        for folder in ("references", *(() if config.form == "array" else ("images",))):
            (out / folder).mkdir(exist_ok=True)
        if config.form == "array" and config.size is not None:
            shape = (config.count, config.size[1], config.size[0], 3)
            np.lib.format.open_memmap(out / "images.npy", "w+", np.uint8, shape).flush()
        write_sources(out, sources)
        with atomic_write(out / "set.json") as passing:
            passing.write_text(json.dumps(facts, indent=2))
    except OSError as fault:
        raise DataError(f"{out} cannot be written: {fault}. Name another folder.") from fault


def _tidy(out: Path) -> None:
    """Make room for parts, and remove what a killed process left half-written."""
    (out / "parts").mkdir(exist_ok=True)
    for folder in (out, *(entry for entry in out.iterdir() if entry.is_dir())):
        remove_partial(folder)


def _make(maker: ChunkMaker, each: Each, progress: Progress) -> int:
    """Make every chunk that is not there; return how many images that were."""
    if (maker.out / "manifest.parquet").exists():
        return 0
    left = [chunk for chunk in maker.chunks if not maker.part(chunk).exists()]
    before = maker.config.count - sum(len(maker.images_of(chunk)) for chunk in left)
    started, made = time.monotonic(), 0
    for images in each(maker, left):
        made += images
        rate = made / (time.monotonic() - started)
        progress((before + made) / maker.config.count, f"{before + made} images, {rate:.1f}/s")
    return made


def _finish(maker: ChunkMaker) -> None:
    """Join the parts into the manifest, add the card, and clear away."""
    manifest, readme = maker.out / "manifest.parquet", maker.out / "README.md"
    try:
        if not manifest.exists():
            blocks = (  # some thousand rows at a time
                [row for chunk in chunks for row in json.loads(maker.part(chunk).read_bytes())]
                for chunks in (maker.chunks[i : i + 128] for i in range(0, len(maker.chunks), 128))
            )
            write_manifest(manifest, blocks, maker.config.scores)
        if not readme.exists():
            with atomic_write(readme) as passing:
                text = card(maker.config, maker.specs, read_manifest(manifest))
                passing.write_text(text, encoding="utf-8")
    except OSError as fault:
        raise DataError(
            f"{maker.out} could not be written: {fault}. What is done stays; free some space and "
            "give the same command again."
        ) from fault
    shutil.rmtree(maker.out / "parts", ignore_errors=True)


@contextmanager
def _only_one(out: Path) -> Iterator[None]:
    """Hold a set's folder, made if need be, for this process alone; leave no empty folder."""
    lock = FileLock(out / ".lock", timeout=0)
    new = not out.exists()
    try:
        if out.is_file():
            raise ConfigError(f"{out} is a file; name a new folder.")
        out.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise DataError(f"Another process is at work on {out}; wait for its end.") from None
    except OSError as fault:
        raise DataError(f"{out} cannot be written: {fault}. Name another folder.") from fault
    try:
        yield
    finally:
        (out / ".lock").unlink(missing_ok=True)
        lock.release()
        if new and not any(out.iterdir()):
            out.rmdir()


def _read_json(file: Path) -> Any:
    """Return a JSON file's value, None if it is not there."""
    try:
        return json.loads(file.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as fault:
        raise DataError(f"{file} cannot be read ({fault}); begin a new set.") from fault
