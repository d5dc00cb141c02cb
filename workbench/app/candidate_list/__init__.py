"""The list of candidates, a component of plain HTML elements: each keeps its identity and place.

Python sends types with their candidates, and what became of acts; it gets back the acts that have
no answer yet. An act names its candidate by its words, never by its rank.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

_HERE = Path(__file__).parent
KEY = "candidate-list"


@cache
def _component() -> Any:
    return st.components.v2.component(
        "candidate_list",
        html='<div class="candidates"></div>',
        css=(_HERE / "list.css").read_text(encoding="utf-8"),
        js=(_HERE / "list.js").read_text(encoding="utf-8"),
    )


def acts_of_list() -> Sequence[Mapping[str, Any]]:
    """Return the acts that have come in: {"uid", "act", "key", "distortion", "phrase", "words"}."""
    state: Mapping[str, Any] = st.session_state.get(KEY) or {}
    return state.get("acts") or ()


def candidate_list(
    types: Sequence[Mapping[str, Any]],
    results: Mapping[str, Mapping[str, Any]],
    *,
    on_act: Callable[[], None] = lambda: None,
) -> None:
    """Show candidates, by type.

    Args:
        types: {"id", "name", "said", "candidates"}; a candidate is {"key", "distortion", "phrase",
            "said", "rank", "findings", "curve"}, its findings lines of text, its curve None,
            {"error"}, or {"strength", "mean", "low", "high", "words"}.
        results: Number of an act to {"ok", "text"}.
        on_act: Called when an act has come in.
    """
    data = {"types": list(types), "results": dict(results)}
    _component()(key=KEY, data=data, on_acts_change=on_act)
