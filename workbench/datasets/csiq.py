"""CSIQ: 30 references, 6 distortions at 4 or 5 levels, 866 images."""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile, ZipFile

from openpyxl import load_workbook

from workbench.datasets.labelled import DatasetFacts, DatasetType, ImageDataset, LabelledImage
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
_INDEX = {type.label.casefold(): index for index, type in enumerate(TYPES)} | {"noise": 0}

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
MOST_UNPACKED = 20_000_000  # bytes of the workbook; the release's has some hundred thousand
SHEET, COLUMNS = "all_by_image", ("image", "dst_type", "dst_lev", "dmos")


class _Row(NamedTuple):
    type: int  # index of the type
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
        rows = read_words(table, _row_of_words)
    else:
        rows = parse_rows(table, _sheet_rows(table), lambda cells: _row(*map(_as_text, cells)))
    rows.sort(key=_official_order)
    return layout.dataset(_image(layout, row) for row in rows)


def _official_order(row: _Row) -> tuple[int, str, int]:
    """Order rows as the lists that published splits count by: "sunsetcolor" before "sunset_s"."""
    return row.type, row.image.replace("_", ""), row.level


def _image(layout: Layout, row: _Row) -> LabelledImage:
    type = TYPES[row.type]
    return layout.image(
        f"dst_imgs/{type.label}/{row.image}.{type.label}.{row.level}.png",
        row.image,
        score=row.score,
        reference=f"src_imgs/{row.image}.png",
        type=type,
        level=row.level,
    )


def _row_of_words(words: list[str]) -> _Row:
    form = re.fullmatch(r"(\w+)\.(\w+)\.(\d)\.png", words[0]) if len(words) == 2 else None
    if form is None:
        raise ValueError(f"'{' '.join(words)}' is not like '1600.AWGN.1.png 0.062'")
    return _row(form[1], form[2], form[3], words[1])


def _as_text(cell: Any) -> str:
    """Return a cell as it is shown; the image "1600" is a number to a spreadsheet."""
    if cell is None:
        return ""
    return f"{cell:g}" if isinstance(cell, float) and cell.is_integer() else str(cell)


def _row(image: str, label: str, level: str, score: str) -> _Row:
    index = _INDEX.get(label.casefold().replace(" ", ""))
    if index is None:
        raise ValueError(f"'{label}' is no type of CSIQ")
    if not image:
        raise ValueError("no image is named")
    number = finite(level, "level")
    if number not in range(1, TYPES[index].levels + 1):
        raise ValueError(f"level {level} of {label} is not 1 to {TYPES[index].levels}")
    return _Row(index, image.casefold(), int(number), finite(score))


def _sheet_rows(table: Path) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Yield line number and (image, type, level, score) of each row below the header."""
    columns: list[int] = []
    for number, cells in enumerate(_cells(table), start=1):
        if columns and any(cells[column] is not None for column in columns):
            yield number, tuple(cells[column] for column in columns)
        elif all(name in cells for name in COLUMNS):
            columns = [cells.index(name) for name in COLUMNS]
    if not columns:
        raise DataError(
            f"{table}: the sheet '{SHEET}' has no header {', '.join(COLUMNS)}. Take it anew from "
            "the release."
        )


def _cells(table: Path) -> list[tuple[Any, ...]]:
    try:
        with ZipFile(table) as packed:
            if sum(member.file_size for member in packed.infolist()) > MOST_UNPACKED:
                raise ValueError(f"more than {MOST_UNPACKED // 1_000_000} MB when unpacked")
        with closing(load_workbook(table, read_only=True, data_only=True)) as book:
            sheet = book[SHEET]
            sheet.reset_dimensions()  # the size that the file states need not be right
            rows = [tuple(row) for row in sheet.iter_rows(values_only=True)]
    except (BadZipFile, KeyError, OSError, ValueError) as fault:
        raise DataError(
            f"{table} has no readable sheet '{SHEET}' ({fault}). Take it anew from the release."
        ) from fault
    width = max((len(row) for row in rows), default=0)
    return [row + (None,) * (width - len(row)) for row in rows]
