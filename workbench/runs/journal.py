"""A run's own log file: what it did, and every traceback that no user should see."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.errors import RunError


@contextmanager
def journal(path: Path) -> Iterator[None]:
    """Write what the workbench logs into a file while the block runs.

    Args:
        path: The file; its folder is created, and a log that is there is continued.

    Raises:
        RunError: The file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(path, encoding="utf-8")
    except OSError as error:
        raise RunError(
            f"Cannot write the log {path}: {error.strerror}. Make that folder writable, or set "
            "WORKBENCH_HOME to one that is."
        ) from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("workbench")
    level, propagate = logger.level, logger.propagate
    logger.setLevel(logging.INFO)
    logger.propagate = False  # a library may have sent the root logger to stderr
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagate
        handler.close()
