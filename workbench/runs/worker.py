"""The worker: take runs from the queue one at a time, do them, and say how each ended."""

import logging
import time
from collections.abc import Callable

from workbench.domain.run import Run, RunResult
from workbench.errors import RunCancelledError, WorkbenchError
from workbench.runs.heart import beating
from workbench.runs.journal import journal
from workbench.runs.queue import run_log
from workbench.runs.stopping import Stopping, WorkerStopped
from workbench.settings import Settings, read_settings
from workbench.store import Store

Report = Callable[[float, str], None]
Execute = Callable[[Run, Report], RunResult]

STALE_S = 60.0  # a run whose worker was silent for so long is given up; twenty beats
REPORT_S = 0.25  # progress within a stage is written at most so often; nobody polls faster

_log = logging.getLogger(__name__)


def work_off(
    store: Store,
    execute: Execute,
    *,
    worker: str,
    until_idle: bool = False,
    poll_s: float = 1.0,
    only: int | None = None,
    settings: Settings | None = None,
) -> int:
    """Do the queued runs, oldest first, until told to stop.

    A run that fails or is cancelled doesn't stop the worker. SIGTERM or Ctrl-C marks the current
    run interrupted and leaves.

    Args:
        store: The open store.
        execute: Does one run; it reports share done and stage, and lets what that raises pass.
        worker: Name of this worker ("host:pid").
        until_idle: Return when nothing is queued; else wait for more.
        poll_s: Seconds between looks at an empty queue.
        only: Do this run alone; if another worker has it, wait until it is over.
        settings: Says where logs lie; read from the environment if left out.

    Returns:
        How many runs it brought to "done".

    Raises:
        StoreError: The store fails.
    """
    surroundings = settings or read_settings()
    done = 0
    with Stopping() as stopping, beating(store, worker):
        while not stopping.requested:
            store.runs.mark_interrupted(STALE_S)
            run = store.runs.claim(worker, only=only)
            if run is not None:
                done += _work_on(store, execute, run, stopping, surroundings)
            elif until_idle or (only is not None and _is_over(store, only)):
                break
            else:
                stopping.wait(poll_s)
    return done


def _is_over(store: Store, id: int) -> bool:
    return store.runs.get(id).status not in ("queued", "running")


def _work_on(
    store: Store, execute: Execute, run: Run, stopping: Stopping, settings: Settings
) -> bool:
    """Do one run and record how it ended; return whether it is done."""
    try:
        with journal(run_log(settings, run.id)):
            return _recorded(store, execute, run, stopping, settings)
    except WorkbenchError as error:  # its log cannot be opened, or the store has failed
        store.runs.fail(run.id, str(error))
        return False


def _recorded(
    store: Store, execute: Execute, run: Run, stopping: Stopping, settings: Settings
) -> bool:
    _log.info("run %s of version %s: %s", run.id, run.version, run.config.model_dump_json())
    try:
        with stopping.interruptible():
            result = execute(run, _reporter(store, run.id, stopping))
        store.runs.finish(run.id, result)
    except RunCancelledError as error:
        _log.info("%s", error)
        store.runs.stop(run.id, "cancelled")
    except WorkbenchError as error:
        _log.exception("failed")
        store.runs.fail(run.id, str(error))
    except Exception as error:
        _log.exception("internal error")
        kind, log = type(error).__name__, run_log(settings, run.id)
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


def _reporter(store: Store, id: int, stopping: Stopping) -> Report:
    """Return the function by which a run tells how far it is; it raises if that was cancelled."""
    last_stage, last_at = "", 0.0

    def report(progress: float, stage: str) -> None:
        nonlocal last_stage, last_at
        now = time.monotonic()
        if stage == last_stage and now - last_at < REPORT_S:
            return
        if stage != last_stage:
            _log.info("%3.0f%% %s", 100 * progress, stage)
        last_stage, last_at = stage, now
        with stopping.whole():
            store.runs.report(id, progress, stage)

    return report
