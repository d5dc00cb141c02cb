"""What a comparison says of edits, other data and terms, and its files."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations

import streamlit as st
from markupsafe import Markup

from workbench.app.charts import (
    Cell,
    Mark,
    heat_chart,
    interval_chart,
    show_chart,
)
from workbench.app.comparison_view import View, ends, notes, one_of, records
from workbench.app.comparisons import (
    attributed_before,
    attribution,
    compared_runs,
    csv_of,
    json_of,
    matrix_opened,
    open_attribution,
    open_matrix,
    over_seeds,
    report_of,
)
from workbench.app.identity import signed
from workbench.app.markup import html_data_table, html_list, html_table
from workbench.app.services import Session
from workbench.app.widgets import escaped, moment
from workbench.domain.attributes import AttributeSet
from workbench.domain.comparison import labels_of
from workbench.domain.data_table import DataTable, Value
from workbench.domain.difference import difference, word_changes
from workbench.domain.number_format import count_text
from workbench.evaluation.comparable import ComparedRuns
from workbench.evaluation.cross_dataset import transfer_matrix
from workbench.report.comparison_tables import over_seeds_table
from workbench.report.figures.intervals import MOST_EDITS, edits_figure
from workbench.report.terms import terms_tables
from workbench.report.transfer_tables import Panel, matrix_notes, matrix_panels
from workbench.report.wording import over_seeds_sentences, title_of

_MOST_ACCESSES = 200  # listed, the latest


def attributes_section(view: View) -> None:
    """Show the attributes side by side, word by word where there are two versions."""
    store = view.session.store
    only = st.toggle("Only differences", value=True, key="only-differences", bind="query-params")
    specs = store.recipes.catalogue()
    types = view.comparison.protocol.distortions
    names = {type: specs[type].name if type in specs else title_of(type) for type in types}
    sets = [
        store.versions.get(row.version).attributes.restricted_to(types)
        for row in view.comparison.rows
    ]
    labels = [row.label for row in view.comparison.rows]
    if len(sets) == 2:
        _word_by_word(sets, labels, names, only=only)
    else:
        _columns(sets, labels, names, only=only)


def _word_by_word(
    sets: Sequence[AttributeSet], labels: Sequence[str], names: Mapping[str, str], *, only: bool
) -> None:
    changes = difference(*sets)
    if only and not changes:
        st.info("The two versions have the same attributes for these types.")
        return
    rows: list[tuple[object, ...]] = []
    same = 0
    for type, name in names.items():
        before, after = (one.phrases().get(type, ()) for one in sets)
        change = changes.get(type)
        reworded = dict(change.reworded) if change else {}
        removed = set(change.removed) if change else set()
        for phrase in before:
            if phrase in reworded:
                rows.append((name, *_sides(phrase, reworded[phrase])))
            elif phrase in removed:
                rows.append((name, Markup("<del>{}</del>").format(phrase), "—"))
            else:
                same += 1
                if not only:
                    rows.append((name, phrase, phrase))
        added = set(change.added) if change else set()
        rows += [
            (name, "—", Markup("<ins>{}</ins>").format(phrase))
            for phrase in after
            if phrase in added
        ]
    counts = (
        f"{sum(len(c.reworded) for c in changes.values())} reworded, "
        f"{sum(len(c.removed) for c in changes.values())} removed, "
        f"{sum(len(c.added) for c in changes.values())} added, {same} the same"
    )
    st.html(html_table(counts, ("Type", *labels), rows, widths=(20, 40, 40), names=labels))


def _sides(before: str, after: str) -> tuple[Markup, Markup]:
    """Return a phrase and what became of it, each with its own words marked."""
    changes = word_changes(before, after)
    tags = {"same": "{}", "removed": "<del>{}</del>", "added": "<ins>{}</ins>"}
    old, new = (
        Markup(" ").join(
            Markup(tags[kind]).format(words) for kind, words in changes if kind in ("same", side)
        )
        for side in ("removed", "added")
    )
    return Markup(old), Markup(new)


def _columns(
    sets: Sequence[AttributeSet], labels: Sequence[str], names: Mapping[str, str], *, only: bool
) -> None:
    rows = []
    for type, name in names.items():
        columns = [one.phrases().get(type, ()) for one in sets]
        shared = set.intersection(*({p.casefold() for p in phrases} for phrases in columns))
        marked = [
            [
                (p, p.casefold() not in shared)
                for p in phrases
                if not (only and p.casefold() in shared)
            ]
            for phrases in columns
        ]
        if any(marked) or not only:
            rows.append((name, *(html_list(phrases) for phrases in marked)))
    if not rows:
        st.info("All versions have the same attributes for these types.")
        return
    st.html(
        html_table("≠ marks what not every version here has", ("Type", *labels), rows, names=labels)
    )


def edits_section(view: View) -> None:
    """Show what each edit between two versions contributed, once that is asked for."""
    if not view.chosen.test_set.own:
        st.info("Edits are attributed on the held-out photographs: choose those images above.")
        return
    runs = list(view.compared.singles())
    pairs = list(combinations(range(len(runs)), 2))
    names = [f"{view.compared.labels[a]} → {view.compared.labels[b]}" for a, b in pairs]
    a, b = pairs[one_of("Edits from", "edits", names)]
    pair = ComparedRuns.of(
        [runs[a].runs[0], runs[b].runs[0]], [runs[a].labels[0], runs[b].labels[0]]
    )
    if pair.results[0].version == pair.results[1].version:
        st.info("Both runs are of the same version: there is no edit between them.")
        return
    if not attributed_before(view.session.store, pair):
        st.markdown(
            "By how much each edit between the two versions, made alone, would change SRCC: the "
            "regressor is refitted with it, on what the runs have read. This is 2 further "
            "test-set accesses, and takes some seconds."
        )
        if st.button("Attribute the edits", type="primary"):
            signed(view.session, lambda named: _attribute(named, pair))
        return
    found = attribution(view.session, pair)
    figure = edits_figure(found, pairs.index((a, b)))
    if figure.table is None:
        st.info(escaped(figure.missing))
        return
    marks = [
        Mark(record["edit"], "", *ends(record["delta_srcc"], record["ci"]), note=record["verdict"])
        for index, record in enumerate(records(figure.table))
        if index not in figure.table.aside or record["kind"] == "together"
    ]
    shown = [*marks[: min(len(found.edits), MOST_EDITS)], *marks[len(found.edits) :]]
    if figure.missing:
        st.caption(escaped(figure.missing))
    chart = interval_chart(shown, x="ΔSRCC of this edit alone, 95 % interval", zero=True)
    show_chart(chart, figure.table, about=figure.title)
    notes(found.notes)


def _attribute(session: Session, pair: ComparedRuns) -> None:
    attribution(session, pair)  # what fails is not counted
    open_attribution(session, pair)
    st.rerun()


def seeds_section(view: View) -> None:
    """Show what the versions say over all training seeds that they were run with, once asked."""
    from workbench.workflow.compare import runs_of_other_seeds

    store, configs = view.session.store, {run.config.hash for run in view.compared.runs}
    others = runs_of_other_seeds(store, view.compared) if len(configs) == 1 else []
    if not others:
        st.info(
            "These were run with no other training seed in common. Start runs with more seeds on "
            "the page Runs; a difference that holds over them does not hang on one training."
        )
        return
    seeds = [view.chosen._replace(runs=tuple(ids)) for ids in others]
    runs = [run for one in (view.chosen, *seeds) for run in one.runs]
    test_hash, labels = view.chosen.test_set.hash, view.compared.labels
    if not store.access_log.last_together(test_hash, runs, act="seeds"):
        st.markdown(
            f"The mean over {len(seeds) + 1} training seeds, with an interval that holds for other "
            f"photographs and other seeds. This is {len(runs)} further test-set accesses, one for "
            "each run."
        )
        if st.button("Compare over all seeds", type="primary"):
            signed(view.session, lambda named: _open_seeds(named, view, runs))
        return
    over = over_seeds([view.compared, *(compared_runs(store, one) for one in seeds)])
    st.html(html_data_table(over_seeds_table(over)))
    notes(over_seeds_sentences(over, labels_of(view.comparison)), small=False)
    marks = [Mark(row.label, "", *ends(row.srcc, row.srcc_ci)) for row in over.rows]
    chart = interval_chart(marks, x="mean SRCC over seeds, 95 % interval")
    show_chart(chart, None, about=f"The mean SRCC of {', '.join(labels)} over seeds.")


def _open_seeds(session: Session, view: View, runs: Sequence[int]) -> None:
    session.store.access_log.add_all(
        view.chosen.test_set.hash,
        runs=runs,
        purpose=f"seeds {', '.join(view.compared.labels)} in the browser",
        author=session.settings.author,
    )
    st.rerun()


def other_data_section(view: View) -> None:
    """Show how the runs do on other data, once that is asked for."""
    transfers = max(len(run.result.transfers) for run in view.compared.runs if run.result)
    if not transfers:
        st.info("None of these runs was tried on other data. An experiment names it as a transfer.")
        return
    store = view.session.store
    if not matrix_opened(store, view.compared):
        accesses = sum(1 + len(run.result.transfers) for run in view.compared.runs if run.result)
        st.markdown(
            "How these runs do on data that they were not trained on. This is "
            f"{count_text(accesses, 'further test-set access', 'further test-set accesses')}, on "
            "the runs' own test set and on each of the others."
        )
        if st.button("Show other data", type="primary"):
            signed(view.session, lambda named: _show_other_data(named, view.compared))
        return
    runs = [store.runs.get(run) for run in view.chosen.runs]
    matrix = transfer_matrix(runs, list(view.compared.labels))
    for number, panel in enumerate(matrix_panels(matrix)):
        st.subheader(panel.title, anchor=False)
        _heat_map(panel, number)
    notes(matrix_notes(matrix))


def _show_other_data(session: Session, compared: ComparedRuns) -> None:
    open_matrix(session, compared)
    st.rerun()


def _heat_map(panel: Panel, number: int) -> None:
    cells = [
        Cell(row, column, max(0.0, entry.shade or 0.0), entry.lines[0], "; ".join(entry.lines))
        for row, entries in zip(panel.rows, panel.entries, strict=True)
        for column, entry in zip(panel.columns, entries, strict=True)
        if entry is not None
    ]
    chart = heat_chart(cells, rows=panel.rows, columns=panel.columns, y="trained on", x="tested on")
    table = panel.table()
    named = DataTable(f"transfer-{number}", table.title, table.columns, table.rows)
    show_chart(chart, named, about=panel.title)


def terms_section(view: View) -> None:
    """Show protocol, encoder and settings, and every access to the test set."""
    comparison = view.comparison
    if comparison.encoder.note:
        st.markdown(escaped(comparison.encoder.note))
    for table in terms_tables(comparison, view.compared):
        rows = tuple(tuple(map(_short, row)) for row in table.rows)
        st.html(html_data_table(replace(table, rows=rows), names=view.compared.labels))
    st.caption(f"{comparison.resamples:,} bootstrap samples of the photographs.")
    st.subheader("Accesses to this test set", anchor=False)
    looks = view.session.store.access_log.list(view.chosen.test_set.hash)[::-1]
    accesses = (
        (moment(look.at), look.author, "—" if look.run is None else f"run {look.run}", look.purpose)
        for look in looks[:_MOST_ACCESSES]
    )
    caption = f"{count_text(len(looks), 'access', 'accesses')}, the latest first"
    if len(looks) > _MOST_ACCESSES:
        caption += f"; the latest {_MOST_ACCESSES} are shown"
    st.html(html_table(caption, ("When", "Who", "What", "What for"), accesses))


def _short(value: Value) -> Value:
    """Return a hash by its first digits, and anything else as it is; the files hold all digits."""
    if isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value):
        return f"{value[:16]}…"
    return value


def files_section(view: View) -> None:
    """Offer the report, JSON and CSV, and show the report in place."""
    store, name = view.session.store, f"compare-{'-'.join(view.chosen.labels)}"
    st.caption(
        "The report is one HTML file with every figure and table; JSON is the document that the "
        "command 'workbench compare --json' prints; CSV holds every table, in one zip file."
    )
    with st.container(horizontal=True):
        for label, ending, mime, make in (
            ("Save the report (HTML)", "html", "text/html", partial(report_of, store, view.opened)),
            ("Save as JSON", "json", "application/json", partial(json_of, view.comparison)),
            ("Save tables (CSV)", "zip", "application/zip", partial(csv_of, store, view.opened)),
        ):
            st.download_button(
                label, make, file_name=f"{name}.{ending}", mime=mime, on_click="ignore"
            )
    if st.toggle("Show the report here", key="report", bind="query-params"):
        with st.spinner("Drawing the figures…"):
            st.iframe(_report(view), height=900, alt="The report of this comparison")


def _report(view: View) -> str:
    key = "report of the comparison"
    made_of = (view.chosen, view.opened.looks)
    kept = st.session_state.get(key)
    if kept is None or kept[0] != made_of:
        kept = st.session_state[key] = (made_of, report_of(view.session.store, view.opened))
    return str(kept[1])
