"""Which type of distortion is taken for which, clean images included."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from workbench.domain.run import Run
from workbench.report.figures.figure import (
    Column,
    DataTable,
    ReportFigure,
    Told,
    drawn,
    not_drawn,
    told_strengths,
)
from workbench.report.figures.style import GRID, PALETTE, short, svg_text, title_of

_TITLE = "Confusion of types"
LEAD = (
    "Rows: what an image shows; columns: the strongest distortion that counts as present, or "
    "clean without one. Share of the row, in percent; the table holds the counts."
)
_NUMBERED = 13  # types up to which every cell has room for its number
_WORST = 5  # confusions told in words


def confusion_figures(runs: Sequence[Run], labels: Sequence[str]) -> list[ReportFigure]:
    """Return one heat map per version, or one line that says why there is none.

    Args:
        runs: Finished runs.
        labels: What people call each.
    """
    told, missing = told_strengths(runs, labels)
    if not told:
        return [not_drawn("confusion", _TITLE, missing)]
    return [
        drawn(
            f"confusion-{some.run}",
            _plot(some),
            _table(some),
            missing=missing if some is told[-1] else "",
            half=len(some.tables.types) <= _NUMBERED,
        )
        for some in told
    ]


def _plot(some: Told) -> str:
    names = [short(title_of(name), 26) for name in some.tables.types]
    counts = np.array(some.tables.confusion, dtype=np.float64)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = max(3.0, (0.42 if len(names) <= _NUMBERED else 0.17) * len(names))
    figure = Figure(figsize=(side + 1.9, side + 1.9), layout="constrained")
    axes = figure.subplots()
    for row, column in zip(*np.nonzero(counts), strict=True):
        _draw_cell(axes, int(row), int(column), float(shares[row, column]), len(names))
    _dress(axes, names)
    return svg_text(
        figure,
        f"confusion-{some.run}",
        title=f"{_TITLE}: {some.label}",
        about=_about(some, counts, shares),
    )


def _draw_cell(axes: Axes, row: int, column: int, share: float, count: int) -> None:
    axes.add_patch(
        Rectangle(
            (column - 0.5, row - 0.5), 1, 1, facecolor=PALETTE[0], alpha=share, edgecolor="none"
        )
    )
    if count <= _NUMBERED:
        text = f"{100 * share:.0f}" if share >= 0.005 else "<1"
        axes.text(column, row, text, ha="center", va="center", fontsize=8)


def _dress(axes: Axes, names: Sequence[str]) -> None:
    count, size = len(names), 8.5 if len(names) <= _NUMBERED else 7
    axes.set_xlim(-0.5, count - 0.5)
    axes.set_ylim(count - 0.5, -0.5)
    axes.set_aspect("equal")
    axes.set_xticks(range(count), names, rotation=90, fontsize=size)
    axes.set_yticks(range(count), names, fontsize=size)
    axes.set_xticks(np.arange(count + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(count + 1) - 0.5, minor=True)
    axes.grid(which="minor", color=GRID, linewidth=0.5)
    axes.tick_params(length=0, which="both")
    axes.spines[:].set_visible(False)
    axes.set_xlabel("taken for", fontsize=9)
    axes.set_ylabel("shown", fontsize=9)


def _about(some: Told, counts: np.ndarray, shares: np.ndarray) -> str:
    total = int(counts.sum())
    right = int(np.trace(counts))
    wrong = sorted(
        ((float(shares[r, c]), r, c) for r, c in zip(*np.nonzero(counts), strict=True) if r != c),
        key=lambda cell: (-cell[0], cell[1], cell[2]),
    )
    told = ", ".join(
        f"{title_of(some.tables.types[r])} taken for {title_of(some.tables.types[c])} ({share:.0%})"
        for share, r, c in wrong[:_WORST]
    )
    most = f" Most often: {told}." if told else ""
    return f"{right:,} of {total:,} images are given their own type.{most}"


def _table(some: Told) -> DataTable:
    types = [title_of(name) for name in some.tables.types]
    return DataTable(
        f"confusion-{some.run}",
        f"{_TITLE}: images of {some.label} by shown and predicted type",
        (
            Column("shown", "shown", "text"),
            *(Column(f"as {name}", f"as {name}", "count") for name in types),
        ),
        tuple((name, *row) for name, row in zip(types, some.tables.confusion, strict=True)),
    )
