"""The figures of identification of each version, beside always saying “clean”."""

from collections.abc import Sequence

from workbench.domain.comparison import Comparison
from workbench.domain.metrics import IdentificationMetrics, Metric, Undefined
from workbench.domain.number_format import figure_text
from workbench.report.figures import style
from workbench.report.figures.figure import ReportFigure
from workbench.report.naming_tables import identification_table
from workbench.report.wording import ALL_CLEAN, IDENTIFICATION_FIGURES

# The axis is of shares and correlations, all in [-1, 1]; a root mean square error is neither.
_SHARES = {key: name for key, name in IDENTIFICATION_FIGURES.items() if key != "rmse"}


def identification_figure(comparison: Comparison) -> ReportFigure:
    """Return the figures of identification as bars, predicting "clean" always as a line."""
    rows = [(row.label, row.identification) for row in comparison.rows]
    return ReportFigure(
        "identification-bars",
        "Identification beside predicting clean always",
        " ".join(_sentence(*row) for row in (*rows, (ALL_CLEAN, comparison.all_clean))),
        identification_table(comparison, "identification-bars"),
        lambda: _draw(comparison),
    )


def _draw(comparison: Comparison) -> style.Figure:
    figure = style.new_figure(9.2, 3.6)
    axes = figure.subplots()
    count = len(comparison.rows)
    width = 0.76 / max(count, 1)
    for index, row in enumerate(comparison.rows):
        offset = (index - (count - 1) / 2) * width
        label = style.short(row.label)
        _draw_bars(axes, _values(row.identification), offset, width, style.colour_of(index), label)
    _draw_baseline(axes, _values(comparison.all_clean))
    axes.set_xticks(range(len(_SHARES)), list(_SHARES.values()))
    axes.set_ylim(min(0.0, axes.get_ylim()[0]), 1.08)
    axes.axhline(0, color=style.GREY, linewidth=0.5)
    axes.spines["bottom"].set_visible(False)
    style.bare(axes)
    handles, names = axes.get_legend_handles_labels()
    style.legend_above(figure, names, handles)
    return figure


def _values(figures: IdentificationMetrics) -> list[Metric]:
    return [getattr(figures, key) for key in _SHARES]


def _draw_bars(
    axes: style.Axes, values: Sequence[Metric], offset: float, width: float, colour: str, label: str
) -> None:
    centres = [index + offset for index in range(len(values))]
    heights = [0.0 if isinstance(value, Undefined) else value for value in values]
    axes.bar(centres, heights, width * 0.94, color=colour, label=label, zorder=2)
    for centre, value in zip(centres, values, strict=True):
        missing = isinstance(value, Undefined)
        axes.text(
            centre,
            0.02 if isinstance(value, Undefined) else max(value, 0.0) + 0.015,
            figure_text(value, digits=2).replace("0.", ".", 1),
            ha="center",
            va="bottom",
            fontsize=7.5,
            zorder=4,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.4},
            color=style.GREY if missing else style.BLACK,
            rotation=90 if missing or width < 0.13 else 0,
        )


def _draw_baseline(axes: style.Axes, values: Sequence[Metric]) -> None:
    label: str | None = ALL_CLEAN
    for index, value in enumerate(values):
        if isinstance(value, Undefined):
            continue
        ends = [index - 0.44, index + 0.44]
        axes.plot(ends, [value, value], color=style.BLACK, linewidth=1.8, label=label, zorder=3)
        label = None  # one entry of the legend for all


def _sentence(label: str, figures: IdentificationMetrics) -> str:
    parts = (f"{name} {figure_text(getattr(figures, key))}" for key, name in _SHARES.items())
    return f"{label}: {', '.join(parts)}."
