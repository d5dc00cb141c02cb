"""A matplotlib figure as SVG text that may stand inside a page beside others."""

import re
from io import StringIO
from threading import Lock
from typing import Any
from xml.sax.saxutils import escape

import matplotlib
from matplotlib.figure import Figure

_STYLE: Any = {  # Any: matplotlib types the keys from 3.11 on, and not before
    "svg.hashsalt": "attribute-workbench",  # else every drawing gets new random ids
    "svg.fonttype": "none",  # text stays text: it can be read aloud, searched and copied
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial", "sans-serif"],
}
_DRAWING = Lock()  # matplotlib keeps its style in one global place, pages draw in threads


def svg_text(figure: Figure, name: str, *, title: str, about: str) -> str:
    """Return a figure as SVG: the same figure gives the same text.

    Ids are prefixed by the name, so that several plots can stand in one page. The title and the
    description are there for readers who cannot see the plot.

    Args:
        figure: What to draw.
        name: Unique within a page; letters, digits and dashes.
        title: What the plot shows, in a few words.
        about: What can be read from it, with its numbers.
    """
    out = StringIO()
    with _DRAWING, matplotlib.rc_context(_STYLE):
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(out, format="svg", metadata=nothing)
    drawing = out.getvalue()
    drawing = drawing[drawing.index("<svg") :]
    for attribute in ('id="', 'xlink:href="#', "url(#"):
        drawing = drawing.replace(attribute, f"{attribute}{name}-")
    opening = re.compile(r"<svg\b[^>]*>")
    head = opening.match(drawing)
    described = f'role="img" aria-labelledby="{name}-title {name}-about"'
    tag = (head.group() if head else "<svg>").replace("<svg", f"<svg {described}", 1)
    words = (
        f'\n <title id="{name}-title">{escape(title)}</title>'
        f'\n <desc id="{name}-about">{escape(about)}</desc>'
    )
    return tag + words + opening.sub("", drawing, count=1)
