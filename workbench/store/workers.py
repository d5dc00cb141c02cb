"""Workers and their leases: a run whose worker has gone silent is given up by whoever looks."""

import builtins
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func
from sqlmodel import Session, and_, col, or_, select, update

from workbench.domain.run import RunStatus
from workbench.store.database import Repository
from workbench.store.tables import RunRow, WorkerRow, utc_now

# A worker's heartbeat comes every few seconds, but importing torch may hold it up for ten.
ALIVE_S = 30.0
LEASE_S = 60.0  # a run whose worker was silent for so long is given up; twenty heartbeats
MOST_DEATHS = 3  # a run whose worker has died so often takes the next one with it, too
AHEAD_S = 5.0  # a heartbeat further in the future was sent before the clock was set back


class WorkerRepository(Repository):
    """The workers that have reported; a worker's name is "host:pid"."""

    def beat(self, worker: str, run: int | None = None, claim: int | None = None) -> None:
        """Say that a worker is alive, and with it the run that it is working on.

        Args:
            worker: Its name.
            run: Number of the run that it is working on, if any.
            claim: Of that run.
        """
        with self._database.writing() as session:
            now = self._now(session)
            row = session.get(WorkerRow, worker)
            if row is None:
                session.add(WorkerRow(name=worker, started_at=now, heartbeat_at=now))
            else:
                row.heartbeat_at = now
            session.exec(
                update(RunRow)
                .where(col(RunRow.id) == run, col(RunRow.claim) == claim)
                .where(col(RunRow.status) == "running")
                .values(heartbeat_at=now)
            )

    def leave(self, worker: str) -> None:
        """Take a worker off the list; one that is not on it is no fault."""
        with self._database.writing() as session:
            row = session.get(WorkerRow, worker)
            if row is not None:
                session.delete(row)

    def workers(self, within_s: float = ALIVE_S) -> builtins.list[str]:
        """Return the names of the workers that have reported lately, the oldest first."""
        with self._database.reading() as session:
            now, at = self._now(session), col(WorkerRow.heartbeat_at)
            query = select(WorkerRow.name).where(
                at >= now - timedelta(seconds=within_s), at <= now + timedelta(seconds=ALIVE_S)
            )
            return list(session.exec(query.order_by(col(WorkerRow.started_at), WorkerRow.name)))

    def mark_interrupted(self, stale_after_s: float = LEASE_S) -> builtins.list[int]:
        """End the running runs whose worker has sent no heartbeat, and return their numbers.

        They are interrupted, cancelled if that was asked for, or failed if a worker has died of
        them several times. Whoever reads the queue does this first, and seldom has to write.
        """
        with self._database.reading() as session:
            if not self._silent(session, self._now(session), stale_after_s):
                return []
        with self._database.writing("look at the queue", needs="viewer") as session:
            return self._expire(session, stale_after_s)

    def _expire(self, session: Session, stale_after_s: float = LEASE_S) -> builtins.list[int]:
        now, ended = self._now(session), []
        for row in self._silent(session, now, stale_after_s):
            if row.heartbeat_at is not None and row.heartbeat_at > now:
                row.heartbeat_at = now  # the clock was set back: its lease begins anew
                continue
            row.deaths += 1
            _give_up(row)
            ended.append(row.id or 0)
        return ended

    def _silent(self, session: Session, now: datetime, stale_after_s: float) -> Sequence[RunRow]:
        beat = col(RunRow.heartbeat_at)
        oldest, newest = now - timedelta(seconds=stale_after_s), now + timedelta(seconds=AHEAD_S)
        query = select(RunRow).where(RunRow.status == "running", or_(beat < oldest, beat > newest))
        return session.exec(query).all()

    def _now(self, session: Session) -> datetime:
        """Return the moment by the one clock that all workers of a store share."""
        if self._database.is_sqlite:
            return utc_now()
        moment: datetime = session.exec(select(func.clock_timestamp())).one()
        return moment


def end_run(row: RunRow, status: RunStatus, error: str | None = None) -> None:
    """End a run; the error is kept of one that failed or was interrupted."""
    row.status, row.finished_at = status, utc_now()
    if status in ("interrupted", "failed"):
        row.error = error


def is_written_by(id: int, claim: int | None) -> ColumnElement[bool]:
    """Return the condition that a run is under way and that this claim is its newest.

    One that was given up as interrupted while its worker lived on (a laptop that slept) counts,
    unless the same has been started again since. None for a claim: whichever it is.
    """
    other = RunRow.__table__.alias()  # type: ignore[attr-defined]
    again = (
        select(other.c.id)
        .where(other.c.status.in_(("queued", "running")), other.c.id != id)
        .where(other.c.version_hash == col(RunRow.version_hash))
        .where(other.c.config_hash == col(RunRow.config_hash))
    )
    status = col(RunRow.status)
    under_way = or_(status == "running", and_(status == "interrupted", ~again.exists()))
    mine = and_(col(RunRow.id) == id, under_way)
    return mine if claim is None else and_(mine, col(RunRow.claim) == claim)


def _give_up(row: RunRow) -> None:
    if row.cancel_requested:
        end_run(row, "cancelled")
    elif row.deaths >= MOST_DEATHS:
        end_run(
            row, "failed",
            f"its worker died {row.deaths} times while doing it, so it is not taken up by itself; "
            "the end of its log says where. Often the memory does not suffice: make the batch "
            "smaller, or the images fewer",
        )  # fmt: skip
    else:
        end_run(row, "interrupted", f"its worker {row.worker} went silent; resume it")
