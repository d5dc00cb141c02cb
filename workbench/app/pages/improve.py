"""Improve with evidence: better sentences are sought in the background, and decided on here.

The search is a command of its own, and proposals are rows of the store: nothing of either is lost
with a session. Nothing is replaced before somebody takes it.
"""

from collections.abc import Mapping
from typing import get_args

import streamlit as st

from workbench.app.background_jobs import show_jobs, start
from workbench.app.charts import CurvePoint, curves_chart, show_chart
from workbench.app.identity import signed
from workbench.app.markup import html_table
from workbench.app.services import Session, current_session
from workbench.app.undoing import undo_and_redo
from workbench.app.widgets import announce, escaped, heading, moment, named, page_link, show_errors
from workbench.datasets.weak_scores import LABELS
from workbench.domain.attributes import DraftRow
from workbench.domain.config import QualityMetricName
from workbench.domain.number_format import count_text, figure_text
from workbench.domain.objective import DEFAULT_OBJECTIVE, QUALITY, objective_of
from workbench.domain.proposal import Proposal, SentenceFigures
from workbench.drafting.templates import template_names

TITLE = "Improve with evidence"
ICON = ":material/trending_up:"
ORDER = 27

SHOWN = 10  # proposals at once
_TYPES = "types"
_NO_DRAFTS = ("improve", "opposite")  # templates that do not draft
_WEIGHED = {
    "identification": "AUC of its own type against all other images.",
    "strength": "SRCC with the strength of its own type.",
    "specificity": "AUC against the type that it is taken for most.",
    "quality": "What it explains of the quality scores beyond the rest of the set.",
    "redundancy": "Taken off: what it repeats of the sentences before it.",
    "dead": "Taken off: levels at which it is no more probable than on clean photographs.",
}


def render() -> None:
    """Show the page."""
    heading(
        TITLE,
        "Sentences are measured on photographs, a model rewrites those that fail, and you decide.",
    )
    with show_errors():
        session = current_session()
        names = {id: spec.name for id, spec in session.store.recipes.catalogue().items()}
        chosen = _search_form(session, names)
        _templates(session, chosen)
        show_jobs(session, "improve", "calls")
        _proposals(session, names, chosen)
        undo_and_redo(session)
        _decided(session, names)


def _templates(session: Session, chosen: tuple[str, ...]) -> None:
    help = "By the sentences in the log of calls, measured on photographs; nobody is asked."
    if session.store.calls.count() and st.button("Compare templates and models", help=help):
        start(session, "Comparison of templates", ["calls", "templates", "--", *chosen])


def _search_form(session: Session, names: Mapping[str, str]) -> tuple[str, ...]:
    """Let a search be started; return the types that it is about, which filter the proposals."""
    catalogue = session.store.recipes.catalogue()
    drafted = session.store.overview.described()
    measurable = [d for d in drafted if d in catalogue and catalogue[d].has_operator]
    st.header("Search", anchor=False)
    if not measurable:
        st.info("The draft has no attributes that can be measured. Write some first, on Curate.")
        page_link("curate", "Curate", icon=":material/checklist:")
        return ()
    chosen = st.multiselect(
        "Types",
        measurable,
        format_func=names.__getitem__,
        key=_TYPES,
        placeholder=f"All {len(measurable)} of the draft that can be measured",
        bind="query-params",
    )
    first, second, third, fourth, fifth = st.columns(5)
    rounds = first.number_input("Rounds", 1, 50, 2, help="Most questions about one type.")
    calls = second.number_input(
        "Most calls", 1, None, None, placeholder="any number",
        help="Of the model, for all types together.",
    )  # fmt: skip
    minutes = third.number_input(
        "Minutes", 1, None, None, placeholder="any time", help="No call is begun after these."
    )
    cost = fourth.number_input(
        "Most dollars", 0.0, None, None, placeholder="any cost",
        help="Needs the model's price, in prices.yaml.",
    )  # fmt: skip
    seed = fifth.number_input(
        "Seed", 0, 2**31 - 1, 0, help="The same seed asks nothing twice and proposes the same."
    )
    more = _more_options(session)
    st.caption(
        "Sentences that nothing speaks against are left alone. Half of the photographs are for "
        "the search, a fifth decides what is proposed, and the rest is not read."
    )
    words = ["improve", "--rounds", str(rounds), "--seed", str(seed), *more]
    for option, value in (("--calls", calls), ("--minutes", minutes), ("--cost", cost)):
        words += [option, str(value)] if value is not None else []
    types = [names[d] for d in chosen] if len(chosen) <= 3 else [count_text(len(chosen), "type")]
    about = ", ".join(types) or "all types"
    with st.container(horizontal=True):
        if st.button("Seek better sentences", type="primary"):
            start(session, f"Search for {about}", [*words, "--", *chosen])
        if st.button("Only show the prompts", help="What the model would be asked first."):
            start(session, f"Prompts about {about}", [*words, "--dry-run", "--", *chosen])
    return tuple(chosen)


def _more_options(session: Session) -> list[str]:
    """Let be said what is seldom other than usual; return it as the command's options."""
    versions = session.store.versions.summaries()
    label = named(versions)
    with st.expander("More: what counts, where to start, model, encoder, photographs"):
        weighed = _weights()
        start_from = st.selectbox(
            "Start from",
            [None, *(version.hash for version in versions)],
            format_func=lambda ref: label(ref) if ref else "the draft as it is",
            key="improve-from",
        )
        if start_from is not None and session.store.draft.base() != start_from:
            st.warning("The draft is replaced by this version first. Undo brings it back.")
        first, second, third, fourth = st.columns(4)
        model = first.text_input("Model", placeholder="that of the settings")
        template = second.selectbox(
            "Template",
            [name for name in template_names() if name not in _NO_DRAFTS],
            index=None,
            placeholder="few_shot",
            help="What the model drafts by, in turn with being told what was measured.",
        )
        encoder = third.text_input("Encoder", placeholder="auto")
        photographs = fourth.text_input("Photographs: a folder", placeholder="packaged")
    options = (
        ("--from", start_from),
        ("--model", model),
        ("--template", template),
        ("--encoder", encoder),
        ("--photographs", photographs),
    )
    words = [word for option, value in options if value for word in (option, value.strip())]
    return [*weighed, *words]


def _weights() -> list[str]:
    """Let be said what makes a sentence good, and show the sum; return it as options."""
    metric = st.selectbox(
        "Quality scores of the images",
        get_args(QualityMetricName),
        index=None,
        format_func=LABELS.__getitem__,
        placeholder="none: quality does not count",
        help="A full-reference metric, computed once. What a sentence adds to it then counts.",
    )
    usual = {**DEFAULT_OBJECTIVE.weights(), "quality": QUALITY if metric else 0.0}
    st.caption("Weights of what makes a sentence good, 0 to 1")
    chosen = {
        name: column.number_input(
            "Dead levels" if name == "dead" else name.capitalize(), 0.0, 1.0, weight, 0.1,
            key=f"improve-{name}-{metric}" if name == "quality" else f"improve-{name}",
            disabled=name == "quality" and metric is None,
            help=_WEIGHED[name],
        )
        for column, (name, weight) in zip(st.columns(len(usual)), usual.items(), strict=True)
    }  # fmt: skip
    changed = ",".join(f"{name}={chosen[name]:g}" for name in usual if chosen[name] != usual[name])
    with show_errors():
        st.caption(f"Maximised: {objective_of(changed, scored=metric is not None).said()}.")
    options = [("--weights", changed), ("--scores", metric)]
    return [word for option, value in options if value for word in (option, value)]


def _proposals(session: Session, names: Mapping[str, str], chosen: tuple[str, ...]) -> None:
    st.header("Proposals", anchor=False)
    every = session.store.proposals.list("open")
    found = [each for each in every if not chosen or each.distortion in chosen]
    if not found:
        rest = f" {count_text(len(every), 'proposal')} for other types." if every else ""
        st.caption(f"None is open{' for these types' if chosen else ''}.{rest}")
        return
    rows = {row.id: row for row in session.store.draft.rows()}
    for proposal in found[:SHOWN]:
        with st.container(border=True):
            _proposal(session, names, proposal, rows.get(proposal.row))
    if len(found) > SHOWN:
        st.caption(
            f"{len(found) - SHOWN} more are shown as these are decided; choosing types narrows "
            "them down."
        )


def _proposal(
    session: Session, names: Mapping[str, str], proposal: Proposal, row: DraftRow | None
) -> None:
    name = names.get(proposal.distortion, proposal.distortion)
    st.subheader(escaped(f"{name}: {proposal.new}"), anchor=False)
    st.markdown(f"in place of **{escaped(proposal.old)}**  \n{escaped(proposal.reason)}")
    other = _choice(proposal)
    chosen = proposal.after if other is None else proposal.others[other].figures
    left, right = st.columns([6, 5])
    title = "proposed" if other is None else "chosen"
    left.html(_figures_table(proposal.before, chosen, title, names, proposal.facts.search))
    left.caption(escaped(_facts_words(proposal, other)))
    with right:
        _curves(proposal.before, chosen, title, name)
    _decision(session, proposal, row, other)


def _choice(proposal: Proposal) -> int | None:
    """Let another point of the front be chosen; return its index, None for what is proposed."""
    if not proposal.others:
        return None
    sentences = [proposal.new, *(each.new for each in proposal.others)]
    index = st.selectbox(
        "Sentence to take",
        range(len(sentences)),
        format_func=lambda index: sentences[index] if index else f"{sentences[0]} (proposed)",
        key=f"improve-choice-{proposal.id}",
        help="Those that no other one beats in every figure; the proposed one has the best sum.",
    )
    with st.expander(f"Compare {count_text(len(sentences), 'sentence')}"):
        st.html(_front_table(proposal))
    return index - 1 if index else None


def _front_table(proposal: Proposal) -> str:
    sentences = [
        (proposal.old, proposal.before),
        (proposal.new, proposal.after),
        *((each.new, each.figures) for each in proposal.others),
    ]
    rows = [
        (
            words,
            *(
                figure_text(value, digits=2)
                for value in (own.score, own.auc, own.srcc, own.specificity)
            ),
            "–" if own.quality is None else figure_text(own.quality, digits=3),
        )
        for words, own in sentences
    ]
    return html_table(
        "The present sentence first; none of the others beats another one in every figure",
        ("Sentence", "Score", "AUC", "Strength SRCC", "Specificity", "Quality"),
        rows,
        figures=(1, 2, 3, 4, 5),
    )


def _figures_table(
    before: SentenceFigures,
    after: SentenceFigures,
    title: str,
    names: Mapping[str, str],
    photographs: int,
) -> str:
    rows = [
        (name, figure_text(one, digits=2), figure_text(other, digits=2))
        for name, one, other in (
            ("Score", before.score, after.score),
            ("AUC against all else", before.auc, after.auc),
            ("Strength SRCC", before.srcc, after.srcc),
            ("Specificity", before.specificity, after.specificity),
            ("Redundancy", before.redundancy, after.redundancy),
        )
    ]
    if after.quality is not None and before.quality is not None:
        one, other = (figure_text(each, digits=3) for each in (before.quality, after.quality))
        rows.append(("Share in quality", one, other))
    rows.append(("Taken for most", _rival(before, names), _rival(after, names)))
    rows.append(("Dead levels", _levels(before), _levels(after)))
    caption = f"Measured on {count_text(photographs, 'photograph')}"
    return html_table(caption, ("Figure", "Present", title.capitalize()), rows, figures=(1, 2))


def _rival(figures: SentenceFigures, names: Mapping[str, str]) -> str:
    return "none" if figures.rival is None else names.get(figures.rival, figures.rival)


def _levels(figures: SentenceFigures) -> str:
    return ", ".join(map(str, figures.dead_levels)) or "none"


def _curves(before: SentenceFigures, after: SentenceFigures, title: str, name: str) -> None:
    """Draw both dose-response curves; a proposal of an older search has none."""
    points = [
        CurvePoint("", series, float(level), value, value, value)
        for series, figures in (("present", before), (title, after))
        for level, value in enumerate(figures.curve)
    ]
    if points:
        show_chart(
            curves_chart(points, x="level", y="mean probability"),
            None,
            about=f"Mean probability by level of {name}, of the present and the {title} sentence",
        )


def _facts_words(proposal: Proposal, other: int | None) -> str:
    facts = proposal.facts
    chosen = proposal if other is None else proposal.others[other]
    call = f", call {chosen.call_id}" if chosen.call_id is not None else ""
    return (
        f"On {count_text(facts.validation, 'other photograph')} its score rises by "
        f"{figure_text(chosen.validation_gain, digits=2)}. "
        f"One of {count_text(facts.tried, 'sentence')} that {proposal.author} had tried; "
        f"{facts.model}{call}, encoder {facts.encoder}, seed {facts.seed}, "
        f"{moment(proposal.created_at)}. Maximised: {facts.objective}."
    )


def _decision(
    session: Session, proposal: Proposal, row: DraftRow | None, other: int | None
) -> None:
    if row is None:
        st.warning("The attribute is no longer in the draft: the proposal can only be rejected.")
    elif row.row_version != proposal.row_version:
        st.warning(
            escaped(
                f"{row.updated_by} has changed the attribute since, to '{row.attribute.phrase}' "
                f"({row.attribute.status}): the proposal can only be rejected."
            )
        )
    fits = row is not None and row.row_version == proposal.row_version
    with st.form(f"decide {proposal.id}", border=False):
        words, note, take, reject = st.columns([5, 4, 1.6, 1.6], vertical_alignment="bottom")
        chosen = proposal.new if other is None else proposal.others[other].new
        new = words.text_input("Words", chosen, disabled=not fits)
        why = note.text_input("Why", placeholder="kept beside your decision")
        taken = take.form_submit_button("Take", disabled=not fits, width="stretch")
        rejected = reject.form_submit_button("Reject", width="stretch")
    if taken:
        own = None if new == chosen else new
        signed(session, lambda named: _take(named, proposal, own, other, why))
    if rejected:
        signed(session, lambda named: _reject(named, proposal, why))


def _take(
    session: Session, proposal: Proposal, words: str | None, other: int | None, note: str
) -> None:
    """Put words into the draft: own ones, or those of a point of the front."""
    assert proposal.id is not None
    number = None if other is None or words is not None else other + 1
    (row,) = session.store.proposals.take(
        [proposal.id], author=session.author, words=words, other=number, note=note
    )
    announce(f"'{row.attribute.phrase}' stands in the draft now, in place of '{proposal.old}'.")
    st.rerun()


def _reject(session: Session, proposal: Proposal, note: str) -> None:
    assert proposal.id is not None
    session.store.proposals.reject([proposal.id], author=session.author, note=note)
    announce(f"'{proposal.new}' was rejected; the draft stays as it is.", "info")
    st.rerun()


def _decided(session: Session, names: Mapping[str, str]) -> None:
    decided = [each for each in session.store.proposals.list() if each.state != "open"]
    if not decided:
        return
    decided.sort(key=lambda each: (each.decided_at is not None, each.decided_at), reverse=True)
    with st.expander(f"Decided ({len(decided)})"):
        st.html(
            html_table(
                "Newest first",
                ("When, who", "Decision", "Type", "Present", "Proposed", "Why"),
                [
                    (
                        f"{moment(each.decided_at)} {each.decided_by}",
                        each.state,
                        names.get(each.distortion, each.distortion),
                        each.old,
                        each.new,
                        each.note or "–",
                    )
                    for each in decided[:100]
                ],
                widths=(17, 9, 12, 22, 22, 18),
            )
        )
