"""Undo and Redo: what they would take back or do again is said before, and asked if it is much."""

from collections.abc import Callable

import streamlit as st

from workbench.app.services import Session
from workbench.app.widgets import announce, escaped, show_errors
from workbench.domain.audit_events import DraftChange


def undo_and_redo(session: Session, *, then: Callable[[], None] = lambda: None) -> None:
    """Offer to take back this person's last change of the draft, and to do it again.

    Only what came from this browser under this name is offered; while there is nothing, the
    buttons say so by being off.

    Args:
        session: Settings and store.
        then: Called after either, before the page is drawn again.
    """
    record, names = session.store.record, _names(session)
    last, taken_back = record.undoable(session.author), record.redoable(session.author)
    caption, undo, redo = st.columns([8, 1.4, 1.4], vertical_alignment="center")
    caption.caption(escaped(f"Your last change: {last.words(names)}." if last else ""))
    if undo.button("Undo", disabled=last is None, width="stretch") and last:
        take_back(session, last, "Undo", then)
    hint = escaped(f"Do again: {taken_back.words(names)}") if taken_back else None
    off = taken_back is None
    if redo.button("Redo", disabled=off, width="stretch", help=hint) and taken_back:
        take_back(session, taken_back, "Redo", then)


def take_back(
    session: Session, change: DraftChange, verb: str, then: Callable[[], None] = lambda: None
) -> None:
    """Undo or redo a change; above a few attributes, ask first.

    Args:
        session: Settings and store.
        change: What `record.undoable` or `record.redoable` has returned.
        verb: "Undo" or "Redo".
        then: Called afterwards, before the page is drawn again.

    Raises:
        EditConflictError: Somebody has built on it; the message says who.
    """
    if change.is_large:
        _ask(session, change, verb, then)
    else:
        _do(session, change, verb, then)


@st.dialog("Are you sure?")
def _ask(session: Session, change: DraftChange, verb: str, then: Callable[[], None]) -> None:
    st.write(escaped(f"{verb}: {change.words(_names(session))}."))
    left, right = st.columns(2)
    if left.button(f"{verb} all of it", type="primary", width="stretch"):
        with show_errors():
            _do(session, change, verb, then)
    if right.button("Leave it", width="stretch"):
        st.rerun()


def _do(session: Session, change: DraftChange, verb: str, then: Callable[[], None]) -> None:
    session.store.record.undo_change(change.change, author=session.author)
    done = {"Undo": "Taken back", "Redo": "Done again"}[verb]
    announce(f"{done}: {change.words(_names(session))}.")
    then()
    st.rerun()


def _names(session: Session) -> dict[str, str]:
    return {id: spec.name for id, spec in session.store.recipes.catalogue().items()}
