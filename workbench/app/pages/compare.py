"""Versions side by side: the verdict first, then the figures and the terms that they hold under."""

import streamlit as st
from markupsafe import Markup

from workbench.app.markup import html_data_table, html_list, html_table, picture_of_figure
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
from workbench.domain.comparison import Comparison, labels_of
from workbench.domain.distortion import Distortion
from workbench.domain.run import RunResult
from workbench.evaluation.published_figures import quotable_parts
from workbench.registry import Registry
from workbench.report.comparison_tables import (
    controls_tables,
    identification_summary,
    naming_tables,
    pairs_table,
    quality_summary,
)
from workbench.report.evidence_tables import evidence_tables, subset_tables
from workbench.report.figures.identification import identification_figure
from workbench.report.figures.intervals import intervals_figure
from workbench.report.terms import facts
from workbench.report.wording import (
    access_and_choice_sentences,
    quoted_sentences,
    undefined_reasons,
    verdict_lines,
    worth_sentences,
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
        headline, *lines = verdict_lines(pair, labels)
        st.markdown(f"#### {escaped(headline)}")
        st.markdown("  \n".join(map(escaped, lines)))
    st.html(html_data_table(quality_summary(comparison, _results(comparison, store))))
    st.html(picture_of_figure(intervals_figure(comparison)))
    for table in controls_tables(comparison):
        st.html(html_data_table(table))
    if len(comparison.pairs) > 1:
        st.html(html_data_table(pairs_table(comparison)))
    notes = (
        *worth_sentences(comparison),
        *comparison.notes,
        *access_and_choice_sentences(comparison.looks),
        *undefined_reasons(comparison),
        *quoted_sentences(comparison.quoted),
    )
    st.caption("  \n".join(escaped(note) for note in notes))
    st.subheader("Identification")
    st.html(html_data_table(identification_summary(comparison)))
    for table in naming_tables(comparison)[:1]:
        st.html(html_data_table(table))
    st.html(picture_of_figure(identification_figure(comparison)))
    st.subheader("Attributes side by side")
    st.html(_attributes(comparison, versions, specs))
    with st.expander("Naming by type, subsets of the images, wins, and test-set accesses"):
        further = (*naming_tables(comparison)[1:], *subset_tables(comparison))
        for table in (*further, *evidence_tables(comparison)):
            st.html(html_data_table(table))
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


def _attributes(
    comparison: Comparison, versions: list[Version], specs: Registry[Distortion]
) -> Markup:
    rows = []
    for distortion in comparison.protocol.distortions:
        columns = [version.attributes.phrases().get(distortion, ()) for version in versions]
        shared = set.intersection(*({p.casefold() for p in phrases} for phrases in columns))
        marked = [[(p, p.casefold() not in shared) for p in phrases] for phrases in columns]
        name = specs[distortion].name if distortion in specs else distortion
        rows.append((name, *(html_list(phrases) for phrases in marked)))
    return html_table(
        "The distortions that were tested; ≠ marks what not every version here has",
        ("Distortion", *(version.label for version in versions)),
        rows,
    )


def _terms(comparison: Comparison) -> None:
    with st.expander("Protocol and encoder"):
        if comparison.encoder.note:
            st.write(escaped(comparison.encoder.note))
        for caption, terms in (("Protocol", comparison.protocol), ("Encoder", comparison.encoder)):
            st.html(html_table(caption, ("Field", "Value"), facts(terms)))
        st.caption(f"{comparison.resamples:,} bootstrap samples of the photographs.")
