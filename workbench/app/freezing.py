"""Freezing the draft: why, under what name, and from what it was edited."""

import streamlit as st

from workbench.app.services import Workplace, freeze_draft
from workbench.app.widgets import announce, faults_shown, named


def freeze_form(place: Workplace) -> None:
    """Offer to freeze the draft as it stands."""
    st.subheader("Freeze the draft")
    draft = place.store.draft.attribute_set()
    kept = draft.without_rejected()
    rejected = draft.size - kept.size
    left_out = f" {rejected} rejected will be left out." if rejected else ""
    st.caption(f"{kept.size} attributes of {len(kept.distortions)} distortions.{left_out}")
    versions = place.store.versions.summaries()
    choices = [*(version.hash for version in versions), None]
    turn = st.session_state.setdefault("drafts frozen", 0)
    with st.form(f"freeze-{turn}"):
        message = st.text_input("Message", placeholder="why this version", key=f"message-{turn}")
        left, right = st.columns(2)
        alias = left.text_input("Alias (optional)", key=f"alias-{turn}")
        parent = right.selectbox(
            "Edited from",
            choices,
            index=choices.index(place.store.draft.base() or choices[0]),
            format_func=named(versions),
            key=f"parent-{turn}",
        )
        wanted = st.form_submit_button("Freeze", type="primary")
    with faults_shown():
        if wanted:
            frozen = freeze_draft(place, message=message, alias=alias, parent=parent)
            st.session_state["drafts frozen"] = turn + 1
            _say(frozen.version.label, frozen.version.message, is_new=frozen.is_new)
            st.rerun()


def _say(label: str, message: str, *, is_new: bool) -> None:
    if is_new:
        announce(f"Frozen as version {label}: {message}. Start a run of it on the page Runs.")
    else:
        announce(
            f"Nothing new to freeze: this content is version {label} already ({message}).", "info"
        )
