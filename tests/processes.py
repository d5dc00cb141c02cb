"""Processes that tests start: none outlives its test, whatever became of the test."""

import os
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from tests.waiting import PATIENCE_S, wait_until


@contextmanager
def started(*command: object, **more: Any) -> Iterator["subprocess.Popen[Any]"]:
    """Start a process as the head of a group of its own; in the end the whole group is killed.

    Args:
        command: Program and arguments.
        more: As for `subprocess.Popen`.
    """
    process = subprocess.Popen([str(word) for word in command], start_new_session=True, **more)
    try:
        yield process
    finally:
        end(process)
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()


def stop_between_writes(pid: int, database: Path) -> None:
    """Stop a process with SIGSTOP while it is not writing to an SQLite database.

    One that is stopped in the middle of a write holds the lock of everybody until it goes on; that
    is SQLite's way, and not what such tests are about.
    """
    process = psutil.Process(pid)
    while True:
        process.suspend()
        wait_until(lambda: process.status() == psutil.STATUS_STOPPED, "the process is stopped")
        with (
            closing(sqlite3.connect(database, timeout=0, isolation_level=None)) as other,
            suppress(sqlite3.OperationalError),
        ):
            other.execute("BEGIN IMMEDIATE")
            other.execute("ROLLBACK")
            return
        process.resume()


def end(process: "subprocess.Popen[Any]") -> None:
    """Kill the group that a process heads, and wait for the process."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(PATIENCE_S)
