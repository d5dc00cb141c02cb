"""A gallery of pictures under headings; each is a link, by mouse and by keyboard."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import streamlit as st

_HERE = Path(__file__)
_mount = st.components.v2.component(
    "workbench_gallery",
    html='<div class="gallery"></div>',
    css=_HERE.with_suffix(".css").read_text(encoding="utf-8"),
    js=_HERE.with_suffix(".js").read_text(encoding="utf-8"),
)


class Card(NamedTuple):
    """One picture.

    Attributes:
        id: What is opened.
        group: The heading that it stands under; cards of one group follow one another.
        name: The words of the link.
        note: Small words below it.
        picture: A data URL; "" while there is none.
        instead: What stands in the picture's place meanwhile.
    """

    id: str
    group: str
    name: str
    note: str
    picture: str
    instead: str


def gallery(cards: Sequence[Card], *, parameter: str, key: str) -> str | None:
    """Show a gallery; return the id of the card that was just pressed, or None.

    Args:
        cards: In their order.
        parameter: Of the page's URL; a card's link is `?parameter=id`, so that it can be opened in
            another tab and copied.
        key: Of the widget.
    """
    data = {"parameter": parameter, "cards": [card._asdict() for card in cards]}
    opened = _mount(key=key, data=data, on_open_change=lambda: None).open
    return None if opened is None else str(opened)
