"""The working draft: every attribute a row of its own, edited, judged, and at last frozen."""

import streamlit as st

from workbench.app.attribute_history import attribute_story
from workbench.app.draft_forms import attribute_form, freeze_form, rows_on_screen, undo_button
from workbench.app.phrase_preview import new_attribute_form
from workbench.app.services import Session, curated_set, current_session
from workbench.app.suggestions import ask_model
from workbench.app.widgets import announce, escaped, heading, show_errors

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
        undo_button(session)
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
            curated = curated_set()
            session.store.draft.replace(curated, author=session.settings.author)
            announce(
                f"{curated.size} attributes of {len(curated.distortions)} distortions came in."
            )
            st.rerun()
