"""Processes that tests start: none outlives its test, whatever became of the test."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from tests.waiting import PATIENCE_S


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


def end(process: "subprocess.Popen[Any]") -> None:
    """Kill the group that a process heads, and wait for the process."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(PATIENCE_S)
