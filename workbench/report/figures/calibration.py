"""Calibration: how strong distortions really are where a strength is predicted."""

from collections.abc import Sequence

import numpy as np

from workbench.domain.data_table import Column, DataTable
from workbench.domain.metrics import CalibrationBin
from workbench.domain.number_format import figure_text
from workbench.evaluation.comparable import ComparedRuns
from workbench.report.figures import style
from workbench.report.figures.figure import (
    ReportFigure,
    VersionStrengths,
    not_drawn,
    strengths_of,
)

_TITLE = "Calibration of strengths"
_LEAD = (
    "All pairs of a held-out image and a distortion, in ten bins of predicted strength: the mean "
    "true strength of each bin, and below how many pairs it holds (logarithmic). Most pairs are "
    "of a distortion that is absent, hence the tall first bin. On the dashed line strengths "
    "mean what they say; the calibration error is the mean distance from it, weighted by counts."
)
_ACROSS = 3  # panels side by side


def calibration_error(bins: Sequence[CalibrationBin]) -> float:
    """Return the mean |true − predicted| of the bins, weighted by their counts.

    The expected calibration error of Naeini, Cooper and Hauskrecht (AAAI 2015), for strengths.

    Args:
        bins: At least one.
    """
    counts = np.array([bin.count for bin in bins])
    gaps = np.array([abs(bin.mean_true - bin.mean_predicted) for bin in bins])
    return float(gaps @ counts / counts.sum())


def calibration_figure(compared: ComparedRuns) -> ReportFigure:
    """Return a reliability curve with its counts, one panel per version."""
    versions, missing = strengths_of(compared)
    versions = [version for version in versions if version.tables.calibration]
    if not versions:
        return not_drawn("calibration", _TITLE, missing or "There is no strength to judge.")
    return ReportFigure(
        "calibration",
        _TITLE,
        " ".join(map(_sentence, versions)),
        _table(versions),
        lambda: _draw(versions),
        lead=_LEAD,
        missing=missing,
    )


def _draw(versions: Sequence[VersionStrengths]) -> style.Figure:
    columns = min(_ACROSS, len(versions))
    rows = -(-len(versions) // columns)
    figure = style.new_figure(max(3.05 * columns, 3.6), 4.2 * rows)
    panels = figure.subplots(
        2 * rows, columns, squeeze=False, sharex=True, height_ratios=[3, 1] * rows
    )
    for index, version in enumerate(versions):
        row, column = divmod(index, columns)
        _draw_curve(panels[2 * row, column], version)
        _draw_counts(panels[2 * row + 1, column], version, first=column == 0)
        panels[2 * row, column].set_ylabel("" if column else "mean true strength")
    for index in range(len(versions), rows * columns):
        row, column = divmod(index, columns)
        panels[2 * row, column].set_visible(False)
        panels[2 * row + 1, column].set_visible(False)
    return figure


def _draw_curve(axes: style.Axes, version: VersionStrengths) -> None:
    bins = version.tables.calibration
    axes.plot([0, 1], [0, 1], color=style.GREY, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    axes.plot(
        [bin.mean_predicted for bin in bins],
        [bin.mean_true for bin in bins],
        color=style.colour_of(version.index),
        marker=style.marker_of(version.index),
        markersize=5,
        linewidth=1.4,
    )
    error = figure_text(calibration_error(bins))
    title = f"{style.short(version.label, 30)}\ncalibration error {error}"
    axes.set_title(title, fontsize=9, loc="left")
    axes.set_ylim(-0.03, 1.03)
    axes.tick_params(labelbottom=False, labelsize=8)
    axes.grid(color=style.GRID, linewidth=0.6)
    style.bare(axes)


def _draw_counts(axes: style.Axes, version: VersionStrengths, *, first: bool) -> None:
    bins = version.tables.calibration
    axes.bar(
        [(bin.low + bin.high) / 2 for bin in bins],
        [bin.count for bin in bins],
        width=[0.9 * (bin.high - bin.low) for bin in bins],
        color=style.colour_of(version.index),
    )
    axes.set_yscale("log")
    axes.set_ylim(bottom=0.7)  # so that a bin of one pair shows
    axes.set_xlim(-0.03, 1.03)
    axes.tick_params(labelbottom=True, labelsize=8)
    axes.set_xlabel("predicted strength")
    axes.set_ylabel("pairs" if first else "")
    style.bare(axes)


def _sentence(version: VersionStrengths) -> str:
    bins = version.tables.calibration
    points = ", ".join(
        f"{figure_text(bin.mean_predicted, digits=2)} → {figure_text(bin.mean_true, digits=2)}"
        for bin in bins
    )
    error = figure_text(calibration_error(bins))
    return f"{version.label}: calibration error {error}; predicted → true {points}."


def _table(versions: Sequence[VersionStrengths]) -> DataTable:
    return DataTable.of(
        "calibration",
        _TITLE,
        (
            Column("version", "version", "text"),
            Column("bin", "bin of predicted strength", "interval"),
            Column("mean_predicted", "mean predicted"),
            Column("mean_true", "mean true"),
            Column("count", "pairs", "count"),
        ),
        (
            {**dict(bin), "version": version.label, "bin": (bin.low, bin.high)}
            for version in versions
            for bin in version.tables.calibration
        ),
    )
