"""Files that are there whole or not at all."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from workbench.errors import CheckpointMismatchError

_PASSING = ".partial-"


@contextmanager
def atomic_write(file: Path) -> Iterator[Path]:
    """Yield a passing path beside a file's own; what was written there takes its name at the end.

    If anything is raised inside, the passing file goes and the file stays as it was. The passing
    name keeps the suffix, which some writers go by, and is this process's own.

    Args:
        file: Its folder exists.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     with atomic_write(Path(folder) / "a.txt") as passing:
        ...         _ = passing.write_text("all of it")
        ...     [found.name for found in Path(folder).iterdir()]
        ['a.txt']
    """
    passing = file.with_name(f"{_PASSING}{os.getpid()}-{file.name}")
    try:
        yield passing
        passing.replace(file)
    finally:
        passing.unlink(missing_ok=True)


def remove_partial(folder: Path) -> None:
    """Remove what killed processes left half-written in a folder; nobody else may write there."""
    for file in folder.glob(f"{_PASSING}*"):
        file.unlink(missing_ok=True)


@contextmanager
def atomic_folder(folder: Path, *, replace: bool = False) -> Iterator[Path]:
    """Yield a passing folder beside a folder's own; it takes that name at the end.

    If anything is raised inside, the passing folder goes, and one that was there before stays.

    Args:
        folder: Its parents are made.
        replace: Take the place of a folder that is there; else that one stays, which another
            process may have made meanwhile.

    Raises:
        OSError: It cannot be written.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as parent:
        ...     with atomic_folder(Path(parent) / "made") as making:
        ...         _ = (making / "a.txt").write_text("all of it")
        ...     [found.name for found in Path(parent).rglob("*")]
        ['made', 'a.txt']
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    passing = Path(mkdtemp(dir=folder.parent, prefix=_PASSING))
    making, old = passing / "new", passing / "old"
    making.mkdir()
    try:
        yield making
        if replace and folder.exists():
            folder.rename(old)
        if not folder.exists():
            making.rename(folder)
    finally:
        if old.exists() and not folder.exists():
            old.rename(folder)
        shutil.rmtree(passing, ignore_errors=True)


def checked_tensors(file: Path, sha256: str, *, remedy: str) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file.

    Args:
        file: The file.
        sha256: What its bytes must hash to, 64 hexadecimal digits.
        remedy: What to do if they don't, one sentence.

    Raises:
        CheckpointMismatchError: The file is missing, damaged or another one.
    """
    if not file.is_file():
        raise CheckpointMismatchError(f"{file} is missing. {remedy}")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    if digest != sha256:
        raise CheckpointMismatchError(
            f"{file} has SHA-256 {digest[:12]}…, expected {sha256[:12]}…. {remedy}"
        )
    try:
        return load_file(file)
    except SafetensorError as fault:
        raise CheckpointMismatchError(f"{file} cannot be read: {fault}. {remedy}") from fault
