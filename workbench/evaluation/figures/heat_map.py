"""What was trained on against what was tested on: three heat maps, their figures in the cells."""

from collections.abc import Sequence
from textwrap import wrap

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from workbench.domain.metrics import Undefined
from workbench.domain.transfer_matrix import MatrixCell, TransferMatrix
from workbench.evaluation.figures.figure import ReportFigure, drawn
from workbench.evaluation.figures.style import BLACK, GREY, GRID, PALETTE, short
from workbench.evaluation.figures.table import Column, DataTable, Value
from workbench.evaluation.matrix_panels import NONE, Entry, Panel, matrix_panels
from workbench.evaluation.svg import svg_text
from workbench.evaluation.wording import count_text, figure_text

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
_BLUE, _ORANGE = PALETTE[0], PALETTE[1]


def heat_map_figure(matrix: TransferMatrix) -> ReportFigure:
    """Return the heat maps with every number that stands in them.

    Args:
        matrix: What `transfer_matrix` returned.
    """
    svg = svg_text(draw_heat_map(matrix), NAME, title=TITLE, about=_about(matrix))
    return drawn(NAME, svg, _table(matrix), lead=LEAD)


def draw_heat_map(matrix: TransferMatrix) -> Figure:
    """Return the drawing: a panel for identification, frozen features and zero-shot each."""
    panels = matrix_panels(matrix)
    heights = [_height(panel) for panel in panels]
    most = max(len(panel.columns) for panel in panels)
    width = _LABELS + _WIDTH * most
    figure = Figure(figsize=(width, sum(heights) + 0.95 * len(panels)), layout="constrained")
    figure.get_layout_engine().set(h_pad=0.12)  # type: ignore[union-attr, call-arg]
    every = figure.subplots(len(panels), 1, height_ratios=heights)
    for axes, panel in zip(every, panels, strict=True):
        _draw(axes, panel, most)
    return figure


def _height(panel: Panel) -> float:
    return len(panel.rows) * (_LINE * _lines(panel) + _ROOM)


def _lines(panel: Panel) -> int:
    return max((len(one.lines) for row in panel.entries for one in row if one), default=1)


def _draw(axes: Axes, panel: Panel, most: int) -> None:
    for row, entries in enumerate(panel.entries):
        for column, entry in enumerate(entries):
            _draw_entry(axes, row, column, entry, _lines(panel))
    columns, rows = len(panel.columns), len(panel.rows)
    axes.set_xlim(-0.5, most - 0.5)  # so that a column is as wide in every panel
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_xticks(range(columns), [_wrapped(name, 20) for name in panel.columns], fontsize=8.5)
    axes.set_yticks(range(rows), [_wrapped(name, 28) for name in panel.rows], fontsize=8.5)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(panel.title, loc="left", fontsize=10.5, fontweight="bold", pad=10)


def _draw_entry(axes: Axes, row: int, column: int, entry: Entry | None, lines: int) -> None:
    corner = column - 0.5, row - 0.5
    axes.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=GRID, linewidth=0.7))
    if entry is None:
        axes.text(column, row, NONE, ha="center", va="center", fontsize=10, color=GREY)
        return
    if entry.shade:
        axes.add_patch(
            Rectangle(
                corner, 1, 1,
                facecolor=_BLUE if entry.shade > 0 else _ORANGE,
                alpha=_DEEPEST * min(1.0, abs(entry.shade)),
                edgecolor="none",
            )
        )  # fmt: skip
    if entry.held_out:
        frame = (column - 0.47, row - 0.46), 0.94, 0.92
        axes.add_patch(Rectangle(*frame, fill=False, edgecolor=BLACK, linewidth=1.3))
    step = 0.8 / max(lines, 4) if lines > 1 else 0.0
    top = row - step * (len(entry.lines) - 1) / 2
    for place, line in enumerate(entry.lines):
        axes.text(
            *(column, top + step * place, line),
            ha="center", va="center",
            fontsize=10 if place == 0 else 7.5,
            fontweight="bold" if place == 0 and not entry.quoted else "normal",
            fontstyle="italic" if entry.quoted else "normal",
        )  # fmt: skip


def _wrapped(label: str, width: int) -> str:
    return "\n".join(wrap(short(label, 2 * width - 4), width)) or label


def _about(matrix: TransferMatrix) -> str:
    named = {row.run: row.label for row in matrix.trained_on}
    said = [
        f"{named[cell.run]} on {cell.tested_on}: {_said(cell)}"
        for cell in matrix.cells
        if not cell.held_out
    ]
    own = f"{count_text(len(named), 'run')} on {count_text(len(matrix.tested_on), 'set')} of images"
    return f"{own}. {'; '.join(said) or 'None was tried on other images'}."


def _said(cell: MatrixCell) -> str:
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
    Column("trained_on", "trained on", "text"),
    Column("tested_on", "tested on", "text"),
    Column("source", "source", "text"),
    Column("images", "images", "count"),
    Column("types", "types", "count"),
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
    named = {row.run: row.label for row in matrix.trained_on}
    ours = [_measured(named[cell.run], cell) for cell in matrix.cells]
    printed: list[tuple[Value, ...]] = [
        (
            f"{row.method} on {row.trained_on or row.dataset}", row.dataset, "quoted", None, None,
            row.accuracy, None, None, row.identification_rmse, None,
            row.srcc, row.plcc, None, None,
        )
        for row in matrix.quoted
    ]  # fmt: skip
    aside = frozenset(range(len(ours), len(ours) + len(printed)))
    return DataTable(NAME, TITLE, _COLUMNS, (*ours, *printed), aside)


def _measured(label: str, cell: MatrixCell) -> tuple[Value, ...]:
    found, clean = cell.identification, cell.all_clean
    return (
        label, cell.tested_on, f"run {cell.run}{', held out' if cell.held_out else ''}",
        cell.images, cell.types,
        *_figures(found, ("accuracy",)), *_figures(clean, ("accuracy",)),
        *_figures(found, ("accuracy_present", "rmse")), *_figures(clean, ("rmse",)),
        cell.frozen.srcc, cell.frozen.plcc, cell.zero_shot.srcc, cell.zero_shot.plcc,
    )  # fmt: skip


def _figures(found: object, names: Sequence[str]) -> tuple[Value, ...]:
    if isinstance(found, Undefined):
        return (found,) * len(names)
    return tuple(getattr(found, name) for name in names)
