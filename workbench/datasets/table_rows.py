"""Rows of a user's table, each checked by itself and against the rest."""

import codecs
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

from workbench.datasets.layout import FileIndex
from workbench.datasets.text_tables import csv_rows, finite
from workbench.errors import DataError

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_DELIMITERS = (",", ";", "\t")
_NO_TEXT = "\ufffd"  # what bytes that do not fit the encoding are shown as

T = TypeVar("T")
Fault = tuple[int, str]  # line, reason


@dataclass(frozen=True)
class TextTable:
    """Cells of a table."""

    encoding: str  # as Python calls it
    delimiter: str  # ",", ";" or a tab
    header: tuple[int, list[str]]  # line number and cells of the header
    rows: list[tuple[int, list[str]]]  # line number and cells of each row that is not blank


def read_text_table(file: Path) -> TextTable:
    """Read a table; a byte that does not fit the encoding is shown as the sign for that, U+FFFD.

    Raises:
        DataError: The file cannot be opened, is no text or has no header.
    """
    try:
        content = file.read_bytes()
    except OSError as fault:
        raise DataError(
            f"{file} cannot be read: {fault.strerror}. Name the CSV, or allow reading it."
        ) from fault
    encoding = next((e for mark, e in _MARKS.items() if content.startswith(mark)), "utf-8")
    if encoding != "utf-16" and b"\0" in content:
        raise DataError(
            f"{file} is no text but a binary file. Save a spreadsheet as CSV (UTF-8) first."
        )
    text = content.decode(encoding, errors="replace")
    header = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(_DELIMITERS, key=header.count)  # the one that the header has most of
    rows = list(csv_rows(file, text, delimiter))
    if not rows:
        raise DataError(
            f"{file} is empty. Its first line must name the columns, such as image,score."
        )
    return TextTable(encoding, delimiter, rows[0], rows[1:])


@dataclass(frozen=True, slots=True)
class TableRow:
    """What one row says."""

    line: int  # where it stands in the file, from 1
    image: str  # path below the root, as it is on disk
    score: float  # in the user's own unit
    reference: str | None  # path below the root, or None
    distortion: str  # the user's id, "" for a clean or authentic image
    level: int | None  # 1..L, or None
    levels: int | None  # L as the row states it, or None
    group: str  # as the row states it, "" without
    subset: str  # as the row states it, "" without


def read_rows(
    table: TextTable,
    columns: Mapping[str, int],
    root: Path,
    *,
    low: float | None,
    high: float | None,
) -> tuple[list[TableRow], list[Fault]]:
    """Return the rows that can be used, and every reason why one cannot, by line.

    Args:
        table: Header and rows.
        columns: Index of each field's column.
        root: Folder that images and references lie below.
        low: Smallest score that is right; None where no range is stated.
        high: Largest score that is right.
    """
    files = FileIndex(root)
    rows: list[TableRow] = []
    faults: list[Fault] = []
    for line, cells in table.rows:
        reader = _RowReader(line, cells, columns, len(table.header[1]))
        row = reader.row(files, low, high)
        faults += [(line, reason) for reason in reader.reasons]
        if row is not None:
            rows.append(row)
    faults += [*_repeated_images(rows), *_contradictory_levels(rows)]
    bad = {line for line, _ in faults}
    return [row for row in rows if row.line not in bad], sorted(faults)


class _RowReader:
    """Reads one row and collects every reason why it cannot be used."""

    def __init__(
        self, line: int, cells: Sequence[str], columns: Mapping[str, int], width: int
    ) -> None:
        self.line = line
        self.reasons: list[str] = []
        if len(cells) != width:
            self.reasons.append(f"{len(cells)} cells, but the header has {width}")
        if any(_NO_TEXT in cell for cell in cells):
            self.reasons.append("not UTF-8; save the file as UTF-8")
        self._cells = {} if self.reasons else {f: cells[i] for f, i in columns.items()}

    def row(self, files: FileIndex, low: float | None, high: float | None) -> TableRow | None:
        if self.reasons:
            return None
        image = self._read("image", lambda text: _file(files, "image", text))
        score = self._read("score", lambda text: _score(text, low, high))
        reference = self._read("reference", lambda text: _file(files, "reference", text), "")
        level = self._read("level", lambda text: _positive("level", text), "")
        levels = self._read("levels", lambda text: _positive("levels", text), "")
        distortion = self._cells.get("distortion", "")
        if level is not None and not distortion:
            self.reasons.append("level without distortion")
        if level is not None and levels is not None and level > levels:
            self.reasons.append(f"level {level} is not 1 to {levels}")
        if self.reasons or image is None or score is None:
            return None
        group, subset = self._cells.get("group", ""), self._cells.get("subset", "")
        return TableRow(
            self.line, image, score, reference, distortion, level, levels, group, subset
        )

    def _read(self, field: str, read: Callable[[str], T], optional: str | None = None) -> T | None:
        """Return what a cell says; None with a reason, or without one where it may be empty."""
        text = self._cells.get(field, "")
        if text == optional:
            return None
        if not text:
            self.reasons.append(f"empty cell: {field}")
            return None
        try:
            return read(text)
        except ValueError as fault:
            self.reasons.append(str(fault))
            return None


def _file(files: FileIndex, what: str, text: str) -> str:
    path = PurePosixPath(text.replace("\\", "/"))
    if path.is_relative_to(files.root.as_posix()):
        path = path.relative_to(files.root.as_posix())
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(f"{what} '{text}' lies outside {files.root}; name another --root")
    file = files.find(path.as_posix())
    if file is None or not (files.root / file).is_file():
        raise ValueError(f"{what} '{text}' is missing below {files.root}")
    return file


def _score(text: str, low: float | None, high: float | None) -> float:
    try:
        score = finite(text)
    except ValueError as fault:
        decimal = "; write a point for the decimals" if text.count(",") == 1 else ""
        raise ValueError(f"{fault}{decimal}") from None
    if (low is not None and score < low) or (high is not None and score > high):
        stated = " to ".join("any" if end is None else f"{end:g}" for end in (low, high))
        raise ValueError(f"score {text} is out of the stated range, {stated}")
    return score


def _positive(what: str, text: str) -> int:
    number = finite(text, what)
    if number < 1 or not number.is_integer():
        raise ValueError(f"{what} '{text}' is no whole number from 1")
    return int(number)


def _repeated_images(rows: Sequence[TableRow]) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for row in rows:
        if first.setdefault(row.image, row.line) != row.line:
            yield row.line, f"image '{row.image}' is already on line {first[row.image]}"


def _contradictory_levels(rows: Sequence[TableRow]) -> Iterator[Fault]:
    """Yield the rows whose distortion has other levels, or levels at all, on an earlier line."""
    first: dict[str, TableRow] = {}
    for row in rows:
        before = first.setdefault(row.distortion, row)
        if not row.distortion:
            continue
        if (row.level is None) != (before.level is None):
            which = "no level" if row.level is None else "a level"
            yield row.line, f"'{row.distortion}' has {which} here, unlike on line {before.line}"
        elif row.levels != before.levels:
            yield (
                row.line,
                f"'{row.distortion}' has {row.levels or 'no'} levels here and "
                f"{before.levels or 'none'} stated on line {before.line}",
            )
