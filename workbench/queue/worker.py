"""The worker: claim queued runs one at a time, execute them, and record how each ended."""

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from workbench.domain.canonical import Progress
from workbench.domain.run import Run, RunResult
from workbench.errors import RunCancelledError, StoreError, WorkbenchError
from workbench.queue.processes import run_log, worker_name, write_run_log
from workbench.settings import Settings
from workbench.store import Store

HEARTBEAT_S = 3.0  # a tenth of the time after which a worker no longer counts as alive
STALE_S = 60.0  # a run whose worker was silent for so long is given up; twenty heartbeats
REPORT_S = 0.25  # progress within a stage is written at most so often; nobody polls faster

_log = logging.getLogger(__name__)


# Executes one run, afresh or resumed; what it or its progress function raises ends the run.
Execute = Callable[[Store, Run, Settings, Progress, bool], RunResult]


def execute_run(
    store: Store, run: Run, settings: Settings, progress: Progress, afresh: bool
) -> RunResult:
    """Tune, regress and evaluate the version of a queued run; see `run_version`."""
    from workbench.experiment.run import run_version  # torch, which an idle worker can do without

    return run_version(
        store.versions.get(run.version),
        run.config,
        settings=settings,
        progress=progress,
        recipes=tuple(store.recipes.list()),
        afresh=afresh,
    )


def process_queue(
    store: Store,
    settings: Settings,
    *,
    worker: str | None = None,
    until_idle: bool = False,
    only: int | None = None,
    afresh: bool = False,
    progress: Progress | None = None,
    poll_s: float = 1.0,
    execute: Execute = execute_run,
) -> int:
    """Process queued runs, oldest first, until a signal stops the worker.

    A run that fails or is cancelled doesn't stop the worker. SIGTERM or Ctrl-C marks the current
    run interrupted and returns.

    Args:
        store: The open store.
        settings: Folders and device.
        worker: Name of this worker; see `worker_name`, which is used if left out.
        until_idle: Return when nothing is queued; else wait for more.
        only: Process this run alone; if another worker has it, wait until it is over.
        afresh: Discard what an interrupted attempt has trained.
        progress: Gets the share done of the current run, beside the store.
        poll_s: Seconds between polls of an empty queue.
        execute: Executes one run.

    Returns:
        How many runs it brought to "done".

    Raises:
        StoreError: The store fails.
    """
    worker, done = worker or worker_name(), 0
    with StopSignals() as stop, heartbeat(store, worker):
        while not stop.requested:
            store.runs.mark_interrupted(STALE_S)
            run = store.runs.claim(worker, only=only)
            if run is not None:
                report = _reporter(store, run.id, stop, progress)
                execute_this = partial(execute, store, run, settings, report, afresh)
                done += _process(store, run, stop, settings, execute_this)
            elif until_idle or (only is not None and _is_over(store, only)):
                break
            else:
                stop.wait(poll_s)
    return done


@contextmanager
def heartbeat(store: Store, worker: str) -> Iterator[None]:
    """Keep a worker and its run alive in the store while the block runs; then remove the worker.

    Raises:
        StoreError: The first beat fails; later ones are logged and tried again.
    """
    store.runs.beat(worker)
    ended = threading.Event()
    thread = threading.Thread(
        target=_beat, args=(store, worker, ended), name="heartbeat", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        # A store that fails here has failed before, and that error is the one to be seen.
        with suppress(StoreError):
            store.runs.leave(worker)


def _beat(store: Store, worker: str, ended: threading.Event) -> None:
    while not ended.wait(HEARTBEAT_S):
        try:
            store.runs.beat(worker)
        except StoreError as error:
            _log.warning("heartbeat: %s", error)


class WorkerStopped(BaseException):
    """Raised inside a run when a signal stops the worker; no `except Exception` catches it."""


class StopSignals:
    """Turns SIGTERM and SIGINT into a request that the worker grants where it is safe.

    A signal during a store operation waits until that is over; one during the run itself raises
    `WorkerStopped` there. Outside the main thread signals stay as they are.

    Attributes:
        requested: Whether a signal has come.
    """

    def __init__(self) -> None:
        self.requested = False
        self._armed = False
        self._handlers: dict[int, Any] = {}

    def __enter__(self) -> "StopSignals":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._handlers[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Let a signal break off the block by a `WorkerStopped`, also one that came before."""
        yield from self._set(True)

    @contextmanager
    def uninterrupted(self) -> Iterator[None]:
        """Let a signal raise `WorkerStopped` only after the block, inside an interruptible one."""
        yield from self._set(False)

    def wait(self, seconds: float) -> None:
        """Sleep, but not past a signal."""
        end = time.monotonic() + seconds
        while not self.requested and (left := end - time.monotonic()) > 0:
            time.sleep(min(0.1, left))

    def _set(self, armed: bool) -> Iterator[None]:
        before, self._armed = self._armed, armed
        self._raise_if_due()
        try:
            yield
        finally:
            self._armed = before
        self._raise_if_due()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.requested = True
        self._raise_if_due()

    def _raise_if_due(self) -> None:
        if self.requested and self._armed:
            self._armed = False  # once: what cleans up after it is not broken off again
            raise WorkerStopped


def _is_over(store: Store, id: int) -> bool:
    return store.runs.get(id).status not in ("queued", "running")


def _process(
    store: Store, run: Run, stop: StopSignals, settings: Settings, execute: Callable[[], RunResult]
) -> bool:
    """Execute one run and record how it ended; return whether it is done."""
    log = run_log(settings, run.id)
    try:
        with write_run_log(log):
            return _execute_and_record(store, run, stop, log, execute)
    except WorkbenchError as error:  # its log cannot be opened, or the store has failed
        store.runs.fail(run.id, str(error))
        return False


def _execute_and_record(
    store: Store, run: Run, stop: StopSignals, log: Path, execute: Callable[[], RunResult]
) -> bool:
    _log.info("run %s of version %s: %s", run.id, run.version, run.config.model_dump_json())
    try:
        with stop.interruptible():
            result = execute()
        store.runs.finish(run.id, result)
    except RunCancelledError as error:
        _log.info("%s", error)
        store.runs.stop(run.id, "cancelled")
    except WorkbenchError as error:
        _log.exception("failed")
        store.runs.fail(run.id, str(error))
    except Exception as error:
        _log.exception("internal error")
        kind = type(error).__name__
        store.runs.fail(run.id, f"internal error: {kind}: {error}; see {log}")
    except BaseException as error:
        _log.warning("interrupted")
        store.runs.stop(run.id, "interrupted")
        if not isinstance(error, WorkerStopped):
            raise
    else:
        _log.info("done")
        return True
    return False


def _reporter(store: Store, id: int, stop: StopSignals, progress: Progress | None) -> Progress:
    """Return the function that stores a run's progress; it raises if the run was cancelled."""
    last_stage, last_at = "", 0.0

    def report(share: float, stage: str) -> None:
        nonlocal last_stage, last_at
        if progress is not None:
            progress(share, stage)
        now = time.monotonic()
        if stage == last_stage and now - last_at < REPORT_S:
            return
        if stage != last_stage:
            _log.info("%3.0f%% %s", 100 * share, stage)
        last_stage, last_at = stage, now
        with stop.uninterrupted():
            store.runs.report(id, share, stage)

    return report
