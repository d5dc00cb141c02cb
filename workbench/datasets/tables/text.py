"""A user's table as text: its encoding and delimiter found out, its lines numbered."""

import codecs
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

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
