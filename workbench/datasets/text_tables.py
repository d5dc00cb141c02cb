"""Rows of the text tables that datasets come with; every row that cannot be read is named."""

import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from workbench.errors import DataError
from workbench.text_files import (
    MOST_TABLE,
    TextFault,
    decoded,
    lines,
    number,
    printable,
    read_csv,
    read_file,
    with_decimal_point,
)

Row = TypeVar("Row")
T = TypeVar("T")
MOST_NAMED = 5  # faults spelled out in a message
_NOT_FINITE = {"nan", "inf", "infinity"}


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
        DataError: It cannot be opened, or is no text.
    """
    try:
        return decoded(read_file(file, MOST_TABLE))
    except TextFault as fault:
        line = f", line {fault.line}," if fault.line else ""
        raise DataError(f"{file}{line} {fault}. Or unpack it again.") from None
    except OSError as fault:
        raise DataError(
            f"{file} cannot be read: {fault.strerror}. Name another file, or allow reading it."
        ) from fault


def read_words(file: Path, parse: Callable[[list[str]], T]) -> list[T]:
    """Return what `parse` makes of the words of each line that is not blank; as `parse_rows`."""
    numbered = enumerate(lines(read_text(file)), start=1)
    return parse_rows(file, ((n, line.split()) for n, line in numbered if line.strip()), parse)


def read_columns(file: Path, columns: Sequence[str], parse: Callable[[list[str]], T]) -> list[T]:
    """Return what `parse` makes of some cells of each row of a CSV with a header.

    Args:
        file: The table.
        columns: Headers, whatever their case.
        parse: Takes the cells in the order of `columns`; as in `parse_rows`.

    Raises:
        DataError: A column is missing, a row has fewer cells than the header, or cannot be read.
    """
    try:
        table = read_csv(read_text(file))
    except TextFault as fault:
        raise DataError(
            f"{file}, line {fault.line}: {fault}. Mend the line, or save it again."
        ) from None
    header = [name.strip().casefold() for name in table.header[1]]
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
        cells = [row[position].strip() for position in positions]
        return parse([with_decimal_point(c) for c in cells] if table.decimal_comma else cells)

    return parse_rows(file, table.rows, cells_of)


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
    for line, row in rows:
        try:
            parsed.append(parse(row))
        except ValueError as fault:
            faults.append(f"line {line}: {printable(str(fault))}")
    if faults:
        count = "1 row that" if len(faults) == 1 else f"{len(faults)} rows that"
        raise DataError(
            f"{file} has {count} cannot be read: {first_few(faults)}. Take it anew from the "
            "archive."
        )
    return parsed


def finite(text: str, what: str = "score") -> float:
    """Return a finite number in plain decimal notation.

    Raises:
        ValueError: Says what it is not.

    Example:
        >>> finite("0,5")
        Traceback (most recent call last):
        ValueError: score '0,5' is no number
    """
    try:
        value = math.inf if text.lstrip("+-").casefold() in _NOT_FINITE else number(text)
    except ValueError:
        raise ValueError(f"{what} '{printable(text)}' is no number") from None
    if not math.isfinite(value):
        raise ValueError(f"{what} '{text}' is not finite")
    return value
