"""One attribute of the draft as a form: reword it, judge it, remove it, or learn who was faster."""

from typing import get_args

import streamlit as st

from workbench.app.reading import forget, phrase_key
from workbench.app.services import Workplace
from workbench.app.widgets import announce, escaped, faults_shown
from workbench.domain.attributes import Status
from workbench.domain.draft import DraftRow

STATUSES: tuple[Status, ...] = get_args(Status)


def attribute_form(
    place: Workplace, name: str, number: int, row: DraftRow, now: DraftRow | None
) -> None:
    """Show one attribute with its words and status, and what may be done with it.

    Args:
        place: Where.
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
    with faults_shown():
        if save:
            _save(place, row, phrase, status)
        if remove:
            place.store.draft.remove(row.id, based_on=row.row_version, author=place.settings.author)
            _done(row, f"'{row.attribute.phrase}' was removed.")
    if now is None or now.row_version != row.row_version:
        _changed_meanwhile(number, row, now)


def _save(place: Workplace, row: DraftRow, phrase: str, status: Status) -> None:
    """Store what differs; the second edit builds on the first."""
    draft, author, saved = place.store.draft, place.settings.author, row
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
