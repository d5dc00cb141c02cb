"""Held-out predictions and their targets, and the logistic curve from one to the other."""

from collections.abc import Sequence

import numpy as np

from workbench.domain.data_table import Column, DataTable, text_columns
from workbench.domain.metrics import Undefined
from workbench.domain.number_format import count_text, figure_text
from workbench.domain.run import RunResult
from workbench.evaluation.correlation import Logistic, fit_logistic
from workbench.report.figures import style
from workbench.report.figures.figure import ReportFigure
from workbench.report.wording import title_of

_LEGEND_ROWS = 20  # names of a legend as high as the plot
_WITH_NEIGHBOUR = 13  # names up to which the plot is legible at half width


def scatter_figure(run: int, label: str, result: RunResult) -> ReportFigure:
    """Return targets over held-out predictions, one mark per image, and the fitted curve.

    Args:
        run: Number of the run.
        label: What people call its version.
        result: What the run found.
    """
    curve = fit_logistic(result.predictions.predicted, result.predictions.target)
    return ReportFigure(
        f"scatter-{run}",
        f"Held-out predictions of {label}",
        scatter_words(result, curve),
        scatter_table(run, label, result),
        lambda: _draw(result, curve),
        half=len(set(result.predictions.distortion)) <= _WITH_NEIGHBOUR,
    )


def scatter_table(run: int, label: str, result: RunResult) -> DataTable:
    """Return every held-out image with its target and prediction; takes what the figure does."""
    return DataTable(
        f"scatter-{run}",
        f"Held-out predictions of {label}",
        (
            *text_columns("image", "photograph", "distortion"),
            Column("level", "level", "count"),
            Column("target", "target"),
            Column("predicted", "predicted"),
        ),
        tuple(zip(*(column for _, column in result.predictions), strict=True)),
    )


def _draw(result: RunResult, curve: Logistic | Undefined) -> style.Figure:
    tested = set(result.predictions.distortion)
    names = ("", *(name for name in result.protocol.distortions if name in tested))
    columns = -(-(len(names) + 2) // _LEGEND_ROWS)
    figure = style.new_figure(4.7 + 2.0 * columns, 4.6)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=style.GREY, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    for index, distortion in enumerate(names):
        _draw_marks(axes, result, distortion, index - 1)
    _draw_curve(axes, curve, result.predictions.predicted)
    _dress(axes, result.protocol.target)
    figure.legend(
        loc="outside right upper", frameon=False, fontsize=8, handletextpad=0.3, ncols=columns
    )
    return figure


def scatter_words(result: RunResult, curve: Logistic | Undefined) -> str:
    """Return what the figure shows: how many images, SRCC, PLCC, and the fitted curve."""
    held_out, quality = result.predictions, result.quality
    fitted = (
        f"no fitted curve: {curve.undefined}"
        if isinstance(curve, Undefined)
        else f"the fitted logistic rises from {figure_text(curve.low)} to "
        f"{figure_text(curve.high)} around a prediction of {figure_text(curve.centre)}"
    )
    return (
        f"{count_text(len(held_out.image), 'held-out image')} of "
        f"{count_text(len(set(held_out.photograph)), 'photograph')}, target against prediction: "
        f"SRCC {figure_text(quality.srcc)}, PLCC {figure_text(quality.plcc)}; {fitted}."
    )


def _draw_marks(axes: style.Axes, result: RunResult, distortion: str, index: int) -> None:
    held_out, clean = result.predictions, distortion == ""
    rows = [row for row, name in enumerate(held_out.distortion) if name == distortion]
    axes.plot(
        [held_out.predicted[row] for row in rows],
        [held_out.target[row] for row in rows],
        linestyle="none",
        marker="o" if clean else style.marker_of(index),
        color="white" if clean else style.colour_of(index),
        markeredgecolor=style.BLACK if clean else "white",
        markeredgewidth=1.0 if clean else 0.3,
        markersize=5,
        alpha=1.0 if clean else 0.8,
        label=style.short(title_of(distortion), 24),
    )


def _draw_curve(axes: style.Axes, curve: Logistic | Undefined, predicted: Sequence[float]) -> None:
    if isinstance(curve, Undefined):
        return
    over = np.linspace(min(predicted), max(predicted), 100)
    axes.plot(
        over, curve(over), color=style.BLACK, linewidth=1.6, label="fitted logistic", zorder=4
    )


def _dress(axes: style.Axes, target: str) -> None:
    axes.set_xlabel("predicted quality")
    axes.set_ylabel(f"target: {style.short(target, 50)}")
    low, high = zip(axes.get_xlim(), axes.get_ylim(), strict=True)
    ends = min(-0.03, *low), max(1.03, *high)
    axes.set_xlim(ends)
    axes.set_ylim(ends)
    axes.set_aspect("equal")
    axes.grid(color=style.GRID, linewidth=0.6)
    style.bare(axes)
