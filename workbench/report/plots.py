"""Plots of a comparison as SVG text: same input, same bytes, and every plot says what it shows.

Figures are made without pyplot, so that no global state is shared between pages.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from workbench.domain.comparison import Comparison, ComparisonPair, labels_of
from workbench.domain.metrics import IdentificationMetrics, Metric, Undefined
from workbench.domain.number_format import figure_text, interval_text, signed_text
from workbench.report.figures.style import (
    BLACK,
    GREY,
    bare,
    colour_of,
    draw_interval,
    interval_lines,
    legend_above,
    short,
    svg_text,
)
from workbench.report.wording import ALL_CLEAN, IDENTIFICATION_FIGURES, verdict_sentence

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
        _draw_bars(axes, values, offset, width, colour_of(place), short(row.label))
    baseline = [getattr(comparison.all_clean, name) for name in _SHARES]
    _draw_baseline(axes, baseline)
    axes.set_xticks(range(len(_SHARES)), [IDENTIFICATION_FIGURES[name] for name in _SHARES])
    axes.set_ylim(min(0.0, axes.get_ylim()[0]), 1.08)
    axes.axhline(0, color=GREY, linewidth=0.5)
    axes.spines["bottom"].set_visible(False)
    bare(axes)
    handles, names = axes.get_legend_handles_labels()
    legend_above(figure, names, handles)
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
        note = f"{short(row.label)}: {figure_text(row.srcc)}"
        draw_interval(axes, place, row.srcc, row.srcc_ci, colour_of(place), note)
    axes.set_title("SRCC on held-out photographs", fontsize=10, loc="left")
    interval_lines(axes, len(rows), "SRCC, 95 % interval")


def _draw_differences(axes: Axes, pairs: Sequence[ComparisonPair], labels: dict[str, str]) -> None:
    for place, pair in enumerate(pairs):
        names = f"{short(labels[pair.b], 16)} − {short(labels[pair.a], 16)}"
        note = f"{names}: {signed_text(pair.delta_srcc)}, {pair.verdict}"
        colour = _VERDICT_COLOURS[pair.verdict]
        draw_interval(axes, place, pair.delta_srcc, pair.ci, colour, note)
    axes.axvline(0, color=BLACK, linewidth=0.9)
    axes.set_title("Differences between versions", fontsize=10, loc="left")
    interval_lines(axes, len(pairs), "ΔSRCC, 95 % interval")


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
            zorder=4,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.4},
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


def response_plot(
    distortion: str,
    strength: Sequence[float],
    mean: Sequence[float],
    low: Sequence[float],
    high: Sequence[float],
) -> str:
    """Draw a dose-response curve with its interval over photographs.

    Args:
        distortion: Name of the distortion.
        strength: Of each level, the clean image first, (L+1,), in [0, 1].
        mean: Mean probability of the sentence at each, (L+1,), in [0, 1].
        low: Lower end of its 95 % interval over photographs, (L+1,).
        high: Upper end, (L+1,).

    Returns:
        An SVG document as text.
    """
    figure = Figure(figsize=(6.4, 2.4), layout="constrained")
    axes = figure.subplots()
    colour = colour_of(0)
    axes.fill_between(strength, low, high, color=colour, alpha=0.2, linewidth=0)
    axes.plot(strength, mean, color=colour, marker="o", markersize=4)
    axes.set_xlabel(f"strength of {distortion}")
    axes.set_ylabel("probability")
    axes.set_ylim(-0.03, 1.03)
    bare(axes)
    points = ", ".join(f"{s:.2f}: {p:.2f}" for s, p in zip(strength, mean, strict=True))
    return svg_text(
        figure,
        "response",
        title=f"Probability of the sentence by strength of {distortion}",
        about=f"Mean over photographs at each strength, {points}; the band is its 95 % interval.",
    )
