"""The form of a recipe: words, and steps of operators with a number and a slider per level.

What is typed is kept by the browser until it is added or discarded, so that neither a reload nor a
restarted server loses it. Python names the faults; the form shows each where it is.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, get_args

import streamlit as st

from workbench.distortions import operators
from workbench.distortions.recipe_files import MOST_BYTES, MOST_LEVELS
from workbench.domain.canonical import canonical_json
from workbench.domain.distortion import Distortion, Group, Recipe

_HERE = Path(__file__)
_mount = st.components.v2.component(
    "workbench_recipe_form",
    html='<form class="recipe" novalidate></form>',
    css=_HERE.with_suffix(".css").read_text(encoding="utf-8"),
    js=_HERE.with_suffix(".js").read_text(encoding="utf-8"),
)

Fields = dict[str, Any]  # as a YAML file has them


class Answer(NamedTuple):
    """What was pressed.

    Attributes:
        added: The fields to add; None if it was not that.
        left: Whether the browser has forgotten the form after it was added.
    """

    added: Fields | None
    left: bool


def typed_fields(key: str) -> Fields | None:
    """Return what the form with a key holds; None until the browser has said so."""
    state: Any = st.session_state.get(key) or {}
    document = state.get("document")
    return None if document is None else fields_of(document)


def fields_of(document: object) -> Fields:
    """Return the fields that the browser sent, as a YAML file would have them; junk is left out.

    Example:
        >>> fields_of({"name": "Dim", "id": "", "steps": [{"operator": "darken", "x": 1}]})
        {'name': 'Dim', 'steps': [{'operator': 'darken'}]}
        >>> fields_of(["junk"])
        {}
    """
    if not isinstance(document, dict) or len(canonical_json(document)) > MOST_BYTES:
        return {}
    words = {name: document.get(name) for name in ("name", "id", "group", "explanation")}
    steps = document.get("steps")
    known = [
        {name: step[name] for name in ("operator", "parameters") if name in step}
        for step in (steps if isinstance(steps, list) else ())
        if isinstance(step, dict)
    ]
    return {name: word for name, word in words.items() if word} | (
        {"steps": known} if known else {}
    )


def document_of(recipe: Recipe | None) -> Fields:
    """Return what the form shows of a recipe; an empty form without one."""
    if recipe is None:
        return {"name": "", "id": "", "group": "", "explanation": "", "steps": []}
    return recipe.model_dump(mode="json")


def recipe_form(
    document: Fields,
    faults: Sequence[str],
    *,
    key: str,
    revision: int = 0,
    saved: bool = False,
    action: str = "Add this type",
) -> Answer:
    """Show the form.

    Args:
        document: What it begins with, of `document_of`.
        faults: One line each, starting with the field's path.
        key: Of the widget, and under which the browser keeps what is typed.
        revision: Counted up when the document shall take the place of what was typed.
        saved: Whether it was added, so that the browser shall forget it.
        action: Words of the button.
    """
    result = _mount(
        key=key,
        data={
            "document": document,
            "faults": [fault.partition(": ")[::2] for fault in faults],
            "store": f"workbench:{key}",
            "revision": revision,
            "saved": saved,
            "action": action,
            "groups": get_args(Group),
            "operators": [_operator(entry.spec) for entry in operators().values()],
            "most": MOST_LEVELS,
        },
        on_document_change=lambda: None,
        on_add_change=lambda: None,
        on_left_change=lambda: None,
    )
    return Answer(None if result.add is None else fields_of(result.add), bool(result.left))


def _operator(spec: Distortion) -> dict[str, object]:
    low, high = slider_ends(spec)
    least, most = spec.limits
    bounds = [
        f"{words} {bound:g}"
        for words, bound in (("at least", least), ("at most", most))
        if bound is not None
    ]
    return {
        "id": spec.id,
        "name": spec.name,
        "unit": "; ".join([spec.parameter, " and ".join(bounds)]) if bounds else spec.parameter,
        "low": low,
        "high": high,
        "levels": spec.levels,
    }


def slider_ends(spec: Distortion) -> tuple[float, float]:
    """Return the least and the greatest parameter that a slider offers; a number may be typed.

    They are the operator's limits where these are near what its own levels use, else twice that.

    Example:
        >>> slider_ends(operators()["jpeg"].spec), slider_ends(operators()["gaussian_blur"].spec)
        ((1.0, 100.0), (0.0, 10.0))
    """
    used = [*spec.levels, *([] if spec.neutral is None else [spec.neutral])]
    least, most = spec.limits
    high = max(used)
    high = most if most is not None and most <= 4 * abs(high) else 2 * high if high > 0 else 0.0
    low = min(used)
    return (least if least is not None else min(low, 2 * low)), high
