"""Back a store up while others work in it, and bring a backup back.

A backup of SQLite is a store like any other; one of PostgreSQL is an archive of its own `pg_dump`.
Either is written beside its name and takes that name once it is complete.
"""

import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from sqlalchemy.engine import URL

from workbench.atomic_files import atomic_write
from workbench.errors import ConfigError, StoreError
from workbench.store.database import copy_sqlite, leave_wal, parse_url, require_schema
from workbench.store.store import open_store

_ARCHIVE = b"PGDMP"


class Backup(NamedTuple):
    """A finished backup, or a store that was restored from one.

    Attributes:
        path: The file of the backup.
        size: Of it, in bytes.
        problems: What `Store.verify` says of its content; not known of an archive of PostgreSQL
            before it is restored.
    """

    path: Path
    size: int
    problems: tuple[str, ...] | None


def back_up(url: str, path: Path) -> Backup:
    """Write a store to a file, as it is at one moment; other processes go on working in it.

    Args:
        url: SQLAlchemy URL of the store.
        path: The file; its folder exists, and it must not.

    Raises:
        ConfigError: The file exists or cannot be written, or pg_dump is missing.
        StoreError: The store cannot be read.
    """
    if path.exists():
        raise ConfigError(f"{path} exists already, and no backup is replaced. Name a new file.")
    if not path.parent.is_dir():
        raise ConfigError(f"The backup cannot be written to {path}: no such folder. Make it first.")
    open_store(url).close()  # no backup of what is no store
    parsed = parse_url(url)
    try:
        with atomic_write(path) as partial:
            if parsed.get_backend_name() == "sqlite":
                copy_sqlite(Path(str(parsed.database)), partial)
                problems = _problems(f"sqlite:///{partial}")
                leave_wal(partial)
            else:
                _run_postgres("pg_dump", parsed, "--format=custom", f"--file={partial}")
                problems = None
    except OSError as fault:
        raise ConfigError(f"The backup cannot be written to {path}: {fault.strerror}.") from fault
    return Backup(path, path.stat().st_size, problems)


def restore(path: Path, url: str) -> Backup:
    """Make a backup the content of a new store, and check every hash in it.

    Args:
        path: What `back_up` wrote.
        url: SQLAlchemy URL of a store that is not there yet; of PostgreSQL, an empty database.

    Raises:
        ConfigError: There is no such file, or pg_restore is missing.
        StoreError: It is no whole backup, or the store is there already; nothing was changed.
    """
    try:
        with path.open("rb") as file:
            is_archive = file.read(len(_ARCHIVE)) == _ARCHIVE
    except OSError as fault:
        raise ConfigError(f"The backup {path} cannot be read: {fault.strerror}.") from fault
    parsed = parse_url(url)
    if is_archive != (parsed.get_backend_name() == "postgresql"):
        kind = "PostgreSQL" if is_archive else "SQLite"
        raise ConfigError(f"{path} is no backup of this kind of store; it is for {kind} alone.")
    if is_archive:
        _run_postgres(
            "pg_restore", parsed, "--exit-on-error", "--single-transaction", "--no-owner", str(path)
        )
    else:
        target = Path(str(parsed.database))
        if target.exists():
            raise StoreError(
                f"There is a store at {target} already. Move it away, or name another with --db. "
                "Nothing was changed."
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(target) as partial:
            copy_sqlite(path, partial)
            require_schema(partial)
            open_store(f"sqlite:///{partial}").close()  # a newer program's is refused by its name
    return Backup(path, path.stat().st_size, _problems(url))


def _problems(url: str) -> tuple[str, ...]:
    with open_store(url) as store:
        return tuple(store.verify())


def _run_postgres(program: str, url: URL, *arguments: str) -> None:
    """Run one of PostgreSQL's own programs; the password goes by the environment, which is ours."""
    command = shutil.which(program)
    if command is None:
        raise ConfigError(f"{program} is missing. Install PostgreSQL's client programs.")
    connection = {
        "PGHOST": url.host, "PGPORT": url.port, "PGUSER": url.username, "PGPASSWORD": url.password,
    }  # fmt: skip
    given = {name: str(value) for name, value in connection.items() if value is not None}
    done = subprocess.run(
        [command, "--no-password", f"--dbname={url.database}", *arguments],
        env={**os.environ, **given},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        said = " ".join(done.stderr.split())[:300].rstrip(".")
        raise StoreError(f"{program} could not do it: {said}. Nothing was changed.")
