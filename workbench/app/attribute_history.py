"""Where an attribute comes from, what was done with it, and what people say about it."""

from collections.abc import Mapping

import streamlit as st

from workbench.app.draft_forms import forget
from workbench.app.markup import html_table
from workbench.app.services import Session
from workbench.app.widgets import announce, escaped, moment, show_errors
from workbench.domain.attributes import Attribute, DraftRow


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
