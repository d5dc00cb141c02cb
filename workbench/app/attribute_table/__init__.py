"""The table of all attributes, a component of plain HTML elements with roles.

Its JavaScript lies beside this file, in parts that are put together in their order. Python sends it
one JSON document as bytes: the board's news (`workflow.curation`), the answers to its acts
(`workflow.draft_acts`) and the view to begin with. It sends back one trigger, `act`, and one state,
`at`: the current row, the filters, and the rows that are seen while lint has not checked all.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

_HERE = Path(__file__).parent
_PARTS = ("model.js", "post.js", "view.js", "table.js")
KEY = "attribute-table"


@cache
def _component() -> Any:
    return st.components.v2.component(
        "attribute_table",
        css=(_HERE / "table.css").read_text(encoding="utf-8"),
        js="\n".join((_HERE / part).read_text(encoding="utf-8") for part in _PARTS),
    )


def attribute_table(
    document: Callable[[], bytes], *, on_act: Callable[[], None], on_look: Callable[[], None]
) -> None:
    """Show the table; the callbacks find what was done in `session_state[KEY]`.

    Args:
        document: Returns what is sent.
        on_act: Called when an act came in: `session_state[KEY]["act"]`.
        on_look: Called when another row or view is looked at: `session_state[KEY]["at"]`.
    """
    _component()(key=KEY, data=document(), on_act_change=on_act, on_at_change=on_look)
