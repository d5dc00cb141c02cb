"""The working draft: every attribute a row of its own, edited, judged, and at last frozen."""

import subprocess
from collections.abc import Mapping

import streamlit as st

from workbench.app.draft_forms import (
    attribute_form,
    forget,
    forget_all,
    freeze_form,
    rows_on_screen,
)
from workbench.app.identity import signed
from workbench.app.markup import html_table
from workbench.app.phrase_preview import new_attribute_form
from workbench.app.services import Session, curated_set, current_session
from workbench.app.undoing import undo_and_redo
from workbench.app.widgets import announce, escaped, heading, moment, show_errors
from workbench.domain.attributes import Attribute, DraftRow
from workbench.domain.audit_events import STARTED
from workbench.drafting.candidates import Candidate, candidates_from_calls
from workbench.drafting.templates import load_template, template_names
from workbench.queue.processes import start_command

TITLE = "Draft"
ICON = ":material/edit_note:"
ORDER = 20


def render() -> None:
    """Show the page."""
    heading(
        TITLE, "Say what one sees, in a few words each. What is frozen can be run and compared."
    )
    with show_errors():
        session = current_session()
        _offer_curated(session)
        distortion, name = _chosen(session)
        undo_and_redo(session, then=forget_all)
        rows = rows_on_screen(distortion, session.store.draft.rows(distortion))
        comments = session.store.comments.counts()
        for number, (row, now) in enumerate(rows, start=1):
            with st.container(gap="xsmall"):
                attribute_form(session, name, number, row, now)
                attribute_story(session, number, row, comments)
        new_attribute_form(session, distortion, name)
        ask_model(session, distortion)
        freeze_form(session)


def _chosen(session: Session) -> tuple[str, str]:
    """Let one distortion be chosen, and return its id and name.

    What the draft has for unknown ones can be seen and removed.
    """
    known = session.store.recipes.catalogue()
    drafted = session.store.draft.attribute_set().distortions
    names = {id: spec.name for id, spec in known.items()}
    names |= {id: id for id in drafted if id not in known}
    chosen = st.selectbox(
        "Distortion", names, format_func=lambda id: names[id], key="draft-distortion"
    )
    st.caption(escaped(known[chosen].explanation if chosen in known else "Not in the catalogue."))
    return chosen, names[chosen]


def _offer_curated(session: Session) -> None:
    if session.store.draft.rows():
        return
    st.info("The draft is empty. Start from the attributes that ship with the workbench, or write.")
    if st.button("Start from the curated set", type="primary"):
        with show_errors():
            signed(session, _start)


def _start(session: Session) -> None:
    curated = curated_set()
    session.store.draft.replace(curated, author=session.author, action=STARTED)
    announce(f"{curated.size} attributes of {len(curated.distortions)} distortions came in.")
    st.rerun()


def attribute_story(
    session: Session, number: int, row: DraftRow, comments: Mapping[str, int]
) -> None:
    """Show an attribute's origin and, on demand, its history and comments.

    Args:
        session: Settings and store.
        number: What people call it on this page, from 1.
        row: The state that this session has read.
        comments: Identity to number of comments.
    """
    left, right = st.columns([8, 3.1])
    with left:
        _origin(session, number, row)
    said = comments.get(row.attribute.identity or "", 0)
    label = f"History of {number}" + (f" · {said} comment{'s' * (said > 1)}" if said else "")
    with right.popover(label, width="stretch"), show_errors():
        _history(session, row)
        _place_in_list(session, number, row)
        _say(session, number, row)


def _origin(session: Session, number: int, row: DraftRow) -> None:
    edited = f"{moment(row.updated_at)} by {row.updated_by}"
    if row.attribute.call_id is None:
        st.caption(escaped(f"Origin: {row.attribute.origin}. Last change {edited}.{_decided(row)}"))
        return
    with st.expander(f"{_from_call(row.attribute)}. Last change {escaped(edited)}."):
        call = session.store.calls.get(row.attribute.call_id)
        st.caption(
            escaped(
                f"Template {call.request.template}, model {call.model_answered}, seed "
                f"{call.request.seed}, {call.latency_s:.1f} s, {moment(call.created_at)}. "
                f"Raw reply to attribute {number}'s request:"
            )
        )
        st.code(call.reply, language=None, wrap_lines=True)


def _from_call(attribute: Attribute) -> str:
    reworded = "" if attribute.origin == "llm" else f"{attribute.origin}, reworded from "
    return f"Origin: {reworded}LLM call {attribute.call_id}"


def _decided(row: DraftRow) -> str:
    who = row.attribute.decided_by
    return "" if who is None else f" {row.attribute.status.capitalize()} by {who}."


def _history(session: Session, row: DraftRow) -> None:
    entries = session.store.history.of(row.attribute.identity or "")
    rows = [
        (moment(entry.at), entry.author, entry.kind, entry.words) for entry in reversed(entries)
    ]
    st.html(html_table("Newest first", ("When", "Who", "What", "Words"), rows))


def _place_in_list(session: Session, number: int, row: DraftRow) -> None:
    last = len(session.store.draft.rows(row.distortion))
    if last < 2:
        return
    with st.form(f"place-{row.id}-{row.row_version}", border=False):
        words, button = st.columns([2, 1], vertical_alignment="bottom")
        wanted = words.number_input(f"Place of attribute {number}", 1, last, min(number, last))
        moved = button.form_submit_button(f"Move {number}", width="stretch")
    if moved:
        session.store.draft.move(
            row.id, int(wanted) - 1, based_on=row.row_version, author=session.settings.author
        )
        announce(f"'{row.attribute.phrase}' stands at place {wanted} now.")
        forget(row)
        st.rerun()


def _say(session: Session, number: int, row: DraftRow) -> None:
    turn = st.session_state.setdefault("comments made", 0)
    with st.form(f"comment-{row.id}-{turn}", border=False):
        text = st.text_input(f"Comment on attribute {number}", key=f"said-{row.id}-{turn}")
        said = st.form_submit_button(f"Add comment to {number}")
    if said:
        session.store.comments.add(
            row.attribute.identity or "", text, author=session.settings.author
        )
        st.session_state["comments made"] = turn + 1
        announce(f"Your comment on '{row.attribute.phrase}' is kept.")
        st.rerun()


POLL_S = 2.0
MOST_CALLS = 1_000  # of the log's newest
_ASKING = "command that asks"


def ask_model(session: Session, distortion: str) -> None:
    """Offer to ask about a distortion, and what the log holds of answers.

    Args:
        session: Settings and store.
        distortion: Id of the distortion.
    """
    with st.expander("Ask a language model"), show_errors():
        _question(session, distortion)
        running = st.session_state.get(_ASKING)
        alive = running is not None and running.poll() is None
        st.fragment(_answers, run_every=POLL_S if alive else None)(session, distortion, alive)


def _question(session: Session, distortion: str) -> None:
    names = template_names()
    left, middle, right = st.columns([4, 1, 1])
    template = left.selectbox("Template", names, index=names.index("few_shot"))
    k = middle.number_input("Attributes", 1, 20, 5)
    samples = right.number_input("Samples", 1, 20, 3)
    st.caption(escaped(load_template(template).purpose))
    if st.button("Ask"):
        log = session.settings.results / "draft.log"
        arguments = ["draft", distortion, "--log-only", "--template", template]
        arguments += ["--k", str(k), "--samples", str(samples)]
        st.session_state[_ASKING] = start_command(
            arguments, session.settings.database_url, session.settings, log
        )
        st.rerun()


def _answers(session: Session, distortion: str, was_alive: bool) -> None:
    running: subprocess.Popen[bytes] | None = st.session_state.get(_ASKING)
    alive = running is not None and running.poll() is None
    if was_alive and not alive:
        st.rerun()  # the whole page, which then polls no more
    calls = session.store.calls.list(distortion=distortion, limit=MOST_CALLS)
    if alive:
        st.info(f"The model is being asked; {len(calls)} answers about this distortion so far.")
    elif running is not None and running.returncode:
        log = session.settings.results / "draft.log"
        st.error(escaped(_last_line(log.read_text(encoding="utf-8", errors="replace"))))
    held = session.store.draft.attribute_set().phrases().get(distortion, ())
    offered = candidates_from_calls(reversed(calls), besides=held)
    if not offered:
        st.caption("The log has no answer that the draft has not taken in.")
        return
    _offer(session, distortion, offered)


def _offer(session: Session, distortion: str, offered: tuple[Candidate, ...]) -> None:
    turn = st.session_state.setdefault("candidates taken", 0)
    with st.form(f"candidates-{distortion}-{turn}", border=False):
        st.caption("All that models have answered about it so far, the most supported first.")
        chosen = [
            candidate
            for rank, candidate in enumerate(offered, start=1)
            if st.checkbox(
                escaped(
                    f"{candidate.attribute.phrase} "
                    f"({candidate.support} of {candidate.samples} answers)"
                ),
                key=f"candidate-{distortion}-{rank}-{turn}",
            )
        ]
        wanted = st.form_submit_button("Add the chosen")
    if wanted and not chosen:
        st.info("Nothing is chosen; tick what is to come into the draft.")
    if wanted and chosen:
        for candidate in chosen:
            session.store.draft.add(distortion, candidate.attribute, author=session.settings.author)
        st.session_state["candidates taken"] = turn + 1
        count = len(chosen)
        announce(f"{count} attribute{'s' * (count > 1)} came into the draft.")
        st.rerun()


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.startswith("workbench:")]
    return lines[-1].removeprefix("workbench: ") if lines else "The model could not be asked."
