"""A cache for each home, in which only the statistics of images are all tests' together."""

import os
import tempfile
from pathlib import Path

STATISTICS = "WORKBENCH_TESTS_STATISTICS"  # inherited by the workers of xdist


def share_statistics() -> Path | None:
    """Make the folder of a test run; the process that made it gets it, to remove it."""
    if STATISTICS in os.environ:
        return None
    os.environ[STATISTICS] = tempfile.mkdtemp(prefix="statistics-")
    return Path(os.environ[STATISTICS])


def own_cache(home: Path) -> str:
    """Return the empty cache folder of a home.

    Computing statistics is what a run on few images takes longest for, and tests use the same few
    photographs again and again.
    """
    cache = home / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    shared = os.environ.get(STATISTICS)
    if shared and not (cache / "statistics").exists():
        (cache / "statistics").symlink_to(shared)
    return str(cache)
