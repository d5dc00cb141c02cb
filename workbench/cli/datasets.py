"""Datasets on the command line: which there are, whether one is whole, what a table holds."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from workbench.cli.console import Json, emit, progress_bar, table
from workbench.errors import ConfigError, DataError

if TYPE_CHECKING:
    from workbench.datasets.check import CheckReport
    from workbench.datasets.labelled import DatasetFacts, ImageDataset
    from workbench.datasets.splits.near_duplicates import NearDuplicate
    from workbench.datasets.splits.split import Split
    from workbench.datasets.table_preview import TablePreview

Treatment = Literal["refuse", "merge", "ignore"]


def split(
    name: Annotated[str, typer.Argument(help="As `datasets list` names it.")],
    root: Annotated[Path, typer.Argument(help="Where it was unpacked.")],
    to: Annotated[Path, typer.Option(help="Folder for one JSON file per split.")],
    seeds: Annotated[int, typer.Option(min=1, help="Number of 70/10/20 splits by group.")] = 10,
    published: Annotated[
        Path | None, typer.Option(help="Folder of train/val/test.npy, or of LIQE's lists.")
    ] = None,
    official: Annotated[
        bool, typer.Option("--official", help="The split that the dataset states.")
    ] = False,
    duplicates: Annotated[
        Treatment,
        typer.Option("--near-duplicates", help="Photographs of one picture on two sides."),
    ] = "refuse",
    json: Json = False,
) -> None:
    """Divide a dataset so that no reference, video or picture is on two sides."""
    from workbench.datasets.labelled import adapters
    from workbench.datasets.splits.grouped import grouped_splits, official_split
    from workbench.datasets.splits.leakage import check_split, merge_near_duplicates
    from workbench.datasets.splits.published import published_splits

    given = official or published is not None
    if (official and published is not None) or (given and duplicates == "merge"):
        raise ConfigError(
            "Give one of --official and --published, and neither with --near-duplicates merge: a "
            "split that others made cannot be regrouped."
        )
    dataset = adapters()[name].load(root)
    groups: tuple[str, ...] = tuple(image.group for image in dataset.images)
    pairs = [] if duplicates == "ignore" else _found_split(dataset)
    if duplicates == "merge":
        groups, pairs = merge_near_duplicates(groups, pairs), []
    if official:
        splits = [official_split(dataset)]
    elif published is not None:
        splits = published_splits(published, dataset)
    else:
        splits = grouped_splits(groups, seeds=range(seeds))
    for made in splits:
        check_split(groups, made, duplicates=pairs)
    files = _written(splits, dataset, to)
    document = {
        "splits": [
            {"name": made.name, "rule": made.rule, "file": str(file)}
            | {part: len(rows) for part, rows in made.parts.items()}
            for made, file in zip(splits, files, strict=True)
        ],
        "groups": len(set(groups)),
        "near_duplicates": [asdict(pair) for pair in pairs],
    }
    rows = [(*map(len, made.parts.values()), made.rule) for made in splits]
    named = [(file.name, *row) for file, row in zip(files, rows, strict=True)]
    columns = ("file", "train", "validation", "test", "rule")
    emit(json, document, lambda: table(columns, named))


def _found_split(dataset: "ImageDataset") -> "list[NearDuplicate]":
    from workbench.datasets.splits.leakage import references_of
    from workbench.datasets.splits.near_duplicates import near_duplicates

    with progress_bar("near-duplicates") as progress:
        found = near_duplicates(references_of(dataset), progress=progress)
        progress(1.0, "done")
    return found


def _written(splits: "list[Split]", dataset: "ImageDataset", folder: Path) -> list[Path]:
    from workbench.datasets.splits.split import write_split

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise DataError(f"{folder} cannot be made: {fault.strerror}.") from fault
    files = [folder / f"{made.name.replace(' ', '-')}.json" for made in splits]
    for made, file in zip(splits, files, strict=True):
        write_split(made, dataset, file)
    return files


datasets = typer.Typer(help="Datasets of images.", no_args_is_help=True, add_completion=False)
datasets.command("split")(split)
SHOWN = 20  # bad rows in the text; JSON has them all


@datasets.command("list")
def list_datasets(json: Json = False) -> None:
    """List the datasets that can be read."""
    from workbench.datasets.labelled import adapters

    facts = [adapter.facts for adapter in adapters().values()]
    document = [
        entry.model_dump(mode="json", exclude={"observed_range", "types"})
        | {"distortions": [kind.distortion for kind in entry.types]}
        for entry in facts
    ]
    columns = ("name", "kind", "images", "references", "score")
    rows = [(f.name, f.kind, _number(f.images), _number(f.references), _score(f)) for f in facts]
    emit(json, document, lambda: table(columns, rows))


@datasets.command("check")
def check_dataset(
    name: Annotated[str, typer.Argument(help="As `datasets list` names it.")],
    root: Annotated[Path, typer.Argument(help="Where it was unpacked.")],
    deep: Annotated[bool, typer.Option("--deep", help="Decode every image.")] = False,
    json: Json = False,
) -> None:
    """Say what is missing, unreadable or out of range, and how to obtain it; 1 if anything is."""
    from workbench.datasets.check import check

    if deep:
        with progress_bar(name) as progress:
            report = check(name, root, deep=True, progress=progress)
    else:
        report = check(name, root)
    emit(json, report.model_dump(mode="json"), lambda: _checked(report))
    if report.problems:
        raise typer.Exit(1)


@datasets.command("import")
def import_table(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv")],
    root: Annotated[
        Path | None, typer.Option(help="Folder that paths are relative to; else the table's.")
    ] = None,
    low: Annotated[float | None, typer.Option(help="Smallest possible score.")] = None,
    high: Annotated[float | None, typer.Option(help="Largest possible score.")] = None,
    lower_is_better: Annotated[
        bool, typer.Option("--lower-is-better", help="The score falls with quality.")
    ] = False,
    json: Json = False,
) -> None:
    """Preview a table of your own images and name every bad row; nothing is written.

    The table is used where it lies, as the dataset "table".
    """
    from workbench.datasets.table_preview import preview
    from workbench.distortions import catalogue

    seen = preview(
        file,
        root,
        low=low,
        high=high,
        polarity="lower is better" if lower_is_better else "higher is better",
        known=catalogue(),
    )
    emit(json, _document(seen), lambda: _previewed(seen))
    if seen.problems:
        raise typer.Exit(1)


def _document(seen: "TablePreview") -> dict[str, Any]:
    return seen.model_dump(mode="json") | {
        "distortions": [kind.distortion for kind in seen.types],
        "problems": list(seen.problems),
    }


def _checked(report: "CheckReport") -> str:
    lines = [
        f"{report.name} in {report.root}",
        f"{_many(report.images, 'image')}, {_found(report.references, report.distortions)}",
    ]
    if report.score_range is not None:
        low, high = report.score_range
        lines.append(f"{report.score} from {low:g} to {high:g}, {report.polarity}")
    lines += [f"{subset}: {_many(count, 'image')}" for subset, count in report.subsets.items()]
    return "\n".join([*lines, *(f"problem: {text}" for text in report.problems or ())])


def _previewed(seen: "TablePreview") -> str:
    understood = ", ".join(f"{name} ({field or 'ignored'})" for name, field in seen.columns.items())
    lines = [
        f"{seen.file}, {seen.encoding}, paths below {seen.root}",
        f"columns: {understood}",
        *(" | ".join(cells.values()) for cells in seen.first),
        f"{seen.images:,} of {_many(seen.rows, 'row')} can be used, "
        f"{_found(seen.references, seen.types)}",
    ]
    if seen.score_range is not None:
        low, high = seen.score_range
        origin = "as stated" if seen.stated else "as found; state it with --low and --high"
        lines.append(f"score from {low:g} to {high:g} ({origin}), {seen.polarity}")
    lines += [f"note: {note}" for note in seen.notes]
    lines += [f"problem: {text}" for text in seen.problems[:SHOWN]]
    if len(seen.problems) > SHOWN:
        lines.append(f"and {len(seen.problems) - SHOWN} more problems; --json names them all")
    return "\n".join(lines)


def _found(references: int, distortions: Sequence[object]) -> str:
    return f"{_many(references, 'reference')}, {_many(len(distortions), 'distortion')}"


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _number(count: int | None) -> str:
    return "" if count is None else f"{count:,}"


def _score(facts: "DatasetFacts") -> str:
    if facts.score_range is None:
        return facts.score
    low, high = facts.score_range
    return f"{facts.score}, {low:g} to {high:g}, {facts.polarity}"
