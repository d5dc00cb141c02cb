"""Databases of today's schema, ready to use: to migrate one costs more than most tests do."""

import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pg8000.native

from tests.store.private_postgres import ACCOUNT
from workbench.store import open_store


def fresh_database(file: Path) -> str:
    """Put an empty, migrated SQLite database into a file, and return its URL."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(_migrated())
    return f"sqlite:///{file}"


@cache
def _migrated() -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "template.sqlite"
        open_store(f"sqlite:///{file}").close()
        return file.read_bytes()


class SqliteSnapshots:
    """States of an open SQLite database that it can be brought back to."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._states: dict[str, sqlite3.Connection] = {}

    def keep(self, name: str) -> None:
        """Remember the present state under a name."""
        self._states[name] = sqlite3.connect(":memory:", check_same_thread=False)
        with closing(sqlite3.connect(self._file)) as present:
            present.backup(self._states[name])

    def restore(self, name: str) -> None:
        """Bring a state back."""
        with closing(sqlite3.connect(self._file)) as present:
            self._states[name].backup(present)


class PostgresSnapshots:
    """The same of a PostgreSQL database; sequences go on, as they do after any transaction."""

    def __init__(self, port: int, name: str) -> None:
        self._port, self._name = port, name

    def keep(self, name: str) -> None:
        """Remember the present state under a name."""
        self._run(f"""
            CREATE SCHEMA snapshot_{name};
            FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
                EXECUTE format('CREATE TABLE snapshot_{name}.%I AS TABLE public.%I', name, name);
            END LOOP;""")

    def restore(self, name: str) -> None:
        """Bring a state back, past the triggers, and arm these again."""
        # DELETE, because TRUNCATE makes new files each time.
        self._run(f"""
            SET LOCAL session_replication_role = replica;
            FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
                EXECUTE format('DELETE FROM public.%I', name);
                EXECUTE format(
                    'INSERT INTO public.%I SELECT * FROM snapshot_{name}.%I', name, name
                );
                EXECUTE format('ALTER TABLE public.%I ENABLE TRIGGER USER', name);
            END LOOP;""")

    def _run(self, steps: str) -> None:
        with closing(
            pg8000.native.Connection(
                *(ACCOUNT, "127.0.0.1", self._name, self._port),
                ssl_context=False,  # making one takes longer than all that is done here
            )
        ) as connection:
            connection.run(f"DO $$ DECLARE name text; BEGIN {steps} END $$")
