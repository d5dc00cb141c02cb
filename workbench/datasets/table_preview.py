"""What a user's table holds, how its columns are read, and every row that cannot be used."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from pydantic import Field

from workbench.datasets.labelled import DatasetType, Polarity
from workbench.datasets.table_header import REQUIRED, direction_of, read_header, what_to_state
from workbench.datasets.table_rows import (
    NO_TEXT,
    TableRow,
    TextTable,
    read_rows,
    read_text_table,
)
from workbench.datasets.text_tables import first_few
from workbench.domain.canonical import Frozen
from workbench.errors import ConfigError, DataError
from workbench.text_files import printable, with_decimal_point

FIRST_ROWS = 5  # of the preview


class BadRow(Frozen):
    """A row that cannot be used."""

    line: int  # where it stands in the file, from 1; the header's for a fault of a column
    reason: str  # what is wrong with it; a row can be here twice


class TablePreview(Frozen):
    """A user's table as it would be used."""

    file: str  # the table
    root: str  # folder that its paths are relative to
    encoding: str  # as Python calls it
    delimiter: str  # ",", ";" or a tab
    columns: dict[str, str]  # field that each column is taken for, "" for one that is ignored
    rows: int  # rows below the header, bad ones among them
    first: tuple[dict[str, str], ...]  # the first rows, cells by column
    bad: tuple[BadRow, ...]  # every fault, by line
    notes: tuple[str, ...]  # what its author may want to know
    images: int  # rows that can be used
    references: int  # different references of these
    types: tuple[DatasetType, ...]  # distortions of these in the order in which they come
    # smallest and largest score, as stated or as in the file; None without any
    score_range: tuple[float, float] | None
    stated: bool  # whether the range was stated
    polarity: Polarity | None  # direction of the score; None where it must be stated
    stated_columns: dict[str, str]  # field to the name of its column, as the user stated them
    # the rows that can be used; no part of the JSON
    usable: tuple[TableRow, ...] = Field((), exclude=True, repr=False)

    @property
    def problems(self) -> tuple[str, ...]:
        """Every fault with its line."""
        return tuple(f"line {row.line}: {row.reason}" for row in self.bad)


def preview(
    file: Path,
    root: Path | None = None,
    *,
    low: float | None = None,
    high: float | None = None,
    polarity: Polarity | None = None,
    columns: Mapping[str, str] | None = None,
    known: Collection[str] = (),
) -> TablePreview:
    """Read a table and every fault in it.

    Args:
        file: CSV with a header; its columns are described in docs/datasets.md.
        root: Folder that paths are relative to; the table's own without.
        low: Smallest possible score; the smallest of the file without.
        high: Largest possible score; the largest of the file without.
        polarity: Direction of the score; without, as the table is known to mean it.
        columns: Field to the name of its column, for columns that are not known by name.
        known: Ids of the catalogue; a distortion that is not among them is noted.

    Raises:
        ConfigError: low is not below high, or not finite.
        DataError: The file cannot be opened, is no text or is empty.
    """
    if not all(end is None or math.isfinite(end) for end in (low, high)):
        raise ConfigError(f"The range of scores, {low} to {high}, must have finite ends.")
    if low is not None and high is not None and low >= high:
        raise ConfigError(
            f"The smallest score, {low:g}, must be below the largest, {high:g}; state both ends of "
            "the scale."
        )
    base = file.parent if root is None else root
    _require_utf8(file, base)
    table = read_text_table(file)
    line, header = table.header
    read = read_header(header, columns)
    faults = [(line, fault) for fault in read.faults]
    if table.damaged and any(NO_TEXT in name for name in header):
        faults.append((line, "the header is not UTF-8; save the file as 'CSV UTF-8'"))
    if any(field not in read.index for field in REQUIRED):
        faults.append((line, what_to_state(table, read, file)))
    notes = list(read.notes)
    rows: list[TableRow] = []
    if not faults:
        polarity, direction_notes, unclear = direction_of(table, read.index, polarity)
        notes += direction_notes
        faults += [(line, fault) for fault in unclear]
        rows, bad_rows = read_rows(table, read.index, base, low=low, high=high)
        faults += bad_rows
        notes += _decimal_notes(table, read.index["score"])
    score_range = _range(rows, low, high)
    if not faults and score_range is None:
        equal = "all scores are equal; state --low and --high"
        faults.append((line, equal if rows else "there is no row below the header"))
    types = _types(rows)
    return TablePreview(
        file=str(file),
        root=str(base),
        encoding=table.encoding,
        delimiter=table.delimiter,
        columns=read.meaning,
        rows=len(table.rows),
        first=tuple(dict(zip(header, cells, strict=False)) for _, cells in table.rows[:FIRST_ROWS]),
        bad=tuple(BadRow(line=number, reason=reason) for number, reason in faults),
        notes=(*notes, *_notes(rows, types, known)),
        images=len(rows),
        references=len({row.reference for row in rows if row.reference}),
        types=types,
        score_range=score_range,
        stated=low is not None and high is not None,
        polarity=polarity,
        stated_columns=dict(columns or {}),
        usable=tuple(rows),
    )


def _require_utf8(*paths: Path) -> None:
    for path in paths:
        try:
            str(path).encode()
        except UnicodeEncodeError:
            name = str(path).encode("utf-8", "backslashreplace").decode()
            raise DataError(
                f"{name} has a name that is not UTF-8, which no registration can hold. Rename it."
            ) from None


def _decimal_notes(table: TextTable, column: int) -> Iterator[str]:
    scores = (cells[column] for _, cells in table.rows if column < len(cells))
    comma = next((score for score in scores if with_decimal_point(score) != score), None)
    if table.decimal_comma and comma is not None:
        yield f"Scores have a decimal comma: '{comma}' is {with_decimal_point(comma)}."


def _range(
    rows: Sequence[TableRow], low: float | None, high: float | None
) -> tuple[float, float] | None:
    scores = [row.score for row in rows]
    smallest = min(scores, default=None) if low is None else low
    largest = max(scores, default=None) if high is None else high
    if smallest is None or largest is None or smallest >= largest:
        return None
    return smallest, largest


def _types(rows: Sequence[TableRow]) -> tuple[DatasetType, ...]:
    """Return the distortions; one has as many levels as stated, else as its largest level."""
    levels: dict[str, int] = {}
    for row in rows:
        if row.distortion:
            most = max(levels.get(row.distortion, 0), row.levels or row.level or 0)
            levels[row.distortion] = most
    return tuple(DatasetType(label=d, distortion=d, levels=count) for d, count in levels.items())


def _notes(
    rows: Sequence[TableRow], types: Sequence[DatasetType], known: Collection[str]
) -> list[str]:
    notes = []
    stated = {row.distortion for row in rows if row.levels}
    guessed = [f"{t.label} {t.levels}" for t in types if t.levels and t.label not in stated]
    if guessed:
        notes.append(
            f"Levels by the largest found: {first_few(guessed)}. A column 'levels' can say more."
        )
    lone = sum(1 for row in rows if row.distortion and not (row.reference or row.group))
    if lone:
        notes.append(
            f"{lone} distorted images have neither reference nor group, so a split treats each as "
            "a picture of its own."
        )
    for name in [t.distortion for t in types if known and t.distortion not in known]:
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean '{near[0]}'?" if near else "it is taken as a type of your own."
        notes.append(f"Distortion '{printable(name)}' is not in the catalogue; {hint}")
    return notes
