"""Which workers are alive, as far as their heartbeats tell."""

from datetime import timedelta

from sqlmodel import col, select, update

from workbench.store.columns import utc_now
from workbench.store.database import Database
from workbench.store.tables import RunRow, WorkerRow

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
