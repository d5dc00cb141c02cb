"""A figure of a report: its drawing, its words, and its numbers as a table."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any, Literal
from xml.etree import ElementTree

from workbench.domain.comparison import Interval
from workbench.domain.metrics import StrengthTables, Undefined
from workbench.domain.number_format import figure_text, interval_text, p_text, signed_text
from workbench.domain.run import Run

Kind = Literal["text", "count", "figure", "signed", "interval", "signed interval", "p"]
Value = str | int | float | Interval | Undefined | None

_FORMULA = ("=", "+", "-", "@", "\t", "\n")  # what a spreadsheet would compute


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        key: Its name in JSON and CSV.
        heading: What people read.
        kind: How its values are spelled.
        below: Shown in small below the value of the column before.
    """

    key: str
    heading: str
    kind: Kind = "figure"
    below: bool = False


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

    def texts(self) -> Iterator[tuple[str, ...]]:
        """Yield every row as people read it."""
        for row in self.rows:
            yield tuple(
                value_text(value, column.kind)
                for value, column in zip(row, self.columns, strict=True)
            )

    def document(self) -> dict[str, Any]:
        """Return the table for JSON; what is undefined says why, as everywhere."""
        keys = [column.key for column in self.columns]
        return {
            "title": self.title,
            "columns": {column.key: column.heading for column in self.columns},
            "rows": [
                dict(zip(keys, (_plain(value) for value in row), strict=True)) for row in self.rows
            ],
        }

    def csv(self) -> str:
        """Return the table as CSV; an interval fills two columns, and no text is a formula."""
        out = StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(name for column in self.columns for name in _csv_names(column))
        for row in self.rows:
            pairs = zip(row, self.columns, strict=True)
            writer.writerow(cell for value, column in pairs for cell in _csv_cells(value, column))
        return out.getvalue()


def value_text(value: Value, kind: Kind) -> str:
    """Return a value as people read it; a dash where there is none.

    Example:
        >>> value_text(0.1234, "figure"), value_text((0.1, 0.2), "interval"), value_text(None, "p")
        ('0.123', '0.100 to 0.200', '—')
    """
    if value is None:
        return "—"
    if isinstance(value, tuple):
        return interval_text(value, signed=kind == "signed interval")
    if isinstance(value, Undefined) or kind == "figure":
        return figure_text(value if isinstance(value, Undefined) else float(value))
    if kind == "count":
        return f"{value:,}"
    if kind == "text":
        return str(value)
    return p_text(float(value)) if kind == "p" else signed_text(float(value))


def _plain(value: Value) -> Any:
    return value.model_dump() if isinstance(value, Undefined) else value


def _csv_names(column: Column) -> Sequence[str]:
    if column.kind.endswith("interval"):
        return f"{column.key}_low", f"{column.key}_high"
    return (_defused(column.key),)


def _csv_cells(value: Value, column: Column) -> Sequence[object]:
    if column.kind.endswith("interval"):
        return value if isinstance(value, tuple) else ("", "")
    if value is None:
        return ("",)
    if isinstance(value, Undefined):
        return (f"undefined: {value.undefined}",)
    return (_defused(value) if isinstance(value, str) else value,)


def _defused(text: str) -> str:
    """Return text that no spreadsheet takes for a formula: an apostrophe marks it as text."""
    text = text.replace("\r", " ")  # a bare one would end the row for some readers
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


_SVG = "{http://www.w3.org/2000/svg}"


@dataclass(frozen=True)
class ReportFigure:
    """What stands in a report.

    Attributes:
        name: Unique within a report; letters, digits and dashes.
        title: What it shows.
        about: What can be read from it, with its numbers.
        svg: The drawing; "" where there is nothing to draw.
        table: Every number that is drawn; None where nothing is.
        lead: How to read it, and what it does not say.
        missing: Why all or a part is not drawn.
        half: Whether two of them stand side by side where there is room.
        provenance: The terms that it holds under, in one line.
    """

    name: str
    title: str
    about: str
    svg: str
    table: DataTable | None
    lead: str = ""
    missing: str = ""
    half: bool = False
    provenance: str = ""


def drawn(
    name: str, svg: str, table: DataTable, *, lead: str = "", missing: str = "", half: bool = False
) -> ReportFigure:
    """Return a drawing as a figure whose words are the drawing's own title and description."""
    root = ElementTree.fromstring(svg)
    title, about = (root.findtext(f"{_SVG}{tag}") or "" for tag in ("title", "desc"))
    return ReportFigure(name, title, about, svg, table, lead, missing, half)


def not_drawn(name: str, title: str, missing: str) -> ReportFigure:
    """Return a figure that only says why it is not there."""
    return ReportFigure(name, title, missing, "", None, missing=missing)


@dataclass(frozen=True)
class Told:
    """A run that kept its strength tables: its place in the report, its label and the tables."""

    place: int
    run: int
    label: str
    tables: StrengthTables


def told_strengths(runs: Sequence[Run], labels: Sequence[str]) -> tuple[list[Told], str]:
    """Return the runs that kept strength tables, and what to say of the others.

    Args:
        runs: Finished runs.
        labels: What people call each.
    """
    told, older = [], []
    for place, (run, label) in enumerate(zip(runs, labels, strict=True)):
        tables = run.result.strength_tables if run.result else None
        if tables is None:
            older.append(f"run {run.id} ({label})")
        else:
            told.append(Told(place, run.id, label, tables))
    missing = (
        f"Made before strengths were kept: {', '.join(older)}. Run the version again with --again "
        "to have them."
    )
    return told, missing if older else ""
