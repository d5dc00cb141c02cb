import itertools
import os
import shutil
import sqlite3

import pytest

from workbench.store import open_store

from .private_postgres import create_database, empty_database, private_server, server_binaries

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
def fresh_url(request, tmp_path_factory):
    """Return a function that gives the URL of an empty, migrated database of a kind.

    Making and migrating one costs a quarter of a second and a test some milliseconds; so SQLite's
    file is copied and PostgreSQL's database emptied. Making them has tests of its own.
    """
    made = {}

    def sqlite(folder):
        if "sqlite" not in made:
            made["sqlite"] = tmp_path_factory.mktemp("template") / "template.sqlite"
            open_store(f"sqlite:///{made['sqlite']}").close()
        return f"sqlite:///{shutil.copy(made['sqlite'], folder / 'store.sqlite')}"

    def postgresql(_folder):
        if "postgresql" not in made:
            port = request.getfixturevalue("postgres_port")
            made["postgresql"] = create_database(port, "shared")
            open_store(made["postgresql"]).close()
        empty_database(request.getfixturevalue("postgres_port"), "shared")
        return made["postgresql"]

    return {"sqlite": sqlite, "postgresql": postgresql}


@pytest.fixture(params=BACKENDS)
def store(request, tmp_path, fresh_url):
    """An open, empty store of each kind."""
    with open_store(fresh_url[request.param](tmp_path)) as opened:
        yield opened


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
