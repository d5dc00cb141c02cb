"""What the workbench is set to; what is installed, reachable and writable."""

from typing import Annotated

import typer

from workbench.cli.console import Db, Json, emit, table
from workbench.settings import read_settings
from workbench.workflow import surroundings


def doctor(
    ask: Annotated[
        bool,
        typer.Option(
            "--ask", help="Also ask the language model one short question; it may cost some tokens."
        ),
    ] = False,
    json: Json = False,
    db: Db = None,
) -> None:
    """Check what is installed, reachable and writable, and say how to fix what is not."""
    found = surroundings.checks(read_settings(database_url=db), ask=ask)
    rows = [("ok" if check.ok else "--", check.name, check.detail) for check in found]
    document = {"checks": [check._asdict() for check in found]}
    emit(json, document, lambda: table(("", "check", "detail"), rows))
    if not all(check.ok for check in found if check.name in {*surroundings.REQUIRED, "answer"}):
        raise typer.Exit(1)


def settings(json: Json = False, db: Db = None) -> None:
    """Show what the workbench is set to and where each value comes from; no secret is shown."""
    lines = surroundings.setting_lines(read_settings(database_url=db))
    if db:
        lines = [
            line._replace(source="--db") if line.variable == "WORKBENCH_DB" else line
            for line in lines
        ]
    rows = [(line.name, line.value, line.source, line.variable) for line in lines]
    columns = ("setting", "value", "from", "set by")
    emit(json, [line._asdict() for line in lines], lambda: table(columns, rows))
