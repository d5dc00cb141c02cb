"""Dose and response: how strong a distortion is told to be, at each of its levels."""

from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from workbench.domain.metrics import DoseCurve
from workbench.domain.number_format import figure_text
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
from workbench.report.figures.style import (
    GREY,
    GRID,
    bare,
    colour_of,
    legend_above,
    marker_of,
    short,
    svg_text,
    title_of,
)

_TITLE = "Dose and response of each distortion"
_LEAD = (
    "Predicted strength of a distortion against its level, on held-out images of that distortion; "
    "level 0 are the clean images. Mean over photographs with its 95 % interval (Student's t over "
    "photographs, cut at 0 and 1); dashed: the true strength."
)
_ACROSS = 4  # panels side by side


def dose_figure(runs: Sequence[Run], labels: Sequence[str]) -> ReportFigure:
    """Return one small panel per distortion with a line per version.

    Args:
        runs: Finished runs.
        labels: What people call each.
    """
    told, missing = told_strengths(runs, labels)
    curves = {name: _of(told, name) for some in told for name in some.tables.types[1:]}
    if not curves:
        return not_drawn("dose", _TITLE, missing or "No distortion was tested.")
    columns = min(_ACROSS, len(curves))
    rows = -(-len(curves) // columns)
    figure = Figure(figsize=(max(2.3 * columns, 4.8), 0.6 + 1.75 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    for panel, (name, lines) in zip(panels, curves.items(), strict=False):
        _draw_panel(panel, name, lines)
    for panel in panels[len(curves) :]:
        panel.set_visible(False)
    figure.supxlabel("level", fontsize=9)
    figure.supylabel("predicted strength", fontsize=9)
    legend_above(figure, [short(some.label) for some in told], panels[0].containers)
    svg = svg_text(figure, "dose", title=_TITLE, about=_about(told))
    return drawn("dose", svg, _table(told), lead=_LEAD, missing=missing)


def _of(told: Iterable[Told], distortion: str) -> list[tuple[Told, DoseCurve]]:
    return [
        (some, curve)
        for some in told
        for curve in some.tables.dose
        if curve.distortion == distortion
    ]


def _draw_panel(axes: Axes, distortion: str, lines: Sequence[tuple[Told, DoseCurve]]) -> None:
    levels = max(curve.levels for _, curve in lines)
    axes.plot([0, levels], [0, 1], color=GREY, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    for place, (some, curve) in enumerate(lines):
        _draw_line(axes, some, curve, (place - (len(lines) - 1) / 2) * 0.09)
    axes.set_title(short(title_of(distortion), 26), fontsize=9, loc="left")
    axes.set_ylim(-0.04, 1.04)
    axes.set_xlim(-0.4, levels + 0.4)
    axes.set_xticks(range(levels + 1))
    axes.tick_params(labelsize=8)
    axes.grid(axis="y", color=GRID, linewidth=0.6)
    bare(axes)


def _draw_line(axes: Axes, some: Told, curve: DoseCurve, offset: float) -> None:
    means = np.array([point.mean for point in curve.points])
    ends = np.array([point.ci or (point.mean, point.mean) for point in curve.points]).reshape(-1, 2)
    axes.errorbar(
        [point.level + offset for point in curve.points],
        means,
        yerr=np.abs(ends.T - means),
        color=colour_of(some.place),
        marker=marker_of(some.place),
        markersize=4,
        linewidth=1.3,
        elinewidth=1.0,
        capsize=2,
    )


def _about(told: Sequence[Told]) -> str:
    return " ".join(f"{some.label}: {_reach(some)}." for some in told)


def _reach(some: Told) -> str:
    parts = []
    for curve in some.tables.dose:
        if curve.points:
            first, last = curve.points[0], curve.points[-1]
            parts.append(
                f"{title_of(curve.distortion)} from {figure_text(first.mean)} at level "
                f"{first.level} to {figure_text(last.mean)} at level {last.level}"
            )
    return "; ".join(parts)


def _table(told: Sequence[Told]) -> DataTable:
    return DataTable(
        "dose",
        _TITLE,
        (
            Column("distortion", "distortion", "text"),
            Column("version", "version", "text"),
            Column("level", "level", "count"),
            Column("true", "true strength"),
            Column("mean", "mean predicted"),
            Column("ci", "95 % interval", "interval"),
            Column("images", "images", "count"),
            Column("photographs", "photographs", "count"),
        ),
        tuple(
            (
                title_of(curve.distortion),
                some.label,
                point.level,
                point.level / curve.levels,
                point.mean,
                point.ci,
                point.images,
                point.photographs,
            )
            for some in told
            for curve in some.tables.dose
            for point in curve.points
        ),
    )
