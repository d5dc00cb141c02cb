"""Which type of distortion is taken for which, clean images included."""

from collections.abc import Sequence
from functools import partial

import numpy as np

from workbench.domain.data_table import Column, DataTable
from workbench.evaluation.comparable import ComparedRuns
from workbench.report.figures import style
from workbench.report.figures.figure import (
    ReportFigure,
    VersionStrengths,
    not_drawn,
    strengths_of,
)
from workbench.report.wording import title_of

_TITLE = "Confusion of types"
LEAD = (
    "Rows: what an image shows; columns: the strongest distortion that counts as present, or "
    "clean without one. Share of the row, in percent; the table holds the counts."
)
_NUMBERED = 13  # types up to which every cell has room for its number
_WORST = 5  # confusions named in the description


def confusion_figures(compared: ComparedRuns) -> list[ReportFigure]:
    """Return one heat map per version, or one line that says why there is none."""
    versions, missing = strengths_of(compared)
    if not versions:
        return [not_drawn("confusion", _TITLE, missing)]
    return [
        ReportFigure(
            f"confusion-{version.run}",
            f"{_TITLE}: {version.label}",
            _about(version),
            _table(version),
            partial(_draw, version),
            missing=missing if version is versions[-1] else "",
            half=len(version.tables.types) <= _NUMBERED,
        )
        for version in versions
    ]


def _shares(version: VersionStrengths) -> np.ndarray:
    """Return the share of each row's images that fall in each column, (T, T)."""
    counts = np.array(version.tables.confusion, dtype=np.float64)
    shares: np.ndarray = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return shares


def _draw(version: VersionStrengths) -> style.Figure:
    names = [style.short(title_of(name), 26) for name in version.tables.types]
    shares = _shares(version)
    side = max(3.0, (0.42 if len(names) <= _NUMBERED else 0.17) * len(names))
    figure = style.new_figure(side + 1.9, side + 1.9)
    axes = figure.subplots()
    for row, column in zip(*np.nonzero(shares), strict=True):
        _draw_cell(axes, int(row), int(column), float(shares[row, column]), len(names))
    _dress(axes, names)
    return figure


def _draw_cell(axes: style.Axes, row: int, column: int, share: float, count: int) -> None:
    corner = column - 0.5, row - 0.5
    style.add_cell(axes, corner, facecolor=style.PALETTE[0], alpha=share, edgecolor="none")
    if count <= _NUMBERED:
        text = f"{100 * share:.0f}" if share >= 0.005 else "<1"
        axes.text(column, row, text, ha="center", va="center", fontsize=8)


def _dress(axes: style.Axes, names: Sequence[str]) -> None:
    count, size = len(names), 8.5 if len(names) <= _NUMBERED else 7
    axes.set_xlim(-0.5, count - 0.5)
    axes.set_ylim(count - 0.5, -0.5)
    axes.set_aspect("equal")
    axes.set_xticks(range(count), names, rotation=90, fontsize=size)
    axes.set_yticks(range(count), names, fontsize=size)
    axes.set_xticks(np.arange(count + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(count + 1) - 0.5, minor=True)
    axes.grid(which="minor", color=style.GRID, linewidth=0.5)
    axes.tick_params(length=0, which="both")
    axes.spines[:].set_visible(False)
    axes.set_xlabel("taken for", fontsize=9)
    axes.set_ylabel("shown", fontsize=9)


def _about(version: VersionStrengths) -> str:
    types, counts, shares = version.tables.types, version.tables.confusion, _shares(version)
    total, right = sum(map(sum, counts)), sum(row[index] for index, row in enumerate(counts))
    wrong = sorted(
        ((float(shares[r, c]), r, c) for r, c in zip(*np.nonzero(shares), strict=True) if r != c),
        key=lambda cell: (-cell[0], cell[1], cell[2]),
    )
    worst = ", ".join(
        f"{title_of(types[r])} taken for {title_of(types[c])} ({share:.0%})"
        for share, r, c in wrong[:_WORST]
    )
    most = f" Most often: {worst}." if worst else ""
    return f"{right:,} of {total:,} images are given their own type.{most}"


def _table(version: VersionStrengths) -> DataTable:
    types = [title_of(name) for name in version.tables.types]
    return DataTable(
        f"confusion-{version.run}",
        f"{_TITLE}: images of {version.label} by shown and predicted type",
        (
            Column("shown", "shown", "text"),
            *(Column(f"as {name}", f"as {name}", "count") for name in types),
        ),
        tuple((name, *row) for name, row in zip(types, version.tables.confusion, strict=True)),
    )
