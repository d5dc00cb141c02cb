"""The working draft: every attribute a row of its own, edited, judged, and at last frozen."""

import shlex
from typing import get_args

import streamlit as st

from workbench.app.reading import forget, phrase_key, rows_on_screen
from workbench.app.services import (
    Workplace,
    curated_set,
    freeze_draft,
    new_attribute,
    workplace,
)
from workbench.app.widgets import announce, escaped, faults_shown, heading, moment, named
from workbench.domain.attributes import Attribute, Status
from workbench.domain.draft import DraftRow

TITLE = "Draft"
ICON = ":material/edit_note:"
ORDER = 20

STATUSES: tuple[Status, ...] = get_args(Status)


def render() -> None:
    """Show the page."""
    heading(
        TITLE, "Say what one sees, in a few words each. What is frozen can be run and compared."
    )
    with faults_shown():
        place = workplace()
        _offer_curated(place)
        distortion, name = _chosen(place)
        shown = rows_on_screen(distortion, place.store.draft.rows(distortion))
        for number, (row, now) in enumerate(shown, start=1):
            with st.container(gap="xsmall"):
                _row(place, name, number, row, now)
        _add(place, distortion, name)
        _ask_model(place, distortion)
        _freeze(place)


def _chosen(place: Workplace) -> tuple[str, str]:
    """Let one distortion be chosen, and return its id and name.

    What the draft has for unknown ones can be seen and removed.
    """
    known = place.store.recipes.catalogue()
    drafted = place.store.draft.attribute_set().distortions
    names = {id: spec.name for id, spec in known.items()}
    names |= {id: id for id in drafted if id not in known}
    chosen = st.selectbox(
        "Distortion", names, format_func=lambda id: names[id], key="draft-distortion"
    )
    st.caption(escaped(known[chosen].explanation if chosen in known else "Not in the catalogue."))
    return chosen, names[chosen]


def _offer_curated(place: Workplace) -> None:
    if place.store.draft.rows():
        return
    st.info("The draft is empty. Start from the attributes that ship with the workbench, or write.")
    if st.button("Start from the curated set", type="primary"):
        with faults_shown():
            curated = curated_set()
            place.store.draft.replace(curated, author=place.settings.author)
            announce(
                f"{curated.size} attributes of {len(curated.distortions)} distortions came in."
            )
            st.rerun()


def _row(place: Workplace, name: str, number: int, row: DraftRow, now: DraftRow | None) -> None:
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
    _origin(place, number, row)
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


def _origin(place: Workplace, number: int, row: DraftRow) -> None:
    edited = f"{moment(row.updated_at)} by {row.updated_by}"
    if row.attribute.call_id is None:
        st.caption(escaped(f"Origin: {row.attribute.origin}. Last change {edited}."))
        return
    with st.expander(f"{_from_call(row.attribute)}. Last change {escaped(edited)}."):
        call = place.store.calls.get(row.attribute.call_id)
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


def _add(place: Workplace, distortion: str, name: str) -> None:
    turn = st.session_state.setdefault("attributes added", 0)
    with st.form(f"add-{distortion}-{turn}", border=False):
        words, button = st.columns([8, 2.2], vertical_alignment="bottom")
        phrase = words.text_input(
            f"New attribute of {name}",
            placeholder="what one sees, without the name of the distortion",
            key=f"new-{distortion}-{turn}",
        )
        added = button.form_submit_button("Add", width="stretch")
    with faults_shown():
        if added:
            attribute = new_attribute(phrase)
            place.store.draft.add(distortion, attribute, author=place.settings.author)
            st.session_state["attributes added"] = turn + 1
            announce(f"Added: '{attribute.phrase}'.")
            st.rerun()


def _ask_model(place: Workplace, distortion: str) -> None:
    with st.expander("Ask a language model"):
        st.write(
            "It takes longer than a page may wait, so it runs in a terminal; its answer replaces "
            "the draft of this distortion."
        )
        url = place.settings.database_url
        # A server's URL may hold a password: it is left to WORKBENCH_DB.
        where = f" --db {shlex.quote(url)}" if url.startswith("sqlite:") else ""
        st.code(f"workbench draft {distortion}{where}", language="bash")


def _freeze(place: Workplace) -> None:
    st.subheader("Freeze the draft")
    draft = place.store.draft.attribute_set()
    kept = draft.without_rejected()
    rejected = draft.size - kept.size
    left_out = f" {rejected} rejected will be left out." if rejected else ""
    st.caption(f"{kept.size} attributes of {len(kept.distortions)} distortions.{left_out}")
    versions = place.store.versions.list()
    turn = st.session_state.setdefault("drafts frozen", 0)
    with st.form(f"freeze-{turn}"):
        message = st.text_input("Message", placeholder="why this version", key=f"message-{turn}")
        left, right = st.columns(2)
        alias = left.text_input("Alias (optional)", key=f"alias-{turn}")
        parent = right.selectbox(
            "Edited from",
            [*(version.hash for version in versions), None],
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
