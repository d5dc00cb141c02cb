"""Atomic writes: a file or folder is there complete, or as it was before."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

_PARTIAL = ".partial-"


@contextmanager
def atomic_write(file: Path) -> Iterator[Path]:
    """Yield a partial path beside a file's own; what was written there takes its name at the end.

    If anything is raised inside, the partial file goes and the file stays as it was. The partial
    name keeps the suffix, which some writers go by, and is this process's own.

    Args:
        file: Its folder exists.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     with atomic_write(Path(folder) / "a.txt") as partial:
        ...         _ = partial.write_text("all of it")
        ...     [found.name for found in Path(folder).iterdir()]
        ['a.txt']
    """
    partial = file.with_name(f"{_PARTIAL}{os.getpid()}-{file.name}")
    try:
        yield partial
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


def remove_partial(folder: Path) -> None:
    """Remove what killed processes left half-written in a folder; nobody else may write there."""
    for file in folder.glob(f"{_PARTIAL}*"):
        file.unlink(missing_ok=True)


@contextmanager
def atomic_folder(folder: Path, *, replace: bool = False) -> Iterator[Path]:
    """Yield a partial folder beside a folder's own; it takes that name at the end.

    If anything is raised inside, the partial folder goes, and one that was there before stays.

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
    partial = Path(mkdtemp(dir=folder.parent, prefix=_PARTIAL))
    making, old = partial / "new", partial / "old"
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
        shutil.rmtree(partial, ignore_errors=True)
