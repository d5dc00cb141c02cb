"""Real HTML tables and pictures: text that can be read aloud, searched and tested.

What people wrote is escaped; only `Markup` passes as it is.
"""

import base64
from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup
from PIL import Image

from workbench.domain.data_table import DataTable
from workbench.domain.difference import word_changes
from workbench.report import render

if TYPE_CHECKING:
    from workbench.report.figures.figure import ReportFigure

STYLE = """<style>
.stMainBlockContainer { padding-top: 3rem; padding-bottom: 3rem; }
.wb { border-collapse: collapse; width: 100%; font-size: 0.92rem; }
.wb caption { text-align: left; opacity: 0.75; padding-bottom: 0.3rem; }
.wb th, .wb td { padding: 0.3rem 0.7rem 0.3rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid rgba(128, 128, 128, 0.25); }
.wb thead th { border-bottom: 1px solid rgba(128, 128, 128, 0.7); }
.wb th { font-weight: 600; }
.wb .figure { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.wb small { display: block; line-height: 1.35; opacity: 0.75; }
.wb th small { font-weight: 400; }
.wb .aside th, .wb .aside td { font-size: 0.85rem; font-weight: 400; opacity: 0.8; }
.wb code { font-weight: 400; }
.wb ul { margin: 0; padding-left: 1.1rem; }
.wb ul li { margin: 0; font-size: inherit; }
.wb ins { text-decoration: none; font-weight: 600; border-bottom: 2px solid #009e73; }
.wb del { opacity: 0.65; }
.wb mark { background: rgba(230, 159, 0, 0.28); color: inherit; padding: 0 0.2rem; }
.wb-picture { margin: 0; }
.wb-picture img { max-width: 100%; height: auto; }
.wb-picture figcaption { font-size: 0.85rem; opacity: 0.75; }
</style>"""


def html_table(
    caption: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    figures: Sequence[int] = (),
    widths: Sequence[int] = (),
) -> Markup:
    """Return a table of finished texts whose first column heads the rows.

    Args:
        caption: What it shows.
        columns: Headings.
        rows: Cells, each as long as the headings; text or Markup.
        figures: Indices of the columns that hold numbers.
        widths: Percent of each column; without, the browser decides.

    Example:
        >>> html_table("", ["a"], [["<b>"]]).count("&lt;b&gt;")
        1
    """
    table = DataTable.of_texts(columns, rows, title=caption, figures=figures)
    return html_data_table(table, widths=widths)


def html_data_table(table: DataTable, *, widths: Sequence[int] = ()) -> Markup:
    """Return a table of exact values as people read them; widths are in percent."""
    return render.html_table(table, style="wb", widths=widths)


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


def html_rewording(before: str, after: str) -> Markup:
    """Return how a phrase became another, word by word: what left struck out, what came marked.

    Example:
        >>> html_rewording("blocky edges", "blocky lines")
        Markup('blocky <del>edges</del> <ins>lines</ins>')
    """
    tags = {"same": "{}", "removed": "<del>{}</del>", "added": "<ins>{}</ins>"}
    changes = word_changes(before, after)
    return Markup(" ").join(Markup(tags[kind]).format(words) for kind, words in changes)


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
