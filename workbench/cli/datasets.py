"""Datasets on the command line: listed, checked, divided, and tables of one's own registered."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from workbench.cli.console import Json, emit, progress_bar, table
from workbench.domain.number_format import count_text
from workbench.errors import ConfigError, DataError, UnknownNameError
from workbench.settings import read_settings
from workbench.text_files import printable

if TYPE_CHECKING:  # help loads none of them
    from workbench.datasets.check import CheckReport
    from workbench.datasets.labelled import DatasetFacts, ImageDataset
    from workbench.datasets.splits.near_duplicates import NearDuplicate
    from workbench.datasets.table_preview import TablePreview

Name = Annotated[str, typer.Argument(help="As `datasets list` names it.")]
Root = Annotated[
    Path | None,
    typer.Argument(help="Where it was unpacked; a registered table may do without."),
]

datasets = typer.Typer(help="Datasets of images.", no_args_is_help=True, add_completion=False)
PRINTED = 20  # bad rows in the text; JSON has them all


@datasets.command("split")
def split(
    name: Name,
    to: Annotated[Path, typer.Option(help="Folder for one JSON file per split.")],
    root: Root = None,
    seeds: Annotated[int, typer.Option(min=1, help="Number of 70/10/20 splits by group.")] = 10,
    published: Annotated[
        Path | None,
        typer.Option(help="Folder of train/val/test.npy, of LIQE's lists, or of earlier splits."),
    ] = None,
    official: Annotated[
        bool, typer.Option("--official", help="The split that the dataset states.")
    ] = False,
    duplicates: Annotated[
        Literal["refuse", "merge", "ignore"],
        typer.Option("--near-duplicates", help="Photographs of one picture on two sides."),
    ] = "refuse",
    json: Json = False,
) -> None:
    """Divide a dataset so that no reference, video or picture is on two sides.

    An experiment takes the splits with split.published: FOLDER.
    """
    from workbench.datasets.adapters import dataset_adapter
    from workbench.datasets.splits.grouped import grouped_splits, official_split
    from workbench.datasets.splits.leakage import check_split, merge_near_duplicates
    from workbench.datasets.splits.split_files import read_splits, write_splits

    made_elsewhere = official or published is not None
    if (official and published is not None) or (made_elsewhere and duplicates == "merge"):
        raise ConfigError(
            "Give one of --official and --published, and neither with --near-duplicates merge: a "
            "split that others made cannot be regrouped."
        )
    dataset = dataset_adapter(name, read_settings().home).open(root)
    groups: tuple[str, ...] = tuple(image.group for image in dataset.images)
    pairs = [] if duplicates == "ignore" else _near_duplicates(dataset)
    if duplicates == "merge":
        groups, pairs = merge_near_duplicates(groups, pairs), []
    if official:
        splits = [official_split(dataset)]
    elif published is not None:
        splits = read_splits(published, dataset)
    else:
        splits = grouped_splits(groups, seeds=range(seeds))
    for division in splits:
        check_split(groups, division, duplicates=pairs)
    files = write_splits(splits, dataset, to)
    document = {
        "splits": [
            {"name": division.name, "rule": division.rule, "file": str(file)}
            | {part: len(rows) for part, rows in division.parts.items()}
            for division, file in zip(splits, files, strict=True)
        ],
        "groups": len(set(groups)),
        "near_duplicates": [asdict(pair) for pair in pairs],
    }
    rows = [
        (file.name, *map(len, division.parts.values()), division.rule)
        for division, file in zip(splits, files, strict=True)
    ]
    columns = ("file", "train", "validation", "test", "rule")
    emit(json, document, lambda: table(columns, rows))


def _near_duplicates(dataset: "ImageDataset") -> "list[NearDuplicate]":
    from workbench.datasets.splits.leakage import references_of
    from workbench.datasets.splits.near_duplicates import near_duplicates

    with progress_bar("near-duplicates") as progress:
        pairs = near_duplicates(references_of(dataset), progress=progress)
        progress(1.0, "done")
    return pairs


@datasets.command("list")
def list_datasets(json: Json = False) -> None:
    """List the datasets that can be read, and the tables that are registered."""
    from workbench.datasets.adapters import adapters, registered_tables

    tables = registered_tables(read_settings().home)
    facts = [adapter.facts for adapter in adapters().values()]
    facts += [registered.facts for registered in tables.values()]
    document = [
        entry.model_dump(mode="json", exclude={"observed_range", "types"})
        | {"distortions": [type.distortion for type in entry.types]}
        | ({"file": tables[entry.name].file} if entry.name in tables else {})
        for entry in facts
    ]
    columns = ("name", "kind", "images", "references", "score")
    rows = [(f.name, f.kind, _number(f.images), _number(f.references), _score(f)) for f in facts]
    emit(json, document, lambda: table(columns, rows))


@datasets.command("check")
def check_dataset(
    name: Name,
    root: Root = None,
    deep: Annotated[bool, typer.Option("--deep", help="Decode every image.")] = False,
    json: Json = False,
) -> None:
    """Report what is missing, unreadable or out of range; exit 1 if anything is."""
    from workbench.datasets.adapters import dataset_adapter
    from workbench.datasets.check import check

    adapter = dataset_adapter(name, read_settings().home)
    if deep:
        with progress_bar(name) as progress:
            report = check(adapter, root, deep=True, progress=progress)
    else:
        report = check(adapter, root)
    emit(json, report.model_dump(mode="json"), lambda: _check_text(report))
    if report.problems:
        raise DataError(
            f"{count_text(len(report.problems), 'problem')} with {name} in {report.root}. Stdout "
            "says what to do about each."
        )


def _number_option(text: str) -> float:
    from workbench.text_files import number

    try:
        return number(text)
    except ValueError as fault:
        raise typer.BadParameter(str(fault)) from None


@datasets.command("import")
def import_table(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="A table of images and scores.")],
    name: Annotated[
        str | None, typer.Option(help="Dataset name for experiments; default from the file name.")
    ] = None,
    root: Annotated[
        Path | None, typer.Option(help="Folder that paths are relative to; default the table's.")
    ] = None,
    low: Annotated[
        float | None, typer.Option(parser=_number_option, help="Smallest possible score.")
    ] = None,
    high: Annotated[
        float | None, typer.Option(parser=_number_option, help="Largest possible score.")
    ] = None,
    lower_is_better: Annotated[
        bool | None,
        typer.Option(
            "--lower-is-better/--higher-is-better",
            help="Whether the score falls or rises with quality; a DMOS needs one of them.",
        ),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD=NAME", help="Which column is image, score, reference, …; repeatable."
        ),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace another table of that name.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only preview the table and name every bad row.")
    ] = False,
    json: Json = False,
) -> None:
    """Register a table of your own images as a dataset; a bad row refuses it.

    Experiments name it as data.dataset. The table and its images stay where they are.
    """
    from workbench.datasets.adapters import register_table
    from workbench.datasets.table_preview import preview
    from workbench.distortions import catalogue
    from workbench.workflow.datasets import require_admin

    result = preview(
        file,
        root,
        low=low,
        high=high,
        polarity=_direction(lower_is_better),
        columns=_columns(column or ()),
        known=catalogue(),
    )
    registered = None
    if not (dry_run or result.problems):
        settings = read_settings()
        require_admin(settings, "register a table")
        registered = register_table(result, settings.home, name, replace=replace)
    document = result.model_dump(mode="json") | {
        "distortions": [type.distortion for type in result.types],
        "problems": list(result.problems),
        "dataset": registered,
    }
    emit(json, document, lambda: _preview_text(result, registered))
    if result.problems:
        raise DataError(
            f"{file} has {count_text(len(result.problems), 'problem')}, so nothing was registered. "
            "Mend the rows that stdout names, and import it again."
        )


def _direction(
    lower_is_better: bool | None,
) -> Literal["higher is better", "lower is better"] | None:
    if lower_is_better is None:
        return None
    return "lower is better" if lower_is_better else "higher is better"


def _columns(stated: Sequence[str]) -> dict[str, str]:
    from workbench.datasets.table_header import FIELDS

    columns: dict[str, str] = {}
    for text in stated:
        field, _, name = (part.strip() for part in text.partition("="))
        if field not in FIELDS:
            raise UnknownNameError("field", field, FIELDS)
        if not name or field in columns:
            raise ConfigError(f"--column {text}: give each field one column, such as score=MOS.")
        columns[field] = name
    return columns


@datasets.command("remove")
def remove(name: Name, json: Json = False) -> None:
    """Unregister a table; its files stay."""
    from workbench.workflow.datasets import forget_table

    forget_table(read_settings(), name)
    emit(json, {"dataset": name}, lambda: f"{name} is no longer registered; its files stay.")


def _check_text(report: "CheckReport") -> str:
    lines = [
        f"{report.name} in {report.root}",
        f"{count_text(report.images, 'image')}, {_contents(report.references, report.distortions)}",
    ]
    if report.score_range is not None:
        low, high = report.score_range
        lines.append(f"{report.score} from {low:g} to {high:g}, {report.polarity}")
    lines += [f"{subset}: {count_text(count, 'image')}" for subset, count in report.subsets.items()]
    return "\n".join([*lines, *(f"problem: {text}" for text in report.problems)])


def _preview_text(result: "TablePreview", registered: str | None) -> str:
    columns = ", ".join(
        f"{printable(name)} ({field or 'ignored'})" for name, field in result.columns.items()
    )
    lines = [
        f"{result.file}, {result.encoding}, paths below {result.root}",
        f"columns: {columns}",
        *(" | ".join(map(printable, cells.values())) for cells in result.first),
        f"{result.images:,} of {count_text(result.rows, 'row')} can be used, "
        f"{_contents(result.references, result.types)}",
    ]
    if result.score_range is not None:
        low, high = result.score_range
        origin = "as stated" if result.stated else "as found; state it with --low and --high"
        direction = result.polarity or "of unknown direction"
        lines.append(f"score from {low:g} to {high:g} ({origin}), {direction}")
    lines += [f"note: {note}" for note in result.notes]
    lines += [f"problem: {text}" for text in result.problems[:PRINTED]]
    if len(result.problems) > PRINTED:
        lines.append(f"and {len(result.problems) - PRINTED} more problems; --json names them all")
    if registered:
        lines.append(f"registered as '{registered}': experiments name it as data.dataset")
    return "\n".join(lines)


def _contents(references: int, distortions: Sequence[object]) -> str:
    return f"{count_text(references, 'reference')}, {count_text(len(distortions), 'distortion')}"


def _number(count: int | None) -> str:
    return "" if count is None else f"{count:,}"


def _score(facts: "DatasetFacts") -> str:
    if facts.score_range is None:
        return facts.score
    low, high = facts.score_range
    return f"{facts.score}, {low:g} to {high:g}, {facts.polarity}"
