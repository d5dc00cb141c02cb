"""A user's own images: a CSV of image and score, and what else is known of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from workbench.datasets.labelled import (
    DatasetFacts,
    ImageDataset,
    LabelledImage,
    Polarity,
    Present,
    quality_of,
)
from workbench.datasets.table_preview import TablePreview, preview
from workbench.datasets.table_rows import TableRow
from workbench.datasets.text_tables import first_few
from workbench.errors import DataError, DatasetNotFoundError

FACTS = DatasetFacts(
    name="table",
    title="A table of your own",
    kind="any",
    source="",
    obtain="Write a CSV with the columns image and score, and as you have them reference, "
    "distortion, level, levels, group and subset.",
    layout=("any.csv, or a folder with one CSV", "images and references below the CSV's folder"),
    group="reference, or the column 'group'",
)


def load(root: Path) -> ImageDataset:
    """Read a table whose scores rise with quality and are mapped from their own range.

    Args:
        root: The CSV, or a folder that holds one CSV.

    Raises:
        DatasetNotFoundError: There is no CSV, or more than one.
        DataError: A row cannot be used; nothing is read then.
    """
    if root.is_file():
        return read_table(root)
    files = sorted(root.iterdir()) if root.is_dir() else []
    tables = [file for file in files if file.suffix.lower() == ".csv"]
    if len(tables) != 1:
        names = first_few([file.name for file in tables]) or "none"
        raise DatasetNotFoundError(
            f"{root} must be a CSV or a folder with one CSV; found {names}. {FACTS.obtain}"
        )
    return read_table(tables[0])


def read_table(
    file: Path,
    root: Path | None = None,
    *,
    low: float | None = None,
    high: float | None = None,
    polarity: Polarity | None = None,
    columns: Mapping[str, str] | None = None,
    name: str = FACTS.name,
) -> ImageDataset:
    """Read a table in place, under a name; the other arguments are those of `preview`.

    Raises:
        ConfigError: low is not below high.
        DataError: A row cannot be used, or the file cannot be read.
    """
    table = preview(file, root, low=low, high=high, polarity=polarity, columns=columns)
    if table.problems:
        count = len({row.line for row in table.bad})
        raise DataError(
            f"{file} has {count} bad row{'s' * (count > 1)}, so nothing was read: "
            f"{first_few(table.problems)}. `workbench datasets import` names them all."
        )
    facts = facts_of(table).model_copy(update={"name": name})
    return ImageDataset(facts, Path(table.root), tuple(_images(table.usable, facts)))


def facts_of(table: TablePreview) -> DatasetFacts:
    """Return what is known of a table without problems."""
    score = next(column for column, field in table.columns.items() if field == "score")
    return FACTS.model_copy(
        update={
            "title": Path(table.file).name,
            "score": score,
            "score_range": table.score_range,
            "polarity": table.polarity,
            "types": table.types,
        }
    )


def _images(rows: Sequence[TableRow], facts: DatasetFacts) -> list[LabelledImage]:
    types = {type.distortion: type for type in facts.types}
    return [
        LabelledImage(
            file=row.image,
            group=row.group or row.reference or row.image,
            reference=row.reference,
            present=(Present(row.distortion, row.level, types[row.distortion].levels),)
            if row.distortion
            else (),
            label=row.distortion,
            score=row.score,
            quality=quality_of(row.score, facts),
            subset=row.subset,
        )
        for row in rows
    ]
