"""Versions, or single runs, side by side on the command line."""

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.console import Author, Db, Json, emit, workplace
from workbench.cli.writable import require_writable
from workbench.domain.comparison import Comparison
from workbench.evaluation.report import write_report, write_tables
from workbench.evaluation.subset_table import subset_table
from workbench.evaluation.subsets import KINDS, column_named
from workbench.evaluation.wording import comparison_table
from workbench.pipeline import comparable_runs, compare_finished
from workbench.runs.experiment import load_experiment
from workbench.runs.looking import compared_runs, look_at
from workbench.store import Store


def compare(
    refs: Annotated[list[str] | None, typer.Argument(metavar="REF REF...")] = None,
    config: Annotated[
        Path | None, typer.Option(help="Experiment YAML; without, the newest that all have run.")
    ] = None,
    dataset: Annotated[
        str, typer.Option(help="Only runs on a data set of that name, or part of it.")
    ] = "",
    protocol: Annotated[
        str, typer.Option(help="Only runs whose split, target or crops are described so.")
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
        bool, typer.Option("--locked", help="On the locked photographs; every look is counted.")
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
    single = list(dict.fromkeys(run))
    names = [*(refs or ()), *(f"run {id}" for id in single)]
    if bool(refs) == bool(run) or len(names) < 2:
        raise typer.BadParameter("Name two versions or more, or two runs or more by --run.")
    kinds = [column_named(name) for name in by]
    require_writable(report, folder=False)
    require_writable(csv, folder=csv is not None and csv.suffix.lower() != ".zip")
    with workplace(db) as (settings, store):
        given = load_experiment(config) if config else None
        found = compare_finished(
            store,
            [store.runs.get(id) for id in single]
            or comparable_runs(store, names, config=given, dataset=dataset, terms=protocol),
            kinds=tuple(dict.fromkeys((*KINDS, *kinds))),
            quote=quote,
            locked=locked,
        )
        purpose = f"compare {', '.join(names)}{' on the locked part' if locked else ''}"
        comparison = look_at(store, found, purpose=purpose, author=author or settings.author)
        _write_down(store, comparison, report, csv)
    parts = subset_table(comparison, kinds) if kinds else ""
    emit(json, comparison.model_dump(mode="json"), lambda: comparison_table(comparison) + parts)


def _write_down(
    store: Store, comparison: Comparison, report: Path | None, csv: Path | None
) -> None:
    """Write what is asked for of a report and its tables."""
    labels = [row.label for row in comparison.rows]
    versions = [store.versions.get(row.version) for row in comparison.rows]
    sets = {version.hash: version.attributes for version in versions}
    for path, write in ((report, write_report), (csv, write_tables)):
        if path is not None:
            write(comparison, compared_runs(store, comparison), labels, sets, path)
