"""The queue of runs: rows that pages add and poll, and that workers claim and report on.

queued → running → done | failed | cancelled | interrupted; queued → cancelled.
"""

import builtins
from datetime import timedelta

from pydantic import ValidationError
from sqlmodel import Session, col, select, update

from workbench.domain.canonical import canonical_json
from workbench.domain.config import STORED, RunConfig
from workbench.domain.run import Run, RunResult, RunStatus
from workbench.errors import RunCancelledError, StoreError, VersionNotFoundError
from workbench.store.database import Repository
from workbench.store.digest import document_digest
from workbench.store.tables import ResultRow, RunRow, VersionRow, WorkerRow, utc_now

# A worker's heartbeat comes every few seconds, but importing torch may hold it up for ten.
ALIVE_S = 30.0


class _Workers(Repository):
    """The workers that have reported; a worker's name is "host:pid"."""

    def beat(self, worker: str) -> None:
        """Say that a worker is alive, and with it the run that it is working on."""
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
        """Take a worker off the list; one that is not on it is no fault."""
        with self._database.writing() as session:
            row = session.get(WorkerRow, worker)
            if row is not None:
                session.delete(row)

    def workers(self, within_s: float = ALIVE_S) -> list[str]:
        """Return the names of the workers that have reported lately, the oldest first."""
        oldest = utc_now() - timedelta(seconds=within_s)
        query = select(WorkerRow.name).where(col(WorkerRow.heartbeat_at) >= oldest)
        with self._database.reading() as session:
            return list(session.exec(query.order_by(col(WorkerRow.started_at), WorkerRow.name)))


_STOPPED = "its worker was stopped before it was done; resume it"


class RunRepository(_Workers):
    """Runs, and the workers that do them."""

    def enqueue(self, version_hash: str, config: RunConfig) -> Run:
        """Put a run at the end of the queue.

        Raises:
            VersionNotFoundError: No such version is frozen.
        """
        with self._database.writing() as session:
            version = session.exec(select(VersionRow.id).where(VersionRow.hash == version_hash))
            if version.first() is None:
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
            return _value(row)

    def get(self, id: int) -> Run:
        """Return one run, with its result if it is done."""
        with self._database.reading() as session:
            row = _row(session, id)
            return _value(row, _document(session, id))

    def claim(self, worker: str, *, only: int | None = None) -> Run | None:
        """Take the oldest queued run; no two workers ever get the same one.

        Args:
            worker: Who takes it ("host:pid").
            only: Take this run or none.
        """
        query = select(RunRow).where(RunRow.status == "queued").order_by(col(RunRow.id)).limit(1)
        if only is not None:
            query = query.where(RunRow.id == only)
        with self._database.writing() as session:
            row = session.exec(query).first()
            if row is None:
                return None
            row.status, row.worker = "running", worker
            row.started_at = row.heartbeat_at = utc_now()
            return _value(row)

    def report(self, id: int, progress: float, stage: str) -> None:
        """Say how far a run is, and with it that its worker is alive.

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
        """Store the result and mark the run done.

        A run that was given up as interrupted while its worker lived on may still finish.

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
        """Mark a run failed, with one plain line on what went wrong and what to do."""
        with self._database.writing() as session:
            row = _row(session, id)
            if row.status in ("done", "failed", "cancelled"):
                raise StoreError(f"Run {id} is {row.status}; it cannot fail any more.")
            row.error = " ".join(error.replace("\x00", " ").split())
            _end(row, "failed")

    def cancel(self, id: int) -> None:
        """Cancel a queued run at once; ask a running one to stop at its next report."""
        with self._database.writing() as session:
            row = _row(session, id)
            if row.status == "queued":
                _end(row, "cancelled")
            elif row.status == "running":
                row.cancel_requested = True
            else:
                raise StoreError(f"Run {id} is {row.status} and cannot be cancelled.")

    def requeue(self, id: int) -> None:
        """Return an interrupted, failed or cancelled run to its position in the queue."""
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
        """End a run that its worker leaves as "cancelled" or "interrupted", unless it is over."""
        with self._database.writing() as session:
            row = _row(session, id)
            if row.status == "running":
                _end(row, status, _STOPPED)

    def mark_interrupted(self, stale_after_s: float) -> builtins.list[int]:
        """End the running runs whose worker has sent no heartbeat, and return their numbers.

        They are interrupted, or cancelled if that was asked for.
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
        """Return the latest run that already gave this result, to be used again."""
        query = select(RunRow).where(RunRow.status == "done", RunRow.version_hash == version_hash)
        query = query.where(RunRow.config_hash == config_hash).order_by(col(RunRow.id).desc())
        with self._database.reading() as session:
            row = session.exec(query).first()
            return None if row is None else _value(row, _document(session, row.id))

    def list(self, version: str | None = None, *, with_results: bool = False) -> builtins.list[Run]:
        """Return runs, newest first; without their results, which are large, unless asked.

        Args:
            version: Only runs of this version; all 64 digits.
            with_results: Load `result` too; else it is None, even of runs that are done.
        """
        query = select(RunRow).order_by(col(RunRow.id).desc())
        if version is not None:
            query = query.where(RunRow.version_hash == version)
        documents: dict[int, str] = {}
        with self._database.reading() as session:
            rows = session.exec(query).all()
            if with_results:
                results = select(ResultRow.run_id, ResultRow.document)
                documents = dict(session.exec(results).all())
            return [_value(row, documents.get(row.id or 0)) for row in rows]


def _row(session: Session, id: int) -> RunRow:
    row = session.get(RunRow, id)
    if row is None:
        raise StoreError(f"There is no run {id}. 'workbench runs list' shows them all.")
    return row


def _document(session: Session, id: int | None) -> str | None:
    row = session.get(ResultRow, id)
    return None if row is None else row.document


def _value(row: RunRow, document: str | None = None) -> Run:
    """Return a run, with its result if the document is given."""
    names = Run.model_fields.keys() - {"version", "config", "result"}
    fields = row.model_dump(include=names)
    try:
        return Run(
            version=row.version_hash,
            config=RunConfig.model_validate_json(row.config, context=STORED),
            result=None if document is None else RunResult.model_validate_json(document),
            **fields,
        )
    except ValidationError as error:
        fault = error.errors()[0]
        field = ".".join(str(step) for step in fault["loc"])
        raise StoreError(
            f"Run {row.id} cannot be read: {field}: {fault['msg']}. It may come from another "
            "release; run the version again."
        ) from error


def _end(row: RunRow, status: RunStatus, interrupted_by: str | None = None) -> None:
    row.status, row.finished_at = status, utc_now()
    if status == "interrupted":
        row.error = interrupted_by
