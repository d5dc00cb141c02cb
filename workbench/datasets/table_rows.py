"""Rows of a user's table, each checked by itself and against the rest."""

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path, PurePosixPath
from typing import TypeVar

from workbench.datasets.layout import FileIndex
from workbench.datasets.text_tables import finite
from workbench.errors import DataError
from workbench.text_files import (
    MOST_TABLE,
    TextFault,
    decoded,
    encoding_of,
    lines,
    printable,
    read_csv,
    read_file,
    with_decimal_point,
)

NO_TEXT = "\ufffd"  # what bytes that do not fit the encoding are shown as

_NUMERIC = {"score", "level", "levels"}

T = TypeVar("T")
Fault = tuple[int, str]  # line, reason


@dataclass(frozen=True)
class TextTable:
    """Cells of a table, without blanks around them."""

    encoding: str  # as Python calls it
    delimiter: str  # one character
    decimal_comma: bool  # whether a comma can be the decimal mark
    damaged: bool  # whether bytes that do not fit the encoding are shown as U+FFFD
    header: tuple[int, list[str]]  # line number and cells of the header
    rows: list[tuple[int, list[str]]]  # line number and cells of each row that is not blank


def read_text_table(file: Path) -> TextTable:
    """Read a table; a byte that does not fit the encoding is shown as the sign for that, U+FFFD.

    Raises:
        DataError: The file cannot be opened, is no text or has no header.
    """
    try:
        content = read_file(file, MOST_TABLE)
    except TextFault as fault:
        raise DataError(f"{file} {fault}. Nothing was read.") from None
    except OSError as fault:
        raise DataError(
            f"{file} cannot be read: {fault.strerror}. Name the CSV, or allow reading it."
        ) from fault
    encoding, damaged = encoding_of(content), False
    try:
        text = decoded(content)
    except TextFault as fault:
        if not fault.line:
            raise DataError(f"{file} {fault}. Nothing was read.") from None
        text, damaged = content.decode(encoding, errors="replace"), True
    if "\0" in text:
        line = len(lines(text.partition("\0")[0] + "."))
        raise DataError(
            f"{file} is no text but a binary file (a NUL character in line {line}). Save a "
            "spreadsheet as CSV (UTF-8) first."
        )
    try:
        table = read_csv(text)
    except TextFault as fault:
        raise DataError(
            f"{file}, line {fault.line}: {fault}. Mend the line, or save it again."
        ) from None
    line, header = table.header
    if not header:
        raise DataError(
            f"{file} is empty. Its first line must name the columns, such as image,score."
        )
    return TextTable(
        encoding,
        table.delimiter,
        table.decimal_comma,
        damaged,
        (line, _stripped(header)),
        [(number, _stripped(cells)) for number, cells in table.rows],
    )


def _stripped(cells: Sequence[str]) -> list[str]:
    return [cell.strip() for cell in cells]


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
    files = _Files(root)
    rows: list[TableRow] = []
    faults: list[Fault] = []
    for line, cells in table.rows:
        reader = _RowReader(line, cells, columns, table)
        row = reader.row(files, low, high)
        faults += [(line, reason) for reason in reader.reasons]
        if row is not None:
            rows.append(row)
    faults += [*_repeated_images(rows), *_contradictory_levels(rows)]
    faults += _mixed_decimal_marks(table, columns["score"])
    bad = {line for line, _ in faults}
    return [row for row in rows if row.line not in bad], sorted(faults)


class _Files:
    """The files below the root that a table may name."""

    def __init__(self, root: Path) -> None:
        self._root, self._index = root, FileIndex(root)

    def find(self, what: str, text: str) -> str:
        """Return the path that a cell names as it is on disk.

        Raises:
            ValueError: It leads out of the root, holds a control character, or there is no such
                file.
        """
        path = PurePosixPath(text.replace("\\", "/"))
        if path.is_relative_to(self._root.as_posix()):
            path = path.relative_to(self._root.as_posix())
        called = f"{what} '{printable(text)}'"
        if path.is_absolute() or ".." in path.parts:
            raise ValueError(f"{called} lies outside {self._root}; name another --root")
        if any(unicodedata.category(character) == "Cc" for character in text):
            raise ValueError(f"{called} has a control character in its name; rename the file")
        file = self._index.find(path.as_posix())
        if file is None or not (self._root / file).is_file():
            raise ValueError(f"{called} is missing below {self._root}{self._elsewhere(path)}")
        return file

    def _elsewhere(self, path: PurePosixPath) -> str:
        """Say so if the file lies one folder deeper, as published tables leave out the folder."""
        for folder in self._folders:
            if self._index.find(f"{folder}/{path}"):
                return f"; it lies in {folder}: name that folder in the table, or with --root"
        return ""

    @cached_property
    def _folders(self) -> list[str]:
        names = [name for name in self._index.names("") if not name.startswith(".")]
        return [name for name in names if (self._root / name).is_dir()]


class _RowReader:
    """Reads one row and collects every reason why it cannot be used."""

    def __init__(
        self, line: int, cells: Sequence[str], columns: Mapping[str, int], table: TextTable
    ) -> None:
        self.line = line
        self.reasons: list[str] = []
        self._header, self._columns = table.header[1], columns
        self._decimal_comma = table.decimal_comma
        if len(cells) != len(self._header):
            self.reasons.append(f"{len(cells)} cells, but the header has {len(self._header)}")
        elif table.damaged:
            self.reasons += [
                f"column '{printable(name)}' is not UTF-8; save the file as 'CSV UTF-8'"
                for name, cell in zip(self._header, cells, strict=True)
                if NO_TEXT in cell
            ]
        self._cells = {} if self.reasons else {f: cells[i] for f, i in columns.items()}

    def row(self, files: _Files, low: float | None, high: float | None) -> TableRow | None:
        if self.reasons:
            return None
        image = self._read("image", partial(files.find, "image"))
        score = self._read("score", lambda text: self._score(text, low, high))
        reference = self._read("reference", partial(files.find, "reference"), "")
        level = self._read("level", partial(_positive, "level"), "")
        levels = self._read("levels", partial(_positive, "levels"), "")
        distortion = self._label("distortion")
        if level is not None and not distortion:
            self.reasons.append("level without distortion")
        if level is not None and levels is not None and level > levels:
            self.reasons.append(f"level {level} is not 1 to {levels}")
        if self.reasons or image is None or score is None:
            return None
        group, subset = self._label("group"), self._label("subset")
        return TableRow(
            self.line, image, score, reference, distortion, level, levels, group, subset
        )

    def _label(self, field: str) -> str:
        """Return a name that rows share; one that is written in two normal forms is one."""
        return unicodedata.normalize("NFC", self._cells.get(field, ""))

    def _score(self, text: str, low: float | None, high: float | None) -> float:
        score = finite(text)
        if (low is not None and score < low) or (high is not None and score > high):
            stated = " to ".join("any" if end is None else f"{end:g}" for end in (low, high))
            raise ValueError(f"score {text} is out of the stated range, {stated}")
        return score

    def _read(self, field: str, read: Callable[[str], T], optional: str | None = None) -> T | None:
        """Return what a cell says; None with a reason, or without one where it may be empty."""
        text = self._cells.get(field, "")
        if text == optional:
            return None
        column = self._header[self._columns[field]]
        numeric = field in _NUMERIC
        called = "" if column.casefold() == field else f" (column '{printable(column)}')"
        if not text:
            self.reasons.append(f"empty cell: {field}{called}")
            return None
        try:
            return read(with_decimal_point(text) if numeric and self._decimal_comma else text)
        except ValueError as fault:
            comma = numeric and text.count(",") == 1 and with_decimal_point(text) != text
            decimal = "; write a point for the decimals" if comma else ""
            self.reasons.append(f"{fault}{called}{decimal}")
            return None


def _mixed_decimal_marks(table: TextTable, column: int) -> Iterator[Fault]:
    """Yield the first score with the other decimal mark: "1.234" may be a thousand there."""
    scores = [(line, cells[column]) for line, cells in table.rows if column < len(cells)]
    commas = [(line, text) for line, text in scores if with_decimal_point(text) != text]
    points = [(line, text) for line, text in scores if "." in text]
    if table.decimal_comma and commas and points:
        (first, before), (line, text) = sorted((commas[0], points[0]))
        yield (
            line,
            f"score '{printable(text)}' has another decimal mark than '{printable(before)}' on "
            f"line {first}; write one of them everywhere",
        )


def _positive(what: str, text: str) -> int:
    number = finite(text, what)
    if number < 1 or not number.is_integer():
        raise ValueError(f"{what} '{text}' is no whole number from 1")
    return int(number)


def _repeated_images(rows: Sequence[TableRow]) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for row in rows:
        if first.setdefault(row.image, row.line) != row.line:
            yield row.line, f"image '{printable(row.image)}' is already on line {first[row.image]}"


def _contradictory_levels(rows: Sequence[TableRow]) -> Iterator[Fault]:
    """Yield the rows whose distortion has other levels, or levels at all, on an earlier line."""
    first: dict[str, TableRow] = {}
    for row in rows:
        before, called = first.setdefault(row.distortion, row), printable(row.distortion)
        if not row.distortion:
            continue
        if (row.level is None) != (before.level is None):
            which = "no level" if row.level is None else "a level"
            yield row.line, f"'{called}' has {which} here, unlike on line {before.line}"
        elif row.levels != before.levels:
            yield (
                row.line,
                f"'{called}' has {row.levels or 'no'} levels here and "
                f"{before.levels or 'none'} stated on line {before.line}",
            )
