"""A matrix of transfers as a drawing or as one HTML file that needs nothing else."""

from collections.abc import Callable
from pathlib import Path

from workbench.domain.transfer_matrix import TransferMatrix
from workbench.errors import ConfigError
from workbench.report.figures.heat_map import draw_heat_map, heat_map_figure
from workbench.report.output import page_text, text_writer, write_output
from workbench.report.transfer_tables import matrix_notes, published_notes, published_table

_PNG_DPI = 150


def write_matrix(matrix: TransferMatrix, path: Path) -> Path:
    """Write a matrix as SVG, PNG or HTML, by the ending of the name; complete or not at all.

    Args:
        matrix: What `transfer_matrix` returned.
        path: Where to; missing folders are made.

    Returns:
        The path.

    Raises:
        ConfigError: The name ends otherwise, or the file cannot be written.
    """
    write_output("matrix", path, writer_for(path)(matrix))
    return path


def writer_for(path: Path) -> Callable[[TransferMatrix], Callable[[Path], object]]:
    """Return what makes of a matrix what writes such a file.

    Raises:
        ConfigError: The name ends in none of .svg, .png and .html.
    """
    if path.suffix.lower() not in _WRITERS:
        raise ConfigError(
            f"A matrix is written as {', '.join(_WRITERS)}, not as '{path.name}'. Name such a file."
        )
    return _WRITERS[path.suffix.lower()]


def matrix_html(matrix: TransferMatrix) -> str:
    """Return the page; same matrix, same text."""
    pairs = published_table(matrix)
    return page_text(
        "matrix.html.j2",
        figure=heat_map_figure(matrix),
        pairs=pairs if pairs.rows else None,
        notes=matrix_notes(matrix),
        terms=published_notes(matrix) if pairs.rows else (),
    )


_WRITERS: dict[str, Callable[[TransferMatrix], Callable[[Path], object]]] = {
    ".svg": lambda matrix: text_writer(heat_map_figure(matrix).svg),
    ".png": lambda matrix: (
        lambda path: draw_heat_map(matrix).savefig(path, format="png", dpi=_PNG_DPI)
    ),
    ".html": lambda matrix: text_writer(matrix_html(matrix)),
}
