"""A connection of one's own to the database of a store, past its repositories."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from workbench.store import Store
from workbench.store.database import Database


@contextmanager
def connected(store: Store) -> Iterator[Connection]:
    """Open a transaction in which triggers and foreign keys hold; it is committed at the end."""
    database = Database(store.url)
    try:
        with database.connected() as connection:
            yield connection
    finally:
        database.close()
