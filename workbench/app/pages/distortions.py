"""The distortions: a gallery of what can happen to a photograph, and a page for each type."""

from collections import Counter
from collections.abc import Sequence
from itertools import count

import streamlit as st

from workbench.app.components.gallery import Card, gallery
from workbench.app.distortion_builder import BLANK, show_builder
from workbench.app.distortion_pictures import thumbnails
from workbench.app.distortion_type import show_type
from workbench.app.services import Session, current_session
from workbench.app.widgets import heading, show_errors
from workbench.domain.distortion import Distortion
from workbench.domain.number_format import count_text

TITLE = "Distortions"
ICON = ":material/view_module:"
ORDER = 10

LEAD = "What can happen to a photograph. Choose a type to see every level of it."
SLICE_S = 0.3  # how long thumbnails are made before the page answers again


def render() -> None:
    """Show the page: the gallery, or the type that the URL names."""
    query = st.query_params
    if start := query.get("edit") or query.get("new"):
        show_builder(start, edits="edit" in query)
        return
    if chosen := query.get("type"):
        show_type(chosen, title=TITLE)
        return
    heading(TITLE, LEAD)
    with show_errors():
        session = current_session()
        specs = session.store.recipes.catalogue()
        _gallery(session, _chosen(list(specs.values())))


def _chosen(specs: list[Distortion]) -> list[Distortion]:
    """Let types be searched and filtered; return those that are left."""
    left, right = st.columns([4, 1], vertical_alignment="bottom")
    right.button(
        "New type", icon=":material/add:", type="primary", on_click=_start, width="stretch"
    )
    words = left.text_input(
        "Search",
        type="search",
        live=True,
        key="search",
        bind="query-params",
        placeholder="name, words, source",
        width=400,
    )
    groups = list(dict.fromkeys(spec.group for spec in specs))
    group = st.pills("Group", groups, format_func=str.capitalize, key="group", bind="query-params")
    return [spec for spec in specs if group in (None, spec.group) and _matches(spec, words or "")]


def _start() -> None:
    st.query_params["new"] = BLANK


def _matches(spec: Distortion, words: str) -> bool:
    text = " ".join((spec.id, spec.name, spec.source, spec.explanation)).casefold()
    return all(word in text for word in words.casefold().split())


def _gallery(session: Session, specs: list[Distortion]) -> None:
    if not specs:
        st.info("No type matches. Search for other words, or choose another group.")
        return
    drafted = Counter(
        {id: sum(counts.values()) for id, counts in session.store.overview.draft().items()}
    )
    missing = thumbnails(session.settings, specs, tuple(session.store.recipes.list())).missing
    draw = st.fragment(_draw, run_every=SLICE_S if missing else None)
    draw(session, specs, drafted, count() if missing else None)


def _draw(
    session: Session, specs: list[Distortion], drafted: Counter[str], turns: "count[int] | None"
) -> None:
    """Draw the gallery; at first with what is there, at each further turn with more pictures.

    When all are there the turns go on, cheaply, until the page is drawn for another reason: to draw
    it anew from here, with the address as it was, could undo what has just been pressed.
    """
    recipes = tuple(session.store.recipes.list())
    seconds = SLICE_S if turns is not None and next(turns) else 0.0
    urls = thumbnails(session.settings, specs, recipes, seconds=seconds).urls
    opened = gallery(_cards(specs, drafted, urls), parameter="type", key="gallery")
    if opened:
        st.query_params["type"] = opened
        st.rerun()


def _cards(specs: Sequence[Distortion], drafted: Counter[str], urls: dict[str, str]) -> list[Card]:
    in_groups = dict.fromkeys(spec.group for spec in specs)
    return [
        Card(
            id=spec.id,
            group=spec.group.capitalize(),
            name=spec.name,
            note=count_text(drafted[spec.id], "attribute") if drafted[spec.id] else "no attributes",
            picture=urls.get(spec.id, ""),
            instead="…" if spec.has_operator else "in words only",
        )
        for group in in_groups
        for spec in specs
        if spec.group == group
    ]
