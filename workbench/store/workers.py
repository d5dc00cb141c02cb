"""Workers and their leases: a run whose worker has gone silent is given up by whoever looks.

The next worker takes up what was given up; what its worker left in order waits for a person.
"""

import builtins
import os
import socket
from collections.abc import Sequence
from datetime import datetime, timedelta

import psutil
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


def worker_name(pid: int | None = None) -> str:
    """Return the name of a worker, its host and process id; of this process if None."""
    return f"{socket.gethostname()}:{os.getpid() if pid is None else pid}"


def may_be_alive(name: str) -> bool:
    """Return whether a worker with a recent heartbeat may still exist, as far as we can see."""
    _, _, pid = name.rpartition(":")
    if not pid.isdecimal() or name != worker_name(int(pid)):
        return True  # on another host, whose processes cannot be seen
    try:
        return psutil.Process(int(pid)).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class WorkerRepository(Repository):
    """The workers that have reported; a worker's name is "host:pid"."""

    def beat(
        self,
        worker: str,
        run: int | None = None,
        claim: int | None = None,
        *,
        takes_more: bool = True,
    ) -> None:
        """Say that a worker is alive, and with it a run that it holds.

        Args:
            worker: Its name.
            run: Number of the run, if any.
            claim: Of that run.
            takes_more: Whether it takes runs from the queue; else it is on no list.
        """
        with self._database.writing() as session:
            now = self._now(session)
            row = session.get(WorkerRow, worker)
            if row is not None:
                row.heartbeat_at = now
            elif takes_more:
                session.add(WorkerRow(name=worker, started_at=now, heartbeat_at=now))
            session.exec(
                update(RunRow)
                .where(col(RunRow.id) == run, col(RunRow.claim) == claim)
                .where(col(RunRow.status) == "running", col(RunRow.worker) == worker)
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

    def is_under_way(self, id: int, claim: int) -> bool:
        """Return whether a run is being done under this claim."""
        query = select(RunRow.id).where(RunRow.id == id, RunRow.claim == claim)
        with self._database.reading() as session:
            return session.exec(query.where(RunRow.status == "running")).first() is not None

    def give_up(self, id: int, claim: int, how: str) -> None:
        """End a run whose process has died, before its lease is over; see `mark_interrupted`.

        Args:
            id: Number of the run.
            claim: Under which that process did it; nothing is done if it is not the newest.
            how: It died, in words.
        """
        mine = select(RunRow).where(RunRow.id == id, RunRow.claim == claim)
        with self._database.writing() as session:
            row = session.exec(mine.where(RunRow.status == "running")).first()
            if row is not None:
                _give_up(row, how)

    def _expire(self, session: Session, stale_after_s: float = LEASE_S) -> builtins.list[int]:
        now, ended = self._now(session), []
        for row in self._silent(session, now, stale_after_s):
            if row.heartbeat_at is not None and row.heartbeat_at > now:
                row.heartbeat_at = now  # the clock was set back: its lease begins anew
                continue
            _give_up(row, f"its worker {row.worker} went silent")
            ended.append(row.id or 0)
        return ended

    def _bury(self, session: Session) -> None:
        """End the runs whose worker is known to be dead: its lease is over, or its process gone.

        What people ask for goes by this, so that they need not wait for a lease.
        """
        self._expire(session)
        for row in session.exec(select(RunRow).where(RunRow.status == "running")).all():
            if row.worker and not may_be_alive(row.worker):
                _give_up(row, f"its worker {row.worker} has died")

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
    status = col(RunRow.status)
    under_way = or_(status == "running", and_(status == "interrupted", _is_only_one()))
    mine = and_(col(RunRow.id) == id, under_way)
    return mine if claim is None else and_(mine, col(RunRow.claim) == claim)


def can_be_claimed() -> ColumnElement[bool]:
    """Return the condition that a worker may take a run: it waits, or its worker has died.

    One that its worker left in order has no heartbeat any more and waits for a person.
    """
    status = col(RunRow.status)
    died = and_(col(RunRow.deaths) > 0, col(RunRow.heartbeat_at).is_not(None))
    return or_(status == "queued", and_(status == "interrupted", died, _is_only_one()))


def _is_only_one() -> ColumnElement[bool]:
    """Return the condition that no other run of the same is queued or running."""
    other = RunRow.__table__.alias()  # type: ignore[attr-defined]
    again = (
        select(other.c.id)
        .where(other.c.status.in_(("queued", "running")), other.c.id != col(RunRow.id))
        .where(other.c.version_hash == col(RunRow.version_hash))
        .where(other.c.config_hash == col(RunRow.config_hash))
    )
    return ~again.exists()


def _give_up(row: RunRow, how: str) -> None:
    row.deaths += 1
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
        end_run(row, "interrupted", f"{how}; the next worker takes it up, or resume it")
