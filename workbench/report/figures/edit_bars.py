"""What each edit between two versions contributed, as an attribution found it."""

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.domain.data_table import Column, DataTable, text_columns
from workbench.domain.edit_effects import Attribution, EditEffect
from workbench.domain.number_format import interval_text, signed_text
from workbench.report.figures import style
from workbench.report.figures.figure import ReportFigure, not_drawn
from workbench.report.wording import title_of

MOST_EDITS = 30  # drawn; the table holds all
_COLOURS = {"helps": "#009E73", "hurts": "#D55E00", "not distinguishable": style.GREY}


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
        " ".join(map(_sentence, strongest)),
        _table(name, title, attribution),
        lambda: _draw(strongest),
        lead=" ".join(attribution.notes),
        missing=f"{rest} weaker edits stand in the table only." if rest else "",
    )


def edit_text(edit: EditEffect) -> str:
    """Return an edit in one line: "+ phrase (jpeg)", "− phrase", or "~ before → after"."""
    return f"{edit.sign} {edit.phrases} ({title_of(edit.distortion)})"


def _draw(edits: Sequence[EditEffect]) -> style.Figure:
    figure = style.new_figure(9.2, 1.0 + 0.42 * max(len(edits), 2))
    axes = figure.subplots()
    for row, edit in enumerate(edits):
        effect = edit.effect
        text = style.short(edit_text(edit), 70)
        note = f"{text}: {signed_text(effect.delta_srcc)}, {effect.verdict}"
        style.draw_interval(axes, row, effect.delta_srcc, effect.ci, _COLOURS[effect.verdict], note)
    axes.axvline(0, color=style.BLACK, linewidth=0.9)
    style.interval_lines(axes, len(edits), "ΔSRCC of this edit alone, 95 % interval")
    return figure


def _sentence(edit: EditEffect) -> str:
    return (
        f"{edit_text(edit)}: {signed_text(edit.effect.delta_srcc)} "
        f"({interval_text(edit.effect.ci, signed=True)}), {edit.effect.verdict}."
    )


def _table(name: str, title: str, attribution: Attribution) -> DataTable:
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
