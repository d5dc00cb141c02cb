"""Counts over the whole store, each by one short query: what a first page asks at every visit."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import func
from sqlmodel import col, select

from workbench.domain.attributes import Status
from workbench.domain.run import RunStatus
from workbench.store.audit import EVENTS
from workbench.store.database import Repository
from workbench.store.draft_rows import DRAFT
from workbench.store.tables import AccessRow, ResultRow, RunRow


class RunLine(NamedTuple):
    """A run without its configuration and result.

    Attributes:
        id: Its number.
        version: Hash of the version that it is of.
        status: Where it stands.
        progress: Share done, in [0, 1].
        stage: What it is doing, in words.
        finished_at: When it ended, in UTC; None while it has not.
    """

    id: int
    version: str
    status: RunStatus
    progress: float
    stage: str
    finished_at: datetime | None


class RunCounts(NamedTuple):
    """How many runs a version has."""

    done: int
    total: int


class OverviewRepository(Repository):
    """What is where, and how much of it; nothing here reads an attribute set or a result."""

    def newest_event(self) -> int:
        """Return the number of the newest audit event, 0 before the first: it changes with all."""
        with self._database.reading() as session:
            newest = select(func.max(EVENTS.c.id))
            return session.connection().execute(newest).scalar() or 0

    def draft(self) -> dict[str, dict[Status, int]]:
        """Return distortion to review status to number of attributes in the working draft."""
        query = select(DRAFT.c.distortion, DRAFT.c.status, func.count())
        counts: dict[str, dict[Status, int]] = {}
        with self._database.reading() as session:
            rows = session.connection().execute(query.group_by(DRAFT.c.distortion, DRAFT.c.status))
            for distortion, status, count in rows:
                counts.setdefault(distortion, {})[status] = count
        return counts

    def described(self) -> list[str]:
        """Return the distortions for which the draft has attributes that would be frozen."""
        counts = self.draft().items()
        return sorted(id for id, of in counts if any(of[s] for s in of if s != "rejected"))

    def runs_by_status(self) -> dict[RunStatus, int]:
        """Return status to number of runs."""
        query = select(RunRow.status, func.count()).group_by(RunRow.status)
        with self._database.reading() as session:
            return cast("dict[RunStatus, int]", dict(session.exec(query).all()))

    def runs_by_version(self) -> dict[str, RunCounts]:
        """Return hash of a version to the number of its runs, of those that have any."""
        query = select(RunRow.version_hash, RunRow.status, func.count())
        counts: dict[str, RunCounts] = {}
        with self._database.reading() as session:
            for hash, status, count in session.exec(
                query.group_by(RunRow.version_hash, RunRow.status)
            ):
                done, total = counts.get(hash, (0, 0))
                counts[hash] = RunCounts(done + count * (status == "done"), total + count)
        return counts

    def runs(self, statuses: Sequence[RunStatus], *, limit: int) -> list[RunLine]:
        """Return the newest runs of some statuses, newest first."""
        query = (
            select(RunRow)
            .where(col(RunRow.status).in_(statuses))
            .order_by(col(RunRow.id).desc())
            .limit(limit)
        )
        with self._database.reading() as session:
            return [_line(row) for row in session.exec(query)]

    def opened_runs(self, *, limit: int) -> list[tuple[int, str]]:
        """Return number and version of the newest runs whose figures somebody has been shown."""
        shown = select(AccessRow.run_id).where(col(AccessRow.run_id).is_not(None))
        query = select(RunRow.id, RunRow.version_hash).where(col(RunRow.id).in_(shown))
        with self._database.reading() as session:
            rows = session.exec(query.order_by(col(RunRow.id).desc()).limit(limit))
            return [(id or 0, version) for id, version in rows]

    def result(self, run: int) -> dict[str, Any] | None:
        """Return the result of a run as the JSON that it is stored as; None if it has none.

        For a field or two of many runs; `RunRepository.get` validates the complete one.
        """
        with self._database.reading() as session:
            row = session.get(ResultRow, run)
            document: dict[str, Any] | None = None if row is None else json.loads(row.document)
            return document

    def accesses(self) -> dict[str, int]:
        """Return hash of a test set to the number of accesses to it."""
        query = select(AccessRow.test_hash, func.count()).group_by(AccessRow.test_hash)
        with self._database.reading() as session:
            return dict(session.exec(query).all())


def _line(row: RunRow) -> RunLine:
    return RunLine(
        row.id or 0,
        row.version_hash,
        cast("RunStatus", row.status),
        row.progress,
        row.stage,
        row.finished_at,
    )
