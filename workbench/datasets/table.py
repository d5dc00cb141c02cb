"""A user's own images: a CSV of image and score, and what else is known of them."""

from collections import Counter
from pathlib import Path

from workbench.datasets.labelled import (
    DatasetFacts,
    DatasetType,
    ImageDataset,
    LabelledImage,
    Polarity,
    Present,
    quality_of,
)
from workbench.datasets.table_preview import look
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
    return read_table(_table(root))


def read_table(
    file: Path,
    root: Path | None = None,
    *,
    low: float | None = None,
    high: float | None = None,
    polarity: Polarity = "higher is better",
) -> ImageDataset:
    """Read a table in place; the arguments are those of `preview`.

    Raises:
        ConfigError: low is not below high.
        DataError: A row cannot be used, or the file cannot be read.
    """
    seen, rows = look(file, root, low=low, high=high, polarity=polarity, known=())
    if seen.problems or seen.score_range is None:
        count = Counter(row.line for row in seen.bad)
        bad = "1 bad row" if len(count) == 1 else f"{len(count)} bad rows"
        raise DataError(
            f"{file} has {bad}, so nothing was read: {first_few(seen.problems)}. "
            "`workbench datasets import` names them all."
        )
    facts = FACTS.model_copy(
        update={
            "title": file.name,
            "score": next(c for c, field in seen.columns.items() if field == "score"),
            "score_range": seen.score_range,
            "polarity": polarity,
            "types": seen.types,
        }
    )
    levels = {kind.distortion: kind for kind in seen.types}
    images = tuple(_image(row, facts, levels.get(row.distortion)) for row in rows)
    return ImageDataset(facts, Path(seen.root), images)


def _image(row: TableRow, facts: DatasetFacts, kind: DatasetType | None) -> LabelledImage:
    present = () if kind is None else (Present(kind.distortion, row.level, kind.levels),)
    return LabelledImage(
        file=row.image,
        group=row.group or row.reference or row.image,
        reference=row.reference,
        present=present,
        label=row.distortion,
        score=row.score,
        quality=quality_of(row.score, facts),
        subset=row.subset,
    )


def _table(root: Path) -> Path:
    if root.is_file():
        return root
    tables = (
        sorted(f for f in root.iterdir() if f.suffix.lower() == ".csv") if root.is_dir() else []
    )
    if len(tables) != 1:
        found = first_few([file.name for file in tables]) or "none"
        raise DatasetNotFoundError(
            f"{root} must be a CSV or a folder with one CSV; found {found}. {FACTS.obtain}"
        )
    return tables[0]
