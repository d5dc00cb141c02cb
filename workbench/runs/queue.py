"""Where a run's files are, and a worker for the queue if none is alive."""

import os
import socket
import subprocess
import threading
from pathlib import Path

import psutil

from workbench.errors import RunError
from workbench.runs.background import start_command
from workbench.settings import Settings
from workbench.store import Store

# Started by this process; kept, so that one that ends can be reaped.
_started: list[subprocess.Popen[bytes]] = []
_ONE_AT_A_TIME = threading.Lock()


def run_log(settings: Settings, run_id: int) -> Path:
    """Return the path of a run's own log; it exists once a worker has taken the run.

    Args:
        settings: Says where results lie.
        run_id: Number of the run.

    Example:
        >>> from workbench.settings import read_settings
        >>> run_log(read_settings(), 7).parts[-2:]
        ('7', 'run.log')
    """
    return settings.results / str(run_id) / "run.log"


def worker_log(settings: Settings) -> Path:
    """Return the path of the log that background workers share.

    Args:
        settings: Says where results lie.
    """
    return settings.results / "worker.log"


def worker_name(pid: int | None = None) -> str:
    """Return how a worker process is known: host and process number.

    Args:
        pid: The process; this one if left out.
    """
    return f"{socket.gethostname()}:{os.getpid() if pid is None else pid}"


def ensure_worker(store: Store, settings: Settings) -> str:
    """Start a worker in the background unless one is alive; return its name.

    The worker outlives this process, writes to `worker_log`, and opens the same store.

    Args:
        store: The store whose queue is to be worked off.
        settings: Says where results and logs lie.

    Raises:
        RunError: The worker cannot be started, or its log cannot be written.
    """
    with _ONE_AT_A_TIME:
        _started[:] = [process for process in _started if process.poll() is None]
        for name in store.runs.workers():
            if _may_be_alive(name):
                return name
            store.runs.leave(name)
        name = worker_name(_start(store.url, settings).pid)
        # On the list before its imports are done, so that the next call doesn't start another.
        store.runs.beat(name)
        return name


def _start(url: str, settings: Settings) -> subprocess.Popen[bytes]:
    try:
        process = start_command(["worker"], url, settings, worker_log(settings))
    except RunError as error:
        raise RunError(f"{error} Or run 'workbench worker' yourself.") from error
    _started.append(process)
    return process


def _may_be_alive(name: str) -> bool:
    """Tell whether a worker that was heard of lately can still be there, as far as we can see."""
    host, _, pid = name.rpartition(":")
    if host != socket.gethostname() or not pid.isdecimal():
        return True
    try:
        return psutil.Process(int(pid)).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
