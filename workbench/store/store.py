"""The door of the store: open a database, bring it to today's schema, find its repositories."""

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from workbench.atomic_files import atomic_write
from workbench.errors import StoreError
from workbench.roles import Actor
from workbench.store.access_log import AccessLog
from workbench.store.audit_log import AuditLogRepository
from workbench.store.call_log import CallRepository
from workbench.store.database import Database, copy_sqlite
from workbench.store.history import CommentRepository, HistoryRepository
from workbench.store.overview import OverviewRepository
from workbench.store.proposals import ProposalRepository
from workbench.store.questions import QuestionRepository
from workbench.store.recipes import RecipeRepository
from workbench.store.run_traces import TraceRepository
from workbench.store.runs import RunRepository
from workbench.store.undo import RecordRepository
from workbench.store.verification import find_tampering
from workbench.store.versions import VersionRepository
from workbench.store.working_draft import DraftRepository

if TYPE_CHECKING:
    from alembic.config import Config

_MIGRATIONS = Path(__file__).parent / "migrations"

# Alembic keeps the running upgrade in module globals; threads of one process take turns.
_UPGRADE_LOCK = threading.Lock()


def migrate(database: Database) -> None:
    """Upgrade to the newest schema inside one transaction: completely, or not at all.

    It waits for the writer's turn, so of two processes that open a fresh database at once, one
    builds it and the other has nothing to do; and a database that cannot be written shows it here.
    """
    with _UPGRADE_LOCK, database.connected() as connection:
        present = schema_of(connection)
        if present == newest_schema():
            return
        _refuse_foreign(connection, present, database.location)
        if present is not None and database.is_sqlite:
            _keep_copy(Path(database.location), present)
        # Importing Alembic takes 0.3 s of processor time, which most commands need not spend.
        from alembic import command

        command.upgrade(alembic_config(connection), "head")


def _keep_copy(file: Path, schema: str) -> None:
    """Keep an SQLite store as it is before an upgrade, for the program that it was made by."""
    kept = file.with_name(f"{file.stem}.schema-{schema}{file.suffix}")
    if file.exists() and not kept.exists():
        with atomic_write(kept) as partial:
            copy_sqlite(file, partial)


def schema_of(connection: Connection) -> str | None:
    """Return the number of a database's schema ("0003"); None if it has none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def newest_schema() -> str:
    """Return the number of the newest schema that this program knows."""
    return max(_known_schemas())


def alembic_config(connection: Connection) -> "Config":
    """Return Alembic's configuration for an open transaction; no file is read."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _known_schemas() -> set[str]:
    """Return the numbers that the migrations' file names carry: m0001_first_tables.py."""
    return {file.stem[1:5] for file in (_MIGRATIONS / "versions").glob("m[0-9]*.py")}


def _refuse_foreign(connection: Connection, present: str | None, location: str) -> None:
    if present is not None and present not in _known_schemas():
        raise StoreError(
            f"The store {location} has schema {present}, newer than this program, which knows up "
            f"to {newest_schema()}. Upgrade the workbench, or name another database with --db."
        )
    tables = inspect(connection).get_table_names()
    if present is None and tables:
        raise StoreError(
            f"The database {location} holds tables of another program ({', '.join(tables[:3])}). "
            "Give the workbench a database of its own with --db."
        )


class Store:
    """An open store; use it as a context manager, or close it.

    One store may be shared by the threads of a process, not by its forks.

    Attributes:
        url: The URL it was opened with, for another process to open the same.
        database: What lies below the repositories: sessions that read one snapshot or write alone.
        calls: The log of LLM calls.
        questions: What language models are asked in the background.
        draft: The working draft.
        proposals: What is proposed in place of sentences of the draft.
        versions: The frozen versions.
        record: Who did what, and undoing it.
        comments: What people say about attributes.
        history: What became of one attribute.
        access_log: Every access to a test set.
        runs: The queue of runs.
        traces: The newest log lines of runs, and their losses.
        recipes: The distortion types that were added as data.
        audit: The audit log by person, action, kind and day.
        overview: What is where, and how much of it, by short queries.
    """

    def __init__(self, url: str, database: Database) -> None:
        self.url = url
        self.database = database
        self.calls = CallRepository(database)
        self.questions = QuestionRepository(database)
        self.draft = DraftRepository(database)
        self.proposals = ProposalRepository(database)
        self.versions = VersionRepository(database)
        self.record = RecordRepository(database)
        self.comments = CommentRepository(database)
        self.history = HistoryRepository(database)
        self.access_log = AccessLog(database)
        self.runs = RunRepository(database)
        self.traces = TraceRepository(database)
        self.recipes = RecipeRepository(database)
        self.audit = AuditLogRepository(database)
        self.overview = OverviewRepository(database)

    def working_for(self, actor: Actor, client: str | None = None) -> "Store":
        """Return the same open store, working for somebody.

        Args:
            actor: Who acts; what takes a higher role is refused.
            client: A random token that the person's browser keeps. What is edited carries it, and
                `record.undoable` offers only what came from that browser.
        """
        return Store(self.url, self.database.working_for(actor, client))

    @property
    def actor(self) -> Actor:
        """Who changes what is changed through this store."""
        return self.database.actor

    def verify(self) -> list[str]:
        """Go through every table once and say what is no longer what was recorded.

        Returns:
            One plain line for each thing that was altered, taken out or put in by other means than
            the workbench's. Who rewrites everything, hashes included, is not found by it: compare
            the hash of a version, or `record.digest()`, with what was noted elsewhere.
        """
        with self.database.reading() as session:
            return find_tampering(session)

    def close(self) -> None:
        """Close every connection; a second time does nothing."""
        self.database.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()


def open_store(url: str) -> Store:
    """Open a store, creating its folder and file, and bring it to this program's schema.

    Args:
        url: SQLAlchemy URL of an SQLite file or a PostgreSQL database.

    Raises:
        StoreError: It cannot be opened or written, is no workbench database, or is a newer
            program's; the one line says which, and what to do.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from workbench.domain.attributes import AttributeSet
        >>> blocky = AttributeSet.from_phrases({"jpeg": ["blocky edges"]})
        >>> with TemporaryDirectory() as folder, open_store(f"sqlite:///{folder}/w.db") as store:
        ...     version = store.versions.freeze(blocky, message="first", author="ann")
        ...     store.versions.get(version.hash[:8]).attributes.phrases()
        {'jpeg': ('blocky edges',)}
    """
    database = Database(url)
    try:
        migrate(database)
    except BaseException:
        database.close()
        raise
    return Store(url, database)
