"""CSIQ: 30 references, 6 distortions at 4 or 5 levels, 866 images."""

import re
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

from openpyxl import load_workbook

from workbench.datasets.labelled import (
    DatasetFacts,
    DatasetType,
    ImageDataset,
    LabelledImage,
    Present,
    quality_of,
)
from workbench.datasets.layout import Layout
from workbench.datasets.text_tables import finite, parse_rows, read_words
from workbench.errors import DataError

# In the order of the release's dst_idx; the spreadsheet's words for AWGN and JPEG 2000 differ from
# the file names'.
TYPES = (
    DatasetType(label="AWGN", distortion="white_noise", levels=5),
    DatasetType(label="JPEG", distortion="jpeg", levels=5),
    DatasetType(label="jpeg2000", distortion="jpeg2000", levels=5),
    DatasetType(label="fnoise", distortion="pink_noise", levels=5),
    DatasetType(label="BLUR", distortion="gaussian_blur", levels=5),
    DatasetType(label="contrast", distortion="contrast_change", levels=4),
)
_PLACE = {kind.label.casefold(): place for place, kind in enumerate(TYPES)} | {"noise": 0}

FACTS = DatasetFacts(
    name="csiq",
    title="CSIQ",
    kind="synthetic",
    source="Larson and Chandler: Most apparent distortion, Journal of Electronic Imaging 19(1), "
    "2010",
    obtain="Ask for the images at https://s2.smu.edu/~eclarson/csiq.html, unpack src_imgs.zip and "
    "dst_imgs.zip, and put csiq.DMOS.xlsx beside them.",
    layout=("src_imgs/1600.png", "dst_imgs/AWGN/1600.AWGN.1.png", "csiq.DMOS.xlsx"),
    score="DMOS",
    score_range=(0, 1),
    polarity="lower is better",
    types=TYPES,
    images=866,
    references=30,
)
SHEET, COLUMNS = "all_by_image", ("image", "dst_type", "dst_lev", "dmos")


class _Row(NamedTuple):
    place: int  # of the type
    image: str
    level: int
    score: float


def load(root: Path) -> ImageDataset:
    """Read CSIQ by type, image and level, whatever the order of the table.

    The scores come from the sheet "all_by_image" of `csiq.DMOS.xlsx` (image, dst_idx, dst_type,
    dst_lev, dmos_std, dmos, below some lines of text), or from `csiq_label.txt`
    ("1600.AWGN.1.png 0.062").

    Raises:
        DatasetNotFoundError: Both tables, or all images, are missing.
        DataError: Names the rows that cannot be read.
    """
    layout = Layout(root, FACTS)
    table = layout.table("csiq.DMOS.xlsx", "csiq_label.txt")
    if table.suffix.casefold() == ".txt":
        rows = parse_rows(table, read_words(table), _labelled)
    else:
        rows = parse_rows(table, _sheet(table), _of_sheet)
    return layout.dataset(map(partial(_image, layout), sorted(rows, key=_official)))


def _official(row: _Row) -> tuple[int, str, int]:
    """Order rows as the lists that published splits count by: "sunsetcolor" before "sunset_s"."""
    return row.place, row.image.replace("_", ""), row.level


def _image(layout: Layout, row: _Row) -> LabelledImage:
    kind = TYPES[row.place]
    return LabelledImage(
        file=layout.name(f"dst_imgs/{kind.label}/{row.image}.{kind.label}.{row.level}.png"),
        group=row.image,
        reference=layout.name(f"src_imgs/{row.image}.png"),
        present=(Present(kind.distortion, row.level, kind.levels),),
        label=kind.label,
        score=row.score,
        quality=quality_of(row.score, FACTS),
    )


def _labelled(words: list[str]) -> _Row:
    form = re.fullmatch(r"(\w+)\.(\w+)\.(\d)\.png", words[0]) if len(words) == 2 else None
    if form is None:
        raise ValueError(f"'{' '.join(words)}' is not like '1600.AWGN.1.png 0.062'")
    return _row(form[1], form[2], form[3], words[1])


def _of_sheet(cells: tuple[Any, ...]) -> _Row:
    return _row(*map(_as_text, cells))


def _as_text(cell: Any) -> str:
    """Return a cell as it is shown; the image "1600" is a number to a spreadsheet."""
    if cell is None:
        return ""
    return f"{cell:g}" if isinstance(cell, float) and cell.is_integer() else str(cell)


def _row(image: str, kind: str, level: str, score: str) -> _Row:
    place = _PLACE.get(kind.casefold().replace(" ", ""))
    if place is None:
        raise ValueError(f"'{kind}' is no type of CSIQ")
    if not image:
        raise ValueError("no image is named")
    number = finite(level, "level")
    if number not in range(1, TYPES[place].levels + 1):
        raise ValueError(f"level {level} of {kind} is not 1 to {TYPES[place].levels}")
    return _Row(place, image.casefold(), int(number), finite(score))


def _sheet(table: Path) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Yield line number and (image, type, level, score) of each row below the header."""
    places: list[int] = []
    for number, cells in enumerate(_cells(table), start=1):
        if places and any(cells[place] is not None for place in places):
            yield number, tuple(cells[place] for place in places)
        elif all(name in cells for name in COLUMNS):
            places = [cells.index(name) for name in COLUMNS]
    if not places:
        raise DataError(f"{table}: the sheet '{SHEET}' has no header {', '.join(COLUMNS)}.")


def _cells(table: Path) -> list[tuple[Any, ...]]:
    try:
        with closing(load_workbook(table, read_only=True, data_only=True)) as book:
            sheet = book[SHEET]
            sheet.reset_dimensions()  # the size that the file states need not be right
            rows = [tuple(row) for row in sheet.iter_rows(values_only=True)]
    except (BadZipFile, KeyError, OSError, ValueError) as fault:
        raise DataError(f"{table} has no readable sheet '{SHEET}' ({fault}).") from fault
    width = max((len(row) for row in rows), default=0)
    return [row + (None,) * (width - len(row)) for row in rows]
