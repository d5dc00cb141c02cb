"""Runs by what they were trained and tested on, on the command line."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group
from rich.table import Table

from workbench.cli.console import Author, Db, Json, emit, table, workplace
from workbench.cli.writable import require_writable
from workbench.domain.run import Run
from workbench.domain.transfer_matrix import TransferMatrix
from workbench.evaluation.comparable import finished_results
from workbench.evaluation.matrix_page import write_matrix, writer_for
from workbench.evaluation.matrix_panels import NONE, Panel, matrix_panels
from workbench.evaluation.matrix_wording import matrix_notes, published_notes, published_table
from workbench.evaluation.published_pairs import matrix_rows, published_pairs
from workbench.evaluation.transfer_matrix import transfer_matrix
from workbench.runs.looking import look_at_runs


def matrix(
    runs: Annotated[list[int], typer.Argument(metavar="RUN_ID...", help="Finished runs.")],
    quote: Annotated[
        bool, typer.Option("--quote", help="Show the paper's figures beside, marked as quoted.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Write a heat map: .svg or .png, or a page: .html.")
    ] = None,
    author: Author = None,
    json: Json = False,
    db: Db = None,
) -> None:
    """Show runs by what they were trained on and what they were tested on; a look at each."""
    if out is not None:
        writer_for(out)  # before anything is computed
        require_writable(out)
    with workplace(db) as (settings, store):
        held = [store.runs.get(id) for id in dict.fromkeys(runs)]
        found = matrix_of(held, quote=quote)
        for run in held:
            look_at_runs(store, [run], purpose=f"matrix {run.id}", author=author or settings.author)
    if out is not None:
        write_matrix(found, out)
    emit(json, found.model_dump(mode="json"), lambda: _text(found, quote))


def matrix_of(runs: list[Run], *, quote: bool) -> TransferMatrix:
    """Return the matrix of runs, each called by its experiment and number.

    Args:
        runs: Finished runs.
        quote: Whether the paper's figures stand beside.

    Raises:
        ConfigError: One is not done.
    """
    labels = [f"{run.id}: {run.config.name}" for run in runs]
    for run, label in zip(runs, labels, strict=True):
        finished_results([run], [label])  # says why one is not done
    return transfer_matrix(
        runs,
        labels,
        quoted=matrix_rows(runs) if quote else (),
        published=published_pairs(runs) if quote else (),
    )


def _text(found: TransferMatrix, quote: bool) -> Group:
    parts: list[object] = []
    for panel in matrix_panels(found):
        parts += [_panel(panel), ""]
    parts += [f"· {note}" for note in matrix_notes(found)]
    if quote:
        pairs = published_table(found)
        if pairs.rows:
            headings = [column.heading for column in pairs.columns]
            parts += ["", pairs.title, table(headings, list(pairs.texts()))]
        parts += [f"· {note}" for note in published_notes(found)]
    return Group(*parts)  # type: ignore[arg-type]


def _panel(panel: Panel) -> Table:
    made = Table(title=panel.title, title_justify="left", show_lines=True)
    made.add_column("trained on")
    for name in panel.columns:
        made.add_column(name, justify="right")
    for label, entries in zip(panel.rows, panel.entries, strict=True):
        cells = (
            NONE if one is None else "\n".join((*one.lines, *["held out"] * one.held_out))
            for one in entries
        )
        made.add_row(label, *cells)
    return made
