"""Which state of each draft row a browser session has on its screen.

Streamlit runs the page anew for every click, and by then somebody else may have changed a row. An
edit must name the state that its author has read, not the one that the new run has just fetched.
"""

from collections.abc import Sequence

import streamlit as st

from workbench.domain.draft import DraftRow

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
    kept = {
        id: row
        for id, row in memory.items()
        if row.distortion == distortion and phrase_key(row) in st.session_state
    }
    shown = {**now, **kept}
    st.session_state[_MEMORY] = shown
    ordered = sorted(shown.values(), key=lambda row: (row.position, row.id))
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
