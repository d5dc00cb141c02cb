"""Queue runs and process them, here or in a background worker."""

from workbench.domain.canonical import Progress
from workbench.domain.config import RunConfig
from workbench.domain.run import Run
from workbench.errors import RunError
from workbench.experiment.config_files import attributes_for
from workbench.queue.processes import ensure_worker
from workbench.queue.worker import process_queue
from workbench.settings import Settings
from workbench.store import Store


def enqueue_run(store: Store, ref: str, config: RunConfig) -> Run:
    """Queue a version for a worker; the explicit step from freezing to training.

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
    if run.status == "done":
        return run
    return _process_now(store, run.id, settings, progress, afresh=again)


def resume_now(store: Store, id: int, *, settings: Settings, progress: Progress) -> Run:
    """Go on with a run that was interrupted, failed or cancelled, in this process.

    Raises:
        StoreError: There is no such run, or it cannot be resumed.
        RunError: It failed or was cancelled again.
    """
    store.runs.requeue(id)
    return _process_now(store, id, settings, progress)


def start_run(
    store: Store, ref: str, config: RunConfig, *, settings: Settings, again: bool = False
) -> Run:
    """Queue a version and make sure that a background worker is alive.

    Returns:
        The new run, or the finished one that has this result already.

    Raises:
        ConfigError: The version lacks a distortion of the configuration.
        RunError: No worker can be started; the run stays in the queue.
    """
    run = _done_or_queued(store, ref, config, again)
    if run.status != "done":
        ensure_worker(store, settings)
    return run


def restart_run(store: Store, id: int, *, settings: Settings) -> None:
    """Queue an interrupted run again and make sure that a background worker is alive.

    Raises:
        StoreError: There is no such run, or it cannot be resumed.
        RunError: No worker can be started; the run stays in the queue.
    """
    store.runs.requeue(id)
    ensure_worker(store, settings)


def _done_or_queued(store: Store, ref: str, config: RunConfig, again: bool) -> Run:
    version = store.versions.get(ref)
    done = None if again else store.runs.find_done(version.hash, config.hash)
    return done or enqueue_run(store, version.hash, config)


def _process_now(
    store: Store, id: int, settings: Settings, progress: Progress, *, afresh: bool = False
) -> Run:
    process_queue(store, settings, only=id, afresh=afresh, progress=progress)
    finished = store.runs.get(id)
    if finished.status != "done":
        raise RunError(f"Run {id} {finished.status}: {finished.error or 'no reason given'}")
    return finished
