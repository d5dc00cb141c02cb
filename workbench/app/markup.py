"""Real HTML tables and pictures: text that can be read aloud, searched and tested.

What people wrote is escaped; only `Markup` passes as it is.
"""

import base64
from collections.abc import Collection, Iterable, Sequence
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup
from PIL import Image

from workbench.app.terms import explained
from workbench.domain.data_table import DataTable
from workbench.report import render

if TYPE_CHECKING:
    from workbench.report.figures.figure import ReportFigure

# Nothing is made paler than 4.5:1 against the page, light or dark: so no opacity on words.
STYLE = """<style>
.stMainBlockContainer { padding: 3rem 2.5rem; }
.stMain [data-testid="stPageLink-NavLink"] { border: 1px solid rgba(128, 128, 128, 0.5); }
:is(button, a, summary, [role="tab"], .term):focus-visible {
  outline: 2px solid currentColor; outline-offset: 2px; }
[class*="st-key-news-"] { position: fixed; right: 1.5rem; bottom: 1.5rem; z-index: 99;
  width: fit-content; max-width: min(30rem, 80vw); border-radius: 0.5rem; background: Canvas;
  box-shadow: 0 0.2rem 1rem rgba(0, 0, 0, 0.35); }
.st-key-news-0 { animation: news-even 12s forwards; }
.st-key-news-1 { animation: news-odd 12s forwards; }
[class*="st-key-news-"]:hover { animation-play-state: paused; }
@keyframes news-even { to { visibility: hidden; } }
@keyframes news-odd { to { visibility: hidden; } }
.stApp [role="tab"][aria-selected="true"], .stApp [data-testid="stSliderThumbValue"],
.stApp [role="radio"][aria-checked="true"], .stApp [role="radio"][aria-checked="true"] p,
.stApp [role="tab"][aria-selected="true"] p { color: inherit; font-weight: 600; }
.stApp [data-testid="stMetricValue"] { font-size: 1.6rem; }
.wb { border-collapse: collapse; width: 100%; font-size: 0.92rem; }
.wb caption { text-align: left; padding-bottom: 0.3rem; }
.wb th, .wb td { padding: 0.3rem 0.7rem 0.3rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid rgba(128, 128, 128, 0.25); }
.wb thead th { border-bottom: 1px solid rgba(128, 128, 128, 0.7); }
.wb th { font-weight: 600; }
.wb a { color: inherit; }
.wb .figure { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.wb small { display: block; line-height: 1.35; }
.wb th small { font-weight: 400; }
.wb .aside th, .wb .aside td { font-size: 0.85rem; font-weight: 400; font-style: italic; }
.wb code { font-weight: 400; }
.wb ul { margin: 0; padding-left: 1.1rem; }
.wb ul li { margin: 0; font-size: inherit; overflow-wrap: anywhere; }
.wb ins { text-decoration: none; font-weight: 600; border-bottom: 2px solid #009e73; }
.wb mark { background: rgba(230, 159, 0, 0.28); color: inherit; padding: 0 0.2rem; }
.wb .term { position: relative; cursor: help; text-decoration: underline dotted;
  text-underline-offset: 0.2em; }
.wb .term:is(:hover, :focus)::after { content: attr(data-meaning); position: absolute; z-index: 9;
  left: 0; top: 100%; width: max-content; max-width: 20rem; padding: 0.5rem 0.7rem;
  border: 1px solid rgba(128, 128, 128, 0.5); border-radius: 0.5rem; background: Canvas;
  color: CanvasText; font-size: 0.85rem; font-weight: 400; line-height: 1.35; text-align: left;
  white-space: normal; }
.wb th:nth-last-child(-n+3):not(:first-child) .term::after { left: auto !important; right: 0; }
.stGraphVizChart text { fill: currentColor; }
.stGraphVizChart :is(path, polygon) { stroke: currentColor; }
.stGraphVizChart .edge polygon { fill: currentColor; }
.wb-picture { margin: 0; }
.wb-picture img { max-width: 100%; height: auto; }
.wb-picture figcaption { font-size: 0.85rem; }
</style>"""


def html_table(
    caption: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    figures: Sequence[int] = (),
    widths: Sequence[int] = (),
    names: Collection[str] = (),
) -> Markup:
    """Return a table of finished texts whose first column heads the rows.

    Args:
        caption: What it shows.
        columns: Headings.
        rows: Cells, each as long as the headings; text or Markup.
        figures: Indices of the columns that hold numbers.
        widths: Percent of each column; without, the browser decides.
        names: Headings that people chose, such as an alias "draft"; the glossary explains no other
            thing of that name.

    Example:
        >>> html_table("", ["a"], [["<b>"]]).count("&lt;b&gt;")
        1
    """
    table = DataTable.of_texts(columns, rows, title=caption, figures=figures)
    return html_data_table(table, widths=widths, names=names)


def html_data_table(
    table: DataTable,
    *,
    widths: Sequence[int] = (),
    most: int | None = None,
    names: Collection[str] = (),
) -> Markup:
    """Return a table of exact values as people read them, `most` rows; the rest as `html_table`."""

    def explain(heading: str) -> str:
        return "" if heading in names else explained(heading)

    return render.html_table(table, style="wb", widths=widths, most=most, explain=explain)


def html_list(phrases: Iterable[tuple[str, bool]]) -> Markup:
    """Return phrases as a list; a marked one stands out by a sign as well as by colour.

    Args:
        phrases: Each with whether it is marked.
    """
    items = Markup("").join(
        Markup("<li><mark>≠ {}</mark></li>" if marked else "<li>{}</li>").format(phrase)
        for phrase, marked in phrases
    )
    return Markup("<ul>{}</ul>").format(items)


def picture_of_pixels(image: np.ndarray, alt: str, caption: str) -> Markup:
    """Return an image with its caption.

    Args:
        image: (H, W, 3), uint8, RGB.
        alt: What it shows, for who cannot see it.
        caption: Shown below.
    """
    out = BytesIO()
    Image.fromarray(image).save(out, format="PNG")
    return _picture(out.getvalue(), "image/png", alt, caption)


def picture_of_figure(figure: "ReportFigure") -> Markup:
    """Return a plot as a picture whose alternative text is the plot's own title and description.

    As a picture, since a page's sanitiser takes the marks out of inline SVG.
    """
    words = f"{figure.title}. {figure.about}"
    return _picture(figure.svg.encode(), "image/svg+xml", words, "")


def _picture(data: bytes, kind: str, alt: str, caption: str) -> Markup:
    below = Markup("<figcaption>{}</figcaption>").format(caption) if caption else Markup("")
    return Markup(
        '<figure class="wb-picture"><img src="data:{};base64,{}" alt="{}">{}</figure>'
    ).format(kind, base64.b64encode(data).decode(), alt, below)
