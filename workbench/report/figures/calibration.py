"""Calibration: how strong distortions really are where a strength is predicted."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from workbench.domain.metrics import CalibrationBin
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
from workbench.report.figures.style import GREY, GRID, bare, colour_of, marker_of, short, svg_text

_TITLE = "Calibration of strengths"
_LEAD = (
    "All pairs of a held-out image and a distortion, in ten bins of predicted strength: the mean "
    "true strength of each bin, and below how many pairs it holds (logarithmic). Most pairs are "
    "of a distortion that is absent, hence the tall first bin. On the dashed line strengths "
    "mean what they say; the calibration error is the mean distance from it, weighted by counts."
)
_ACROSS = 3


def calibration_error(bins: Sequence[CalibrationBin]) -> float:
    """Return the mean |true − predicted| of the bins, weighted by their counts.

    The expected calibration error of Naeini, Cooper and Hauskrecht (AAAI 2015), for strengths.

    Args:
        bins: At least one.
    """
    counts = np.array([one.count for one in bins])
    gaps = np.array([abs(one.mean_true - one.mean_predicted) for one in bins])
    return float(gaps @ counts / counts.sum())


def calibration_figure(runs: Sequence[Run], labels: Sequence[str]) -> ReportFigure:
    """Return a reliability curve with its counts, one panel per version.

    Args:
        runs: Finished runs.
        labels: What people call each.
    """
    kept, missing = told_strengths(runs, labels)
    told = [some for some in kept if some.tables.calibration]
    if not told:
        return not_drawn("calibration", _TITLE, missing or "There is no strength to judge.")
    columns = min(_ACROSS, len(told))
    rows = -(-len(told) // columns)
    figure = Figure(figsize=(max(3.05 * columns, 3.6), 4.2 * rows), layout="constrained")
    panels = figure.subplots(
        2 * rows, columns, squeeze=False, sharex=True, height_ratios=[3, 1] * rows
    )
    for place, some in enumerate(told):
        row, column = divmod(place, columns)
        _draw_curve(panels[2 * row, column], some)
        _draw_counts(panels[2 * row + 1, column], some, first=column == 0)
        panels[2 * row, column].set_ylabel("" if column else "mean true strength")
    for place in range(len(told), rows * columns):
        row, column = divmod(place, columns)
        panels[2 * row, column].set_visible(False)
        panels[2 * row + 1, column].set_visible(False)
    svg = svg_text(figure, "calibration", title=_TITLE, about=_about(told))
    return drawn("calibration", svg, _table(told), lead=_LEAD, missing=missing)


def _draw_curve(axes: Axes, some: Told) -> None:
    bins = some.tables.calibration
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    axes.plot(
        [one.mean_predicted for one in bins],
        [one.mean_true for one in bins],
        color=colour_of(some.place),
        marker=marker_of(some.place),
        markersize=5,
        linewidth=1.4,
    )
    axes.set_title(
        f"{short(some.label, 30)}\ncalibration error {figure_text(calibration_error(bins))}",
        fontsize=9,
        loc="left",
    )
    axes.set_ylim(-0.03, 1.03)
    axes.tick_params(labelbottom=False, labelsize=8)
    axes.grid(color=GRID, linewidth=0.6)
    bare(axes)


def _draw_counts(axes: Axes, some: Told, *, first: bool) -> None:
    bins = some.tables.calibration
    axes.bar(
        [(one.low + one.high) / 2 for one in bins],
        [one.count for one in bins],
        width=[0.9 * (one.high - one.low) for one in bins],
        color=colour_of(some.place),
    )
    axes.set_yscale("log")
    axes.set_ylim(bottom=0.7)
    axes.set_xlim(-0.03, 1.03)
    axes.tick_params(labelbottom=True, labelsize=8)
    axes.set_xlabel("predicted strength")
    axes.set_ylabel("pairs" if first else "")
    bare(axes)


def _about(told: Sequence[Told]) -> str:
    sentences = []
    for some in told:
        bins = some.tables.calibration
        points = ", ".join(
            f"{figure_text(one.mean_predicted, digits=2)} → {figure_text(one.mean_true, digits=2)}"
            for one in bins
        )
        error = figure_text(calibration_error(bins))
        sentences.append(f"{some.label}: calibration error {error}; predicted → true {points}.")
    return " ".join(sentences)


def _table(told: Sequence[Told]) -> DataTable:
    return DataTable(
        "calibration",
        _TITLE,
        (
            Column("version", "version", "text"),
            Column("bin", "bin of predicted strength", "interval"),
            Column("mean_predicted", "mean predicted"),
            Column("mean_true", "mean true"),
            Column("count", "pairs", "count"),
        ),
        tuple(
            (some.label, (one.low, one.high), one.mean_predicted, one.mean_true, one.count)
            for some in told
            for one in some.tables.calibration
        ),
    )
