"""A distorted set: every distortion at every level on every photograph, with a weak quality score.

It is made once, cached under the hash of all that decides it, and read memory-mapped.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from workbench.atomic_files import atomic_folder
from workbench.datasets.image_reader import READER
from workbench.datasets.image_set import ImageSet, strengths
from workbench.datasets.labelled import Present
from workbench.datasets.photographs import load_photograph, photograph_files
from workbench.datasets.splits.near_duplicates import near_duplicates
from workbench.datasets.weak_scores import LABELS, weak_scores
from workbench.domain.canonical import Progress, content_hash
from workbench.domain.config import DataConfig
from workbench.domain.distortion import Distortion
from workbench.errors import DataError, SplitLeakageError

Distort = Callable[[np.ndarray, str, int, int], np.ndarray]  # image, id, level, seed
FORMAT = 1  # raised when the same configuration would give other bytes


def distorted_set(
    config: DataConfig,
    specs: Mapping[str, Distortion],
    distort: Distort,
    *,
    cache: Path,
    progress: Progress,
) -> ImageSet:
    """Return the distorted set of a configuration, made now or read from the cache.

    Args:
        config: Photographs, distortions, size, metric and seed.
        specs: The distortions by id.
        distort: Applies one distortion at one level, uint8 in, uint8 out.
        cache: Folder to store the set in.
        progress: The share done and what is being done.

    Raises:
        DataError: No photograph, a corrupt one, a distortion without operator, a full disk.
        SplitLeakageError: Two photographs show the same picture.
    """
    chosen = tuple(specs[name] for name in sorted(config.distortions))
    for spec in chosen:
        if not spec.has_operator:
            raise DataError(
                f"'{spec.id}' has no operator, so no image can be made with it. Leave it out of "
                "data.distortions."
            )
    files = photograph_files(config.photographs)
    key = content_hash(
        {
            "format": [FORMAT, READER],
            "config": config.model_dump(mode="json", exclude={"photographs", "distortions"}),
            "distortions": [spec.model_dump(mode="json") for spec in chosen],
            "files": {
                name: hashlib.sha256(f.read_bytes()).hexdigest() for name, f in files.items()
            },
        }
    )
    folder = cache / "distorted" / key[:32]
    if not (folder / "labels.json").is_file():
        _refuse_near_duplicates(files)
        try:
            with atomic_folder(folder) as passing:
                labels = _write(passing, config, chosen, files, distort, progress)
                (passing / "labels.json").write_text(json.dumps(labels))
        except OSError as fault:
            raise DataError(
                f"Distorted images could not be written to {folder}: {fault}. "
                "Free some space, or set WORKBENCH_CACHE to another folder."
            ) from fault
    return _read(folder, config)


def _refuse_near_duplicates(files: Mapping[str, Path]) -> None:
    pairs = near_duplicates(files)
    if pairs:
        first, second = files[pairs[0].first], files[pairs[0].second]
        more = f" So do {len(pairs) - 1} more pairs." if len(pairs) > 1 else ""
        raise SplitLeakageError(
            f"{first} and {second} show the same picture (correlation {pairs[0].correlation:.2f}), "
            "so one could be trained on and the other tested on. Take one of them out of the "
            f"folder.{more}"
        )


def _write(
    folder: Path,
    config: DataConfig,
    specs: Sequence[Distortion],
    files: Mapping[str, Path],
    distort: Distort,
    progress: Progress,
) -> dict[str, object]:
    rows = [("", 0), *((s.id, level) for s in specs for level in range(1, len(s.levels) + 1))]
    count = len(files) * len(rows)
    images = np.lib.format.open_memmap(
        folder / "images.npy",
        mode="w+",
        dtype=np.uint8,
        shape=(count, config.height, config.width, 3),
    )
    quality: list[float] = []
    for done, (name, file) in enumerate(files.items()):
        progress(done / len(files), f"distorting {name}")
        clean = load_photograph(file, config.width, config.height)
        block = images[done * len(rows) : (done + 1) * len(rows)]
        for row, image in enumerate(_variants(clean, name, rows, config.seed, distort)):
            block[row] = image
        quality += weak_scores(clean, block, config.quality_metric).tolist()
    images.flush()
    digest = hashlib.sha256(images.data).hexdigest()
    return {
        "photograph": [name for name in files for _ in rows],
        "distortion": [distortion for _ in files for distortion, _ in rows],
        "level": [level for _ in files for _, level in rows],
        "quality": quality,
        "distortions": [spec.id for spec in specs],
        "levels": [len(spec.levels) for spec in specs],
        "images_sha256": digest,
    }


def _variants(
    clean: np.ndarray, name: str, rows: Sequence[tuple[str, int]], seed: int, distort: Distort
) -> Iterator[np.ndarray]:
    # A photograph's seed hangs on its name alone: others may come and go.
    seed = int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:4], "big")
    for distortion, level in rows:
        yield clean if level == 0 else distort(clean, distortion, level, seed)


def _read(folder: Path, config: DataConfig) -> ImageSet:
    labels = json.loads((folder / "labels.json").read_text())
    rows = list(zip(labels["photograph"], labels["distortion"], labels["level"], strict=True))
    levels = dict(zip(labels["distortions"], labels["levels"], strict=True))
    source = f"photographs in {config.photographs}"
    if config.photographs == "packaged":
        source = "photographs of installed packages"
    return ImageSet(
        images=np.load(folder / "images.npy", mmap_mode="r"),
        names=tuple(f"{name}/{distortion or 'clean'}/{level}" for name, distortion, level in rows),
        photograph=tuple(labels["photograph"]),
        distortion=tuple(labels["distortion"]),
        level=tuple(labels["level"]),
        quality=np.asarray(labels["quality"]),
        truth=strengths([_present(*row[1:], levels) for row in rows], labels["distortions"]),
        distortions=tuple(labels["distortions"]),
        levels=tuple(labels["levels"]),
        hash=content_hash(labels),
        dataset=f"{source}, {config.width}x{config.height} px, distorted at all levels",
        target=f"{LABELS[config.quality_metric]} (full-reference weak supervision, no MOS)",
    )


def _present(distortion: str, level: int, levels: Mapping[str, int]) -> tuple[Present, ...]:
    return (Present(distortion, level, levels[distortion]),) if level else ()
