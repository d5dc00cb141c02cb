"""Versions side by side: the verdict first, then the figures and the terms that they hold under."""

import streamlit as st
from markupsafe import Markup

from workbench.app.markup import html_list, html_table, picture_of_svg
from workbench.app.services import (
    compare,
    current_session,
    finished_configurations,
    newest_comparable,
    report_of,
    with_quoted,
)
from workbench.app.widgets import escaped, heading, named, show_errors
from workbench.domain.attributes import Version
from workbench.domain.canonical import Frozen
from workbench.domain.comparison import Comparison, ComparisonRow, Interval, labels_of
from workbench.domain.distortion import Distortion
from workbench.domain.metrics import IdentificationMetrics, Metric
from workbench.domain.number_format import figure_text, interval_text, p_text, signed_text
from workbench.domain.run import RunResult
from workbench.evaluation.published_figures import quotable_parts
from workbench.registry import Registry
from workbench.report.comparison_tables import baseline_rows
from workbench.report.figures.figure import DataTable
from workbench.report.plots import identification_plot, interval_plot
from workbench.report.sections import evidence_tables
from workbench.report.wording import (
    ALL_CLEAN,
    IDENTIFICATION_FIGURES,
    access_and_choice_sentences,
    quoted_figure,
    quoted_label,
    quoted_sentences,
    undefined_reasons,
    verdict_sentence,
)
from workbench.store import Store

TITLE = "Compare"
ICON = ":material/compare_arrows:"
ORDER = 50


def render() -> None:
    """Show the page."""
    heading(TITLE, "Which set of attributes is better, and how sure one may be.")
    with show_errors():
        session = current_session()
        store = session.store
        finished = finished_configurations(store)
        versions = [version for version in store.versions.summaries() if version.hash in finished]
        if len(versions) < 2:
            st.info(
                "A comparison needs two versions with a finished run each. Start one on the page "
                "Runs, under the same experiment for both."
            )
            return
        chosen = st.multiselect(
            "Versions to compare",
            [version.hash for version in versions],
            default=newest_comparable(versions, finished),
            format_func=named(versions),
            key="compare-versions",
        )
        # The older one first, whatever was clicked first: a pair says what the newer one gained.
        ordered = [store.versions.get(v.hash) for v in reversed(versions) if v.hash in chosen]
        if len(ordered) < 2:
            st.info("Choose two versions or more.")
            return
        published = st.multiselect(
            "Published figures to show beside",
            quotable_parts(),
            format_func=lambda part: part.replace(":", ", "),
            key="compare-quoted",
            help="As printed, with their own terms; nothing is tested against them.",
        )
        _show(with_quoted(compare(session, ordered), published), ordered, store)


def _show(comparison: Comparison, versions: list[Version], store: Store) -> None:
    specs = store.recipes.catalogue()
    labels = labels_of(comparison)
    for pair in comparison.pairs:
        st.markdown(f"#### {escaped(verdict_sentence(pair, labels))}")
    st.html(_quality(comparison, _results(comparison, store)))
    st.html(picture_of_svg(interval_plot(comparison)))
    if len(comparison.pairs) > 1:
        st.html(_pairs(comparison))
    looks = () if comparison.looks is None else access_and_choice_sentences(comparison.looks)
    quoted = quoted_sentences(comparison.quoted)
    notes = (*comparison.notes, *looks, *undefined_reasons(comparison), *quoted)
    st.caption("  \n".join(escaped(note) for note in notes))
    st.subheader("Identification")
    st.html(_identification(comparison))
    st.html(picture_of_svg(identification_plot(comparison)))
    st.subheader("Attributes side by side")
    st.html(_attributes(comparison, versions, specs))
    with st.expander("Subsets of the images, wins, and test-set accesses"):
        for table in evidence_tables(comparison):
            st.html(_data(table))
    _terms(comparison)
    _offer_report(comparison, store)


def _offer_report(comparison: Comparison, store: Store) -> None:
    if st.button("Make the report"):
        st.download_button(
            "Save the report (HTML)",
            report_of(store, comparison),
            file_name=f"compare-{'-'.join(row.label for row in comparison.rows)}.html",
            mime="text/html",
            on_click="ignore",
        )


def _results(comparison: Comparison, store: Store) -> list[RunResult]:
    runs = [store.runs.get(row.run) for row in comparison.rows]
    return [run.result for run in runs if run.result is not None]


def _quality(comparison: Comparison, results: list[RunResult]) -> Markup:
    protocol = comparison.protocol
    labels = [row.label for row in comparison.rows]
    beside = baseline_rows(results, labels)
    return html_table(
        f"Quality against {protocol.target}; {protocol.images} images of {protocol.photographs} "
        "photographs, 95 % intervals over photographs",
        ("Version", "Attributes", "SRCC", "PLCC", "PLCC fitted", "KRCC", "RMSE", "Run"),
        [
            (
                _label(row),
                row.attributes,
                _with_interval(row.srcc, row.srcc_ci),
                _with_interval(row.plcc, row.plcc_ci),
                *(figure_text(value) for value in (row.plcc_fitted, row.krcc, row.rmse)),
                row.run,
            )
            for row in comparison.rows
        ]
        + [
            (
                Markup("<small>{}</small>").format(title),
                Markup("<small>baseline</small>"),
                *(figure_text(v) for v in (found.srcc, found.plcc, found.plcc_fitted)),
                *(figure_text(v) for v in (found.krcc, found.rmse)),
                "",
            )
            for title, found in beside
        ]
        + [
            (
                Markup("<small>{}</small>").format(quoted_label(row)),
                "",
                *(quoted_figure(value) for value in (row.srcc, row.plcc)),
                *("", "", "", ""),
            )
            for row in comparison.quoted
            if row.srcc is not None or row.plcc is not None
        ],
        figures=range(1, 8),
    )


def _data(table: DataTable) -> Markup:
    figures = [index for index, column in enumerate(table.columns) if column.kind != "text"]
    names = [column.heading for column in table.columns]
    return html_table(table.title, names, table.texts(), figures=figures)


def _label(row: ComparisonRow) -> Markup | str:
    short = row.version[:10]
    if row.label == short:
        return short
    return Markup("{} <small>{}</small>").format(row.label, short)


def _with_interval(value: Metric, interval: Interval | None) -> Markup:
    return Markup("{}<br><small>{}</small>").format(figure_text(value), interval_text(interval))


def _pairs(comparison: Comparison) -> Markup:
    labels = labels_of(comparison)
    return html_table(
        "Each version against each older one; p corrected by Holm over all pairs",
        ("Pair", "ΔSRCC", "95 % interval", "p", "p, Holm", "Verdict", "Could have shown"),
        [
            (
                f"{labels[pair.b]} − {labels[pair.a]}",
                signed_text(pair.delta_srcc),
                interval_text(pair.ci, signed=True),
                p_text(pair.p),
                p_text(pair.p_holm),
                pair.verdict,
                figure_text(pair.smallest_detectable),
            )
            for pair in comparison.pairs
        ],
        figures=(1, 2, 3, 4, 6),
    )


def _identification(comparison: Comparison) -> Markup:
    rows = [(_label(row), row.identification) for row in comparison.rows]
    every: list[tuple[Markup | str, IdentificationMetrics]] = [
        *rows,
        (ALL_CLEAN, comparison.all_clean),
    ]
    between = [""] * (len(IDENTIFICATION_FIGURES) - 2)  # of accuracy and RMSE
    return html_table(
        f"Strengths of the distortions; the row {ALL_CLEAN} is what predicting no distortion gives",
        ("Version", *IDENTIFICATION_FIGURES.values()),
        [
            (label, *(figure_text(getattr(figures, name)) for name in IDENTIFICATION_FIGURES))
            for label, figures in every
        ]
        + [
            (
                Markup("<small>{}</small>").format(quoted_label(row)),
                quoted_figure(row.accuracy),
                *between,
                quoted_figure(row.identification_rmse),
            )
            for row in comparison.quoted
            if row.accuracy is not None or row.identification_rmse is not None
        ],
        figures=range(1, len(IDENTIFICATION_FIGURES) + 1),
    )


def _attributes(
    comparison: Comparison, versions: list[Version], specs: Registry[Distortion]
) -> Markup:
    rows = []
    for distortion in comparison.protocol.distortions:
        columns = [version.attributes.phrases().get(distortion, ()) for version in versions]
        shared = set.intersection(*({phrase.casefold() for phrase in some} for some in columns))
        marked = [[(p, p.casefold() not in shared) for p in some] for some in columns]
        name = specs[distortion].name if distortion in specs else distortion
        rows.append((name, *(html_list(some) for some in marked)))
    return html_table(
        "The distortions that were tested; ≠ marks what not every version here has",
        ("Distortion", *(version.label for version in versions)),
        rows,
    )


def _terms(comparison: Comparison) -> None:
    with st.expander("Protocol and encoder"):
        if comparison.encoder.note:
            st.write(escaped(comparison.encoder.note))
        for caption, facts in (("Protocol", comparison.protocol), ("Encoder", comparison.encoder)):
            st.html(html_table(caption, ("Field", "Value"), _facts(facts)))
        st.caption(f"{comparison.resamples:,} bootstrap samples of the photographs.")


def _facts(value: Frozen) -> list[tuple[str, str]]:
    return [
        (name.replace("_", " "), ", ".join(field) if isinstance(field, tuple) else str(field))
        for name, field in value
    ]
