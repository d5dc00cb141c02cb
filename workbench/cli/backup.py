"""Backups on the command line."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.console import Db, Json, emit, warn
from workbench.domain.number_format import count_text
from workbench.errors import StoreError
from workbench.settings import read_settings

if TYPE_CHECKING:
    from workbench.store.backup import Backup


def backup(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.")],
    json: Json = False,
    db: Db = None,
) -> None:
    """Write the store to one file while others work in it, and check the copy."""
    from workbench.store.backup import back_up

    settings = read_settings(database_url=db)
    settings.actor.require("admin", "copy the store")
    made = back_up(settings.database_url, path)
    checked = "" if made.problems is None else ", every hash checked"
    emit(json, _document(made), lambda: f"{made.path}: {made.size / 1e6:.1f} MB{checked}")
    _report(made)


def restore(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="What `backup` wrote.")],
    json: Json = False,
    db: Db = None,
) -> None:
    """Make a backup a new store; one that is there already is never touched."""
    from workbench.store.backup import restore as restore_backup
    from workbench.store.database import without_password

    settings = read_settings(database_url=db)
    settings.actor.require("admin", "restore a store")
    url = settings.database_url
    made = restore_backup(path, url)
    emit(json, _document(made), lambda: f"{without_password(url)} is the store of {path} again.")
    _report(made)


def _document(made: "Backup") -> dict[str, Any]:
    return {"path": str(made.path), "bytes": made.size, "problems": made.problems}


def _report(made: "Backup") -> None:
    for problem in made.problems or ():
        warn(problem)
    if made.problems:
        raise StoreError(
            f"{count_text(len(made.problems), 'problem')} in what was copied; the store had it "
            "before: see 'workbench versions verify'."
        )
