"""What was trained on against what was tested on: three heat maps, their figures in the cells."""

from collections.abc import Mapping
from textwrap import wrap
from typing import Any

from workbench.domain.data_table import Column, DataTable, Value, count_columns, text_columns
from workbench.domain.metrics import Undefined
from workbench.domain.number_format import count_text, figure_text
from workbench.domain.transfer_matrix import MatrixCell, TransferMatrix
from workbench.report.figures import style
from workbench.report.figures.figure import ReportFigure
from workbench.report.transfer_tables import NONE, Entry, Panel, matrix_panels

NAME = "transfer-matrix"
TITLE = "Trained on one set of images, tested on others"
LEAD = (
    "Rows: what a run was trained on; columns: what it was tested on. Framed: the run's own "
    "held-out photographs. Blue in the first panel is above always saying “clean”, orange below "
    "it; in the others blue is a positive SRCC, orange a negative one. "
    f"“{NONE}”: not tried. Quoted figures have no shade."
)
_WIDTH, _LINE, _ROOM = 1.45, 0.17, 0.2  # inches: of a cell, of a line in it, around them
_LABELS = 2.2  # inches for the names of rows
_DEEPEST = 0.55  # the deepest shade that ink is still read on
_BLUE, _ORANGE = style.PALETTE[0], style.PALETTE[1]


def heat_map_figure(matrix: TransferMatrix) -> ReportFigure:
    """Return the heat maps with every number that stands in them."""
    return ReportFigure(
        NAME, TITLE, _about(matrix), _table(matrix), lambda: draw_heat_map(matrix), lead=LEAD
    )


def draw_heat_map(matrix: TransferMatrix) -> style.Figure:
    """Return the drawing: a panel for identification, frozen features and zero-shot each."""
    panels = matrix_panels(matrix)
    heights = [len(panel.rows) * (_LINE * _line_count(panel) + _ROOM) for panel in panels]
    most = max(len(panel.columns) for panel in panels)
    figure = style.new_figure(_LABELS + _WIDTH * most, sum(heights) + 0.95 * len(panels))
    figure.get_layout_engine().set(h_pad=0.12)  # type: ignore[union-attr, call-arg]
    every = figure.subplots(len(panels), 1, height_ratios=heights)
    for axes, panel in zip(every, panels, strict=True):
        _draw_panel(axes, panel, most)
    return figure


def _line_count(panel: Panel) -> int:
    """Return the lines of the fullest cell."""
    return max((len(entry.lines) for row in panel.entries for entry in row if entry), default=1)


def _draw_panel(axes: style.Axes, panel: Panel, most: int) -> None:
    for row, entries in enumerate(panel.entries):
        for column, entry in enumerate(entries):
            _draw_entry(axes, row, column, entry, _line_count(panel))
    columns, rows = len(panel.columns), len(panel.rows)
    axes.set_xlim(-0.5, most - 0.5)  # so that a column is as wide in every panel
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_xticks(range(columns), [_wrapped(name, 20) for name in panel.columns], fontsize=8.5)
    axes.set_yticks(range(rows), [_wrapped(name, 28) for name in panel.rows], fontsize=8.5)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(panel.title, loc="left", fontsize=10.5, fontweight="bold", pad=10)


def _draw_entry(axes: style.Axes, row: int, column: int, entry: Entry | None, lines: int) -> None:
    corner = column - 0.5, row - 0.5
    style.add_cell(axes, corner, fill=False, edgecolor=style.GRID, linewidth=0.7)
    if entry is None:
        axes.text(column, row, NONE, ha="center", va="center", fontsize=10, color=style.GREY)
        return
    if entry.shade:
        colour = _BLUE if entry.shade > 0 else _ORANGE
        alpha = _DEEPEST * min(1.0, abs(entry.shade))
        style.add_cell(axes, corner, facecolor=colour, alpha=alpha, edgecolor="none")
    if entry.held_out:
        frame = (column - 0.47, row - 0.46), 0.94, 0.92
        style.add_cell(axes, *frame, fill=False, edgecolor=style.BLACK, linewidth=1.3)
    step = 0.8 / max(lines, 4) if lines > 1 else 0.0
    top = row - step * (len(entry.lines) - 1) / 2
    for index, line in enumerate(entry.lines):
        axes.text(
            *(column, top + step * index, line),
            ha="center", va="center",
            fontsize=10 if index == 0 else 7.5,
            fontweight="bold" if index == 0 and not entry.quoted else "normal",
            fontstyle="italic" if entry.quoted else "normal",
        )  # fmt: skip


def _wrapped(label: str, width: int) -> str:
    return "\n".join(wrap(style.short(label, 2 * width - 4), width)) or label


def _about(matrix: TransferMatrix) -> str:
    labels = {row.run: row.label for row in matrix.trained_on}
    transfers = [
        f"{labels[cell.run]} on {cell.tested_on}: {_transfer_words(cell)}"
        for cell in matrix.cells
        if not cell.held_out
    ]
    counts = (
        f"{count_text(len(labels), 'run')} on {count_text(len(matrix.tested_on), 'set')} of images"
    )
    return f"{counts}. {'; '.join(transfers) or 'None was tried on other images'}."


def _transfer_words(cell: MatrixCell) -> str:
    identified = cell.identification
    accuracy = (
        "no type in common"
        if isinstance(identified, Undefined)
        else f"accuracy {figure_text(identified.accuracy)}"
    )
    return (
        f"{accuracy}, SRCC {figure_text(cell.frozen.srcc)} with frozen features and "
        f"{figure_text(cell.zero_shot.srcc)} with nothing trained"
    )


_COLUMNS = (
    *text_columns("trained_on", "tested_on", "source"),
    *count_columns("images", "types"),
    Column("accuracy", "accuracy"),
    Column("accuracy_all_clean", "always clean"),
    Column("accuracy_present", "present only"),
    Column("rmse", "RMSE"),
    Column("rmse_all_clean", "RMSE always clean"),
    Column("frozen_srcc", "SRCC frozen"),
    Column("frozen_plcc", "PLCC frozen"),
    Column("zero_shot_srcc", "SRCC zero-shot"),
    Column("zero_shot_plcc", "PLCC zero-shot"),
)


def _table(matrix: TransferMatrix) -> DataTable:
    labels = {row.run: row.label for row in matrix.trained_on}
    ours = [_cell_record(labels[cell.run], cell) for cell in matrix.cells]
    quoted = [
        {
            "trained_on": f"{row.method} on {row.trained_on or row.dataset}",
            "tested_on": row.dataset,
            "source": "quoted",
            "accuracy": row.accuracy,
            "rmse": row.identification_rmse,
            "frozen_srcc": row.srcc,
            "frozen_plcc": row.plcc,
        }
        for row in matrix.quoted
    ]
    aside = range(len(ours), len(ours) + len(quoted))
    return DataTable.of(NAME, TITLE, _COLUMNS, [*ours, *quoted], aside=aside)


def _cell_record(label: str, cell: MatrixCell) -> Mapping[str, Any]:
    figures, clean = cell.identification, cell.all_clean
    return {
        "trained_on": label,
        "tested_on": cell.tested_on,
        "source": f"run {cell.run}{', held out' if cell.held_out else ''}",
        "images": cell.images,
        "types": cell.types,
        "accuracy": _figure(figures, "accuracy"),
        "accuracy_all_clean": _figure(clean, "accuracy"),
        "accuracy_present": _figure(figures, "accuracy_present"),
        "rmse": _figure(figures, "rmse"),
        "rmse_all_clean": _figure(clean, "rmse"),
        "frozen_srcc": cell.frozen.srcc,
        "frozen_plcc": cell.frozen.plcc,
        "zero_shot_srcc": cell.zero_shot.srcc,
        "zero_shot_plcc": cell.zero_shot.plcc,
    }


def _figure(figures: object, name: str) -> Value:
    """Return one of the figures, or why there is none of them."""
    return figures if isinstance(figures, Undefined) else getattr(figures, name)
