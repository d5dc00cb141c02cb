"""Held-out predictions and their targets, and the logistic curve from one to the other."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from workbench.domain.metrics import Undefined
from workbench.domain.number_format import count_text, figure_text
from workbench.domain.run import Run, RunResult
from workbench.errors import ConfigError
from workbench.evaluation.correlation import Logistic, fit_logistic
from workbench.report.figures.figure import Column, DataTable, ReportFigure, drawn
from workbench.report.figures.style import (
    BLACK,
    GREY,
    GRID,
    bare,
    colour_of,
    marker_of,
    short,
    svg_text,
    title_of,
)

_IN_A_COLUMN = 20  # names of a legend as high as the plot
_WITH_NEIGHBOUR = 13  # names up to which the plot is legible at half width


def scatter_figure(run: Run, label: str) -> ReportFigure:
    """Return one version's scatter with every point as a table; takes what `scatter_plot` does."""
    svg = scatter_plot(run, label)
    held_out = run.result.predictions if run.result else None
    types = len(set(held_out.distortion)) if held_out else 0
    table = DataTable(
        f"scatter-{run.id}",
        f"Held-out predictions of {label}",
        (
            Column("image", "image", "text"),
            Column("photograph", "photograph", "text"),
            Column("distortion", "distortion", "text"),
            Column("level", "level", "count"),
            Column("target", "target"),
            Column("predicted", "predicted"),
        ),
        tuple(zip(*(column for _, column in held_out), strict=True)) if held_out else (),
    )
    return drawn(f"scatter-{run.id}", svg, table, half=types <= _WITH_NEIGHBOUR)


def scatter_plot(run: Run, label: str) -> str:
    """Draw targets over held-out predictions, one mark per image, and the fitted curve.

    Args:
        run: A run that is done.
        label: What people call its version.

    Returns:
        An SVG document as text.

    Raises:
        ConfigError: the run has no result.
    """
    if run.result is None:
        raise ConfigError(f"Run {run.id} has no result to draw; it is {run.status}.")
    result = run.result
    shown = set(result.predictions.distortion)
    names = ("", *(name for name in result.protocol.distortions if name in shown))
    columns = -(-(len(names) + 2) // _IN_A_COLUMN)
    figure = Figure(figsize=(4.7 + 2.0 * columns, 4.6), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    for place, distortion in enumerate(names):
        _draw_marks(axes, result, distortion, place - 1)
    curve = fit_logistic(result.predictions.predicted, result.predictions.target)
    _draw_curve(axes, curve, result.predictions.predicted)
    _dress(axes, result.protocol.target)
    figure.legend(
        loc="outside right upper", frameon=False, fontsize=8, handletextpad=0.3, ncols=columns
    )
    return svg_text(
        figure,
        f"scatter-{run.id}",
        title=f"Held-out predictions of {label}",
        about=_about(result, curve),
    )


def _about(result: RunResult, curve: Logistic | Undefined) -> str:
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


def _draw_marks(axes: Axes, result: RunResult, distortion: str, place: int) -> None:
    held_out, clean = result.predictions, distortion == ""
    chosen = [i for i, name in enumerate(held_out.distortion) if name == distortion]
    axes.plot(
        [held_out.predicted[i] for i in chosen],
        [held_out.target[i] for i in chosen],
        linestyle="none",
        marker="o" if clean else marker_of(place),
        color="white" if clean else colour_of(place),
        markeredgecolor=BLACK if clean else "white",
        markeredgewidth=1.0 if clean else 0.3,
        markersize=5,
        alpha=1.0 if clean else 0.8,
        label=short(title_of(distortion), 24),
    )


def _draw_curve(axes: Axes, curve: Logistic | Undefined, predicted: Sequence[float]) -> None:
    if isinstance(curve, Undefined):
        return
    over = np.linspace(min(predicted), max(predicted), 100)
    axes.plot(over, curve(over), color=BLACK, linewidth=1.6, label="fitted logistic", zorder=4)


def _dress(axes: Axes, target: str) -> None:
    axes.set_xlabel("predicted quality")
    axes.set_ylabel(f"target: {short(target, 50)}")
    low, high = zip(axes.get_xlim(), axes.get_ylim(), strict=True)
    ends = min(-0.03, *low), max(1.03, *high)
    axes.set_xlim(ends)
    axes.set_ylim(ends)
    axes.set_aspect("equal")
    axes.grid(color=GRID, linewidth=0.6)
    bare(axes)
