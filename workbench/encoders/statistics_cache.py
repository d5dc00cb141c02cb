"""Statistics of images, computed once: the last in memory, the others in a file.

The file is shared by all processes, so that the next version of an attribute set, another seed or a
second worker reads what the first has computed. It can be deleted at any time.
"""

import logging
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

T = TypeVar("T")
logger = logging.getLogger(__name__)

IN_MEMORY = 4_096  # images, 88 kB each
ON_DISK = 50_000  # likewise: 4.4 GB
WAIT_S = 30.0  # for another process that writes

_TABLE = """
CREATE TABLE IF NOT EXISTS statistics (id INTEGER PRIMARY KEY, digest BLOB UNIQUE, row BLOB)
"""


class StatisticsCache:
    """Rows of statistics, (F,), float16, by the digest of their image.

    A file that cannot be used costs time and never a result: it is left alone from then on, and one
    that is damaged is removed.

    Args:
        file: Where rows are stored for other processes; None keeps to memory. Its name stands for
            all that decides a row beside the image.
        in_memory: How many images are held in memory, the last used.
        on_disk: How many the file holds; the oldest go.
    """

    def __init__(
        self, file: Path | None = None, *, in_memory: int = IN_MEMORY, on_disk: int = ON_DISK
    ) -> None:
        self.file, self.in_memory, self.on_disk = file, in_memory, on_disk
        self._rows: OrderedDict[bytes, Tensor] = OrderedDict()
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle without rows: a copied tower, or one sent to a process, costs nothing."""
        return _cache, (self.file, self.in_memory, self.on_disk)

    def get(self, keys: Sequence[bytes]) -> dict[bytes, Tensor]:
        """Return the rows that are known of some images, on the CPU."""
        with self._lock:
            known = {key: self._rows[key] for key in keys if key in self._rows}
            for key in known:
                self._rows.move_to_end(key)
            missing = [key for key in keys if key not in known]
            stored = self._in_file(lambda file: _stored(file, missing)) or {} if missing else {}
            self._remember(stored)
        return known | stored

    def put(self, rows: Mapping[bytes, Tensor]) -> None:
        """Add rows of images, each float16 and on the CPU."""
        with self._lock:
            self._remember(rows)
            self._in_file(lambda file: self._store(file, rows))

    def _remember(self, rows: Mapping[bytes, Tensor]) -> None:
        self._rows.update(rows)
        while len(self._rows) > self.in_memory:
            self._rows.popitem(last=False)

    def _store(self, file: sqlite3.Connection, rows: Mapping[bytes, Tensor]) -> None:
        file.executemany(
            "INSERT OR IGNORE INTO statistics (digest, row) VALUES (?, ?)",
            [(key, row.numpy().tobytes()) for key, row in rows.items()],
        )
        oldest = "(SELECT max(id) FROM statistics) - ?"
        file.execute(f"DELETE FROM statistics WHERE id <= {oldest}", [self.on_disk])

    def _in_file(self, act: Callable[[sqlite3.Connection], T]) -> T | None:
        """Return what an act in one transaction does; None without a file that can be used."""
        if self.file is None:
            return None
        try:
            if self._connection is None:
                self._connection = _connect(self.file)
            with self._connection:
                return act(self._connection)
        except (sqlite3.Error, OSError) as fault:
            logger.warning("%s is not used any more: %s", self.file, fault)
            if self._connection is not None:
                self._connection.close()
            if type(fault) is sqlite3.DatabaseError:  # damaged, not busy, full or forbidden
                self.file.unlink(missing_ok=True)
            self._connection = self.file = None
            return None


def _connect(file: Path) -> sqlite3.Connection:
    file.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(file, timeout=WAIT_S, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = OFF")  # what a power failure damages is made again
    connection.execute(_TABLE)
    return connection


def _stored(file: sqlite3.Connection, keys: Sequence[bytes]) -> dict[bytes, Tensor]:
    marks = ",".join("?" * len(keys))
    found = file.execute(f"SELECT digest, row FROM statistics WHERE digest IN ({marks})", keys)
    return {key: torch.from_numpy(np.frombuffer(row, np.float16).copy()) for key, row in found}


def _cache(file: Path | None, in_memory: int, on_disk: int) -> StatisticsCache:
    return StatisticsCache(file, in_memory=in_memory, on_disk=on_disk)
