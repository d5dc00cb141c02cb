"""The queue of runs: rows that pages put in and poll, and that workers take and report on.

queued → running → done | failed | cancelled | interrupted; queued → cancelled.
"""

import builtins
from datetime import timedelta

from sqlmodel import Session, col, select, update

from workbench.domain.canonical import canonical_json
from workbench.domain.config import RunConfig
from workbench.domain.run import Run, RunResult, RunStatus
from workbench.errors import RunCancelledError, StoreError, VersionNotFoundError
from workbench.store.database import Database
from workbench.store.digest import document_digest
from workbench.store.mapping import run_value
from workbench.store.tables import ResultRow, RunRow, VersionRow, WorkerRow, utc_now

ALIVE_S = 30.0  # a worker beats every few seconds; importing torch may take it ten


class WorkerList:
    """The workers that have shown themselves.

    Args:
        database: The open database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def beat(self, worker: str) -> None:
        """Say that a worker is alive, and with it the run that it is working on.

        Args:
            worker: Its name ("host:pid").
        """
        with self._database.writing() as session:
            now = utc_now()
            row = session.get(WorkerRow, worker)
            if row is None:
                session.add(WorkerRow(name=worker, started_at=now, heartbeat_at=now))
            else:
                row.heartbeat_at = now
            session.exec(
                update(RunRow)
                .where(col(RunRow.worker) == worker, col(RunRow.status) == "running")
                .values(heartbeat_at=now)
            )

    def leave(self, worker: str) -> None:
        """Take a worker off the list.

        Args:
            worker: Its name; one that is not listed is no fault.
        """
        with self._database.writing() as session:
            row = session.get(WorkerRow, worker)
            if row is not None:
                session.delete(row)

    def workers(self, within_s: float = ALIVE_S) -> list[str]:
        """Return the names of the workers that are alive, the oldest first.

        Args:
            within_s: Seconds within which a worker must have been heard of.
        """
        oldest = utc_now() - timedelta(seconds=within_s)
        with self._database.reading() as session:
            return list(
                session.exec(
                    select(WorkerRow.name)
                    .where(col(WorkerRow.heartbeat_at) >= oldest)
                    .order_by(col(WorkerRow.started_at), WorkerRow.name)
                )
            )


_STOPPED = "its worker was stopped before it was done; resume it"


class RunRepository(WorkerList):
    """Runs, and the workers that do them.

    Args:
        database: The open database.
    """

    def enqueue(self, version_hash: str, config: RunConfig) -> Run:
        """Put a run at the end of the queue.

        Args:
            version_hash: All 64 digits; resolve a reference with `versions.get` first.
            config: Everything else that decides the run.

        Raises:
            VersionNotFoundError: No such version is frozen.
        """
        with self._database.writing() as session:
            found = session.exec(select(VersionRow.id).where(VersionRow.hash == version_hash))
            if found.first() is None:
                raise VersionNotFoundError(
                    f"Only a frozen version can run, and there is none with hash "
                    f"'{version_hash[:10]}'. Nothing was queued."
                )
            row = RunRow(
                version_hash=version_hash,
                config=canonical_json(config.model_dump(mode="json")),
                config_hash=config.hash,
                status="queued",
                created_at=utc_now(),
            )
            session.add(row)
            session.flush()
            return run_value(row)

    def get(self, id: int) -> Run:
        """Return one run, with its result if it is done.

        Raises:
            StoreError: There is no such run.
        """
        with self._database.reading() as session:
            row = _row(session, id)
            return run_value(row, _document(session, id))

    def claim(self, worker: str, *, only: int | None = None) -> Run | None:
        """Take the oldest queued run; no two workers ever get the same one.

        Args:
            worker: Who takes it ("host:pid").
            only: Take this run or none.
        """
        wanted = select(RunRow).where(RunRow.status == "queued").order_by(col(RunRow.id)).limit(1)
        if only is not None:
            wanted = wanted.where(RunRow.id == only)
        with self._database.writing() as session:
            row = session.exec(wanted).first()
            if row is None:
                return None
            row.status, row.worker = "running", worker
            row.started_at = row.heartbeat_at = utc_now()
            return run_value(row)

    def report(self, id: int, progress: float, stage: str) -> None:
        """Say how far a run is, and with it that its worker is alive.

        Args:
            id: The run.
            progress: Share done; clipped to [0, 1].
            stage: What it is doing, in words.

        Raises:
            RunCancelledError: The user cancelled it, or it was given up as interrupted.
        """
        with self._database.writing() as session:
            row = _row(session, id)
            if row.status != "running":
                raise RunCancelledError(f"Run {id} is {row.status}; its worker stops.")
            if row.cancel_requested:
                raise RunCancelledError(f"Run {id} was cancelled by the user.")
            row.progress, row.stage = min(1.0, max(0.0, progress)), stage
            row.heartbeat_at = utc_now()

    def finish(self, id: int, result: RunResult) -> None:
        """Store the result whole and mark the run done.

        A run that was given up as interrupted while its worker lived on may still finish.

        Args:
            id: The run.
            result: What came of it.

        Raises:
            StoreError: The run is neither running nor interrupted, or the result is another's.
        """
        with self._database.writing() as session:
            row = _row(session, id)
            if row.status not in ("running", "interrupted"):
                raise StoreError(f"Run {id} is {row.status}; only a running one can finish.")
            if (result.version, result.config_hash) != (row.version_hash, row.config_hash):
                raise StoreError(
                    f"The result belongs to version {result.version[:10]} and configuration "
                    f"{result.config_hash[:10]}, not to run {id}. Nothing was stored."
                )
            document = canonical_json(result.model_dump(mode="json"))
            session.add(ResultRow(run_id=id, document=document, digest=document_digest(document)))
            row.progress, row.error = 1.0, None
            _end(row, "done")

    def fail(self, id: int, error: str) -> None:
        """Mark a run failed.

        Args:
            id: The run.
            error: One plain line on what went wrong and what to do.

        Raises:
            StoreError: The run is over already.
        """
        with self._database.writing() as session:
            row = _row(session, id)
            if row.status in ("done", "failed", "cancelled"):
                raise StoreError(f"Run {id} is {row.status}; it cannot fail any more.")
            row.error = " ".join(error.replace("\x00", " ").split())
            _end(row, "failed")

    def cancel(self, id: int) -> None:
        """Cancel a queued run at once; ask a running one to stop at its next report.

        Args:
            id: The run.

        Raises:
            StoreError: There is no such run, or it is over.
        """
        with self._database.writing() as session:
            row = _row(session, id)
            if row.status == "queued":
                _end(row, "cancelled")
            elif row.status == "running":
                row.cancel_requested = True
            else:
                raise StoreError(f"Run {id} is {row.status} and cannot be cancelled.")

    def requeue(self, id: int) -> None:
        """Put a run that was broken off at its place in the queue again.

        Args:
            id: A run that is interrupted, failed or cancelled.

        Raises:
            StoreError: There is no such run, or it is queued, running or done.
        """
        with self._database.writing() as session:
            row = _row(session, id)
            if row.status not in ("interrupted", "failed", "cancelled"):
                raise StoreError(
                    f"Run {id} is {row.status}; only one that is interrupted, failed or cancelled "
                    "can be resumed."
                )
            row.status, row.error, row.worker = "queued", None, None
            row.cancel_requested, row.finished_at = False, None

    def stop(self, id: int, status: RunStatus) -> None:
        """End a running run that its worker leaves: "cancelled" or "interrupted".

        Args:
            id: The run; one that is over stays as it is.
            status: How it ended.
        """
        with self._database.writing() as session:
            row = _row(session, id)
            if row.status == "running":
                _end(row, status, _STOPPED)

    def mark_interrupted(self, stale_after_s: float) -> builtins.list[int]:
        """End the running runs whose worker has not been heard of.

        Args:
            stale_after_s: Seconds without heartbeat after which a worker counts as gone.

        Returns:
            Numbers of the runs that were ended: interrupted, or cancelled if that was asked for.
        """
        oldest = utc_now() - timedelta(seconds=stale_after_s)
        with self._database.writing() as session:
            rows = session.exec(
                select(RunRow).where(RunRow.status == "running", col(RunRow.heartbeat_at) < oldest)
            ).all()
            for row in rows:
                status: RunStatus = "cancelled" if row.cancel_requested else "interrupted"
                _end(row, status, f"its worker {row.worker} went silent; resume it")
            return [row.id or 0 for row in rows]

    def find_done(self, version_hash: str, config_hash: str) -> Run | None:
        """Return the latest run that already gave this result, to be used again.

        Args:
            version_hash: All 64 digits.
            config_hash: `RunConfig.hash`.
        """
        with self._database.reading() as session:
            row = session.exec(
                select(RunRow)
                .where(
                    RunRow.version_hash == version_hash,
                    RunRow.config_hash == config_hash,
                    RunRow.status == "done",
                )
                .order_by(col(RunRow.id).desc())
            ).first()
            return None if row is None else run_value(row, _document(session, row.id))

    def list(self, version: str | None = None, *, with_results: bool = False) -> builtins.list[Run]:
        """Return runs, newest first; without their results, which are large, unless asked.

        Args:
            version: Only runs of this version; all 64 digits.
            with_results: Load `result` too; else it is None, even of runs that are done.
        """
        wanted = select(RunRow).order_by(col(RunRow.id).desc())
        if version is not None:
            wanted = wanted.where(RunRow.version_hash == version)
        with self._database.reading() as session:
            rows = session.exec(wanted).all()
            documents = _documents(session) if with_results else {}
            return [run_value(row, documents.get(row.id)) for row in rows]


def _row(session: Session, id: int) -> RunRow:
    row = session.get(RunRow, id)
    if row is None:
        raise StoreError(f"There is no run {id}. 'workbench runs list' shows them all.")
    return row


def _document(session: Session, id: int | None) -> str | None:
    row = session.get(ResultRow, id)
    return None if row is None else row.document


def _documents(session: Session) -> dict[int | None, str]:
    return dict(session.exec(select(ResultRow.run_id, ResultRow.document)).all())


def _end(row: RunRow, status: RunStatus, interrupted_by: str | None = None) -> None:
    row.status, row.finished_at = status, utc_now()
    if status == "interrupted":
        row.error = interrupted_by
