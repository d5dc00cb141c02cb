"""Queue runs and process them, here or in a background worker."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from workbench.domain.canonical import Progress
from workbench.domain.config import RunConfig
from workbench.domain.run import Run
from workbench.errors import ConfigError, RunError, StoreError
from workbench.experiment.config_files import attributes_for
from workbench.queue.processes import ensure_worker, run_log
from workbench.queue.worker import process_queue
from workbench.settings import Settings
from workbench.store import Store
from workbench.store.workers import worker_name

if TYPE_CHECKING:
    from workbench.domain.comparison import AccessCount
    from workbench.report.tracking import Sent


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


def log_text(store: Store, settings: Settings, id: int) -> str:
    """Return a run's log: the file, or where another machine has it its newest 2,000 lines."""
    file = run_log(settings, id)
    if file.is_file():
        return file.read_text(encoding="utf-8", errors="replace")
    return "\n".join(store.traces.lines(id))


def track_runs(
    store: Store, ids: Sequence[int], *, uri: str, experiment: str, settings: Settings, author: str
) -> "list[tuple[Sent, AccessCount | None]]":
    """Send runs that have ended, with their figures, to an MLflow server.

    Each is one run there however often it is sent. Sending figures is an access to a test set, as
    showing them is; it is recorded once the server answers, before any figure leaves.

    Args:
        store: The open store.
        ids: Numbers of runs that are done, failed or cancelled.
        uri: Address of the server.
        experiment: Its name there.
        settings: Where the logs are; of two processes under one, one sends at a time.
        author: Who sends them.

    Returns:
        Each where it is now, with the accesses to its test set; None if it has no figures.

    Raises:
        RoleError: Who asks for it is a viewer.
        ConfigError: A run has not ended; the client is not installed, the server does not answer or
            refuses. The same call completes what was begun.
    """
    from workbench.evaluation.comparable import ComparedRuns
    from workbench.report.tracking import TrackingServer, tracked
    from workbench.workflow.access import record_run_access
    from workbench.workflow.exchange import export_text

    store.actor.require("editor", "send runs to an MLflow server")
    runs, documents = [store.runs.get(id) for id in dict.fromkeys(ids)], []
    for run in runs:
        version = store.versions.get(run.version)
        files = {
            "attributes.yaml": export_text(store, version.attributes, "yaml"),
            "run.log": log_text(store, settings, run.id),
        }
        losses = store.traces.losses(run.id)
        documents.append(tracked(run, version, losses, files, store.url))
    with _sending_alone(settings):
        server, sent = TrackingServer(uri, experiment), []
        for run, document in zip(runs, documents, strict=True):
            looks = None
            if run.result is not None:
                compared = ComparedRuns.of([run], [f"run {run.id}"])
                purpose = f"runs track {run.id}"
                looks = record_run_access(store, compared, purpose=purpose, author=author)
            sent.append((server.send(document, run.id), looks))
    return sent


@contextmanager
def _sending_alone(settings: Settings) -> Iterator[None]:
    """Let one process at a time find out that a run is not on the server yet, and make it."""
    from filelock import FileLock

    lock = FileLock(settings.results / "tracking.lock")
    try:
        settings.results.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        raise ConfigError(
            f"Cannot write {lock.lock_file}: {error.strerror}. Make that folder writable, or set "
            "WORKBENCH_HOME to one that is. Nothing was sent."
        ) from error
    try:
        yield
    finally:
        lock.release()


def _done_or_queued(store: Store, ref: str, config: RunConfig, again: bool) -> Run:
    version = store.versions.get(ref)
    done = None if again else store.runs.find_done(version.hash, config.hash)
    if done is not None:
        return done
    attributes_for(version, config, tuple(store.recipes.list()))
    (run,) = store.runs.submit([(version.hash, config)], again=again, afresh=again)
    return run
