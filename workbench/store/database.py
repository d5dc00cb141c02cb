"""One database, and the two ways to use it: reading a snapshot, and writing alone.

Writers take turns on both kinds of database: SQLite through BEGIN IMMEDIATE and its busy timeout,
PostgreSQL through an advisory lock of the transaction. So what a writer has read stays true until
it commits, an edit can compare row versions without a retry, and a queue hands out each run once.
Writes last milliseconds; nobody holds the turn while a person or a model thinks.
"""

import copy
import gc
import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlmodel import Session

from workbench.errors import FrozenVersionError, StoreError, StoreUnreachableError, WorkbenchError
from workbench.event_log import log_event
from workbench.roles import ANYBODY, Actor, Role
from workbench.store.server_engine import server_engine

# Under which a writer's session knows the browser that it works for, and who acts.
CLIENT, ACTOR = "client", "actor"
DONE = "done"  # under which it notes what the log of events says
UNNAMED = "change anything here"  # an act that does not say what it does

# Opens every message of the triggers in the migrations.
FROZEN_MARK = "frozen:"
_FROZEN = (
    "What is recorded (a frozen version, a call, a result, a comment, an event) cannot be changed; "
    "freeze a new version."
)
_RECIPE = "A recipe cannot be changed, nor removed while attributes name it; add one of a new id."

_AWAY = "the server does not answer"
_GONE = (
    "network error", "communication error", "connection is closed", "terminating connection",
    "database system is ",
)  # fmt: skip

# A fragment of the driver's message, lower case, and what it means to a user.
_MEANINGS = (
    ("disk is full", "the disk is full. Free some space and repeat the command"),
    ("no space left", "the disk is full. Free some space and repeat the command"),
    ("disk i/o error", "the disk refuses to be written; it may be full or over a quota. Free some "
     "space and repeat the command"),
    ("readonly database", "it is read-only. Make the file and its folder writable, or name "
     "another database with --db"),
    ("read-only transaction", "it is read-only. Name another database with --db"),
    ("unable to open database file", "it cannot be opened or created. Make its folder writable, "
     "or name another database with --db"),
    ("file is not a database", "this file is no SQLite database. Move it away, or name another "
     "one with --db"),
    ("malformed", "the file is damaged. Restore it from a copy, or name another one with --db"),
    ("locked", "another program keeps it locked. Close that program, or try again"),
    ("can't create a connection", f"{_AWAY}. Start it, or name another database with --db"),
    *((fragment, f"{_AWAY} any more. Repeat the command once it does") for fragment in _GONE),
    ("password authentication failed", "the server refuses this user or password. Correct the URL"),
)  # fmt: skip


def plain_fault(error: SQLAlchemyError, location: str) -> WorkbenchError:
    """Return the error that a user gets for one that the database raised.

    Example:
        >>> full = DBAPIError("INSERT", {}, sqlite3.OperationalError("database or disk is full"))
        >>> print(plain_fault(full, "w.sqlite"))
        Cannot use the store w.sqlite: the disk is full. Free some space and repeat the command.
    """
    original = getattr(error, "orig", None)
    if isinstance(original, WorkbenchError):
        return original
    message = _driver_message(error)
    if FROZEN_MARK in message:
        return FrozenVersionError(_RECIPE if "recipe" in message else _FROZEN)
    for fragment, meaning in _MEANINGS:
        if fragment in message.casefold():
            kind = StoreUnreachableError if meaning.startswith(_AWAY) else StoreError
            return kind(f"Cannot use the store {location}: {meaning}.")
    return StoreError(f"The store {location} refused: {message}. Nothing was changed.")


def _driver_message(error: SQLAlchemyError) -> str:
    """Return the driver's message on one line."""
    original: object = error.orig if isinstance(error, DBAPIError) else error
    first = original.args[0] if isinstance(original, BaseException) and original.args else original
    message = first.get("M", first) if isinstance(first, dict) else first  # pg8000 raises a dict
    return " ".join(str(message).split()).rstrip(".")


# How long a writer waits for its turn; writes take milliseconds, a large import some seconds.
BUSY_TIMEOUT_S = 60.0
_PASSWORD = re.compile(r"(/?/[^/@:]*:)[^/]*@")
_WRITER_LOCK = 7_311_042_019  # any number, as long as every workbench uses this one


class Database:
    """An open engine; SQLite in WAL mode with foreign keys on, or PostgreSQL.

    The folder of an SQLite file is created. Whatever the database raises, in here or later, becomes
    a `StoreError` of one line.

    Attributes:
        is_sqlite: Whether it is SQLite; else it is PostgreSQL.
        location: Path of the file, or the URL without its password.
        client: Token of the browser that is worked for; None on the command line.
        actor: Who changes what is changed through it.
    """

    client: str | None = None
    actor: Actor = ANYBODY

    def __init__(self, url: str) -> None:
        parsed = parse_url(url)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        self._turn = threading.Lock()
        self.location = parsed.database if self.is_sqlite and parsed.database else str(parsed)
        if self.is_sqlite:
            _make_folder(parsed)
        with self._plain_errors():
            self._engine = _engine(parsed)
        # IMMEDIATE takes the write lock at once: a transaction that reads first and writes later
        # would fail if another wrote in between.
        self._writes = self._engine.execution_options(sqlite_begin="BEGIN IMMEDIATE")
        # In PostgreSQL's default isolation each statement sees another snapshot. Connections of
        # their own are told so once; to tell it each time would double what goes to and fro.
        self._reads = self._engine if self.is_sqlite else server_engine(parsed, "REPEATABLE READ")
        try:
            if self.is_sqlite:
                self._use_wal()
        except BaseException:
            self.close()
            raise

    def working_for(self, actor: Actor, client: str | None) -> "Database":
        """Return the same open database, working for somebody; it is closed only once."""
        mine = copy.copy(self)
        mine.actor, mine.client = actor, client
        return mine

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a session on one snapshot: everything read in it is of one moment."""
        with (
            self._plain_errors(),
            _without_garbage_collection(),
            Session(self._reads, expire_on_commit=False) as session,
        ):
            yield session

    @contextmanager
    def writing(
        self,
        act: str = UNNAMED,
        *,
        needs: Role = "editor",
        author: str | None = None,
    ) -> Iterator[Session]:
        """Wait for the writer's turn; commit at the end, or change nothing on any exception.

        Every act passes through here, so that none can be done by who may not do it.

        Args:
            act: What is done, as it follows "to" ("freeze a version").
            needs: The role that it takes.
            author: Under which name it is kept, where that is no event of the audit log.

        Raises:
            RoleError: Who acts has a lower one, or another name.
        """
        self.actor.require(needs, act)
        if author is not None:
            self.actor.sign(author)
        info: dict[str, Any] = {CLIENT: self.client, ACTOR: self.actor}
        with (
            self.connected() as connection,
            _without_garbage_collection(),
            Session(connection, expire_on_commit=False) as session,
        ):
            session.info.update(info)
            yield session
            session.flush()
            info = dict(session.info)
        if act != UNNAMED or DONE in info:
            log_event(
                "act", who=self.actor.name, role=self.actor.role, act=act, **info.get(DONE, {})
            )

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        """Like `writing`, with the bare connection: for migrations."""
        with self._plain_errors(), self._own_turn(), self._writes.begin() as connection:
            if not self.is_sqlite:
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITER_LOCK})")
            yield connection

    @contextmanager
    def _own_turn(self) -> Iterator[None]:
        """Let the threads of this process wait for each other here, without a connection each."""
        if not self._turn.acquire(timeout=BUSY_TIMEOUT_S):
            raise StoreError(
                f"Cannot use the store {self.location}: it is being written for a long time. Try "
                "again."
            )
        try:
            yield
        finally:
            self._turn.release()

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()
        self._reads.dispose()

    @contextmanager
    def _plain_errors(self) -> Iterator[None]:
        try:
            yield
        except ModuleNotFoundError as error:
            raise StoreError(
                f"The store {self.location} needs the package '{error.name}', which is not "
                "installed; for PostgreSQL: pip install 'attribute-workbench[postgresql]'."
            ) from error
        except OverflowError as error:  # a number past 64 bits; PostgreSQL refuses it by itself
            raise StoreError(
                f"The store {self.location} holds no such number: it has more than 64 bits."
            ) from error
        except SQLAlchemyError as error:
            raise plain_fault(error, self.location) from error

    def _use_wal(self) -> None:
        """Switch the file to WAL; two processes that both do so don't wait for each other."""
        deadline = time.monotonic() + BUSY_TIMEOUT_S
        while True:
            try:
                with self._plain_errors(), self._engine.connect() as connection:
                    # Ends the transaction that SQLAlchemy opened: the mode cannot change in one.
                    connection.exec_driver_sql("ROLLBACK")
                    connection.exec_driver_sql("PRAGMA journal_mode = WAL")
                return
            except StoreError as error:
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Pause the cycle collector while rows become values, none of which is garbage yet.

    Ten thousand new rows set it off again and again, and each time it walks through every object
    of the program: 0.1 s for one version, several times what reading and checking it takes.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class Repository:
    """What every repository of the store begins with: the open database."""

    def __init__(self, database: Database) -> None:
        self._database = database


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy an SQLite file as it is at one moment, whoever writes to it meanwhile.

    Args:
        source: The file.
        target: Does not exist.

    Raises:
        StoreError: The source is no whole SQLite file.
    """
    try:
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as original,
            closing(sqlite3.connect(target)) as copy,
        ):
            original.backup(copy)
            (answer,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.Error as fault:
        raise StoreError(f"{source} cannot be copied: {fault}. Nothing was changed.") from fault
    if answer != "ok":
        raise StoreError(f"{source} is damaged: {' '.join(answer.split())}. Nothing was changed.")


def leave_wal(file: Path) -> None:
    """Put all of an SQLite store that nobody has open into its one file, to be read by itself."""
    with closing(sqlite3.connect(file)) as opened:
        opened.execute("PRAGMA journal_mode = DELETE")


def require_schema(file: Path) -> None:
    """Find out that an SQLite file is no workbench's.

    Raises:
        StoreError: It has no schema of a store.
    """
    with closing(sqlite3.connect(file)) as opened:
        tables = opened.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'")
        if tables.fetchone() is None:
            raise StoreError("This is no backup of a store: it lacks the schema. Nothing was done.")


def without_password(url: str) -> str:
    """Return a database's URL as it may be shown.

    Example:
        >>> without_password("postgresql://eva:tell-nobody@db.lab/iqa")
        'postgresql://eva:***@db.lab/iqa'
    """
    return _PASSWORD.sub(r"\1***@", url)


def parse_url(url: str) -> URL:
    """Return a store's URL with the driver and the path that are used.

    Raises:
        StoreError: It is none of SQLite or PostgreSQL.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError(
            f"'{without_password(url)}' is no database URL; write sqlite:///FOLDER/FILE.sqlite or "
            "postgresql://USER@HOST/NAME."
        ) from error
    if parsed.drivername == "postgresql":  # the driver whose licence is permissive
        parsed = parsed.set(drivername="postgresql+pg8000")
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise StoreError(
            f"The store cannot use '{parsed.get_backend_name()}'; it knows sqlite and postgresql."
        )
    return _local_file(parsed, url) if parsed.get_backend_name() == "sqlite" else parsed


def _local_file(parsed: URL, url: str) -> URL:
    """Return the URL of an SQLite file with ~ expanded; refuse one that would lead elsewhere."""
    if parsed.host:
        raise StoreError(
            f"'{url}' names a server, and SQLite has none; write sqlite:/// with three slashes "
            "before a relative path and four before an absolute one."
        )
    _, mark, query = url.partition("?")
    if mark and not all("=" in option for option in query.split("&")):
        raise StoreError(
            f"'{url}' ends its path at the '?'; write %3F where the path itself has one."
        )
    path = parsed.database
    return parsed.set(database=str(Path(path).expanduser())) if path else parsed


def _make_folder(url: URL) -> None:
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        return
    folder = Path(url.database).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"Cannot create the folder {folder} for the store: {error.strerror}. Make its parent "
            "writable, or name another database with --db."
        ) from error


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return server_engine(url, "READ COMMITTED")
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_S})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # Python's own transaction control opens transactions too late and ends them at DDL.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    connection.exec_driver_sql(options.get("sqlite_begin", "BEGIN"))
