"""What was trained on against what was tested on: three heat maps, their figures in the cells."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from textwrap import wrap

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from workbench.domain.comparison import QuotedRow
from workbench.domain.metrics import IdentificationMetrics, Metric, QualityMetrics, Undefined
from workbench.domain.number_format import count_text, figure_text
from workbench.domain.transfer_matrix import MatrixCell, TestedOn, TransferMatrix
from workbench.evaluation.published_figures import METHOD, is_dataset
from workbench.report.figures.figure import Column, DataTable, ReportFigure, Value, drawn
from workbench.report.figures.style import BLACK, GREY, GRID, PALETTE, short, svg_text

NONE = "–"  # what was not tried
IDENTIFICATION = "Identification of types that both know: accuracy"
FROZEN = "Frozen features, regressor of the tested data's folds: SRCC"
ZERO_SHOT = "Nothing trained on the tested data: SRCC"


@dataclass(frozen=True)
class Entry:
    """One cell of a panel.

    Attributes:
        lines: The figure, and below it what must be read with it.
        shade: In [-1, 1]: 1 is perfect, 0 no better than the baseline; None is not shaded.
        held_out: Whether it is of the run's own data.
        quoted: Whether it was published by others.
    """

    lines: tuple[str, ...]
    shade: float | None = None
    held_out: bool = False
    quoted: bool = False


@dataclass(frozen=True)
class Panel:
    """One table: what was trained on in its rows, what was tested on in its columns.

    Attributes:
        entries: A row for each label of `rows`, an entry for each of `columns`; None where nothing
            was tried.
    """

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    entries: tuple[tuple[Entry | None, ...], ...]


def matrix_panels(matrix: TransferMatrix) -> tuple[Panel, Panel, Panel]:
    """Return identification, frozen-feature transfer and true zero-shot.

    The method's own quoted rows stand below; other methods' are in the JSON document.
    """
    own = [row for row in matrix.quoted if row.method == METHOD]
    return (
        _panel(matrix, IDENTIFICATION, _identified, [r for r in own if r.accuracy is not None]),
        _panel(matrix, FROZEN, lambda cell: _quality(cell, cell.frozen),
               [row for row in own if row.srcc is not None]),
        _panel(matrix, ZERO_SHOT, lambda cell: _quality(cell, cell.zero_shot), []),
    )  # fmt: skip


def _panel(
    matrix: TransferMatrix,
    title: str,
    entry: Callable[[MatrixCell], Entry],
    quoted: Sequence[QuotedRow],
) -> Panel:
    places = {row.dataset: _place(row.dataset, matrix.tested_on) for row in quoted}
    extra = [name for name, place in places.items() if place is None]
    rows = [
        tuple(
            None if (cell := matrix.cell(row.run, column.label)) is None else entry(cell)
            for column in matrix.tested_on
        )
        + (None,) * len(extra)
        for row in matrix.trained_on
    ]
    columns = (*(column.label for column in matrix.tested_on), *extra)
    trained = list(dict.fromkeys(row.trained_on or row.dataset for row in quoted))
    for name in trained:
        printed = {
            columns[place] if (place := places[row.dataset]) is not None else row.dataset: row
            for row in quoted
            if (row.trained_on or row.dataset) == name
        }
        rows.append(
            tuple(_quoted(printed[label]) if label in printed else None for label in columns)
        )
    return Panel(
        title,
        (*(row.label for row in matrix.trained_on), *(f"{METHOD} on {n}, quoted" for n in trained)),
        columns,
        tuple(rows),
    )


def _place(name: str, columns: Sequence[TestedOn]) -> int | None:
    """Return the first column that is the data set that a paper names."""
    return next((p for p, one in enumerate(columns) if is_dataset(name, one.dataset)), None)


def _identified(cell: MatrixCell) -> Entry:
    found, clean = cell.identification, cell.all_clean
    if isinstance(found, Undefined) or isinstance(clean, Undefined):
        return Entry((NONE, "no type in common"), held_out=cell.held_out)
    return Entry(
        (
            figure_text(found.accuracy),
            f"always clean {figure_text(clean.accuracy)}",
            f"present only {figure_text(found.accuracy_present)}",
            f"RMSE {figure_text(found.rmse)}, {count_text(cell.types, 'type')}",
            *([] if cell.identified is None else [count_text(cell.identified, "image")]),
        ),
        shade=_above_clean(found, clean),
        held_out=cell.held_out,
    )


def _above_clean(found: IdentificationMetrics, clean: IdentificationMetrics) -> float | None:
    """Return the share of the way from always saying "clean" to perfect; negative below it."""
    ours, baseline = found.accuracy, clean.accuracy
    if isinstance(ours, Undefined) or isinstance(baseline, Undefined) or baseline >= 1:
        return None
    return max(-1.0, (ours - baseline) / (1 - baseline))


def _quality(cell: MatrixCell, found: QualityMetrics) -> Entry:
    return Entry(
        (
            figure_text(found.srcc),
            f"PLCC {figure_text(found.plcc)}",
            count_text(cell.images, "image"),
        ),
        shade=_shade(found.srcc),
        held_out=cell.held_out,
    )


def _shade(value: Metric) -> float | None:
    return None if isinstance(value, Undefined) else value


def _quoted(row: QuotedRow) -> Entry:
    if row.srcc is not None:
        return Entry((figure_text(row.srcc), "quoted"), quoted=True)
    accuracy = NONE if row.accuracy is None else figure_text(row.accuracy)
    rmse = row.identification_rmse
    lines = (accuracy, *(() if rmse is None else (f"RMSE {figure_text(rmse)}",)), "quoted")
    return Entry(lines, quoted=True)


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
