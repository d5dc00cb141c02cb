"""Whether what is asked for can be written, before anything is spent on it."""

from errno import EISDIR
from os import strerror
from pathlib import Path
from tempfile import TemporaryFile

from workbench.errors import ConfigError


def require_writable(path: Path | None, *, folder: bool = False) -> None:
    """Find out that a file or folder cannot be written before a look is spent on it.

    Args:
        path: Where a report shall go; None for nowhere.
        folder: Whether it is a folder.

    Raises:
        ConfigError: It cannot be written.
    """
    if path is None:
        return
    inside = path if folder else path.parent
    try:
        inside.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=inside):
            pass
        if not folder and path.is_dir():
            raise IsADirectoryError(EISDIR, strerror(EISDIR))
    except OSError as error:
        raise ConfigError(
            f"The report cannot be written to {path}: {error.strerror or error}. Name another "
            "path. No look was counted."
        ) from error
