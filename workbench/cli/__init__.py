"""The `workbench` command: thin, and every fault one plain line on stderr."""

import gc
import importlib
import os
import sys
import traceback
from contextlib import suppress
from errno import EDQUOT, ENOSPC
from importlib import metadata
from tempfile import mkstemp
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from workbench.cli.console import print_anywhere, warn
from workbench.errors import MOST_CHARACTERS, WorkbenchError
from workbench.event_log import write_events
from workbench.settings import environment, read_settings

# Command to where it is defined; imported when it is called, since torch alone takes a second.
COMMANDS = {
    "distortions": "distortions:distortions",
    "attributes": "attributes:attributes",
    "versions": "versions:versions",
    "calls": "calls:calls",
    "bundle": "bundle:bundle",
    "backup": "backup:backup",
    "restore": "backup:restore",
    "datasets": "datasets:datasets",
    "runs": "runs:runs",
    "demo": "demo:demo",
    "doctor": "doctor:doctor",
    "settings": "doctor:settings",
    "status": "status:status",
    "audit": "status:audit",
    "draft": "drafting:draft",
    "improve": "improve:improve",
    "proposals": "improve:proposals",
    "questions": "questions:questions",
    "freeze": "versions:freeze",
    "generate": "generate:generate",
    "run": "runs:run",
    "worker": "runs:worker",
    "compare": "compare:compare",
    "matrix": "compare:matrix",
    "attribute": "attribute:attribute",
    "score": "score:score",
    "explain": "score:explain",
    "export": "score:export",
    "app": "app:app",
}


class CommandsOnDemand(TyperGroup):
    """The commands of `COMMANDS`, each imported when it is needed."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands.update(dict.fromkeys(COMMANDS, self))  # what a wrong name is compared with

    def list_commands(self, _context: Any) -> list[str]:
        """Return the names in their order."""
        return list(COMMANDS)

    def get_command(self, _context: Any, name: str) -> Any:
        """Return a command, or None if there is none of that name."""
        if name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[name].partition(":")
        target = getattr(importlib.import_module(f"workbench.cli.{module}"), attribute)
        if not isinstance(target, typer.Typer):
            function, target = target, typer.Typer(add_completion=False)
            target.command(name)(function)
        command = typer.main.get_command(target)
        command.name = name
        return command


cli = typer.Typer(
    name="workbench", cls=CommandsOnDemand, pretty_exceptions_enable=False, add_completion=False
)


def _show_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"workbench {metadata.version('attribute-workbench')}\n")
        raise typer.Exit


@cli.callback(no_args_is_help=True)
def workbench(
    version: Annotated[  # the callback acts on it
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show it.")
    ] = False,
) -> None:
    """The attribute workbench for explainable image quality assessment."""


def main() -> None:
    """Run the command; exit 0 done, 1 could not be done, 2 wrong usage."""
    gc.set_threshold(50_000)  # imports make this many objects, none of which is garbage
    print_anywhere()
    if environment("WORKBENCH_LOG").get("WORKBENCH_LOG") == "json":
        write_events()
    try:
        cli()
    except WorkbenchError as fault:
        warn(f"workbench: {fault}")
        sys.exit(1)
    except MemoryError as fault:
        warn(
            f"workbench: The memory does not suffice ({fault or 'no more is given'}). Take smaller "
            "images or fewer workers, or a machine with more of it."
        )
        sys.exit(1)
    except Exception as fault:
        if isinstance(fault, OSError) and fault.errno in (ENOSPC, EDQUOT):
            where = f" ({fault.filename})" if fault.filename else ""
            warn(f"workbench: No space is left to write to{where}. Free some, or write elsewhere.")
            _leave_output()
        words = f"{type(fault).__name__}: {fault}"[:MOST_CHARACTERS]
        warn(f"workbench: internal error ({words}). {_traceback_kept()}; please report it.")
        sys.exit(1)


def _leave_output() -> NoReturn:
    """Exit without a last attempt to write what is left of the output."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(1)


def _traceback_kept() -> str:
    """Keep the traceback where that is possible, and say where."""
    text = traceback.format_exc()
    with suppress(OSError, WorkbenchError):
        log = read_settings().results / "error.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(text, encoding="utf-8", errors="backslashreplace")
        return f"The traceback is in {log}"
    with suppress(OSError):
        handle, name = mkstemp(prefix="workbench-", suffix=".log")
        os.write(handle, text.encode("utf-8", "backslashreplace"))
        return f"The traceback is in {name}"
    return "No traceback could be kept"
