"""The SRCC of each version and each difference between two, with their intervals."""

from workbench.domain.comparison import Comparison, labels_of
from workbench.domain.data_table import Column, DataTable, text_columns
from workbench.domain.number_format import figure_text, interval_text, signed_text
from workbench.report.figures import style
from workbench.report.figures.figure import ReportFigure
from workbench.report.wording import verdict_sentence

_VERDICT_COLOURS = {"better": "#009E73", "worse": "#D55E00", "not distinguishable": style.GREY}


def intervals_figure(comparison: Comparison) -> ReportFigure:
    """Return each version's SRCC and each difference with its 95 % interval."""
    labels = labels_of(comparison)
    sentences = (
        *(
            f"{row.label}: SRCC {figure_text(row.srcc)}, 95% {interval_text(row.srcc_ci)}."
            for row in comparison.rows
        ),
        *(verdict_sentence(pair, labels) for pair in comparison.pairs),
    )
    return ReportFigure(
        "intervals",
        "SRCC of each version with its interval",
        " ".join(sentences),
        _table(comparison),
        lambda: _draw(comparison),
    )


def _draw(comparison: Comparison) -> style.Figure:
    rows, pairs = comparison.rows, comparison.pairs
    height = 1.3 + 0.42 * max(len(rows), len(pairs), 2)
    figure = style.new_figure(9.2 if pairs else 5.2, height)
    axes = figure.subplots(1, 2 if pairs else 1, squeeze=False)[0]
    _draw_versions(axes[0], comparison)
    if pairs:
        _draw_differences(axes[1], comparison)
    return figure


def _draw_versions(axes: style.Axes, comparison: Comparison) -> None:
    for index, row in enumerate(comparison.rows):
        note = f"{style.short(row.label)}: {figure_text(row.srcc)}"
        style.draw_interval(axes, index, row.srcc, row.srcc_ci, style.colour_of(index), note)
    axes.set_title("SRCC on held-out photographs", fontsize=10, loc="left")
    style.interval_lines(axes, len(comparison.rows), "SRCC, 95 % interval")


def _draw_differences(axes: style.Axes, comparison: Comparison) -> None:
    labels = labels_of(comparison)
    for index, pair in enumerate(comparison.pairs):
        names = f"{style.short(labels[pair.b], 16)} − {style.short(labels[pair.a], 16)}"
        note = f"{names}: {signed_text(pair.delta_srcc)}, {pair.verdict}"
        colour = _VERDICT_COLOURS[pair.verdict]
        style.draw_interval(axes, index, pair.delta_srcc, pair.ci, colour, note)
    axes.axvline(0, color=style.BLACK, linewidth=0.9)
    axes.set_title("Differences between versions", fontsize=10, loc="left")
    style.interval_lines(axes, len(comparison.pairs), "ΔSRCC, 95 % interval")


def _table(comparison: Comparison) -> DataTable:
    labels = labels_of(comparison)
    versions = [(row.label, "SRCC", row.srcc, row.srcc_ci) for row in comparison.rows]
    pairs = [
        (f"{labels[pair.b]} − {labels[pair.a]}", "ΔSRCC", pair.delta_srcc, pair.ci)
        for pair in comparison.pairs
    ]
    return DataTable(
        "intervals",
        "SRCC of each version and each difference",
        (
            *text_columns("what", "kind"),
            Column("value", "value"),
            Column("ci", "95 % interval", "interval"),
        ),
        (*versions, *pairs),
    )
