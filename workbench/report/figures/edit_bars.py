"""What each edit between two versions contributed, as an attribution tells it."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from workbench.domain.edit_effects import Attribution, EditEffect
from workbench.domain.number_format import interval_text, signed_text
from workbench.report.figures.figure import Column, DataTable, ReportFigure, drawn, not_drawn
from workbench.report.figures.style import (
    BLACK,
    GREY,
    draw_interval,
    interval_lines,
    short,
    svg_text,
    title_of,
)

MOST_EDITS = 30  # drawn; the table holds all
_COLOURS = {"helps": "#009E73", "hurts": "#D55E00", "not distinguishable": GREY}
_SIGNS = {"added": "+", "removed": "−", "reworded": "~"}


def edits_figure(attribution: Attribution, place: int = 0) -> ReportFigure:
    """Return every edit made alone, strongest first, with its interval.

    Args:
        attribution: What `attribute_edits` returned.
        place: Its number within the report.
    """
    name = f"edits-{place + 1}"
    title = f"Edits from {attribution.a_label} to {attribution.b_label}, each made alone"
    shown = attribution.edits[:MOST_EDITS]
    if not shown:
        return not_drawn(name, title, "The two versions do not differ in any attribute.")
    figure = Figure(figsize=(9.2, 1.0 + 0.42 * max(len(shown), 2)), layout="constrained")
    axes = figure.subplots()
    for line, edit in enumerate(shown):
        effect = edit.effect
        note = f"{short(edit_text(edit), 70)}: {signed_text(effect.delta_srcc)}, {effect.verdict}"
        colour = _COLOURS[effect.verdict]
        draw_interval(axes, line, effect.delta_srcc, effect.ci, colour, note)
    axes.axvline(0, color=BLACK, linewidth=0.9)
    interval_lines(axes, len(shown), "ΔSRCC of this edit alone, 95 % interval")
    svg = svg_text(figure, name, title=title, about=_about(shown))
    rest = len(attribution.edits) - len(shown)
    missing = f"{rest} weaker edits stand in the table only." if rest else ""
    lead = " ".join(attribution.notes)
    return drawn(name, svg, _table(name, title, attribution), lead=lead, missing=missing)


def edit_text(edit: EditEffect) -> str:
    """Return an edit in one line: "+ phrase (jpeg)", "− phrase", or "~ before → after"."""
    phrases = " → ".join(phrase for phrase in (edit.before, edit.after) if phrase is not None)
    return f"{_SIGNS[edit.kind]} {phrases} ({title_of(edit.distortion)})"


def _about(edits: Sequence[EditEffect]) -> str:
    return " ".join(
        f"{edit_text(edit)}: {signed_text(edit.effect.delta_srcc)} "
        f"({interval_text(edit.effect.ci, signed=True)}), {edit.effect.verdict}."
        for edit in edits
    )


def _table(name: str, title: str, attribution: Attribution) -> DataTable:
    edits = tuple(
        (
            edit_text(edit),
            edit.kind,
            edit.effect.delta_srcc,
            edit.effect.ci,
            edit.effect.p_holm,
            edit.effect.verdict,
            edit.shapley,
            edit.shapley_error,
        )
        for edit in attribution.edits
    )
    sums = [
        *((f"all of {title_of(one.distortion)}", one.effect) for one in attribution.by_distortion),
        ("all edits together", attribution.together),
        ("what tuning anew did to the others", attribution.retuned),
    ]
    whole = tuple(
        (text, "together", effect.delta_srcc, effect.ci, effect.p_holm, effect.verdict, None, None)
        for text, effect in sums
    )
    return DataTable(
        name,
        title,
        (
            Column("edit", "edit", "text"),
            Column("kind", "kind", "text"),
            Column("delta_srcc", "ΔSRCC", "signed"),
            Column("ci", "95 % interval", "signed interval"),
            Column("p_holm", "p after Holm", "p"),
            Column("verdict", "verdict", "text"),
            Column("shapley", "share", "signed"),
            Column("shapley_error", "its error"),
        ),
        edits + whole,
        aside=frozenset(range(len(edits), len(edits) + len(whole))),
    )
