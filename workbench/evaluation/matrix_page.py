"""A matrix of transfers as a drawing or as one HTML file that needs nothing else."""

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from workbench.domain.transfer_matrix import TransferMatrix
from workbench.errors import ConfigError
from workbench.evaluation.figures.heat_map import draw_heat_map, heat_map_figure
from workbench.evaluation.matrix_wording import matrix_notes, published_notes, published_table
from workbench.files import written_whole

_PNG_DPI = 150


def write_matrix(matrix: TransferMatrix, path: Path) -> Path:
    """Write a matrix as SVG, PNG or HTML, by the ending of the name; whole or not at all.

    Args:
        matrix: What `transfer_matrix` returned.
        path: Where to; missing folders are made.

    Returns:
        The path.

    Raises:
        ConfigError: The name ends otherwise, or the file cannot be written.
    """
    write = writer_for(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as passing:
            write(matrix, passing)
    except OSError as error:
        raise ConfigError(
            f"The matrix cannot be written to {path}: {error.strerror or error}. "
            "Free some space or name another path."
        ) from error
    return path


def writer_for(path: Path) -> Callable[[TransferMatrix, Path], None]:
    """Return what writes such a file.

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
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["svg"] = Markup
    source = files("workbench.evaluation").joinpath("matrix.html.j2").read_text(encoding="utf-8")
    pairs = published_table(matrix)
    text: str = environment.from_string(source).render(
        figure=heat_map_figure(matrix),
        pairs=pairs if pairs.rows else None,
        notes=matrix_notes(matrix),
        terms=published_notes(matrix) if pairs.rows else (),
    )
    return text


def _html(matrix: TransferMatrix, path: Path) -> None:
    path.write_text(matrix_html(matrix), encoding="utf-8", newline="\n")


def _svg(matrix: TransferMatrix, path: Path) -> None:
    path.write_text(heat_map_figure(matrix).svg, encoding="utf-8", newline="\n")


def _png(matrix: TransferMatrix, path: Path) -> None:
    draw_heat_map(matrix).savefig(path, format="png", dpi=_PNG_DPI)


_WRITERS = {".svg": _svg, ".png": _png, ".html": _html}
