"""AccessCount at locked test parts, one row each; nothing changes or removes one.

Every look stands in the record too, so that one which was taken out of its table is missed.
"""

import builtins
from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, func, select

from workbench.domain.audit_events import Look
from workbench.domain.comparison import AccessCount
from workbench.errors import StoreError
from workbench.store.audit import Deed, record_all
from workbench.store.database import Database
from workbench.store.tables import AccessRow, RunRow, utc_now


class AccessLog:
    """Who looked at which test part, when and what for.

    Args:
        database: The open database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, test_hash: str, *, run: int | None, purpose: str, author: str) -> Look:
        """Record that figures of a run on a test part were shown.

        Args:
            test_hash: Which test part; see `evaluation.guard.hash_of_test_part`.
            run: Whose figures; None where they are of no run.
            purpose: What was looked at, in words ("compare draft, curated").
            author: Who looked.

        Raises:
            StoreError: No test part, purpose or author is named, or there is no such run.
        """
        return self.add_all(test_hash, runs=[run], purpose=purpose, author=author)[0]

    def add_all(
        self, test_hash: str, *, runs: Sequence[int | None], purpose: str, author: str
    ) -> builtins.list[Look]:
        """Record a look at each of several runs, all or none; takes and raises what `add` does."""
        if not test_hash or not purpose.strip():
            raise StoreError("A look needs a test part and a purpose. Nothing was recorded.")
        with self._database.writing() as session:
            _require_runs(session, runs)
            moment = utc_now()
            rows = [_row(test_hash, run, purpose.strip(), author, moment) for run in runs]
            session.add_all(rows)
            session.flush()
            deeds = [Deed("look", f"look:{row.id}", None, state(row)) for row in rows]
            record_all(session, deeds, author=author, at=moment)
            return [_value(row) for row in rows]

    def count(self, test_hash: str) -> AccessCount:
        """Return how often a test part was looked at, and at how many versions."""
        versions = (
            select(func.count(func.distinct(RunRow.version_hash)))
            .join(AccessRow, col(AccessRow.run_id) == RunRow.id)
            .where(AccessRow.test_hash == test_hash)
        )
        looks = select(func.count()).where(AccessRow.test_hash == test_hash)
        with self._database.reading() as session:
            return AccessCount(
                test_hash=test_hash,
                looks=session.exec(looks).one(),
                versions=session.exec(versions).one(),
            )

    def list(self, test_hash: str | None = None) -> builtins.list[Look]:
        """Return the looks at a test part, or at any, oldest first."""
        wanted = select(AccessRow).order_by(col(AccessRow.id))
        if test_hash is not None:
            wanted = wanted.where(AccessRow.test_hash == test_hash)
        with self._database.reading() as session:
            return [_value(row) for row in session.exec(wanted)]


def state(row: AccessRow) -> dict[str, str | int | None]:
    """Return what the record says of a look."""
    return {"test_hash": row.test_hash, "run": row.run_id, "purpose": row.purpose}


def _require_runs(session: Session, runs: Sequence[int | None]) -> None:
    for run in runs:
        if run is not None and session.get(RunRow, run) is None:
            raise StoreError(f"There is no run {run} to look at. Nothing was recorded.")


def _row(test_hash: str, run: int | None, purpose: str, author: str, at: datetime) -> AccessRow:
    return AccessRow(test_hash=test_hash, run_id=run, purpose=purpose, author=author, at=at)


def _value(row: AccessRow) -> Look:
    return Look(
        id=row.id or 0,
        test_hash=row.test_hash,
        run=row.run_id,
        purpose=row.purpose,
        author=row.author,
        at=row.at,
    )
