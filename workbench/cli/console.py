"""What every command shares: its options, one document on stdout, progress on stderr."""

import codecs
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from errno import EISDIR
from os import strerror
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from workbench.atomic_files import atomic_write
from workbench.errors import ConfigError
from workbench.settings import PROGRESS, Settings, environment, read_settings
from workbench.text_files import one_line, visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.segment import Segment
    from rich.table import Table

    from workbench.store import Store

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Db = Annotated[
    str | None,
    typer.Option("--db", help="SQLAlchemy URL of the store.", envvar="WORKBENCH_DB"),
]
Ref = Annotated[
    str, typer.Argument(help="A version: an alias, a hash, or the first characters of one.")
]
TypeId = Annotated[str, typer.Argument(help="Id of a distortion.")]
ExecutorName = Annotated[
    Literal["local", "ray"], typer.Option("--executor", help="Where it is done: here, or by Ray.")
]
RayAddress = Annotated[
    str | None,
    typer.Option("--address", help="Host and port of a Ray cluster; else Ray is started here."),
]
Author = Annotated[str | None, typer.Option(help="Your name, for the history.")]
MeasuringEncoder = Annotated[str, typer.Option(help="Encoder that measures the sentences.")]
Pretrained = Annotated[
    str | None, typer.Option(help="open_clip tag or checkpoint of that encoder.")
]
Photographs = Annotated[str, typer.Option(help="'packaged', or a folder of photographs.")]

REPORT_S = 0.3  # between two reports of a job's progress
PIPED_WIDTH = 200  # characters

# What a terminal shows that has no such character; anything else becomes an escape.
_PLAIN = {
    "−": "-", "–": "-", "—": "-", "·": "-", "…": "...", "Δ": "d", "→": "->", "×": "x", "±": "+/-",
    "≥": ">=", "≤": "<=", "“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "²": "2", "³": "3",
    "χ": "chi", "√": "sqrt", "━": "-", "─": "-", "│": "|", "\u202f": " ", "\xa0": " ",
}  # fmt: skip


def print_anywhere() -> None:
    """Let no character stop an output: what the terminal's encoding lacks is put plainly.

    An answer may have cost an access to the test set; it must not die on its last step.
    """
    codecs.register_error("plain", _plainly)
    if sys.stdout is None:  # a command started without one
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115  # open to the end
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="plain")


def _plainly(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    escaped = (c.encode("ascii", "backslashreplace").decode() for c in lacking)
    return "".join(map(_PLAIN.get, lacking, escaped)), error.end


def write_document(text: str) -> None:
    """Write text that programs read: UTF-8 whatever the terminal's encoding is.

    What no UTF-8 can hold (a file name of other bytes) is escaped as JSON escapes it.
    """
    data = text.encode("utf-8", "backslashreplace")
    with _plain_output_errors():
        sys.stdout.flush()
        if buffer := getattr(sys.stdout, "buffer", None):
            buffer.write(data)
            buffer.flush()
        else:  # somebody has put a stream of text in its place
            sys.stdout.write(data.decode())


@contextmanager
def _plain_output_errors() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:  # who reads has seen enough
        raise
    except OSError as error:
        raise ConfigError(
            f"The output cannot be written: {error.strerror}. Send it to another file or disk."
        ) from error


@contextmanager
def open_workbench(db: str | None) -> "Iterator[tuple[Settings, Store]]":
    """Open the settings and the store that a command works with."""
    from workbench.store import open_store

    settings = read_settings(database_url=db)
    with open_store(settings.database_url) as store:
        yield settings, store.working_for(settings.actor)


def emit(as_json: bool, document: Any, text: Callable[[], object]) -> None:
    """Print a document as JSON, or as text for people.

    Args:
        as_json: Whether --json was given.
        document: What json.dumps takes.
        text: Makes what people read: a string or a rich Table.
    """
    if as_json:
        write_document(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
    else:
        width = None if sys.stdout.isatty() else PIPED_WIDTH  # nothing is cut off in a pipe
        shown = text()
        with _plain_output_errors():
            _console(soft_wrap=True, width=width).print(shown, markup=False, highlight=False)
            sys.stdout.flush()


def _console(**settings: Any) -> "Console":
    """Return a console on which no text that people brought can steer the terminal."""
    from rich.console import Console

    class Escaping(Console):
        def render(self, *what: Any, **how: Any) -> "Iterator[Segment]":
            for segment in super().render(*what, **how):
                yield segment if segment.control else segment._replace(text=visible(segment.text))

    return Escaping(**settings)


def warn(line: str) -> None:
    """Write one line to stderr; what is quoted in it can neither end it nor steer the terminal."""
    sys.stderr.write(f"{one_line(line)}\n")


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> "Table":
    """Return a plain table; None shows as an empty cell, the first column is never cut off."""
    from workbench.domain.data_table import DataTable
    from workbench.report.render import terminal_table

    return terminal_table(DataTable.of_texts(columns, rows), framed=False)


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[float, str], None]]:
    """Show a progress bar on stderr; yields a function of the share done and a text.

    Of a job in the background it is also written to the job's file (`queue.jobs`).
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[stage]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=1.0, stage="")
        file, next_at = environment(PROGRESS).get(PROGRESS), 0.0

        def report(share: float, stage: str) -> None:
            nonlocal next_at
            bar.update(task, completed=share, stage=one_line(stage))
            if file and (time.monotonic() >= next_at or share == 1):
                with atomic_write(Path(file)) as passing:
                    passing.write_text(json.dumps({"share": share, "stage": one_line(stage)}))
                next_at = time.monotonic() + REPORT_S

        yield report


def require_address_of_ray(executor: str, address: str | None) -> None:
    """Raise a usage error for an address that nobody would ask."""
    if executor == "local" and address is not None:
        raise typer.BadParameter("--address goes with --executor ray")


def require_other_file(target: Path, source: Path) -> None:
    """Find out that an image would be written over the one it is made from.

    Raises:
        ConfigError: Both are the same file, by whatever name.
    """
    if target.exists() and source.exists() and target.samefile(source):
        raise ConfigError(
            f"{target} is the image that was to be read, and would be lost. Name another file for "
            "the result. Nothing was written."
        )


def require_writable(path: Path | None, *, folder: bool = False) -> None:
    """Find out that a file or folder cannot be written before a look is spent on it.

    Args:
        path: Where a report shall go; None for nowhere.
        folder: Whether it is a folder.

    Raises:
        ConfigError: It cannot be written.
    """
    if path is None:
        return
    inside = path if folder else path.parent
    try:
        inside.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=inside):
            pass
        if not folder and path.is_dir():
            raise IsADirectoryError(EISDIR, strerror(EISDIR))
    except OSError as error:
        raise ConfigError(
            f"The report cannot be written to {path}: {error.strerror or error}. Name another "
            "path. No look was counted."
        ) from error
