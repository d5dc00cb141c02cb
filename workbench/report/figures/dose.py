"""Dose-response curves: the strength predicted at each level, a sentence's probability likewise."""

from collections.abc import Iterable, Sequence

import numpy as np

from workbench.domain.data_table import Column, DataTable, count_columns, text_columns
from workbench.domain.metrics import DoseCurve
from workbench.domain.number_format import figure_text
from workbench.evaluation.comparable import ComparedRuns
from workbench.report.figures import style
from workbench.report.figures.figure import (
    ReportFigure,
    VersionStrengths,
    not_drawn,
    strengths_of,
)
from workbench.report.wording import title_of

_TITLE = "Dose and response of each distortion"
_LEAD = (
    "Predicted strength of a distortion against its level, on held-out images of that distortion; "
    "level 0 are the clean images. Mean over photographs with its 95 % interval (Student's t over "
    "photographs, cut at 0 and 1); dashed: the true strength."
)
_ACROSS = 4  # panels side by side
_Line = tuple[VersionStrengths, DoseCurve]


def dose_figure(compared: ComparedRuns) -> ReportFigure:
    """Return one small panel per distortion with a line per version."""
    versions, missing = strengths_of(compared)
    panels = {name: _lines(versions, name) for v in versions for name in v.tables.types[1:]}
    if not panels:
        return not_drawn("dose", _TITLE, missing or "No distortion was tested.")
    return ReportFigure(
        "dose",
        _TITLE,
        " ".join(map(_sentence, versions)),
        _table(versions),
        lambda: _draw(panels, [style.short(version.label) for version in versions]),
        lead=_LEAD,
        missing=missing,
    )


def _lines(versions: Iterable[VersionStrengths], distortion: str) -> list[_Line]:
    return [
        (version, curve)
        for version in versions
        for curve in version.tables.dose
        if curve.distortion == distortion
    ]


def _draw(lines: dict[str, list[_Line]], labels: Sequence[str]) -> style.Figure:
    columns = min(_ACROSS, len(lines))
    rows = -(-len(lines) // columns)
    figure = style.new_figure(max(2.3 * columns, 4.8), 0.6 + 1.75 * rows)
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    for panel, (name, curves) in zip(panels, lines.items(), strict=False):
        _draw_panel(panel, name, curves)
    for panel in panels[len(lines) :]:
        panel.set_visible(False)
    figure.supxlabel("level", fontsize=9)
    figure.supylabel("predicted strength", fontsize=9)
    style.legend_above(figure, labels, panels[0].containers)
    return figure


def _draw_panel(axes: style.Axes, distortion: str, lines: Sequence[_Line]) -> None:
    levels = max(curve.levels for _, curve in lines)
    axes.plot([0, levels], [0, 1], color=style.GREY, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    for index, (version, curve) in enumerate(lines):
        _draw_line(axes, version, curve, (index - (len(lines) - 1) / 2) * 0.09)
    axes.set_title(style.short(title_of(distortion), 26), fontsize=9, loc="left")
    axes.set_ylim(-0.04, 1.04)
    axes.set_xlim(-0.4, levels + 0.4)
    axes.set_xticks(range(levels + 1))
    axes.tick_params(labelsize=8)
    axes.grid(axis="y", color=style.GRID, linewidth=0.6)
    style.bare(axes)


def _draw_line(
    axes: style.Axes, version: VersionStrengths, curve: DoseCurve, offset: float
) -> None:
    means = np.array([point.mean for point in curve.points])
    ends = np.array([point.ci or (point.mean, point.mean) for point in curve.points]).reshape(-1, 2)
    axes.errorbar(
        [point.level + offset for point in curve.points],
        means,
        yerr=np.abs(ends.T - means),
        color=style.colour_of(version.index),
        marker=style.marker_of(version.index),
        markersize=4,
        linewidth=1.3,
        elinewidth=1.0,
        capsize=2,
    )


def _sentence(version: VersionStrengths) -> str:
    ends = ((c.distortion, c.points[0], c.points[-1]) for c in version.tables.dose if c.points)
    rises = "; ".join(
        f"{title_of(distortion)} from {figure_text(first.mean)} at level {first.level} to "
        f"{figure_text(last.mean)} at level {last.level}"
        for distortion, first, last in ends
    )
    return f"{version.label}: {rises}."


def _table(versions: Sequence[VersionStrengths]) -> DataTable:
    return DataTable.of(
        "dose",
        _TITLE,
        (
            *text_columns("distortion", "version"),
            Column("level", "level", "count"),
            Column("true", "true strength"),
            Column("mean", "mean predicted"),
            Column("ci", "95 % interval", "interval"),
            *count_columns("images", "photographs"),
        ),
        (
            {
                **dict(point),
                "distortion": title_of(curve.distortion),
                "version": version.label,
                "true": point.level / curve.levels,
            }
            for version in versions
            for curve in version.tables.dose
            for point in curve.points
        ),
    )


def response_figure(
    distortion: str,
    strength: Sequence[float],
    mean: Sequence[float],
    low: Sequence[float],
    high: Sequence[float],
) -> ReportFigure:
    """Return the dose-response curve of one sentence with its interval over photographs.

    Args:
        distortion: Name of the distortion.
        strength: Of each level, the clean image first, (L+1,), in [0, 1].
        mean: Mean probability of the sentence at each, (L+1,), in [0, 1].
        low: Lower end of its 95 % interval over photographs, (L+1,).
        high: Upper end, (L+1,).
    """

    def draw() -> style.Figure:
        figure = style.new_figure(6.4, 2.4)
        axes = figure.subplots()
        colour = style.colour_of(0)
        axes.fill_between(strength, low, high, color=colour, alpha=0.2, linewidth=0)
        axes.plot(strength, mean, color=colour, marker="o", markersize=4)
        axes.set_xlabel(f"strength of {distortion}")
        axes.set_ylabel("probability")
        axes.set_ylim(-0.03, 1.03)
        style.bare(axes)
        return figure

    points = ", ".join(f"{s:.2f}: {p:.2f}" for s, p in zip(strength, mean, strict=True))
    return ReportFigure(
        "response",
        f"Probability of the sentence by strength of {distortion}",
        f"Mean over photographs at each strength, {points}; the band is its 95 % interval.",
        draw=draw,
    )
