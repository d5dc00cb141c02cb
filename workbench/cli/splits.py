"""Divide a dataset into training, validation and test on the command line."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from workbench.cli.console import Json, emit, progress_bar, table
from workbench.datasets.adapters import adapters
from workbench.datasets.labelled import ImageDataset
from workbench.datasets.splits.files import write_split
from workbench.datasets.splits.grouped import grouped_splits, official_split
from workbench.datasets.splits.leakage import check_split, merge_near_duplicates, references_of
from workbench.datasets.splits.near_duplicates import NearDuplicate, near_duplicates
from workbench.datasets.splits.published import published_splits
from workbench.datasets.splits.split import Split
from workbench.errors import ConfigError, DataError

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
    given = official or published is not None
    if (official and published is not None) or (given and duplicates == "merge"):
        raise ConfigError(
            "Give one of --official and --published, and neither with --near-duplicates merge: a "
            "split that others made cannot be regrouped."
        )
    dataset = adapters()[name].load(root)
    groups: tuple[str, ...] = tuple(image.group for image in dataset.images)
    pairs = [] if duplicates == "ignore" else _found(dataset)
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


def _found(dataset: ImageDataset) -> list[NearDuplicate]:
    with progress_bar("near-duplicates") as progress:
        found = near_duplicates(references_of(dataset), progress=progress)
        progress(1.0, "done")
    return found


def _written(splits: list[Split], dataset: ImageDataset, folder: Path) -> list[Path]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise DataError(f"{folder} cannot be made: {fault.strerror}.") from fault
    files = [folder / f"{made.name.replace(' ', '-')}.json" for made in splits]
    for made, file in zip(splits, files, strict=True):
        write_split(made, dataset, file)
    return files
