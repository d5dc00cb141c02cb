"""Reading the queue: one run, pages of those that somebody looks for, and what each took."""

import builtins
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import ValidationError
from sqlalchemy import ColumnElement, cast, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Session, col, or_, select

from workbench.domain.config import STORED, RunConfig
from workbench.domain.run import Run, RunFilter, RunResult, RunStatus
from workbench.errors import StoreError
from workbench.store.tables import AliasRow, ResultRow, RunRow, VersionRow
from workbench.store.workers import WorkerRepository

_MEASURED = 300  # of the newest finished runs, by which others are estimated


class FinishedRun(NamedTuple):
    """A run that is done, without its result and its configuration."""

    id: int
    version: str
    config: str
    finished_at: datetime | None


class DoneRun(NamedTuple):
    """How long a finished run took, for estimates."""

    version: str
    config: RunConfig
    duration_s: float


class RunReader(WorkerRepository):
    """What is read of the queue; whoever reads notices workers that have died."""

    def get(self, id: int) -> Run:
        """Return one run, with its result if it is done."""
        self.mark_interrupted()
        with self._database.reading() as session:
            row = row_of(session, id)
            return run_value(row, _document(session, id))

    def list(self, version: str | None = None, *, with_results: bool = False) -> builtins.list[Run]:
        """Return runs, newest first; without their results, which are large, unless asked.

        Args:
            version: Only runs of this version; all 64 digits.
            with_results: Load `result` too; else it is None, even of runs that are done.
        """
        self.mark_interrupted()
        query = select(RunRow).order_by(col(RunRow.id).desc())
        if version is not None:
            query = query.where(RunRow.version_hash == version)
        documents: dict[int, str] = {}
        with self._database.reading() as session:
            rows = session.exec(query).all()
            if with_results:
                results = select(ResultRow.run_id, ResultRow.document)
                documents = dict(session.exec(results).all())
            return [run_value(row, documents.get(row.id or 0)) for row in rows]

    def find_done(self, version_hash: str, config_hash: str) -> Run | None:
        """Return the latest run that already gave this result, to be used again."""
        with self._database.reading() as session:
            row = same_run(session, version_hash, config_hash, ("done",))
            return None if row is None else run_value(row, _document(session, row.id))

    def same(self, version_hash: str, config_hash: str, *, done: bool = True) -> Run | None:
        """Return the run that submitting this would return, without its result; None for a new one.

        Args:
            version_hash: Of the version; all 64 digits.
            config_hash: Of the configuration.
            done: Whether one that is done counts.
        """
        self.mark_interrupted()
        with self._database.reading() as session:
            for statuses in same_states(done=done):
                row = same_run(session, version_hash, config_hash, statuses)
                if row is not None:
                    return run_value(row)
        return None

    def find(
        self, wanted: RunFilter | None = None, *, limit: int | None = None, offset: int = 0
    ) -> builtins.list[Run]:
        """Return one page of the runs that are wanted, newest first, without their results."""
        self.mark_interrupted()
        query = select(RunRow).where(*self._conditions(wanted or RunFilter()))
        query = query.order_by(col(RunRow.id).desc()).limit(limit).offset(offset)
        with self._database.reading() as session:
            return [run_value(row) for row in session.exec(query)]

    def count(self, wanted: RunFilter | None = None) -> int:
        """Return how many runs are wanted."""
        query = select(func.count()).select_from(RunRow)
        with self._database.reading() as session:
            return session.exec(query.where(*self._conditions(wanted or RunFilter()))).one()

    def names(self) -> dict[str, builtins.list[str]]:
        """Return what runs can be filtered by: "experiment" and "dataset", each sorted."""
        columns: dict[str, ColumnElement[Any]] = {
            "experiment": self._config("name"),
            "dataset": self._dataset,
        }
        with self._database.reading() as session:
            return {
                name: sorted(filter(None, session.exec(select(column).distinct())))
                for name, column in columns.items()
            }

    def done_on(self, host: str) -> builtins.list[DoneRun]:
        """Return the newest finished runs that a machine did at one go, newest first."""
        query = select(RunRow).where(RunRow.status == "done", col(RunRow.claim) <= 1)
        query = query.where(col(RunRow.worker).startswith(f"{host}:", autoescape=True))
        with self._database.reading() as session:
            rows = session.exec(query.order_by(col(RunRow.id).desc()).limit(_MEASURED)).all()
        configs: dict[str, RunConfig] = {}
        done = []
        for row in rows:
            if row.started_at is not None and row.finished_at is not None:
                if row.config_hash not in configs:
                    configs[row.config_hash] = run_value(row).config
                duration_s = (row.finished_at - row.started_at).total_seconds()
                done.append(DoneRun(row.version_hash, configs[row.config_hash], duration_s))
        return done

    def finished(self) -> builtins.list[FinishedRun]:
        """Return what a choice among the runs that are done needs, newest first."""
        query = (
            select(RunRow.id, RunRow.version_hash, RunRow.config_hash, RunRow.finished_at)
            .where(RunRow.status == "done")
            .order_by(col(RunRow.id).desc())
        )
        with self._database.reading() as session:
            rows = session.exec(query).all()
        return [
            FinishedRun(id or 0, version, config, finished_at)
            for id, version, config, finished_at in rows
        ]

    def configurations(self, hashes: Collection[str]) -> dict[str, RunConfig]:
        """Return the configurations with these hashes, as far as any run has them."""
        newest = (
            select(func.max(RunRow.id))
            .where(col(RunRow.config_hash).in_(hashes))
            .group_by(col(RunRow.config_hash))
        )
        query = select(RunRow).where(col(RunRow.id).in_(newest))
        with self._database.reading() as session:
            return {row.config_hash: run_value(row).config for row in session.exec(query)}

    def _conditions(self, wanted: RunFilter) -> builtins.list[ColumnElement[bool]]:
        conditions: list[ColumnElement[bool]] = []
        if wanted.statuses:
            conditions.append(col(RunRow.status).in_(wanted.statuses))
        if wanted.version:
            conditions.append(col(RunRow.version_hash) == wanted.version)
        if wanted.experiment:
            conditions.append(self._config("name") == wanted.experiment)
        if wanted.dataset:
            conditions.append(self._dataset == wanted.dataset)
        for word in wanted.text.lower().split():
            columns = (RunRow.config, RunRow.stage, RunRow.error, RunRow.worker)
            here = [func.lower(column).contains(word, autoescape=True) for column in columns]
            conditions.append(or_(*here, col(RunRow.version_hash).in_(_versions_with(word))))
        return conditions

    @property
    def _dataset(self) -> ColumnElement[str]:
        return func.coalesce(self._config("data", "dataset"), self._config("data", "photographs"))

    def _config(self, *path: str) -> ColumnElement[str]:
        """Return a field of the configuration, which is stored as JSON."""
        if self._database.is_sqlite:
            return func.json_extract(RunRow.config, ".".join(("$", *path)))
        return func.jsonb_extract_path_text(cast(col(RunRow.config), JSONB), *path)


def _versions_with(word: str) -> Any:
    """Select the hashes of the versions whose message, alias or first digits have a word."""
    alias = select(AliasRow.version_id).where(
        func.lower(AliasRow.name).contains(word, autoescape=True)
    )
    return select(VersionRow.hash).where(
        or_(
            func.lower(VersionRow.message).contains(word, autoescape=True),
            col(VersionRow.hash).startswith(word, autoescape=True),
            col(VersionRow.id).in_(alias),
        )
    )


def same_states(*, done: bool) -> list[tuple[RunStatus, ...]]:
    """Return in which states a run stands for another of the same, the first that apply."""
    active: list[tuple[RunStatus, ...]] = [("queued", "running"), ("interrupted",)]
    return [("done",), *active] if done else active


def same_run(
    session: Session, version_hash: str, config_hash: str, statuses: Sequence[str]
) -> RunRow | None:
    """Return the newest run of a version under a configuration in one of these states."""
    query = select(RunRow).where(RunRow.version_hash == version_hash)
    query = query.where(RunRow.config_hash == config_hash, col(RunRow.status).in_(statuses))
    return session.exec(query.order_by(col(RunRow.id).desc()).limit(1)).first()


def row_of(session: Session, id: int) -> RunRow:
    """Return the row of a run; raises StoreError if there is none."""
    row = session.get(RunRow, id)
    if row is None:
        raise StoreError(f"There is no run {id}. 'workbench runs list' shows them all.")
    return row


def _document(session: Session, id: int | None) -> str | None:
    row = session.get(ResultRow, id)
    return None if row is None else row.document


def run_value(row: RunRow, document: str | None = None) -> Run:
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
