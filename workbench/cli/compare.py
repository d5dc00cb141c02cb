"""Versions, or single runs, side by side on the command line."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.console import Author, Db, Json, emit, open_workbench, require_writable
from workbench.domain.run import Run
from workbench.domain.transfer_matrix import TransferMatrix

if TYPE_CHECKING:
    from rich.console import Group, RenderableType


def compare(
    refs: Annotated[
        list[str] | None, typer.Argument(metavar="REF REF...", help="Versions, the older first.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="Experiment YAML; default the newest that all have run.")
    ] = None,
    dataset: Annotated[
        str, typer.Option(help="Only runs on a dataset whose name contains this.")
    ] = "",
    protocol: Annotated[
        str, typer.Option(help="Only runs whose split, target or crops contain these words.")
    ] = "",
    run: Annotated[
        list[int],
        typer.Option(help="Runs in place of versions, such as two experiments; repeatable."),
    ] = [],  # noqa: B006
    by: Annotated[
        list[str],
        typer.Option(help="Also within each distortion, level, group or photograph; repeatable."),
    ] = [],  # noqa: B006
    quote: Annotated[
        list[str],
        typer.Option(help="Show a published table beside, as NAME or NAME:DATASET; repeatable."),
    ] = [],  # noqa: B006
    locked: Annotated[
        bool,
        typer.Option("--locked", help="Compare on the locked photographs; counted."),
    ] = False,
    transfer: Annotated[
        str,
        typer.Option(help="Compare on other data that the runs were tried on; part of its name."),
    ] = "",
    reopen: Annotated[
        bool,
        typer.Option(
            "--reopen", help="Show it as it was last opened, by whomever; nothing is counted."
        ),
    ] = False,
    seeds: Annotated[
        bool,
        typer.Option(
            "--seeds", help="Also over all training seeds that every version was run with."
        ),
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option(help="Write a report: one HTML file, or JSON if it ends in .json."),
    ] = None,
    csv: Annotated[
        Path | None, typer.Option(help="Write every table as CSV: a folder, or a file in .zip.")
    ] = None,
    author: Author = None,
    json: Json = False,
    db: Db = None,
) -> None:
    """Compare versions, or single runs, side by side, with intervals and verdicts."""
    from workbench.evaluation.subsets import KINDS, column_named
    from workbench.experiment.config_files import load_experiment
    from workbench.report.terminal import comparison_text, subsets_text
    from workbench.workflow.compare import (
        comparable_runs,
        compare_runs,
        labelled_runs,
        reopen_comparison,
        runs_by_seed,
        write_comparison_report,
        write_comparison_tables,
    )

    single = list(dict.fromkeys(run))
    names = [*(refs or ()), *(f"run {id}" for id in single)]
    if bool(refs) == bool(run) or len(names) < 2:
        raise typer.BadParameter("Name two versions or more, or two runs or more by --run.")
    if locked and transfer:
        raise typer.BadParameter("Compare on --locked photographs or on --transfer data, not both.")
    if seeds and (single or reopen):
        raise typer.BadParameter("--seeds goes with versions, and not with --reopen.")
    by_kinds = [column_named(name) for name in by]
    require_writable(report, folder=False)
    require_writable(csv, folder=csv is not None and csv.suffix.lower() != ".zip")
    with open_workbench(db) as (settings, store):
        experiment = load_experiment(config) if config else None
        if single:
            finished = [store.runs.get(id) for id in single]
            runs = labelled_runs(store, finished, locked=locked, transfer=transfer)
        else:
            runs = comparable_runs(
                store,
                names,
                config=experiment,
                dataset=dataset,
                terms=protocol,
                locked=locked,
                transfer=transfer,
            )
        kinds = list(dict.fromkeys((*KINDS, *by_kinds)))
        if reopen:
            comparison = reopen_comparison(store, runs, kinds=kinds, quote=quote)
        else:
            where = " on the locked part" if locked else f" on {transfer}" if transfer else ""
            comparison = compare_runs(
                store,
                runs,
                kinds=kinds,
                quote=quote,
                by_seed=runs_by_seed(store, runs, locked=locked, transfer=transfer)
                if seeds
                else (),
                purpose=f"compare {', '.join(names)}{where}",
                author=author or settings.author,
            )
        if report is not None:
            write_comparison_report(store, comparison, runs, report)
        if csv is not None:
            write_comparison_tables(store, comparison, runs, csv)
    subsets = subsets_text(comparison, by_kinds) if by_kinds else ""
    emit(json, comparison.model_dump(mode="json"), lambda: comparison_text(comparison) + subsets)


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
    """Show runs by what they were trained on and tested on; a test-set access for each."""
    from workbench.evaluation.comparable import ComparedRuns
    from workbench.report.page import write_matrix, writer_for
    from workbench.workflow.access import record_run_access

    if out is not None:
        writer_for(out)  # before anything is computed
        require_writable(out)
    with open_workbench(db) as (settings, store):
        finished = [store.runs.get(id) for id in dict.fromkeys(runs)]
        transfers = matrix_of(finished, quote=quote)
        for run in finished:
            record_run_access(
                store,
                ComparedRuns.of([run], [f"run {run.id}"]),
                purpose=f"matrix {run.id}",
                author=author or settings.author,
            )
    if out is not None:
        write_matrix(transfers, out)
    emit(json, transfers.model_dump(mode="json"), lambda: _text(transfers, quote))


def matrix_of(runs: list[Run], *, quote: bool) -> TransferMatrix:
    """Return the matrix of runs, each called by its experiment and number.

    Args:
        runs: Finished runs.
        quote: Whether the paper's figures stand beside.

    Raises:
        ConfigError: One is not done.
    """
    from workbench.evaluation.cross_dataset import transfer_matrix

    labels = [f"{run.id}: {run.config.name}" for run in runs]
    return transfer_matrix(runs, labels, quote=quote)


def _text(matrix: TransferMatrix, quote: bool) -> "Group":
    from rich.console import Group

    from workbench.report.render import terminal_table
    from workbench.report.transfer_tables import (
        matrix_notes,
        matrix_panels,
        published_notes,
        published_table,
    )

    parts: list[RenderableType] = []
    for panel in matrix_panels(matrix):
        parts += [terminal_table(panel.table(), lines=True), ""]
    parts += [f"· {note}" for note in matrix_notes(matrix)]
    if quote:
        pairs = published_table(matrix)
        if pairs.rows:
            parts += ["", pairs.title, terminal_table(pairs, framed=False)]
        parts += [f"· {note}" for note in published_notes(matrix)]
    return Group(*parts)
