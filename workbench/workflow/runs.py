"""Queue runs and process them, here or in a background worker."""

from contextlib import suppress

from workbench.domain.canonical import Progress
from workbench.domain.config import RunConfig
from workbench.domain.run import Run
from workbench.errors import RunError, StoreError
from workbench.experiment.config_files import attributes_for
from workbench.queue.processes import ensure_worker
from workbench.queue.worker import process_queue
from workbench.settings import Settings
from workbench.store import Store
from workbench.store.workers import worker_name


def enqueue_run(store: Store, ref: str, config: RunConfig) -> Run:
    """Queue a version for a worker; the explicit step from freezing to training.

    The same that is queued or running is returned as it is.

    Raises:
        ConfigError: The version lacks a distortion of the configuration, or one has no operator.
        VersionNotFoundError: The reference names no version.
    """
    version = store.versions.get(ref)
    attributes_for(version, config, tuple(store.recipes.list()))
    return store.runs.enqueue(version.hash, config)


def run_now(
    store: Store,
    ref: str,
    config: RunConfig,
    *,
    settings: Settings,
    progress: Progress,
    again: bool = False,
) -> Run:
    """Return the finished run of a version: the one that is there, else one made in this process.

    Args:
        store: The open store.
        ref: Hash prefix or alias of a version.
        config: The experiment.
        settings: Folders and device.
        progress: Called with the share done.
        again: Run it even if its result is there, and forget what an interrupted attempt trained.

    Raises:
        RunError: The run failed or was cancelled; the line says why.
    """
    run = _done_or_queued(store, ref, config, again)
    return run if run.status == "done" else process_now(store, run.id, settings, progress)


def resume_now(
    store: Store, id: int, *, settings: Settings, progress: Progress, afresh: bool = False
) -> Run:
    """Go on with a run that was interrupted, failed or cancelled, in this process.

    Raises:
        StoreError: There is no such run, or it cannot be resumed.
        RunError: It failed or was cancelled again.
    """
    store.runs.requeue(id, afresh=afresh)
    return process_now(store, id, settings, progress)


def process_now(store: Store, id: int, settings: Settings, progress: Progress) -> Run:
    """Process a queued run here; one that another worker has is waited for, and outlives it.

    Raises:
        RunError: It failed or was cancelled, or this process was asked to stop.
    """
    while True:
        process_queue(store, settings, only=id, progress=progress)
        run = store.runs.get(id)
        if run.status != "interrupted" or run.worker == worker_name():
            break
        with suppress(StoreError):  # who else was waiting may have been quicker
            store.runs.requeue(id)
    if run.status in ("queued", "running"):
        doing = f"is being done by {run.worker}" if run.worker else "stays in the queue"
        raise RunError(f"Run {id} {doing}; this command no longer waits for it.")
    if run.status != "done":
        raise RunError(f"Run {id} {run.status}: {run.error or 'no reason given'}")
    return run


def start_run(
    store: Store, ref: str, config: RunConfig, *, settings: Settings, again: bool = False
) -> Run:
    """Queue a version and make sure that a background worker is alive.

    Returns:
        The new run, the same one that is queued or running, or the finished one that has this
        result already.

    Raises:
        ConfigError: The version lacks a distortion of the configuration.
        RunError: No worker can be started; the run stays in the queue.
    """
    run = _done_or_queued(store, ref, config, again)
    if run.status != "done":
        ensure_worker(store, settings)
    return run


def restart_run(store: Store, id: int, *, settings: Settings, afresh: bool = False) -> None:
    """Queue an interrupted run again and make sure that a background worker is alive.

    Raises:
        StoreError: There is no such run, or it cannot be resumed.
        RunError: No worker can be started; the run stays in the queue.
    """
    store.runs.requeue(id, afresh=afresh)
    ensure_worker(store, settings)


def _done_or_queued(store: Store, ref: str, config: RunConfig, again: bool) -> Run:
    version = store.versions.get(ref)
    done = None if again else store.runs.find_done(version.hash, config.hash)
    if done is not None:
        return done
    attributes_for(version, config, tuple(store.recipes.list()))
    (run,) = store.runs.submit([(version.hash, config)], again=again, afresh=again)
    return run
