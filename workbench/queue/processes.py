"""Background processes: a run's files and logs, and a worker for the queue if none is alive."""

import logging
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from workbench.domain.run import LossPoint, Run
from workbench.errors import RunError
from workbench.settings import Settings
from workbench.store import Store
from workbench.store.run_traces import LINES, POINTS
from workbench.store.workers import may_be_alive, worker_name


def start_command(
    arguments: Sequence[str], url: str, settings: Settings, log: Path
) -> subprocess.Popen[bytes]:
    """Start `workbench ARGUMENTS` over the store at a URL; its output is appended to a log.

    Raises:
        RunError: The process cannot be started, or its log cannot be written.
    """
    variables = {  # in the environment, since a URL may hold a password
        "WORKBENCH_DB": url,
        "WORKBENCH_HOME": str(settings.home),
        "WORKBENCH_AUTHOR": settings.author,
        "WORKBENCH_ROLE": settings.role,
    }
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as out:
            return subprocess.Popen(
                [sys.executable, "-m", "workbench", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, **variables},
                start_new_session=True,  # Ctrl-C in the page's terminal is not meant for it
            )
    except OSError as error:
        raise RunError(
            f"Cannot start 'workbench {arguments[0]}' with its log at {log}: {error.strerror}. "
            "Make that folder writable."
        ) from error


_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class RunTrace(logging.Handler):
    """Takes what a run says, from any thread, until it is handed on to the store."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter(_FORMAT))
        self._lines: deque[str] = deque(maxlen=LINES)
        self._points: deque[LossPoint] = deque(maxlen=20 * POINTS)

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record; one of several lines, such as a traceback, is several."""
        self._lines.extend(self.format(record).splitlines())

    def lose(self, stage: str, step: int, loss: float) -> None:
        """Take a loss."""
        self._points.append(LossPoint(stage=stage, step=step, loss=loss))

    def hand_on(self, store: Store, run: Run) -> None:
        """Add what was said since to the store; raises StoreError, and then forgets nothing."""
        lines, points = list(self._lines), list(self._points)
        if lines or points:
            store.traces.add(run.id, run.claim, lines, points)
            for taken, waiting in ((lines, self._lines), (points, self._points)):
                for _ in taken:
                    waiting.popleft()


class _LogFile(logging.FileHandler):
    """Loses lines on a full disk: what a run says then is its error, not a traceback per line."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Take no note; the newest lines are in the store, too."""


@contextmanager
def write_run_log(path: Path, *others: logging.Handler) -> Iterator[None]:
    """Append what the workbench logs to a file while the block runs; its folder is created.

    Args:
        path: The log file.
        others: What takes the same records.

    Raises:
        RunError: The file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = _LogFile(path, encoding="utf-8")
    except OSError as error:
        raise RunError(
            f"Cannot write the log {path}: {error.strerror}. Make that folder writable, or set "
            "WORKBENCH_HOME to one that is."
        ) from error
    handler.setFormatter(logging.Formatter(_FORMAT))
    logger = logging.getLogger("workbench")
    level, propagate = logger.level, logger.propagate
    logger.setLevel(logging.INFO)
    logger.propagate = False  # a library may have sent the root logger to stderr
    for each in (handler, *others):
        logger.addHandler(each)
    try:
        yield
    finally:
        for each in (handler, *others):
            logger.removeHandler(each)
        logger.setLevel(level)
        logger.propagate = propagate
        handler.close()


def run_log(settings: Settings, run_id: int) -> Path:
    """Return the path of a run's own log; it exists once a worker has claimed the run."""
    return settings.results / str(run_id) / "run.log"


def worker_log(settings: Settings) -> Path:
    """Return the path of the log that background workers share."""
    return settings.results / "worker.log"


# Started by this process; listed here so that one that ends can be reaped.
_started: list[subprocess.Popen[bytes]] = []
_starting = threading.Lock()  # two pages at once must not start two workers


def ensure_worker(store: Store, settings: Settings) -> str:
    """Start a worker in the background unless one is alive; return its name.

    The worker outlives this process, writes to `worker_log`, and opens the same store.

    Raises:
        RoleError: Who asks for it is a viewer.
        RunError: The worker cannot be started, or its log cannot be written.
    """
    store.actor.require("editor", "start a worker")
    with _starting:
        _started[:] = [process for process in _started if process.poll() is None]
        for name in store.runs.workers():
            if may_be_alive(name):
                return name
            store.runs.leave(name)
        try:
            process = start_command(["worker"], store.url, settings, worker_log(settings))
        except RunError as error:
            raise RunError(f"{error} Or run 'workbench worker' yourself.") from error
        _started.append(process)
        name = worker_name(process.pid)
        # Listed before its imports are done, so that the next call doesn't start another.
        store.runs.beat(name)
        return name
