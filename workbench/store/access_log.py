"""Accesses to locked test sets, one row each; nothing changes or removes one.

Every access is in the audit log too, so that one which was taken out of its table is missed.
"""

import builtins
from collections.abc import Collection, Sequence
from itertools import groupby

from sqlmodel import Session, col, func, select

from workbench.domain.audit_events import Look
from workbench.domain.comparison import AccessCount
from workbench.errors import StoreError
from workbench.store.audit import NewEvent, record_all
from workbench.store.database import Repository
from workbench.store.tables import AccessRow, RunRow, utc_now


class AccessLog(Repository):
    """Who looked at which test set, when and what for."""

    def add(self, test_hash: str, *, run: int | None, purpose: str, author: str) -> Look:
        """Record that figures of a run on a test part were shown.

        Args:
            test_hash: Which test part; see `evaluation.comparable.hash_of_test_set`.
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
        with self._database.writing("see figures", needs="viewer") as session:
            _require_runs(session, runs)
            moment = utc_now()
            rows = [
                AccessRow(
                    test_hash=test_hash,
                    run_id=run,
                    purpose=purpose.strip(),
                    author=author,
                    at=moment,
                )
                for run in runs
            ]
            session.add_all(rows)
            session.flush()
            events = [NewEvent("look", f"look:{row.id}", None, access_state(row)) for row in rows]
            record_all(session, events, author=author, at=moment)
            return [_value(row) for row in rows]

    def count(self, test_hash: str, *, until: int | None = None) -> AccessCount:
        """Return how often a test part was looked at, and at how many versions.

        Args:
            test_hash: Which test part.
            until: The last look to count; None counts all.
        """
        counted = [col(AccessRow.test_hash) == test_hash]
        if until is not None:
            counted.append(col(AccessRow.id) <= until)
        versions = (
            select(func.count(func.distinct(RunRow.version_hash)))
            .join(AccessRow, col(AccessRow.run_id) == RunRow.id)
            .where(*counted)
        )
        looks = select(func.count()).where(*counted)
        with self._database.reading() as session:
            return AccessCount(
                test_hash=test_hash,
                looks=session.exec(looks).one(),
                versions=session.exec(versions).one(),
            )

    def list(self, test_hash: str | None = None) -> builtins.list[Look]:
        """Return the looks at a test part, or at any, oldest first."""
        query = select(AccessRow).order_by(col(AccessRow.id))
        if test_hash is not None:
            query = query.where(AccessRow.test_hash == test_hash)
        with self._database.reading() as session:
            return [_value(row) for row in session.exec(query)]

    def last_together(self, test_hash: str, runs: Collection[int], *, act: str) -> tuple[Look, ...]:
        """Return the latest looks that showed just these runs side by side; none if none did.

        Args:
            test_hash: On which test part.
            runs: Numbers of the runs, all that were shown and no other.
            act: The first word of the purpose ("compare").
        """
        of_first = select(AccessRow.at).where(
            AccessRow.test_hash == test_hash, AccessRow.run_id == min(runs)
        )
        query = (
            select(AccessRow)
            .where(AccessRow.test_hash == test_hash, col(AccessRow.at).in_(of_first))
            .where(col(AccessRow.purpose).startswith(f"{act} ", autoescape=True))
            .order_by(col(AccessRow.id).desc())
        )
        with self._database.reading() as session:
            looks = [_value(row) for row in session.exec(query)]
        for _, together in groupby(looks, lambda look: (look.at, look.author, look.purpose)):
            group = tuple(together)[::-1]
            if len(group) == len(runs) and {look.run for look in group} == set(runs):
                return group
        return ()


def access_state(row: AccessRow) -> dict[str, str | int | None]:
    """Return what the audit log says of an access."""
    return {"test_hash": row.test_hash, "run": row.run_id, "purpose": row.purpose}


def _require_runs(session: Session, runs: Sequence[int | None]) -> None:
    for run in runs:
        if run is not None and session.get(RunRow, run) is None:
            raise StoreError(f"There is no run {run} to look at. Nothing was recorded.")


def _value(row: AccessRow) -> Look:
    return Look(
        id=row.id or 0,
        test_hash=row.test_hash,
        run=row.run_id,
        purpose=row.purpose,
        author=row.author,
        at=row.at,
    )
