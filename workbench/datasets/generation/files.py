"""Files that are there whole or not at all."""

import os
from pathlib import Path

PARTIAL = ".partial"


def write_whole(file: Path, content: bytes) -> None:
    """Write a file under a passing name beside its own and rename it.

    Args:
        file: Its folder exists.
        content: All of it.

    Raises:
        OSError: It cannot be written; nothing is left behind.
    """
    partial = file.with_name(f".{file.name}.{os.getpid()}{PARTIAL}")
    try:
        partial.write_bytes(content)
        partial.replace(file)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def clear_partials(folder: Path) -> None:
    """Remove what a killed process left half-written in a folder."""
    for file in folder.glob(f".*{PARTIAL}"):
        file.unlink(missing_ok=True)
