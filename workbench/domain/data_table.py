"""A table of exact values, which terminal, HTML, JSON and CSV each show in their own way."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from workbench.domain.comparison import Interval
from workbench.domain.metrics import Undefined
from workbench.domain.number_format import figure_text, interval_text, p_text, signed_text

Kind = Literal["text", "count", "figure", "signed", "interval", "signed interval", "p"]
Value = str | int | float | Interval | Undefined | None


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        key: Its name in JSON and CSV.
        heading: What people read.
        kind: How its values are written.
        digits: Decimals of a figure or a signed figure.
        below: Shown in small below the value of the column before.
        align: Numbers stand to the right and text to the left unless this says otherwise.
    """

    key: str
    heading: str
    kind: Kind = "figure"
    digits: int = 3
    below: bool = False
    align: Literal["left", "right", None] = None

    @property
    def to_the_right(self) -> bool:
        """Whether its cells are aligned to the right."""
        return self.kind != "text" if self.align is None else self.align == "right"

    def text(self, value: Value) -> str:
        """Return a value as people read it; a dash where there is none.

        Example:
            >>> Column("srcc", "SRCC").text(0.1234), Column("p", "p", "p").text(None)
            ('0.123', '—')
        """
        if value is None:
            return "—"
        if isinstance(value, str):
            return value
        if isinstance(value, tuple):
            return interval_text(value, signed=self.kind == "signed interval")
        if isinstance(value, Undefined):
            return figure_text(value)
        if self.kind in ("text", "count"):
            return f"{value:,}" if self.kind == "count" else str(value)
        if self.kind == "p":
            return p_text(float(value))
        spelled = signed_text if self.kind == "signed" else figure_text
        return spelled(float(value), digits=self.digits)


def text_columns(*keys: str) -> tuple[Column, ...]:
    """Return columns of texts whose headings are their keys in words."""
    return tuple(Column(key, key.replace("_", " "), "text") for key in keys)


def count_columns(*keys: str) -> tuple[Column, ...]:
    """Return columns of counts whose headings are their keys in words."""
    return tuple(Column(key, key.replace("_", " "), "count") for key in keys)


@dataclass(frozen=True)
class DataTable:
    """Exact values under columns.

    Attributes:
        name: Unique within a report; letters, digits and dashes; the stem of the CSV file.
        title: What it holds.
        rows: Values, each row as long as the columns; the first one heads the row.
        aside: Rows that are not of a version under test: baselines and quoted figures.
        folded: Whether a page shows it on demand only.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    aside: frozenset[int] = frozenset()
    folded: bool = False

    @classmethod
    def of(
        cls,
        name: str,
        title: str,
        columns: Sequence[Column],
        records: Iterable[Mapping[str, Any]],
        *,
        aside: Iterable[int] = (),
        folded: bool = False,
    ) -> "DataTable":
        """Return the table whose cells are the records' values under the columns' keys, if any."""
        rows = tuple(tuple(record.get(column.key) for column in columns) for record in records)
        return cls(name, title, tuple(columns), rows, frozenset(aside), folded)

    @classmethod
    def of_texts(
        cls,
        headings: Sequence[str],
        rows: Iterable[Sequence[object]],
        *,
        title: str = "",
        figures: Sequence[int] = (),
    ) -> "DataTable":
        """Return a table of finished texts.

        Args:
            headings: Of the columns; they name them too.
            rows: Cells, each row as long as the headings; None is an empty one.
            title: What it holds.
            figures: Indices of the columns that hold numbers.
        """
        columns = (
            Column(heading, heading, "text", align="right" if index in figures else None)
            for index, heading in enumerate(headings)
        )
        texts = (tuple(map(_cell_text, row)) for row in rows)
        return cls("", title, tuple(columns), tuple(texts))

    def texts(self) -> Iterator[tuple[str, ...]]:
        """Yield every row as people read it."""
        for row in self.rows:
            yield tuple(column.text(value) for value, column in zip(row, self.columns, strict=True))

    def stacked_texts(self) -> Iterator[list[list[str]]]:
        """Yield every row as cells of lines: a value, then what stands below it, if anything."""
        for texts in self.texts():
            cells: list[list[str]] = []
            for text, column in zip(texts, self.columns, strict=True):
                if not column.below:
                    cells.append([text])
                elif text != "—":
                    cells[-1].append(text)
            yield cells


def _cell_text(cell: object) -> str:
    if isinstance(cell, str):
        return cell  # a page's own markup is a string, too, and stays what it is
    return "" if cell is None else str(cell)
