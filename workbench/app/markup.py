"""Real HTML tables and pictures: text that can be read aloud, searched and tested.

What people wrote is escaped; only `Markup` passes as it is.
"""

import base64
from collections.abc import Iterable, Sequence
from io import BytesIO
from xml.etree import ElementTree

import numpy as np
from markupsafe import Markup, escape
from PIL import Image

from workbench.domain.difference import word_changes

STYLE = """<style>
.stMainBlockContainer { padding-top: 3rem; padding-bottom: 3rem; }
.wb { border-collapse: collapse; width: 100%; font-size: 0.92rem; }
.wb caption { text-align: left; opacity: 0.75; padding-bottom: 0.3rem; }
.wb th, .wb td { padding: 0.3rem 0.7rem 0.3rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid rgba(128, 128, 128, 0.25); }
.wb thead th { border-bottom: 1px solid rgba(128, 128, 128, 0.7); }
.wb th { font-weight: 600; }
.wb .figure { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.wb small { display: inline-block; line-height: 1.35; opacity: 0.75; }
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

_SVG = "{http://www.w3.org/2000/svg}"


def html_table(
    caption: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    figures: Sequence[int] = (),
    widths: Sequence[int] = (),
) -> Markup:
    """Return a table whose first column heads the rows.

    Args:
        caption: What it shows.
        columns: Headings.
        rows: Cells, each as long as the headings; text or Markup.
        figures: Places of the columns that hold numbers.
        widths: Percent of each column; without, the browser decides.

    Example:
        >>> html_table("", ["a"], [["<b>"]]).count("&lt;b&gt;")
        1
    """
    wide = [Markup(' style="width: {}%"').format(percent) for percent in widths]
    head = Markup("").join(
        Markup('<th scope="col"{}{}>{}</th>').format(
            _kind(index, figures), wide[index] if wide else "", name
        )
        for index, name in enumerate(columns)
    )
    body = Markup("").join(Markup("<tr>{}</tr>").format(_cells(cells, figures)) for cells in rows)
    return Markup(
        '<table class="wb"><caption>{}</caption><thead><tr>{}</tr></thead><tbody>{}</tbody></table>'
    ).format(caption, head, body)


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


def picture_of_svg(svg: str) -> Markup:
    """Return a plot as a picture whose alternative text is the plot's own title and description.

    As a picture, since a page's sanitiser takes the marks out of inline SVG.

    Args:
        svg: The document.
    """
    root = ElementTree.fromstring(svg)
    words = (root.findtext(f"{_SVG}{tag}") or "" for tag in ("title", "desc"))
    return _picture(svg.encode(), "image/svg+xml", ". ".join(words), "")


def _picture(data: bytes, kind: str, alt: str, caption: str) -> Markup:
    below = Markup("<figcaption>{}</figcaption>").format(caption) if caption else Markup("")
    return Markup(
        '<figure class="wb-picture"><img src="data:{};base64,{}" alt="{}">{}</figure>'
    ).format(kind, base64.b64encode(data).decode(), alt, below)


def _cells(cells: Sequence[object], figures: Sequence[int]) -> Markup:
    first, *others = cells
    head = Markup('<th scope="row">{}</th>').format(escape(first))
    return head + Markup("").join(
        Markup("<td{}>{}</td>").format(_kind(index, figures), escape(cell))
        for index, cell in enumerate(others, start=1)
    )


def _kind(place: int, figures: Sequence[int]) -> Markup:
    return Markup(' class="figure"') if place in figures else Markup("")
