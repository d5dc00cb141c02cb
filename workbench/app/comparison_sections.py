"""What a comparison says: the verdicts, and below them the section that is opened, no other."""

from collections.abc import Callable, Mapping

import numpy as np
import streamlit as st

from workbench.app.charts import (
    Cell,
    CurvePoint,
    Mark,
    Point,
    curves_chart,
    heat_chart,
    interval_chart,
    scatter_chart,
    show_chart,
)
from workbench.app.comparison_texts import (
    attributes_section,
    edits_section,
    files_section,
    other_data_section,
    seeds_section,
    terms_section,
)
from workbench.app.comparison_view import View, ends, folded, notes, one_of, one_of_runs, records
from workbench.app.comparisons import (
    with_quoted,
)
from workbench.app.markup import html_data_table
from workbench.app.widgets import escaped
from workbench.domain.comparison import Comparison, labels_of
from workbench.domain.metrics import Undefined
from workbench.domain.number_format import count_text
from workbench.evaluation.correlation import fit_logistic
from workbench.evaluation.paired_comparison import explainability_gap_text
from workbench.evaluation.published_figures import quotable_parts
from workbench.report.comparison_tables import (
    controls_tables,
    pairs_table,
    quality_summary,
    verdict_table,
)
from workbench.report.evidence_tables import evidence_tables, subset_summary, subset_tables
from workbench.report.figures.calibration import calibration_figure
from workbench.report.figures.confusion import LEAD as CONFUSION_LEAD
from workbench.report.figures.confusion import confusion_figures
from workbench.report.figures.dose import dose_figure
from workbench.report.figures.scatter import scatter_table, scatter_words
from workbench.report.naming_tables import identification_summary, naming_tables, type_tables
from workbench.report.wording import (
    TYPE_FIGURES,
    access_and_choice_sentences,
    quoted_sentences,
    title_of,
    undefined_reasons,
    verdict_lines,
    worth_sentences,
)

_NUMBERED = 13  # types up to which a cell of the confusion has room for its number


def show_verdicts(comparison: Comparison) -> None:
    """Show both verdicts on every pair in one table, for a single pair in sentences as well."""
    labels = labels_of(comparison)
    if len(comparison.pairs) == 1:
        headline, *lines = verdict_lines(comparison.pairs[0], labels)
        st.header(escaped(headline), anchor=False)
        st.markdown("  \n".join(map(escaped, lines)))
    else:
        st.header(f"Verdicts on {count_text(len(comparison.pairs), 'pair')}", anchor=False)
    st.html(html_data_table(verdict_table(comparison)))
    known = (*comparison.notes, *access_and_choice_sentences(comparison.looks))
    with st.expander(f"{count_text(len(known), 'note')} on these verdicts"):
        notes(known)


def show_sections(view: View) -> None:
    """Let one section be chosen, and show that."""
    chosen = st.pills(
        "Section",
        list(_SECTIONS),
        default=next(iter(_SECTIONS)),
        required=True,
        key="section",
        bind="query-params",
        label_visibility="collapsed",
    )
    st.header(chosen, anchor=False)
    _SECTIONS[chosen](view)


def _quality(view: View) -> None:
    published = st.multiselect(
        "Published figures to show beside",
        quotable_parts(),
        format_func=lambda part: part.replace(":", ", "),
        key="compare-quoted",
        select_all=False,
        persist_state="session",
        placeholder="None; type to search",
        help="As printed, with their own terms; nothing is tested against them.",
    )
    comparison = with_quoted(view.comparison, published)
    st.html(html_data_table(quality_summary(comparison, view.compared.results)))
    notes((*undefined_reasons(comparison), *quoted_sentences(comparison.quoted)))
    st.subheader("SRCC and PLCC with their intervals", anchor=False)
    marks = [
        Mark(row.label, name, *ends(value, ci))
        for row in comparison.rows
        for name, value, ci in (("SRCC", row.srcc, row.srcc_ci), ("PLCC", row.plcc, row.plcc_ci))
    ]
    chart = interval_chart(marks, x="correlation with the target, 95 % interval")
    show_chart(chart, None, about="The SRCC and PLCC of the table above.")
    if len(comparison.pairs) > 1:
        st.subheader("Differences between versions", anchor=False)
        labels = labels_of(comparison)
        differences = [
            Mark(
                f"{labels[pair.b]} against {labels[pair.a]}",
                "",
                *ends(pair.delta_srcc, pair.ci),
                note=pair.verdict,
            )
            for pair in comparison.pairs
        ]
        chart = interval_chart(differences, x="ΔSRCC, 95 % interval", zero=True)
        show_chart(
            chart, pairs_table(comparison), about="The differences of the table of verdicts."
        )
    st.subheader("Prediction and target of every image", anchor=False)
    _scatter(view)


def _scatter(view: View) -> None:
    left, right = st.columns(2)
    with left:
        index = one_of_runs(view, "Predictions of", "scatter")
    run, label, result = list(view.compared.items())[index]
    held_out = result.predictions
    tested = list(dict.fromkeys(held_out.distortion))
    marked = right.selectbox(
        "Type to mark",
        [None, *tested],
        format_func=lambda type: "none" if type is None else title_of(type),
        key="compare-marked",
    )
    points = (
        Point(
            predicted,
            target,
            f"{photograph}, {title_of(type)}" + (f", level {level}" if level else ""),
            stands_out=type == marked,
        )
        for photograph, type, level, target, predicted in zip(
            held_out.photograph,
            held_out.distortion,
            held_out.level,
            held_out.target,
            held_out.predicted,
            strict=True,
        )
    )
    fitted = fit_logistic(held_out.predicted, held_out.target)
    over = np.linspace(min(held_out.predicted), max(held_out.predicted), 60)
    curve = (
        []
        if isinstance(fitted, Undefined)
        else list(zip(over.tolist(), np.asarray(fitted(over)).tolist(), strict=True))
    )
    words = scatter_words(result, fitted)
    chart = scatter_chart(
        points, curve, x="predicted quality", y=f"target: {view.comparison.protocol.target}"
    )
    st.caption(escaped(f"{words} The line is the fitted logistic; dashed: prediction = target."))
    show_chart(
        chart, scatter_table(run.id, label, result), about=f"Target and prediction of {label}"
    )


def _naming(view: View) -> None:
    comparison = view.comparison
    st.html(html_data_table(identification_summary(comparison)))
    differences = naming_tables(comparison)
    for table in differences[:1]:
        st.html(html_data_table(table))
    by_type = type_tables(comparison)
    if by_type:
        st.subheader("Each type", anchor=False)
        field = st.segmented_control(
            "Figure",
            list(by_type),
            default=next(iter(by_type)),
            required=True,
            format_func=lambda field: TYPE_FIGURES[field],
            key="compare-figure",
        )
        table = by_type[field]
        marks = [
            Mark(record["type"], record["version"], *ends(record["value"], record["ci"]))
            for record in records(table)
        ]
        chart = interval_chart(marks, x=f"{TYPE_FIGURES[field]}, 95 % interval", bars=True)
        show_chart(chart, table, about=f"{table.title}, of each version.")
    for table in differences[1:]:
        folded(table)
    st.subheader("Which type is taken for which", anchor=False)
    _confusion(view)


def _confusion(view: View) -> None:
    figures = confusion_figures(view.compared)
    drawn = [figure for figure in figures if figure.table is not None]
    if not drawn:
        st.info(escaped(figures[0].missing))
        return
    index = one_of(
        "Confusion of", "confusion", [figure.title.partition(": ")[2] for figure in drawn]
    )
    figure = drawn[index]
    if figure.table is None:
        return
    types = [str(row[0]) for row in figure.table.rows]
    cells = []
    for shown, *counts in figure.table.rows:
        total = sum(count for count in counts if isinstance(count, int))
        for taken, count in zip(types, counts, strict=True):
            if not isinstance(count, int) or not count:
                continue
            percent = 100 * count / total
            text = (f"{percent:.0f}" if percent >= 0.5 else "<1") if len(types) <= _NUMBERED else ""
            about = f"{count:,} of {count_text(total, 'image')}, {percent:.1f} %"
            cells.append(Cell(str(shown), taken, count / total, text, about))
    st.caption(escaped(f"{CONFUSION_LEAD} {figure.missing}"))
    chart = heat_chart(cells, rows=types, columns=types, y="shown", x="taken for")
    show_chart(chart, figure.table, about=figure.title)


def _dose(view: View) -> None:
    figure = dose_figure(view.compared)
    if figure.table is None:
        st.info(escaped(figure.missing))
        return
    points, dashed = [], []
    for record in records(figure.table):
        low, high = record["ci"] or (None, None)
        about = f"{count_text(record['images'], 'image')}"
        if low is not None:
            about += f", 95 % {low:.3f} to {high:.3f}"
        where = record["distortion"], record["version"], record["level"]
        points.append(CurvePoint(*where, record["mean"], low, high, about))
        dashed.append(CurvePoint(record["distortion"], "true", record["level"], record["true"]))
    st.caption(escaped(f"{figure.lead} {figure.missing}"))
    chart = curves_chart(
        points, x="level", y="predicted strength", dashed=list(dict.fromkeys(dashed))
    )
    several = len({point.panel for point in points}) > 1
    show_chart(chart, figure.table, about=figure.title, width="content" if several else "stretch")
    calibration = calibration_figure(view.compared)
    if calibration.table is None:
        return
    st.subheader(calibration.title, anchor=False)
    st.caption(
        "The mean true strength of all pairs of an image and a distortion in each bin of predicted "
        "strength. On the dashed line strengths mean what they say."
    )
    bins = list(records(calibration.table))
    chart = curves_chart(
        [
            CurvePoint(
                "",
                record["version"],
                record["mean_predicted"],
                record["mean_true"],
                note=count_text(record["count"], "pair"),
            )
            for record in bins
        ],
        x="predicted strength, mean of the bin",
        y="true strength",
        dashed=[CurvePoint("", "true", end, end) for end in (0.0, 1.0)],
    )
    show_chart(chart, calibration.table, about=calibration.title)


def _parts(view: View) -> None:
    comparison = view.comparison
    if comparison.subsets:
        kinds = list(dict.fromkeys(part.kind for part in comparison.subsets))
        kind = kinds[one_of("Images by", "parts", kinds)]
        labels = labels_of(comparison)
        parts = [part for part in comparison.subsets if part.kind == kind]
        marks = [
            Mark(
                title_of(part.name),
                labels[row.key],
                *ends(row.srcc, row.srcc_ci),
                note=count_text(part.images, "image"),
            )
            for part in parts
            for row in part.rows
        ]
        table = subset_summary(kind, parts, labels)
        chart = interval_chart(marks, x="SRCC within the part, 95 % interval", bars=True)
        show_chart(chart, table, about=table.title, names=view.compared.labels)
        for table in subset_tables(comparison)[1:]:
            folded(table)
    st.subheader("Who wins how often", anchor=False)
    for table in evidence_tables(comparison):
        if table.folded:
            folded(table)
        elif table.name != "looks":
            names = [f"over {label}" for label in view.compared.labels]
            st.html(html_data_table(table, names=names))


def _worth(view: View) -> None:
    notes(worth_sentences(view.comparison), small=False)
    tables = controls_tables(view.comparison)
    if not tables:
        st.info("These runs have no controls, so what their words are worth is not known.")
    for table in tables:
        st.html(html_data_table(table))
    st.subheader("What explaining costs", anchor=False)
    notes(
        [
            f"{label}: {explainability_gap_text(result)}"
            for _, label, result in view.compared.items()
        ],
        small=False,
    )


_SECTIONS: Mapping[str, Callable[[View], None]] = {
    "Quality": _quality,
    "Naming": _naming,
    "Attributes": attributes_section,
    "Edits": edits_section,
    "Dose–response": _dose,
    "Subsets and wins": _parts,
    "What the words are worth": _worth,
    "Over seeds": seeds_section,
    "Other data": other_data_section,
    "Terms and accesses": terms_section,
    "Report and files": files_section,
}
