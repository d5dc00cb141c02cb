"""The photographs that a set is made from, checked once before anything is written."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from workbench.atomic_files import atomic_write
from workbench.datasets.generation.parallel import Each
from workbench.datasets.image_reader import read_image
from workbench.datasets.photographs import fit_photograph, photograph_files
from workbench.domain.config import require_sides
from workbench.errors import DataError, WorkbenchError

Size = tuple[int, int] | None
LIST = "photographs.json"
MOST_NAMED = 5  # bad files spelled out in a message


@dataclass(frozen=True, slots=True)
class Source:
    """A photograph as it was when the set was begun."""

    name: str  # its file below the folder
    sha256: str  # of the file's bytes


def read_sources(
    folder: str,
    size: Size,
    *,
    forms: Sequence[str],
    each: Each,
    progress: Callable[[float, str], None],
) -> list[Source]:
    """Return the photographs of a folder, or "packaged"; each is decoded once to check it.

    Args:
        folder: A folder, or "packaged".
        size: Width and height of the images that are made; None leaves each its own.
        forms: Of image files that must hold them.
        each: Does the work.
        progress: The share done.

    Raises:
        DatasetNotFoundError: No folder, or no photograph in it.
        DataError: Names the photographs that cannot be used.
    """
    files = photograph_files(folder)
    results: dict[str, Source | str] = {}  # a text says why one cannot be used
    check = partial(_check, size=size, forms=forms)
    work = each(check, files.items())
    for done, (name, result) in enumerate(work, start=1):
        progress(done / len(files), "reading photographs")
        results[name] = result
    ordered = [results[name] for name in files]
    faults = [result for result in ordered if isinstance(result, str)]
    if faults:
        more = f" And {len(faults) - MOST_NAMED} more." if len(faults) > MOST_NAMED else ""
        raise DataError(
            f"{len(faults)} of {len(files)} photographs cannot be used, so nothing was generated: "
            f"{' '.join(faults[:MOST_NAMED])}{more}"
        )
    return [result for result in ordered if isinstance(result, Source)]


def write_sources(out: Path, sources: list[Source]) -> None:
    """Record the photographs that a set is begun with."""
    with atomic_write(out / LIST) as passing:
        passing.write_text(json.dumps([asdict(source) for source in sources]))


def begun_sources(out: Path) -> list[Source]:
    """Return the photographs that a set was begun with; read once by each process.

    Raises:
        DataError: The list was lost or damaged.
    """
    file = out / LIST
    try:
        return _read_list(file, file.stat().st_mtime_ns)
    except (OSError, ValueError, TypeError) as fault:
        raise DataError(f"{file} cannot be read ({fault}); begin a new set.") from fault


@lru_cache(maxsize=1)
def _read_list(file: Path, _changed: int) -> list[Source]:
    return [Source(**source) for source in json.loads(file.read_bytes())]


def open_source(source: Source, file: Path, size: Size) -> np.ndarray:
    """Return the clean image made of a photograph.

    Returns:
        (H, W, 3), uint8.

    Raises:
        DataError: The file is no longer what it was when the set was begun.
    """
    try:
        same = hashlib.sha256(file.read_bytes()).hexdigest() == source.sha256
    except OSError:
        same = False
    if not same:
        raise DataError(
            f"{file} was changed or removed after the set was begun. Put it back, or begin a "
            "new set in another folder."
        )
    image = read_image(file)
    return image if size is None else fit_photograph(image, *size)


def _check(item: tuple[str, Path], size: Size, forms: Sequence[str]) -> tuple[str, Source | str]:
    name, file = item
    try:
        height, width, _ = read_image(file).shape
    except WorkbenchError as fault:
        return name, str(fault)
    try:
        across, down = size or (width, height)
        require_sides(across, down, forms)
    except DataError as fault:
        return name, f"{file}: {fault}"
    if size is not None and (width < size[0] or height < size[1]):
        return name, (
            f"{file} has {width}x{height} pixels, fewer than {size[0]}x{size[1]}; to enlarge it "
            "would blur it."
        )
    return name, Source(name, hashlib.sha256(file.read_bytes()).hexdigest())
