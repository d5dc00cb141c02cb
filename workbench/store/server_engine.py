"""Connections to PostgreSQL that ask no more often than they must.

Fifty people make some sixty short transactions a second, all through one process, in which each
wait for the server is a wait for the interpreter's lock too. pg8000 by itself sends three messages
for a statement, each of which is answered; SQLAlchemy asks whether a connection is alive before
every use. What is asked here is one message for a statement that was sent before, and nothing of a
connection that was used a moment ago.
"""

import logging
import ssl
import time
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

PREPARED = 200  # statements that a connection keeps at the server, the last used ones
_TIMESTAMPTZ = 1184  # PostgreSQL's number of the type
_WITHOUT_TLS: set[tuple[object, object]] = set()  # host and port of servers that offer none
FRESH_S = 1.0  # a connection that was used so lately is taken for alive


def server_engine(url: URL, isolation_level: Any) -> Engine:
    """Return an engine for PostgreSQL; of its usual 100 connections a process takes 40 at most."""
    # A connection that broke is told by who asked over it, not by a traceback of the pool's.
    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)
    engine = create_engine(
        url,
        isolation_level=isolation_level,
        paramstyle="numeric_dollar",
        pool_size=10,
        max_overflow=10,
    )
    event.listen(engine, "do_connect", _connect)
    event.listen(engine, "checkin", _note_use)
    event.listen(engine, "checkout", _ask_if_alive)
    return engine


def _connect(_dialect: Any, _record: Any, _arguments: Any, options: dict[str, Any]) -> Any:
    connection = _encrypted_where_offered(options)
    # What pg8000 does takes a third of the time of reading a page of events.
    connection.register_in_adapter(_TIMESTAMPTZ, datetime.fromisoformat)
    return connection


def _encrypted_where_offered(options: dict[str, Any]) -> Any:
    """Return a connection, with TLS if the server has it, as pg8000 does by itself.

    pg8000 would read the system's certificates for each connection, though it checks none by them:
    seven times what connecting takes.
    """
    from pg8000 import InterfaceError

    server = (options.get("host"), options.get("port"))
    if server not in _WITHOUT_TLS:
        try:
            return _preparing_connection()(**options, ssl_context=_tls())
        except InterfaceError as fault:
            if "refuses SSL" not in str(fault):
                raise
            _WITHOUT_TLS.add(server)
    return _preparing_connection()(**options, ssl_context=False)


@cache
def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _note_use(_connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
    record.info["used at"] = time.monotonic()


def _ask_if_alive(connection: DBAPIConnection, record: ConnectionPoolEntry, _proxy: Any) -> None:
    """Have another connection taken if this one has been idle and the server has dropped it."""
    if time.monotonic() - record.info.get("used at", time.monotonic()) < FRESH_S:
        return
    cursor = connection.cursor()
    try:
        cursor.execute(";")
    except Exception as fault:  # whatever the driver raises of a broken connection
        raise DisconnectionError from fault
    finally:
        cursor.close()
    connection.rollback()


@cache
def _preparing_connection() -> type:
    """Return the class of connections; the driver is imported when a server is used."""
    import pg8000
    from pg8000.converters import make_params

    class Cursor(pg8000.Cursor):  # type: ignore[misc]  # pg8000 has no types
        """Takes statements with $1, $2, … as the server does; pg8000 would look through each."""

        def __init__(self, owner: "PreparingConnection") -> None:
            super().__init__(owner)
            self.owner = owner

        def execute(self, operation: str, args: Sequence[Any] = (), stream: Any = None) -> Any:
            self.owner.values = tuple(args)
            return super().execute(operation, (), stream)

    class PreparingConnection(pg8000.Connection):  # type: ignore[misc]
        """Has the server keep the statements that it was sent, so that each is parsed once."""

        def __init__(self, **options: Any) -> None:
            self.values: tuple[Any, ...] = ()  # of the statement that is executed next
            self.kept: OrderedDict[str, tuple[Any, ...]] = OrderedDict()
            super().__init__(**options)

        def cursor(self) -> Cursor:
            return Cursor(self)

        def execute_simple(self, statement: str) -> Any:
            try:
                return self._execute(statement)
            except ConnectionError as fault:  # the driver lets some through as they are
                raise pg8000.InterfaceError("network error") from fault

        def execute_unnamed(self, statement: str, vals: Any = (), **more: Any) -> Any:
            if vals or more:
                return super().execute_unnamed(statement, vals=vals, **more)
            return self.execute_simple(statement)  # commit and rollback

        def _execute(self, statement: str) -> Any:
            if not self.values or statement == "begin transaction":
                return super().execute_simple(statement)
            values, self.values = self.values, ()
            if statement.startswith("DECLARE"):  # each has a name of its own
                return self.execute_unnamed(statement, vals=values)
            if statement in self.kept:
                self.kept.move_to_end(statement)
            else:
                if len(self.kept) >= PREPARED:
                    self.close_prepared_statement(self.kept.popitem(last=False)[1][0])
                self.kept[statement] = self.prepare_statement(statement, ())
            name, columns, read = self.kept[statement]
            parameters = make_params(self.py_types, values)
            return self.execute_named(name, parameters, columns, read, statement)

    return PreparingConnection
