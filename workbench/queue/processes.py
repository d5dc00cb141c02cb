"""Where a run's files are, and a worker for the queue if none is alive."""

import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from workbench.errors import RunError
from workbench.settings import Settings
from workbench.store import Store


def start_command(
    arguments: Sequence[str], url: str, settings: Settings, log: Path
) -> subprocess.Popen[bytes]:
    """Start `workbench ARGUMENTS` over a store; what it says goes to the end of a log.

    Args:
        arguments: The command and its options.
        url: SQLAlchemy URL of the store; it is passed in the environment, since it may hold a
            password.
        settings: Says where the home is, and who the author.
        log: File that its output is added to.

    Raises:
        RunError: The process cannot be started, or its log cannot be written.
    """
    told = {
        "WORKBENCH_DB": url,
        "WORKBENCH_HOME": str(settings.home),
        "WORKBENCH_AUTHOR": settings.author,
    }
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as out:
            # The child gets the whole environment; nothing is read from it here.
            return subprocess.Popen(
                [sys.executable, "-m", "workbench", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, **told},
                start_new_session=True,  # Ctrl-C in the page's terminal is not meant for it
            )
    except OSError as error:
        raise RunError(
            f"Cannot start 'workbench {arguments[0]}' with its log at {log}: {error.strerror}. "
            "Make that folder writable."
        ) from error


@contextmanager
def write_run_log(path: Path) -> Iterator[None]:
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
