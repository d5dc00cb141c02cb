"""Rows of a user's table, each looked at by itself and beside the others."""

import codecs
import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

from workbench.datasets.layout import FileIndex
from workbench.datasets.text_tables import finite
from workbench.errors import DataError

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}


@dataclass(frozen=True)
class TextTable:
    """Cells of a table.

    Attributes:
        encoding: As Python calls it.
        delimiter: ",", ";" or a tab.
        header: Line number and cells of the header.
        rows: Line number and cells of each row that is not blank.
    """

    encoding: str
    delimiter: str
    header: tuple[int, list[str]]
    rows: list[tuple[int, list[str]]]


def read_text_table(file: Path) -> TextTable:
    """Read a table; a byte that does not fit the encoding is shown as the sign for that, U+FFFD.

    Raises:
        DataError: The file cannot be opened, is no text or has no header.
    """
    try:
        content = file.read_bytes()
    except OSError as fault:
        raise DataError(f"{file} cannot be read: {fault.strerror}.") from fault
    encoding = next((e for mark, e in _MARKS.items() if content.startswith(mark)), "utf-8")
    if encoding != "utf-16" and b"\0" in content:
        raise DataError(
            f"{file} is no text but a binary file. Save a spreadsheet as CSV (UTF-8) first."
        )
    text = content.decode(encoding, errors="replace")
    delimiter = _delimiter(text)
    rows = list(_numbered(file, text, delimiter))
    if not rows:
        raise DataError(
            f"{file} is empty. Its first line must name the columns, such as image,score."
        )
    return TextTable(encoding, delimiter, rows[0], rows[1:])


def not_text(cell: str) -> bool:
    """Return whether a cell held bytes that are no text.

    Example:
        >>> not_text(b"caf\\xe9".decode(errors="replace"))
        True
    """
    return "\ufffd" in cell


def _delimiter(text: str) -> str:
    """Return the delimiter that the header has most of; a comma where it has none."""
    header = next((line for line in text.splitlines() if line.strip()), "")
    return max(DELIMITERS, key=header.count)


def _numbered(file: Path, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the line on which each row begins, since a quoted cell may hold line breaks."""
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter)
    begin = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield begin, [cell.strip() for cell in cells]
            begin = reader.line_num + 1
    except csv.Error as fault:
        raise DataError(f"{file}, line {begin}: {fault}.") from fault


T = TypeVar("T")
Fault = tuple[int, str]  # line, reason


@dataclass(frozen=True, slots=True)
class TableRow:
    """What one row says.

    Attributes:
        line: Where it stands in the file, from 1.
        image: Path below the root, as it is on disk.
        score: In the user's own unit.
        reference: Path below the root, or None.
        distortion: The user's id, "" for a clean or authentic image.
        level: 1..L, or None.
        levels: L as the row states it, or None.
        group: As given, "" without.
        subset: As given, "" without.
    """

    line: int
    image: str
    score: float
    reference: str | None
    distortion: str
    level: int | None
    levels: int | None
    group: str
    subset: str


def read_rows(
    rows: Sequence[tuple[int, list[str]]],
    place: Mapping[str, int],
    root: Path,
    *,
    width: int,
    low: float | None,
    high: float | None,
) -> tuple[list[TableRow], list[Fault]]:
    """Return the rows that can be used, and every reason why one cannot, by line.

    Args:
        rows: Line number and cells.
        place: Number of the column of each field.
        root: Folder that images and references lie below.
        width: Number of columns.
        low: Smallest score that is right; None where no range is stated.
        high: Largest score that is right.
    """
    files = FileIndex(root)
    good: list[TableRow] = []
    faults: list[Fault] = []
    for line, cells in rows:
        reader = _RowReader(line, cells, place, width)
        row = reader.row(files, low, high)
        faults += [(line, reason) for reason in reader.reasons]
        if row is not None:
            good.append(row)
    faults += [*_twice(good), *_levels_at_odds(good)]
    bad = {line for line, _ in faults}
    return [row for row in good if row.line not in bad], sorted(faults)


class _RowReader:
    """Reads one row and keeps every reason why it cannot be used."""

    def __init__(
        self, line: int, cells: Sequence[str], place: Mapping[str, int], width: int
    ) -> None:
        self.line, self.reasons = line, list(_shape(cells, width))
        self._cells = {} if self.reasons else {f: cells[p] for f, p in place.items()}

    def row(self, files: FileIndex, low: float | None, high: float | None) -> TableRow | None:
        if self.reasons:
            return None
        image = self._take("image", lambda text: _file(files, "image", text))
        score = self._take("score", lambda text: _score(text, low, high))
        reference = self._take("reference", lambda text: _file(files, "reference", text), "")
        level = self._take("level", lambda text: _whole("level", text), "")
        levels = self._take("levels", lambda text: _whole("levels", text), "")
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

    def _take(self, field: str, read: Callable[[str], T], optional: str | None = None) -> T | None:
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


def _shape(cells: Sequence[str], width: int) -> Iterator[str]:
    if len(cells) != width:
        yield f"{len(cells)} cells, but the header has {width}"
    if any(map(not_text, cells)):
        yield "not UTF-8; save the file as UTF-8"


def _file(files: FileIndex, what: str, text: str) -> str:
    path = PurePosixPath(text.replace("\\", "/"))
    if path.is_relative_to(files.root.as_posix()):
        path = path.relative_to(files.root.as_posix())
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(f"{what} '{text}' lies outside {files.root}; name another --root")
    found = files.find(path.as_posix())
    if found is None or not (files.root / found).is_file():
        raise ValueError(f"{what} '{text}' is missing below {files.root}")
    return found


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


def _whole(what: str, text: str) -> int:
    number = finite(text, what)
    if number < 1 or not number.is_integer():
        raise ValueError(f"{what} '{text}' is no whole number from 1")
    return int(number)


def _twice(rows: Sequence[TableRow]) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for row in rows:
        if first.setdefault(row.image, row.line) != row.line:
            yield row.line, f"image '{row.image}' is already on line {first[row.image]}"


def _levels_at_odds(rows: Sequence[TableRow]) -> Iterator[Fault]:
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
