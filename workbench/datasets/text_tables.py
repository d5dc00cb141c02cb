"""Rows of the text tables that datasets come with; every row that cannot be read is named."""

import csv
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from workbench.errors import DataError

Row = TypeVar("Row")
T = TypeVar("T")
MOST_NAMED = 5  # faults spelled out in a message


def first_few(items: Sequence[str]) -> str:
    """Return the first items of a list and how many more there are.

    Example:
        >>> first_few(["a", "b", "c", "d", "e", "f", "g"])
        'a, b, c, d, e and 2 more'
    """
    text = ", ".join(items[:MOST_NAMED])
    return text if len(items) <= MOST_NAMED else f"{text} and {len(items) - MOST_NAMED} more"


def read_text(file: Path) -> str:
    """Return a table's text.

    Raises:
        DataError: It cannot be opened, or is not UTF-8.
    """
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as fault:
        raise DataError(
            f"{file} is no UTF-8 text ({fault.reason} at byte {fault.start}). Unpack it again, or "
            "save it as UTF-8."
        ) from None
    except OSError as fault:
        raise DataError(
            f"{file} cannot be read: {fault.strerror}. Name another file, or allow reading it."
        ) from fault


def read_words(file: Path, parse: Callable[[list[str]], T]) -> list[T]:
    """Return what `parse` makes of the words of each line that is not blank; as `parse_rows`."""
    lines = enumerate(read_text(file).splitlines(), start=1)
    return parse_rows(
        file, ((number, line.split()) for number, line in lines if line.strip()), parse
    )


def read_columns(file: Path, columns: Sequence[str], parse: Callable[[list[str]], T]) -> list[T]:
    """Return what `parse` makes of some cells of each row of a CSV with a header.

    Args:
        file: The table.
        columns: Headers, whatever their case.
        parse: Takes the cells in the order of `columns`; as in `parse_rows`.

    Raises:
        DataError: A column is missing, a row has fewer cells than the header, or cannot be read.
    """
    rows = csv_rows(file, read_text(file))
    _, first = next(rows, (1, []))
    header = [name.casefold() for name in first]
    missing = [name for name in columns if name.casefold() not in header]
    if missing:
        raise DataError(
            f"{file} has no column {first_few(missing)}; its columns are {', '.join(header)}. "
            "Take it anew from the archive."
        )
    positions = [header.index(name.casefold()) for name in columns]

    def cells_of(row: list[str]) -> T:
        if len(row) <= max(positions):
            raise ValueError(f"{len(row)} cells are too few")
        return parse([row[position] for position in positions])

    return parse_rows(file, rows, cells_of)


def csv_rows(file: Path, text: str, delimiter: str = ",") -> Iterator[tuple[int, list[str]]]:
    """Yield the line on which each row begins, since a quoted cell may hold line breaks; no blanks.

    Raises:
        DataError: The text is no CSV; names the file and the line.
    """
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter)
    begin = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield begin, [cell.strip() for cell in cells]
            begin = reader.line_num + 1
    except csv.Error as fault:
        raise DataError(
            f"{file}, line {begin}: {fault}. Mend the line, or save it again."
        ) from fault


def parse_rows(file: Path, rows: Iterable[tuple[int, Row]], parse: Callable[[Row], T]) -> list[T]:
    """Return what each row says.

    Args:
        file: The table, for the message.
        rows: Line number and content.
        parse: Raises ValueError with what is wrong.

    Raises:
        DataError: Counts the rows that cannot be read and names the first.
    """
    parsed: list[T] = []
    faults: list[str] = []
    for number, row in rows:
        try:
            parsed.append(parse(row))
        except ValueError as fault:
            faults.append(f"line {number}: {fault}")
    if faults:
        count = "1 row that" if len(faults) == 1 else f"{len(faults)} rows that"
        raise DataError(
            f"{file} has {count} cannot be read: {first_few(faults)}. Take it anew from the "
            "archive."
        )
    return parsed


def finite(text: str, what: str = "score") -> float:
    """Return a finite number.

    Raises:
        ValueError: Says what it is not.

    Example:
        >>> finite("0,5")
        Traceback (most recent call last):
        ValueError: score '0,5' is no number
    """
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{what} '{text}' is no number") from None
    if not math.isfinite(value):
        raise ValueError(f"{what} '{text}' is not finite")
    return value
