"""The queue of runs: rows that pages add and poll, and that workers claim and report on.

queued → running → done | failed | cancelled | interrupted; queued | interrupted → cancelled;
interrupted | failed | cancelled → queued; interrupted → running if its worker died. A claim is a
number that grows each time a worker takes the run: what a worker with an older one wants to write
is refused in the statement that would write it.
"""

import builtins
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, case
from sqlmodel import Session, col, select, update

from workbench.domain.canonical import canonical_json
from workbench.domain.config import RunConfig
from workbench.domain.run import Run, RunResult, RunStatus
from workbench.errors import RunCancelledError, StoreError, VersionNotFoundError
from workbench.store.digest import document_digest
from workbench.store.run_reading import RunReader, row_of, run_value, same_run, same_states
from workbench.store.tables import ResultRow, RunRow, VersionRow, utc_now
from workbench.store.workers import can_be_claimed, end_run, is_written_by

_STOPPED = "its worker was stopped before it was done; resume it"


class RunRepository(RunReader):
    """Runs, and the workers that do them."""

    def enqueue(self, version_hash: str, config: RunConfig, *, afresh: bool = False) -> Run:
        """Put a run at the end of the queue; see `submit`, which takes many."""
        (run,) = self.submit([(version_hash, config)], again=True, afresh=afresh)
        return run

    def submit(
        self,
        wanted: Sequence[tuple[str, RunConfig]],
        *,
        again: bool = False,
        afresh: bool = False,
    ) -> builtins.list[Run]:
        """Put runs at the end of the queue, all or none, unless the same are there.

        Nothing runs twice at a time: a run of the same version under the same configuration that
        is queued or running is returned as it is, an interrupted one is queued again.

        Args:
            wanted: Hash of a version and configuration of each.
            again: Queue also what is done already; else the newest finished run is returned.
            afresh: Discard what an attempt that was broken off has trained.

        Returns:
            One run for each that is wanted, in their order.

        Raises:
            VersionNotFoundError: No such version is frozen.
        """
        with self._database.writing("have runs done") as session:
            self._bury(session)
            for version in {version for version, _ in wanted}:
                _require_version(session, version)
            rows = [
                _submitted(session, version, config, again=again, afresh=afresh)
                for version, config in wanted
            ]
            session.flush()
            return [run_value(row) for row in rows]

    def claim(self, worker: str, *, only: int | None = None) -> Run | None:
        """Take the oldest run that waits, or whose worker died; no two ever get the same one.

        Args:
            worker: Who takes it ("host:pid").
            only: Take this run or none.
        """
        query = select(RunRow).where(can_be_claimed()).order_by(col(RunRow.id)).limit(1)
        if only is not None:
            query = query.where(RunRow.id == only)
        with self._database.reading() as session:  # most polls find nothing, and needn't write
            if session.exec(query).first() is None:
                return None
        with self._database.writing() as session:
            row = session.exec(query).first()
            if row is None:
                return None
            row.status, row.worker, row.claim = "running", worker, row.claim + 1
            row.started_at, row.heartbeat_at = utc_now(), self._now(session)
            row.error, row.finished_at = None, None
            run = run_value(row)
            row.afresh = False  # once: the next attempt resumes what this one trains
            return run

    def adopt(self, id: int, claim: int, worker: str) -> None:
        """Take over a run from the worker that claimed it for this one, under the same claim.

        Raises:
            RunCancelledError: The user cancelled it, it is over, or another worker has it.
        """
        with self._database.writing() as session:
            where = [is_written_by(id, claim), ~col(RunRow.cancel_requested)]
            now = self._now(session)
            if not _written(session, where, worker=worker, status="running", heartbeat_at=now):
                raise _lost(row_of(session, id), claim)

    def report(self, id: int, progress: float, stage: str, *, claim: int | None = None) -> None:
        """Say how far a run is, and with it that its worker is alive.

        One that was given up as interrupted while its worker lived on is running again.

        Args:
            id: Number of the run.
            progress: Share done, in [0, 1].
            stage: What it is doing.
            claim: That of the worker; None trusts whoever asks.

        Raises:
            RunCancelledError: The user cancelled it, it is over, or another worker has it.
        """
        with self._database.writing() as session:
            revived = case((col(RunRow.status) == "interrupted", 1), else_=0)
            written = _written(
                session,
                [is_written_by(id, claim), ~col(RunRow.cancel_requested)],
                progress=min(1.0, max(0.0, progress)), stage=stage, status="running",
                heartbeat_at=self._now(session), deaths=col(RunRow.deaths) - revived,
                error=None, finished_at=None,
            )  # fmt: skip
            if not written:
                raise _lost(row_of(session, id), claim)

    def check(self, id: int, claim: int) -> None:
        """Find out whether a worker should go on; only reads.

        Raises:
            RunCancelledError: The user cancelled the run, it is over, or another worker has it.
        """
        query = select(RunRow.id).where(is_written_by(id, claim), ~col(RunRow.cancel_requested))
        with self._database.reading() as session:
            if session.exec(query).first() is None:
                raise _lost(row_of(session, id), claim)

    def finish(self, id: int, result: RunResult, *, claim: int | None = None) -> None:
        """Store the result and mark the run done.

        A run that was given up as interrupted while its worker lived on may still finish.

        Raises:
            StoreError: The run is neither running nor interrupted, or the result is another's.
            RunCancelledError: Another worker has taken the run; nothing is stored.
        """
        with self._database.writing() as session:
            row = row_of(session, id)
            if claim is None and row.status not in ("running", "interrupted"):
                raise StoreError(f"Run {id} is {row.status}; only a running one can finish.")
            if (result.version, result.config_hash) != (row.version_hash, row.config_hash):
                raise StoreError(
                    f"The result belongs to version {result.version[:10]} and configuration "
                    f"{result.config_hash[:10]}, not to run {id}. Nothing was stored."
                )
            end = {"status": "done", "progress": 1.0, "error": None, "finished_at": utc_now()}
            if not _written(session, [is_written_by(id, claim)], **end):
                raise _lost(row, claim)
            document = canonical_json(result.model_dump(mode="json"))
            session.add(ResultRow(run_id=id, document=document, digest=document_digest(document)))

    def fail(self, id: int, error: str, *, claim: int | None = None) -> None:
        """Mark a run failed, with one plain line on what went wrong and what to do.

        Nothing is written by a worker whose claim is no longer the newest.
        """
        line = " ".join(error.replace("\x00", " ").split())
        with self._database.writing() as session:
            row = row_of(session, id)
            if claim is None and row.status in ("done", "failed", "cancelled"):
                raise StoreError(f"Run {id} is {row.status}; it cannot fail any more.")
            where = col(RunRow.id) == id if claim is None else is_written_by(id, claim)
            _written(session, [where], status="failed", error=line, finished_at=utc_now())

    def stop(self, id: int, status: RunStatus, *, claim: int | None = None) -> None:
        """End a run that its worker leaves as "cancelled" or "interrupted", unless it is over.

        Nothing is written by a worker whose claim is no longer the newest.
        """
        error = _STOPPED if status == "interrupted" else None
        running = [col(RunRow.id) == id, col(RunRow.status) == "running"]
        mine = [] if claim is None else [col(RunRow.claim) == claim]
        with self._database.writing() as session:
            end = {"status": status, "error": error, "finished_at": utc_now()}
            _written(session, [*running, *mine], heartbeat_at=None, **end)

    def cancel(self, id: int) -> None:
        """Cancel a run that waits, or whose worker is gone, at once; ask a running one to stop."""
        with self._database.writing("cancel a run") as session:
            self._bury(session)
            row = row_of(session, id)
            if row.status in ("queued", "interrupted"):
                row.error = None
                end_run(row, "cancelled")
            elif row.status == "running":
                row.cancel_requested = True
            else:
                raise StoreError(f"Run {id} is {row.status} and cannot be cancelled.")

    def requeue(self, id: int, *, afresh: bool = False) -> None:
        """Return an interrupted, failed or cancelled run to its position in the queue.

        Args:
            id: Number of the run.
            afresh: Discard what it has trained.
        """
        with self._database.writing("resume a run") as session:
            self._bury(session)
            row = row_of(session, id)
            if row.status not in ("interrupted", "failed", "cancelled"):
                raise StoreError(
                    f"Run {id} is {row.status}; only one that is interrupted, failed or cancelled "
                    "can be resumed."
                )
            same = same_run(session, row.version_hash, row.config_hash, ("queued", "running"))
            if same is not None:
                raise StoreError(
                    f"Run {same.id} does the same and is {same.status}; run {id} was left as it is."
                )
            _queue_again(row, afresh)


def _require_version(session: Session, version_hash: str) -> None:
    version = session.exec(select(VersionRow.id).where(VersionRow.hash == version_hash))
    if version.first() is None:
        raise VersionNotFoundError(
            f"Only a frozen version can run, and there is none with hash "
            f"'{version_hash[:10]}'. Nothing was queued."
        )


def _submitted(
    session: Session, version_hash: str, config: RunConfig, *, again: bool, afresh: bool
) -> RunRow:
    """Return the row that does what is wanted: one that is there, or a new one."""
    for statuses in same_states(done=not again):
        row = same_run(session, version_hash, config.hash, statuses)
        if row is not None:
            if row.status == "interrupted":
                _queue_again(row, afresh)
            return row
    row = RunRow(
        version_hash=version_hash,
        config=canonical_json(config.model_dump(mode="json")),
        config_hash=config.hash,
        status="queued",
        afresh=afresh,
        created_at=utc_now(),
    )
    session.add(row)
    session.flush()
    return row


def _queue_again(row: RunRow, afresh: bool) -> None:
    row.status, row.error, row.worker, row.afresh = "queued", None, None, afresh
    row.cancel_requested, row.finished_at = False, None


def _written(session: Session, where: Sequence[ColumnElement[bool]], **values: Any) -> bool:
    """Change the run that meets all conditions; return whether there is one."""
    changed = update(RunRow).where(*where).values(**values)
    return bool(session.exec(changed.execution_options(synchronize_session=False)).rowcount)


def _lost(row: RunRow, claim: int | None) -> RunCancelledError:
    """Say why a worker may not go on."""
    if claim is not None and row.claim != claim:
        return RunCancelledError(f"Run {row.id} was taken over by {row.worker}; this one stops.")
    if row.status == "running" and row.cancel_requested:
        return RunCancelledError(f"Run {row.id} was cancelled by the user.")
    return RunCancelledError(f"Run {row.id} is {row.status}; its worker stops.")
