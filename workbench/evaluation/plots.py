"""Plots as SVG text: the same input gives the same bytes, and every plot says what it shows.

Figures are made without pyplot, so that no global state is shared between pages, and drawn for a
white ground in the colours of Okabe and Ito, which people with any colour vision tell apart; shape
or text always repeats what colour says.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from workbench.domain.comparison import Comparison, ComparisonPair, Interval
from workbench.domain.metrics import IdentificationMetrics, Metric, Undefined
from workbench.domain.run import Run
from workbench.errors import ConfigError
from workbench.evaluation.svg import svg_text
from workbench.evaluation.wording import (
    ALL_CLEAN,
    IDENTIFICATION_FIGURES,
    count_text,
    figure_text,
    interval_text,
    labels_of,
    signed_text,
    verdict_sentence,
)

BLACK, GREY = "#000000", "#6b6b6b"
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6D00")
_MARKERS = "osD^vP*X"
SHORTEST_AXIS = 0.1  # of a correlation; a tiny difference must not fill the page
_VERDICT_COLOURS = {"better": "#009E73", "worse": "#D55E00", "not distinguishable": GREY}
_SHARES = [name for name in IDENTIFICATION_FIGURES if name != "rmse"]  # all of them in [-1, 1]


def interval_plot(comparison: Comparison) -> str:
    """Draw each version's SRCC and each difference with its 95% interval.

    Args:
        comparison: What to show.

    Returns:
        An SVG document as text.
    """
    rows, pairs, labels = comparison.rows, comparison.pairs, labels_of(comparison)
    height = 1.3 + 0.42 * max(len(rows), len(pairs), 2)
    figure = Figure(figsize=(9.2 if pairs else 5.2, height), layout="constrained")
    axes = figure.subplots(1, 2 if pairs else 1, squeeze=False)[0]
    _draw_versions(axes[0], comparison)
    if pairs:
        _draw_differences(axes[1], pairs, labels)
    sentences = [
        f"{row.label}: SRCC {figure_text(row.srcc)}, 95% {interval_text(row.srcc_ci)}."
        for row in rows
    ] + [verdict_sentence(pair, labels) for pair in pairs]
    return svg_text(
        figure,
        "intervals",
        title="SRCC of each version with its interval",
        about=" ".join(sentences),
    )


def scatter_plot(run: Run, label: str) -> str:
    """Draw held-out predictions against their targets, one mark per image.

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
    result, held_out = run.result, run.result.predictions
    figure = Figure(figsize=(6.4, 4.6), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    for place, distortion in enumerate(dict.fromkeys(("", *sorted(set(held_out.distortion))))):
        chosen = [i for i, name in enumerate(held_out.distortion) if name == distortion]
        _draw_marks(
            axes,
            [held_out.target[i] for i in chosen],
            [held_out.predicted[i] for i in chosen],
            distortion,
            place - 1,
        )
    _dress(axes, result.protocol.target, "predicted quality")
    figure.legend(loc="outside right upper", frameon=False, fontsize=8, handletextpad=0.3)
    about = (
        f"{count_text(len(held_out.image), 'held-out image')} of "
        f"{count_text(len(set(held_out.photograph)), 'photograph')}, target against prediction: "
        f"SRCC {figure_text(result.quality.srcc)}, PLCC {figure_text(result.quality.plcc)}."
    )
    return svg_text(
        figure, f"scatter-{run.id}", title=f"Held-out predictions of {label}", about=about
    )


def identification_plot(comparison: Comparison) -> str:
    """Draw the figures of identification as bars, predicting "clean" always as a line.

    Args:
        comparison: What to show.

    Returns:
        An SVG document as text.
    """
    figure = Figure(figsize=(9.2, 3.6), layout="constrained")
    axes = figure.subplots()
    count = len(comparison.rows)
    width = 0.76 / max(count, 1)
    for place, row in enumerate(comparison.rows):
        offset = (place - (count - 1) / 2) * width
        values = [getattr(row.identification, name) for name in _SHARES]
        _draw_bars(axes, values, offset, width, PALETTE[place % len(PALETTE)], _short(row.label))
    baseline = [getattr(comparison.all_clean, name) for name in _SHARES]
    _draw_baseline(axes, baseline)
    axes.set_xticks(range(len(_SHARES)), [IDENTIFICATION_FIGURES[name] for name in _SHARES])
    axes.set_ylim(min(0.0, axes.get_ylim()[0]), 1.08)
    axes.axhline(0, color=GREY, linewidth=0.5)
    axes.spines["bottom"].set_visible(False)
    _bare(axes)
    figure.legend(loc="outside upper left", frameon=False, fontsize=9, ncols=min(count + 1, 5))
    told = [(row.label, row.identification) for row in comparison.rows]
    about = " ".join(
        _spoken(label, figures) for label, figures in [*told, (ALL_CLEAN, comparison.all_clean)]
    )
    return svg_text(
        figure, "identification", title="Identification beside predicting clean always", about=about
    )


def _draw_versions(axes: Axes, comparison: Comparison) -> None:
    rows = comparison.rows
    for place, row in enumerate(rows):
        note = f"{_short(row.label)}: {figure_text(row.srcc)}"
        _draw_interval(axes, place, row.srcc, row.srcc_ci, PALETTE[place % len(PALETTE)], note)
    axes.set_title("SRCC on held-out photographs", fontsize=10, loc="left")
    _lines(axes, len(rows), "SRCC, 95 % interval")


def _draw_differences(axes: Axes, pairs: Sequence[ComparisonPair], labels: dict[str, str]) -> None:
    for place, pair in enumerate(pairs):
        names = f"{_short(labels[pair.b], 16)} − {_short(labels[pair.a], 16)}"
        note = f"{names}: {signed_text(pair.delta_srcc)}, {pair.verdict}"
        colour = _VERDICT_COLOURS[pair.verdict]
        _draw_interval(axes, place, pair.delta_srcc, pair.ci, colour, note)
    axes.axvline(0, color=BLACK, linewidth=0.9)
    axes.set_title("Differences between versions", fontsize=10, loc="left")
    _lines(axes, len(pairs), "ΔSRCC, 95 % interval")


def _draw_interval(
    axes: Axes, place: int, value: Metric, interval: Interval | None, colour: str, note: str
) -> None:
    """Draw one line: interval, point, and its words above it, which never leave the axes."""
    axes.text(
        *(0.0, place - 0.3, note),
        transform=axes.get_yaxis_transform(),
        fontsize=9,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.2},
    )
    if isinstance(value, Undefined):
        return
    if interval is not None:
        axes.plot(interval, [place, place], color=colour, linewidth=2.4, solid_capstyle="butt")
        axes.plot(interval, [place, place], "|", color=colour, markersize=9, markeredgewidth=2)
    axes.plot([value], [place], "o", color=colour, markersize=7, markeredgecolor="white")


def _lines(axes: Axes, count: int, unit: str) -> None:
    axes.set_ylim(count - 0.5, -0.7)
    axes.set_yticks([])
    axes.margins(x=0.08)
    low, high = axes.get_xlim()
    missing = max(0.0, SHORTEST_AXIS - (high - low)) / 2
    axes.set_xlim(low - missing, high + missing)
    axes.set_xlabel(unit)
    axes.grid(axis="x", color="#dddddd", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _draw_marks(
    axes: Axes, target: Sequence[float], predicted: Sequence[float], distortion: str, place: int
) -> None:
    clean = distortion == ""
    axes.plot(
        target,
        predicted,
        linestyle="none",
        marker="o" if clean else _MARKERS[(place + 2 * (place // len(PALETTE))) % len(_MARKERS)],
        color="white" if clean else PALETTE[place % len(PALETTE)],
        markeredgecolor=BLACK if clean else "white",
        markeredgewidth=1.0 if clean else 0.3,
        markersize=5,
        alpha=1.0 if clean else 0.8,
        label="clean" if clean else distortion.replace("_", " "),
    )


def _dress(axes: Axes, target: str, predicted: str) -> None:
    axes.set_xlabel(f"target: {_short(target, 60)}")
    axes.set_ylabel(predicted)
    axes.set_aspect("equal", adjustable="datalim")
    axes.grid(color="#e4e4e4", linewidth=0.6)
    _bare(axes)


def _draw_bars(
    axes: Axes, values: Sequence[Metric], offset: float, width: float, colour: str, label: str
) -> None:
    places = np.arange(len(values)) + offset
    heights = [0.0 if isinstance(value, Undefined) else value for value in values]
    axes.bar(places, heights, width * 0.94, color=colour, label=label, zorder=2)
    for place, value in zip(places, values, strict=True):
        missing = isinstance(value, Undefined)
        axes.text(
            place,
            0.02 if isinstance(value, Undefined) else max(value, 0.0) + 0.015,
            figure_text(value, digits=2).replace("0.", ".", 1),
            ha="center",
            va="bottom",
            fontsize=7.5,
            color=GREY if missing else BLACK,
            rotation=90 if missing or width < 0.13 else 0,
        )


def _draw_baseline(axes: Axes, values: Sequence[Metric]) -> None:
    label: str | None = ALL_CLEAN
    for place, value in enumerate(values):
        if isinstance(value, Undefined):
            continue
        ends = [place - 0.44, place + 0.44]
        axes.plot(ends, [value, value], color=BLACK, linewidth=1.8, label=label, zorder=3)
        label = None


def _spoken(label: str, figures: IdentificationMetrics) -> str:
    parts = [f"{IDENTIFICATION_FIGURES[n]} {figure_text(getattr(figures, n))}" for n in _SHARES]
    return f"{label}: {', '.join(parts)}."


def _short(label: str, length: int = 28) -> str:
    """Return a label that fits; a dollar sign must not start a formula, nor "_" hide a legend."""
    shown = label if len(label) <= length else f"{label[: length - 1]}…"
    shown = shown.replace("$", r"\$")
    return f"\u200b{shown}" if shown.startswith("_") else shown


def _bare(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_axisbelow(True)
