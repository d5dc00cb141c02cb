"""One look for all figures: colours, marks, names that fit, axes without clutter.

Drawn in the colours of Okabe and Ito, which people with any colour vision tell apart; shape or
text always repeats what colour says. Ink, ground and grid follow the page's own (see `svg`).
"""

import re
import warnings
from collections.abc import Sequence
from io import StringIO
from threading import Lock
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from workbench.domain.comparison import Interval
from workbench.domain.metrics import Metric, Undefined

if TYPE_CHECKING:
    from matplotlib.axes import Axes as Axes
    from matplotlib.figure import Figure as Figure
else:  # matplotlib takes half a second to load: only what draws loads it, in functions
    Axes = Figure = Any

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


def new_figure(width: float, height: float, *, constrained: bool = True) -> Figure:
    """Return an empty figure, made without pyplot: pages share no global state.

    Args:
        width: In inches.
        height: In inches.
        constrained: Whether its parts make room for each other.
    """
    from matplotlib import figure

    return figure.Figure(figsize=(width, height), layout="constrained" if constrained else None)


def add_cell(
    axes: Axes, corner: tuple[float, float], width: float = 1, height: float = 1, **style: Any
) -> None:
    """Add a rectangle; its corner is that with the lowest coordinates."""
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle(corner, width, height, **style))


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
    import matplotlib

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


BLACK, GREY, GRID = "#000000", "#6b6b6b", "#dddddd"
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6D00")
MARKERS = "osD^vP*X"
SHORTEST_AXIS = 0.1  # of a correlation; a tiny difference must not fill the page
_LEGEND_WIDTH = 100  # characters that fit side by side above a figure of 9.2 inches


def colour_of(index: int) -> str:
    """Return the colour of a version by its index."""
    return PALETTE[index % len(PALETTE)]


def marker_of(index: int) -> str:
    """Return the mark of a version by its index; colour and mark together are distinct for 56."""
    return MARKERS[(index + 2 * (index // len(PALETTE))) % len(MARKERS)]


def short(label: str, length: int = 28) -> str:
    """Return a label that fits, cut in its middle, since versions often differ at the end.

    A dollar sign must not start a formula, nor "_" hide a legend.

    Example:
        >>> short("curated by three people, then pruned", 20)
        'curated by…en pruned'
    """
    if len(label) > length:
        head = length // 2
        label = f"{label[:head]}…{label[len(label) - (length - 1 - head) :]}"
    label = label.replace("$", r"\$")
    return f"\u200b{label}" if label.startswith("_") else label


def bare(axes: Axes) -> None:
    """Take away the box, and put the grid behind the data."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_axisbelow(True)


def legend_above(figure: Figure, labels: Sequence[str], handles: Sequence[object]) -> None:
    """Put one legend above a figure, in as many columns as its names leave room for."""
    widest = max((len(label) for label in labels), default=0) + 6
    columns = max(1, min(len(labels), _LEGEND_WIDTH // widest))
    figure.legend(
        handles,
        labels,
        loc="outside upper left",
        frameon=False,
        fontsize=9,
        ncols=columns,
    )  # type: ignore[call-overload]


def draw_interval(
    axes: Axes, row: int, value: Metric, interval: Interval | None, colour: str, note: str
) -> None:
    """Draw one line: interval, point, and its words above it, which never leave the axes."""
    axes.text(
        *(0.0, row - 0.3, note),
        transform=axes.get_yaxis_transform(),
        fontsize=9,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.2},
    )
    if isinstance(value, Undefined):
        return
    if interval is not None:
        axes.plot(interval, [row, row], color=colour, linewidth=2.4, solid_capstyle="butt")
        axes.plot(interval, [row, row], "|", color=colour, markersize=9, markeredgewidth=2)
    axes.plot([value], [row], "o", color=colour, markersize=7, markeredgecolor="white")


def interval_lines(axes: Axes, count: int, unit: str) -> None:
    """Dress the axes of `count` intervals drawn by `draw_interval`."""
    axes.set_ylim(count - 0.5, -0.7)
    axes.set_yticks([])
    axes.margins(x=0.08)
    low, high = axes.get_xlim()
    missing = max(0.0, SHORTEST_AXIS - (high - low)) / 2
    axes.set_xlim(low - missing, high + missing)
    axes.set_xlabel(unit)
    axes.grid(axis="x", color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
