"""The renderers of a table: one each for the terminal, HTML, JSON and CSV."""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from io import StringIO
from itertools import islice
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from workbench.domain.data_table import Column, DataTable, Value
from workbench.domain.metrics import Undefined
from workbench.text_files import one_line, visible

if TYPE_CHECKING:
    from rich.table import Table

TERMINAL_WIDTH = 100  # characters; a comparison is laid out to be read, mailed and pasted at this
_FORMULA = ("=", "+", "-", "@", "\t", "\n")  # what a spreadsheet would compute


def terminal_table(table: DataTable, *, framed: bool = True, lines: bool = False) -> "Table":
    """Return a table for the terminal; no text in it is markup.

    Args:
        table: What to show.
        framed: With a frame and the title above; else bare, the first column never cut off.
        lines: Whether a line stands between rows.
    """
    from rich.table import Table
    from rich.text import Text

    if framed:
        title = Text(table.title, style="table.title")
        shown = Table(title=title, title_justify="left", show_lines=lines)
    else:
        shown = Table(box=None, header_style="bold", pad_edge=False)
    for index, column in enumerate(_upper(table.columns)):
        shown.add_column(
            Text(column.heading),
            justify="right" if column.to_the_right else "left",
            overflow="fold" if framed and index == 0 else "ellipsis",
            no_wrap=not framed and index == 0,
        )
    for cells in table.stacked_texts():
        first, *others = ("\n".join(cell) for cell in cells)
        # Only the first column's text stands where a line of the program's own would begin.
        shown.add_row(Text(one_line(first)), *(Text(visible(text)) for text in others))
    return shown


def terminal_text(parts: Iterable[DataTable | str], *, width: int = TERMINAL_WIDTH) -> str:
    """Return tables and lines as plain text, wrapped at a width in characters."""
    from rich.console import Console

    out = StringIO()
    console = Console(
        file=out, width=width, color_system=None, legacy_windows=False, highlight=False
    )
    for part in parts:
        shown = terminal_table(part) if isinstance(part, DataTable) else part
        console.print(shown, markup=False)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def html_table(
    table: DataTable,
    *,
    name: str = "",
    style: str = "",
    caption: str | None = None,
    most: int | None = None,
    widths: Sequence[int] = (),
    explain: Callable[[str], str] | None = None,
) -> Markup:
    """Return a table whose first column heads the rows; only `Markup` in it passes as it is.

    Args:
        table: What to show.
        name: Its id within the page.
        style: Its class.
        caption: Shown above; None takes the title.
        most: Rows that are shown at most.
        widths: Percent of each column; without, the browser decides.
        explain: Says what a heading means, for a bubble beside it, or "".
    """
    shown = _upper(table.columns)
    wide = [Markup(' style="width: {}%"').format(percent) for percent in widths]
    head = Markup("").join(
        Markup('<th scope="col"{}{}>{}</th>').format(
            _figure_class(column), wide[index] if wide else "", _heading(column.heading, explain)
        )
        for index, column in enumerate(shown)
    )
    body = Markup("").join(
        _html_row(cells, shown, aside=index in table.aside)
        for index, cells in enumerate(islice(table.stacked_texts(), most))
    )
    caption = table.title if caption is None else caption
    return Markup("<table{}{}>{}<thead><tr>{}</tr></thead><tbody>{}</tbody></table>").format(
        Markup(' id="{}"').format(name) if name else "",
        Markup(' class="{}"').format(style) if style else "",
        Markup("<caption>{}</caption>").format(caption) if caption else "",
        head,
        body,
    )


def json_table(table: DataTable) -> dict[str, Any]:
    """Return a table for JSON; what is undefined says why, as everywhere."""
    keys = [column.key for column in table.columns]
    return {
        "title": table.title,
        "columns": {column.key: column.heading for column in table.columns},
        "rows": [
            {
                key: value.model_dump() if isinstance(value, Undefined) else value
                for key, value in zip(keys, row, strict=True)
            }
            for row in table.rows
        ],
    }


def csv_table(table: DataTable) -> str:
    """Return a table as CSV; an interval fills two columns, and no text is a formula."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(name for column in table.columns for name in _csv_names(column))
    for row in table.rows:
        pairs = zip(row, table.columns, strict=True)
        writer.writerow(cell for value, column in pairs for cell in _csv_cells(value, column))
    return out.getvalue()


def _upper(columns: Iterable[Column]) -> list[Column]:
    """Return the columns that have a heading of their own, not those shown below another."""
    return [column for column in columns if not column.below]


def _heading(heading: str, explain: Callable[[str], str] | None) -> Markup:
    """Return a heading; an explained one can be pointed at and reached by keyboard."""
    meaning = explain(heading) if explain else ""
    if not meaning:
        return escape(heading)
    return Markup(
        '<span class="term" tabindex="0" data-meaning="{0}" aria-description="{0}">{1}</span>'
    ).format(meaning, heading)


def _html_row(cells: Sequence[Sequence[str]], columns: Sequence[Column], *, aside: bool) -> Markup:
    return Markup("<tr{}>{}</tr>").format(
        Markup(' class="aside"') if aside else "",
        Markup("").join(_html_cells(cells, columns)),
    )


def _html_cells(cells: Sequence[Sequence[str]], columns: Sequence[Column]) -> Iterator[Markup]:
    for index, ((text, *below), column) in enumerate(zip(cells, columns, strict=True)):
        opening, tag = ('th scope="row"', "th") if index == 0 else ("td", "td")
        small = Markup("").join(Markup("<small>{}</small>").format(line) for line in below)
        yield Markup(f"<{opening}{{}}>{{}}{{}}</{tag}>").format(
            _figure_class(column), escape(text), small
        )


def _figure_class(column: Column) -> Markup:
    return Markup(' class="figure"' if column.to_the_right else "")


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
