import itertools
import os
import sqlite3

import pytest

from tests.databases import PostgresSnapshots, SqliteSnapshots, fresh_database
from workbench.store import open_store

from .private_postgres import create_database, private_server, server_binaries
from .store_examples import CONFIG, a_set

# On a build machine PostgreSQL belongs to the suite; elsewhere it takes part where it is.
POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.postgres)
BACKENDS = ["sqlite", POSTGRESQL] if server_binaries() or "CI" in os.environ else ["sqlite"]

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres_port():
    binaries = server_binaries()
    if binaries is None:
        pytest.fail("The suite needs a PostgreSQL server here: apt-get install postgresql")
    with private_server(binaries) as port:
        yield port


@pytest.fixture(params=BACKENDS)
def url(request, tmp_path):
    """URL of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.sqlite'}"
    return create_database(request.getfixturevalue("postgres_port"), f"t{next(_numbers)}")


@pytest.fixture(scope="session")
def states(request, tmp_path_factory):
    """Return a function that gives the one store of a kind in a state, made when first asked for.

    A store that stays open for all tests has its statements compiled, which takes as long as
    running them. Making, migrating and closing stores has tests of its own.
    """
    made = {}

    def opened(kind):
        if kind == "sqlite":
            url = fresh_database(tmp_path_factory.mktemp("store") / "store.sqlite")
            store = open_store(url)
            snapshots = SqliteSnapshots(store.database.location)
        else:
            port = request.getfixturevalue("postgres_port")
            store = open_store(create_database(port, "shared"))
            snapshots = PostgresSnapshots(port, "shared")
        snapshots.keep("empty")
        return store, snapshots, {"empty"}

    def store_in(kind, state="empty", fill=None):
        if kind not in made:
            made[kind] = opened(kind)
        store, snapshots, kept = made[kind]
        snapshots.restore(state if state in kept else "empty")
        if state not in kept:
            fill(store)
            snapshots.keep(state)
            kept.add(state)
        return store

    yield store_in
    for store, *_ in made.values():
        store.close()


@pytest.fixture(params=BACKENDS)
def store(request, states):
    """An open, empty store of each kind."""
    return states(request.param)


@pytest.fixture
def version(store):
    return store.versions.freeze(a_set(), message="first", author="ann").hash


@pytest.fixture
def queued(store, version):
    return store.runs.enqueue(version, CONFIG)


@pytest.fixture
def running(store, queued):
    return store.runs.claim("here:1")


@pytest.fixture
def sqlite_path(tmp_path):
    """Path of an SQLite file that does not exist yet."""
    return tmp_path / "store.sqlite"


@pytest.fixture
def raw():
    """Run SQL past the store, as somebody with another tool would."""

    def run(path, statement):
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            return connection.execute(statement).fetchall()
        finally:
            connection.close()

    return run
