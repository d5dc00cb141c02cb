"""Taking back one's own last change of the draft, whatever it was and whichever page made it."""

import streamlit as st

from workbench.app.reading import forget_all
from workbench.app.services import Workplace
from workbench.app.widgets import announce, escaped
from workbench.domain.review import Event


def undo_button(place: Workplace) -> None:
    """Offer to take back the author's last change; nothing is shown while there is none."""
    last = place.store.record.last_own(place.settings.author)
    if last is None:
        return
    told, button = st.columns([8, 2.2], vertical_alignment="center")
    told.caption(escaped(f"Your last change: {_words(last)}."))
    if button.button("Undo", width="stretch"):
        undone = place.store.record.undo_change(last.change, author=place.settings.author)
        forget_all()
        count = "" if len(undone) == 1 else f" ({len(undone)} attributes)"
        announce(f"Taken back: {_words(last)}{count}.")
        st.rerun()


def _words(event: Event) -> str:
    state = event.after or event.before or {}
    return f"{event.action} '{state.get('phrase', '')}' of {state.get('distortion', 'the draft')}"
