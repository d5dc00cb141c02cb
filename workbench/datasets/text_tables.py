"""Rows of the text tables that datasets come with; every row that cannot be read is named."""

import csv
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from workbench.errors import DataError

R = TypeVar("R")
T = TypeVar("T")
NAMED = 5  # faults spelled out in a message


def first_few(items: Sequence[str]) -> str:
    """Return the first items of a list and how many more there are.

    Example:
        >>> first_few(["a", "b", "c", "d", "e", "f", "g"])
        'a, b, c, d, e and 2 more'
    """
    shown = ", ".join(items[:NAMED])
    return shown if len(items) <= NAMED else f"{shown} and {len(items) - NAMED} more"


def read_text(file: Path) -> str:
    """Return a table's text.

    Raises:
        DataError: It cannot be opened, or is not UTF-8.
    """
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as fault:
        raise DataError(
            f"{file} is no UTF-8 text ({fault.reason} at byte {fault.start})."
        ) from None
    except OSError as fault:
        raise DataError(f"{file} cannot be read: {fault.strerror}.") from fault


def read_words(file: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield line number and words of each line that is not blank."""
    for number, line in enumerate(read_text(file).splitlines(), start=1):
        if line.strip():
            yield number, line.split()


def read_columns(file: Path, columns: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield line number and the cells of some columns of a CSV with a header.

    Args:
        file: The table.
        columns: Headers, whatever their case.

    Raises:
        DataError: A column is missing or a row has fewer cells than the header.
    """
    lines = _csv_lines(file)
    _, first = next(lines, (1, []))
    header = [name.casefold() for name in first]
    missing = [name for name in columns if name.casefold() not in header]
    if missing:
        raise DataError(
            f"{file} has no column {first_few(missing)}; its columns are {', '.join(header)}."
        )
    places = [header.index(name.casefold()) for name in columns]
    for number, row in lines:
        if len(row) <= max(places):
            raise DataError(f"{file}, line {number}: {len(row)} cells are too few.")
        yield number, [row[place] for place in places]


def _csv_lines(file: Path) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(read_text(file).splitlines())
    try:
        for row in reader:
            if any(row):
                yield reader.line_num, [cell.strip() for cell in row]
    except csv.Error as fault:
        raise DataError(f"{file}, line {reader.line_num}: {fault}.") from fault


def parse_rows(
    file: Path, rows: Iterable[tuple[int, R]], parse: Callable[[R], T | None]
) -> list[T]:
    """Return what each row says; rows that say nothing (None) are left out.

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
            if (value := parse(row)) is not None:
                parsed.append(value)
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
