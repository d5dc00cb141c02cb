"""A matplotlib figure as SVG text that may stand inside a page beside others."""

import re
import warnings
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
_GROUNDS = {  # a page may set these; where none does, as in a picture, the drawing's own hold
    "#000000": "var(--ink, #000000)",
    "#6b6b6b": "var(--muted, #6b6b6b)",
    "#dddddd": "var(--grid, #dddddd)",
    "#ffffff": "var(--ground, #ffffff)",
}
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # XML allows none of them
_DRAWING = Lock()  # matplotlib keeps its style in one global place, pages draw in threads


def svg_text(figure: Figure, name: str, *, title: str, about: str) -> str:
    """Return a figure as SVG: the same figure gives the same text.

    Ids are prefixed by the name, so that several plots can stand in one page. The title and the
    description are there for readers who cannot see the plot. Ink and ground follow a page that
    sets --ink, --muted, --grid and --ground, so that a dark page has a dark plot.

    Args:
        figure: What to draw.
        name: Unique within a page; letters, digits and dashes.
        title: What the plot shows, in a few words.
        about: What can be read from it, with its numbers.
    """
    out = StringIO()
    with _DRAWING, matplotlib.rc_context(_STYLE), warnings.catch_warnings():
        # The reader's fonts draw the text; that ours lack a letter only makes its width a guess.
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(out, format="svg", metadata=nothing)
    drawing = out.getvalue()
    drawing = _CONTROLS.sub("", drawing[drawing.index("<svg") :])
    for attribute in ('id="', 'xlink:href="#', "url(#"):
        drawing = drawing.replace(attribute, f"{attribute}{name}-")
    for colour, followed in _GROUNDS.items():
        drawing = drawing.replace(f": {colour}", f": {followed}")
    opening = re.compile(r"<svg\b[^>]*>")
    head = opening.match(drawing)
    ink = _GROUNDS["#000000"]  # matplotlib leaves black to the reader's default
    labelled = f'role="img" aria-labelledby="{name}-title {name}-about"'
    opened = f'<svg style="fill: {ink}" {labelled}'
    tag = (head.group() if head else "<svg>").replace("<svg", opened, 1)
    words = (
        f'\n <title id="{name}-title">{escape(_CONTROLS.sub("", title))}</title>'
        f'\n <desc id="{name}-about">{escape(_CONTROLS.sub("", about))}</desc>'
    )
    return tag + words + opening.sub("", drawing, count=1)
