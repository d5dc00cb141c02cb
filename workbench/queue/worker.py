"""Doing runs: claim one, execute it under watch, and record how it ended."""

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from workbench.domain.canonical import Losses, Progress, content_hash
from workbench.domain.run import Run, RunResult
from workbench.errors import (
    RunCancelledError,
    StoreError,
    StoreUnreachableError,
    WorkbenchError,
)
from workbench.queue.processes import RunTrace, run_log, write_run_log
from workbench.settings import Settings
from workbench.store import Store
from workbench.store.workers import LEASE_S, worker_name

HEARTBEAT_S = 3.0  # a tenth of the time after which a worker no longer counts as alive
WATCH_S = 0.5  # how long a run goes on after it was cancelled, beside the instruction under way
REPORT_S = 0.25  # progress within a stage is written at most so often; nobody polls faster

_log = logging.getLogger(__name__)


# Executes one run, afresh or resumed; what it or its progress function raises ends the run.
Execute = Callable[[Store, Run, Settings, Progress, bool, Losses], RunResult]


def execute_run(
    store: Store, run: Run, settings: Settings, progress: Progress, afresh: bool, losses: Losses
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
        owner=content_hash(store.url)[:16],
        losses=losses,
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
    takes_more = only is None
    with (
        StopSignals() as stop,
        Attendant(store, worker, stop, takes_more=takes_more) as attendant,
    ):
        while not stop.requested:
            store.runs.mark_interrupted()
            run = store.runs.claim(worker, only=only)
            if run is not None:
                report = _reporter(store, run, stop, progress)
                execute_this = partial(execute, store, run, settings, report, afresh or run.afresh)
                done += _process(store, run, stop, attendant, settings, execute_this)
            elif until_idle or (only is not None and _is_over(store, only)):
                break
            else:
                stop.wait(poll_s)
    return done


def do_claimed_run(
    store: Store, run: Run, settings: Settings, execute: Execute = execute_run
) -> None:
    """Do a run that another process has claimed for this one, which is its worker from now on.

    How it ends is recorded in the store: cancelled, failed, interrupted by a signal, or done.

    Raises:
        StoreError: The store fails; the run is given up once its lease is over.
    """
    worker = worker_name()
    with StopSignals() as stop, Attendant(store, worker, stop, takes_more=False) as attendant:
        try:
            store.runs.adopt(run.id, run.claim, worker)
        except RunCancelledError as reason:
            _log.info("%s", reason)
            store.runs.stop(run.id, "cancelled", claim=run.claim)
            return
        execute_this = partial(
            execute, store, run, settings, _reporter(store, run, stop, None), run.afresh
        )
        _process(store, run, stop, attendant, settings, execute_this)


class Attendant:
    """A thread beside the worker: it sends heartbeats, and attends to the run under way.

    While a run is attended, what it logs is handed on to the store, and the run is broken off as
    soon as it was cancelled or another worker has taken it. A store that fails is tried again.
    """

    def __init__(
        self, store: Store, worker: str, stop: "StopSignals", *, takes_more: bool = True
    ) -> None:
        self._store, self._worker, self._stop = store, worker, stop
        self._takes_more = takes_more
        self._held: tuple[Run, ...] = ()  # claimed for other processes that have not begun
        self._attended: tuple[Run, RunTrace] | None = None
        self._changing = threading.Lock()  # so that no run is broken off for the one before it
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._attend, name="attendant", daemon=True)

    def __enter__(self) -> "Attendant":
        # What fails here is raised; later it is logged.
        self._store.runs.beat(self._worker, takes_more=self._takes_more)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        # A store that fails here has failed before, and that error is the one to be seen.
        with suppress(StoreError):
            self._store.runs.leave(self._worker)

    @contextmanager
    def attending(self, run: Run) -> Iterator["RunTrace"]:
        """Attend to a run while the block works on it; yields where what it says is left."""
        trace = RunTrace()
        with self._changing:
            self._attended = run, trace
        try:
            yield trace
        finally:
            with self._changing, suppress(StoreError):
                self._attended = None
                trace.hand_on(self._store, run)

    def hold(self, runs: Iterable[Run]) -> None:
        """Keep the leases of runs that other processes are to adopt, until they do."""
        self._held = tuple(runs)

    def _attend(self) -> None:
        beaten_at, failing = time.monotonic(), False
        while not self._ended.wait(min(WATCH_S, HEARTBEAT_S)):
            is_due = time.monotonic() - beaten_at >= HEARTBEAT_S
            try:
                with self._changing:
                    self._attend_once(is_due)
                beaten_at, failing = time.monotonic() if is_due else beaten_at, False
            except StoreError as error:
                if not failing:
                    _log.warning("the store cannot be reached; trying again: %s", error)
                failing = True

    def _attend_once(self, is_due: bool) -> None:
        run, trace = self._attended or (None, None)
        if is_due:
            claimed = (run.id, run.claim) if run else ()
            self._store.runs.beat(self._worker, *claimed, takes_more=self._takes_more)
            for held in self._held:
                self._store.runs.beat(self._worker, held.id, held.claim)
        if run is not None and trace is not None:
            trace.hand_on(self._store, run)
            try:
                self._store.runs.check(run.id, run.claim)
            except RunCancelledError as reason:
                self._stop.abandon(str(reason))


class WorkerStopped(BaseException):
    """Raised inside a run when a signal stops the worker; no `except Exception` catches it."""


class RunAbandoned(BaseException):
    """Raised inside a run that was cancelled or taken over; no `except Exception` catches it."""


class StopSignals:
    """Turns SIGTERM and SIGINT into a request that the worker grants where it is safe.

    A signal during a store operation waits until that is over; one during the run itself raises
    `WorkerStopped` there. Another thread may have the run broken off in the same way, by a signal
    of its own; the worker then goes on to the next. Outside the main thread signals stay as they
    are, and a run is broken off when it next reports.

    Attributes:
        requested: Whether a signal has come.
    """

    def __init__(self) -> None:
        self.requested = False
        self._abandoned: str | None = None
        self._armed = False
        self._handlers: dict[int, Any] = {}

    def __enter__(self) -> "StopSignals":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._handlers[number] = signal.signal(number, self._on_signal)
            if _ABANDON is not None:
                self._handlers[_ABANDON] = signal.signal(_ABANDON, self._on_abandoned)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def abandon(self, reason: str) -> None:
        """Have the main thread's run broken off; called from another thread."""
        if _ABANDON is not None and _ABANDON in self._handlers:
            self._abandoned = reason
            # Not only a flag: it ends what the main thread is waiting for.
            signal.pthread_kill(threading.main_thread().ident or 0, _ABANDON)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Let a signal break off the block by a `WorkerStopped`, also one that came before."""
        self._abandoned = None  # what was meant for the run before
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

    def _on_abandoned(self, _number: int, _frame: FrameType | None) -> None:
        self._raise_if_due()

    def _raise_if_due(self) -> None:
        if self._armed and (self.requested or self._abandoned is not None):
            self._armed = False  # once: what cleans up after it is not broken off again
            raise WorkerStopped if self.requested else RunAbandoned(self._abandoned)


# Its default action would end the process, so it is sent only where a handler is set.
_ABANDON: int | None = getattr(signal, "SIGUSR1", None)


def _is_over(store: Store, id: int) -> bool:
    return store.runs.get(id).status not in ("queued", "running")


def _process(
    store: Store,
    run: Run,
    stop: StopSignals,
    attendant: Attendant,
    settings: Settings,
    execute: Callable[[Losses], RunResult],
) -> bool:
    """Execute one run and record how it ended; return whether it is done."""
    log = run_log(settings, run.id)
    try:
        with attendant.attending(run) as trace, write_run_log(log, trace):
            return _execute_and_record(store, run, stop, log, partial(execute, trace.lose))
    except WorkbenchError as error:  # its log cannot be opened, or the store has failed
        store.runs.fail(run.id, str(error), claim=run.claim)
        return False


def _patiently(record: Callable[[], None]) -> None:
    """Record how a run ended, though the store is away for a while: hours of work hang on it."""
    until = time.monotonic() + LEASE_S
    while True:
        try:
            return record()
        except StoreUnreachableError:
            if time.monotonic() > until:
                raise
            time.sleep(WATCH_S)


def _execute_and_record(
    store: Store, run: Run, stop: StopSignals, log: Path, execute: Callable[[], RunResult]
) -> bool:
    _log.info("run %s of version %s: %s", run.id, run.version, run.config.model_dump_json())
    try:
        with stop.interruptible():
            result = execute()
        _patiently(lambda: store.runs.finish(run.id, result, claim=run.claim))
    except (RunCancelledError, RunAbandoned) as error:
        _log.info("%s", error)
        store.runs.stop(run.id, "cancelled", claim=run.claim)
    except WorkbenchError as error:
        _log.exception("failed")
        store.runs.fail(run.id, str(error), claim=run.claim)
    except Exception as error:
        _log.exception("internal error")
        kind = type(error).__name__
        reason = f"internal error: {kind}: {error}; see {log}"
        store.runs.fail(run.id, reason, claim=run.claim)
    except BaseException as error:
        _log.warning("interrupted")
        store.runs.stop(run.id, "interrupted", claim=run.claim)
        if not isinstance(error, WorkerStopped):
            raise
    else:
        _log.info("done")
        return True
    return False


def _reporter(store: Store, run: Run, stop: StopSignals, progress: Progress | None) -> Progress:
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
        # A server that is restarted stops nothing: the next report says more than this one.
        with stop.uninterrupted(), suppress(StoreUnreachableError):
            store.runs.report(run.id, share, stage, claim=run.claim)

    return report
