"""One attribute of the draft as a form: reword it, judge it, remove it, or learn who was faster."""

from collections.abc import Sequence
from typing import get_args

import streamlit as st

from workbench.app.identity import signed
from workbench.app.services import Session, freeze_draft
from workbench.app.widgets import announce, escaped, show_errors
from workbench.domain.attributes import DraftRow, Status

_MEMORY = "draft rows on the screen"


def rows_on_screen(
    distortion: str, fresh: Sequence[DraftRow]
) -> list[tuple[DraftRow, DraftRow | None]]:
    """Return each row as this session shows it, with its present state (None if removed).

    A row stays as it was first shown until `forget`, or until it leaves the screen.

    Args:
        distortion: The distortion that is shown.
        fresh: Its rows, as they are now.
    """
    now = {row.id: row for row in fresh}
    memory: dict[int, DraftRow] = st.session_state.get(_MEMORY, {})
    from_session = {
        id: row
        for id, row in memory.items()
        if row.distortion == distortion and phrase_key(row) in st.session_state
    }
    on_screen = {**now, **from_session}
    st.session_state[_MEMORY] = on_screen
    ordered = sorted(on_screen.values(), key=lambda row: (row.position, row.id))
    return [(row, now.get(row.id)) for row in ordered]


def forget(row: DraftRow) -> None:
    """Show the row's present state from the next run on."""
    st.session_state.get(_MEMORY, {}).pop(row.id, None)


def forget_all() -> None:
    """Show every row's present state from the next run on."""
    st.session_state.pop(_MEMORY, None)


def phrase_key(row: DraftRow) -> str:
    """Return the key of the text field that shows this state of a row."""
    return f"phrase-{row.id}-{row.row_version}"


STATUSES: tuple[Status, ...] = get_args(Status)


def attribute_form(
    session: Session, name: str, number: int, row: DraftRow, now: DraftRow | None
) -> None:
    """Show one attribute with its words and status, and what may be done with it.

    Args:
        session: Settings and store.
        name: Name of its distortion.
        number: What people call it on this page, from 1.
        row: The state that this session has read.
        now: The present state; None if it was removed.
    """
    with st.form(f"attribute-{row.id}-{row.row_version}", border=False):
        words, judged, left, right = st.columns([8, 2.2, 1.2, 1.5], vertical_alignment="bottom")
        phrase = words.text_input(
            f"Attribute {number} of {name}",
            row.attribute.phrase,
            key=phrase_key(row),
        )
        status = judged.selectbox(
            f"Status of attribute {number}",
            STATUSES,
            index=STATUSES.index(row.attribute.status),
            key=f"status-{row.id}-{row.row_version}",
        )
        save = left.form_submit_button(f"Save {number}", width="stretch")
        remove = right.form_submit_button(f"Remove {number}", width="stretch")
    with show_errors():
        if save:
            signed(session, lambda named: _save(named, row, phrase, status))
        if remove:
            signed(session, lambda named: _remove(named, row))
    if now is None or now.row_version != row.row_version:
        _changed_meanwhile(number, row, now)


def _remove(session: Session, row: DraftRow) -> None:
    session.store.draft.remove(row.id, based_on=row.row_version, author=session.author)
    _done(row, f"'{row.attribute.phrase}' was removed.")


def _save(session: Session, row: DraftRow, phrase: str, status: Status) -> None:
    """Store what differs; the second edit builds on the first."""
    draft, author, saved = session.store.draft, session.settings.author, row
    if phrase != row.attribute.phrase:
        saved = draft.edit(row.id, phrase, based_on=row.row_version, author=author)
    if status != row.attribute.status:
        saved = draft.set_status(row.id, status, based_on=saved.row_version, author=author)
    if saved.row_version == row.row_version:
        announce(f"Attribute '{row.attribute.phrase}' is as it was.", "info")
        st.rerun()
    _done(row, f"Saved: '{saved.attribute.phrase}' ({saved.attribute.status}).")


def _done(row: DraftRow, news: str) -> None:
    announce(news)
    forget(row)
    st.rerun()


def _changed_meanwhile(number: int, row: DraftRow, now: DraftRow | None) -> None:
    if now is None:
        st.warning(f"Attribute {number} was removed by somebody else after you opened this page.")
    else:
        what = f"'{now.attribute.phrase}' ({now.attribute.status})"
        st.warning(escaped(f"{now.updated_by} has changed attribute {number} to {what}."))
    if st.button(f"Read attribute {number} again", key=f"read-{row.id}-{row.row_version}"):
        forget(row)
        st.rerun()


def freeze_form(session: Session) -> None:
    """Offer to freeze the draft as it stands."""
    st.subheader("Freeze the draft")
    draft = session.store.draft.attribute_set()
    accepted = draft.without_rejected()
    rejected = draft.size - accepted.size
    left_out = f" {rejected} rejected will be left out." if rejected else ""
    st.caption(f"{accepted.size} attributes of {len(accepted.distortions)} distortions.{left_out}")
    turn = st.session_state.setdefault("drafts frozen", 0)
    with st.form(f"freeze-{turn}"):
        message = st.text_input("Message", placeholder="why this version", key=f"message-{turn}")
        alias = st.text_input("Alias (optional)", key=f"alias-{turn}")
        wanted = st.form_submit_button("Freeze", type="primary")
    with show_errors():
        if wanted:
            signed(session, lambda named: _freeze(named, message, alias))


def _freeze(session: Session, message: str, alias: str) -> None:
    frozen = freeze_draft(session, message=message, alias=alias)
    st.session_state["drafts frozen"] += 1
    _say(frozen.version.label, frozen.version.message, is_new=frozen.is_new)
    st.rerun()


def _say(label: str, message: str, *, is_new: bool) -> None:
    if is_new:
        announce(f"Frozen as version {label}: {message}. Start a run of it on the page Runs.")
    else:
        announce(
            f"Nothing new to freeze: this content is version {label} already ({message}).", "info"
        )
