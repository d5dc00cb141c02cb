"""SRCC of each version, each difference between two, and each edit's effect, with intervals."""

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.domain.comparison import Comparison, labels_of
from workbench.domain.data_table import Column, DataTable, text_columns
from workbench.domain.edit_effects import Attribution, EditEffect
from workbench.domain.number_format import figure_text, interval_text, signed_text
from workbench.report.figures import style
from workbench.report.figures.figure import ReportFigure, not_drawn
from workbench.report.wording import title_of, verdict_sentence

MOST_EDITS = 30  # drawn; the table holds all
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


def edits_figure(attribution: Attribution, index: int = 0) -> ReportFigure:
    """Return every edit made alone, strongest first, with its interval.

    Args:
        attribution: What `attribute_edits` returned.
        index: Its position within the report.
    """
    name = f"edits-{index + 1}"
    title = f"Edits from {attribution.a_label} to {attribution.b_label}, each made alone"
    strongest = attribution.edits[:MOST_EDITS]
    if not strongest:
        return not_drawn(name, title, "The two versions do not differ in any attribute.")
    rest = len(attribution.edits) - len(strongest)
    return ReportFigure(
        name,
        title,
        " ".join(map(_edit_sentence, strongest)),
        _edit_table(name, title, attribution),
        lambda: _draw_edits(strongest),
        lead=" ".join(attribution.notes),
        missing=f"{rest} weaker edits stand in the table only." if rest else "",
    )


def edit_text(edit: EditEffect) -> str:
    """Return an edit in one line: "+ phrase (jpeg)", "− phrase", or "~ before → after"."""
    return f"{edit.sign} {edit.phrases} ({title_of(edit.distortion)})"


def _draw_edits(edits: Sequence[EditEffect]) -> style.Figure:
    figure = style.new_figure(9.2, 1.0 + 0.42 * max(len(edits), 2))
    axes = figure.subplots()
    for row, edit in enumerate(edits):
        effect = edit.effect
        text = style.short(edit_text(edit), 70)
        note = f"{text}: {signed_text(effect.delta_srcc)}, {effect.verdict}"
        style.draw_interval(
            axes, row, effect.delta_srcc, effect.ci, _VERDICT_COLOURS[effect.verdict], note
        )
    axes.axvline(0, color=style.BLACK, linewidth=0.9)
    style.interval_lines(axes, len(edits), "ΔSRCC of this edit alone, 95 % interval")
    return figure


def _edit_sentence(edit: EditEffect) -> str:
    return (
        f"{edit_text(edit)}: {signed_text(edit.effect.delta_srcc)} "
        f"({interval_text(edit.effect.ci, signed=True)}), {edit.effect.verdict}."
    )


def _edit_table(name: str, title: str, attribution: Attribution) -> DataTable:
    edits: list[Mapping[str, Any]] = [
        {**dict(edit), **dict(edit.effect), "edit": edit_text(edit)} for edit in attribution.edits
    ]
    sums = {
        **{f"all of {title_of(d.distortion)}": d.effect for d in attribution.by_distortion},
        "all edits together": attribution.together,
        "what tuning anew did to the others": attribution.retuned,
    }
    together = [{**dict(effect), "edit": text, "kind": "together"} for text, effect in sums.items()]
    return DataTable.of(
        name,
        title,
        (
            *text_columns("edit", "kind"),
            Column("delta_srcc", "ΔSRCC", "signed"),
            Column("ci", "95 % interval", "signed interval"),
            Column("p_holm", "p after Holm", "p"),
            Column("verdict", "verdict", "text"),
            Column("shapley", "share", "signed"),
            Column("shapley_error", "its error"),
        ),
        [*edits, *together],
        aside=range(len(edits), len(edits) + len(together)),
    )
