"""Bring a database to this program's schema, or say why that cannot be."""

import threading
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from workbench.errors import StoreError
from workbench.store.database import Database

_MIGRATIONS = Path(__file__).parent / "migrations"

# Alembic keeps the running upgrade in module globals; threads of one process take turns.
_ONE_UPGRADE = threading.Lock()


def migrate(database: Database) -> None:
    """Upgrade to the newest schema inside one transaction: wholly, or not at all.

    It waits for the writer's turn, so of two processes that open a fresh database at once, one
    builds it and the other finds it built; and a database that cannot be written shows it here.

    Raises:
        StoreError: The schema is newer than this program, or another program's.
    """
    with _ONE_UPGRADE, database.connected() as connection:
        config = alembic_config(connection)
        script = ScriptDirectory.from_config(config)
        present = MigrationContext.configure(connection).get_current_revision()
        if present == script.get_current_head():
            return
        _refuse_foreign(connection, script, present, database.place)
        command.upgrade(config, "head")


def alembic_config(connection: Connection) -> Config:
    """Return Alembic's configuration for an open connection; no file is read.

    Args:
        connection: A connection inside a transaction.
    """
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _refuse_foreign(
    connection: Connection, script: ScriptDirectory, present: str | None, place: str
) -> None:
    known = {step.revision for step in script.walk_revisions()}
    if present is not None and present not in known:
        raise StoreError(
            f"The store {place} has schema {present}, newer than this program, which knows up to "
            f"{script.get_current_head()}. Upgrade the workbench, or name another database with "
            "--db."
        )
    tables = inspect(connection).get_table_names()
    if present is None and tables:
        raise StoreError(
            f"The database {place} holds tables of another program ({', '.join(tables[:3])}). "
            "Give the workbench a database of its own with --db."
        )
