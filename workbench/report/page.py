"""Reports and matrices of transfers as files: HTML that needs nothing else, JSON, CSV, drawings."""

import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from workbench.atomic_files import atomic_write
from workbench.domain.transfer_matrix import TransferMatrix
from workbench.errors import ConfigError
from workbench.report.content import ReportContent
from workbench.report.figures.heat_map import draw_heat_map, heat_map_figure
from workbench.report.render import csv_table, json_table
from workbench.report.transfer_tables import matrix_notes, published_notes, published_table

FORMAT = "attribute-workbench-report/1"
MOST_ROWS = 2_000  # of a figure's table in HTML; JSON and CSV hold all


def write_report(content: ReportContent, path: Path) -> Path:
    """Write a report as one file, complete or not at all; same content, same bytes.

    Args:
        content: What the report says.
        path: Where to write; missing folders are made. A name ending in ".json" gets the JSON
            document, any other the HTML page.

    Returns:
        The path.

    Raises:
        ConfigError: The file cannot be written.
    """
    text = report_json(content) if path.suffix.lower() == ".json" else report_html(content)
    write_output("report", path, text_writer(text))
    return path


def write_tables(content: ReportContent, path: Path) -> Path:
    """Write every table of a report, those of its figures too, as CSV.

    Takes, returns and raises what `write_report` does, but `path` is a zip file if it ends in
    ".zip" and else a folder, in which files of the same names are replaced.
    """
    if path.suffix.lower() == ".zip":
        write_output("report", path, lambda file: _write_zip(content, file))
        return path
    for name, text in csv_tables(content).items():
        write_output("report", path / name, text_writer(text))
    return path


def report_html(content: ReportContent) -> str:
    """Return the page as text: no network, no code, no other file."""
    data = content.comparison.model_dump(mode="json")
    return page_text("report.html.j2", content=content, data=data, most=MOST_ROWS)


def report_document(content: ReportContent) -> dict[str, Any]:
    """Return all that a report says but its drawings, for JSON."""
    figures = {
        figure.name: {
            "title": figure.title,
            "about": figure.about,
            "missing": figure.missing,
            "provenance": figure.provenance,
            "table": json_table(figure.table) if figure.table else None,
        }
        for figure in content.figures()
    }
    return {
        "format": FORMAT,
        "title": content.title,
        "verdicts": [" ".join(lines) for lines in content.verdicts],
        "notes": list(content.notes),
        "terms": content.terms_line,
        "tables": {table.name: json_table(table) for table in content.tables()},
        "figures": figures,
        "comparison": content.comparison.model_dump(mode="json"),
    }


def report_json(content: ReportContent) -> str:
    """Return the report as JSON text; same content, same text."""
    document = report_document(content)
    return json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def csv_tables(content: ReportContent) -> dict[str, str]:
    """Return a CSV text per table and per figure, by file name."""
    tables = {f"{table.name}.csv": csv_table(table) for table in content.tables()}
    figures = {
        f"figure-{figure.name}.csv": csv_table(figure.table)
        for figure in content.figures()
        if figure.table is not None
    }
    return tables | figures


def _write_zip(content: ReportContent, path: Path) -> None:
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for name, text in csv_tables(content).items():
            archive.writestr(ZipInfo(name), text.encode())  # the date of ZipInfo is always 1980


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


def page_text(template: str, **values: Any) -> str:
    """Return a page from one of this folder's templates; what people wrote is escaped."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    from workbench.report.render import html_table
    from workbench.report.wording import title_of

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"svg": Markup, "table": html_table, "distortion": title_of}
    source = files("workbench.report").joinpath(template).read_text(encoding="utf-8")
    text: str = environment.from_string(source).render(**values)
    return text


def write_output(what: str, path: Path, write: Callable[[Path], object]) -> None:
    """Write a file under a temporary name and move it to its path; missing folders are made.

    Args:
        what: What it is, for the message ("report").
        path: Where to.
        write: Writes the file that it is given.

    Raises:
        ConfigError: It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as temporary:
            write(temporary)
    except OSError as error:
        raise ConfigError(
            f"The {what} cannot be written to {path}: {error.strerror or error}. "
            "Free some space or name another path."
        ) from error


def text_writer(text: str) -> Callable[[Path], object]:
    """Return what writes a text, with the same bytes on every system."""
    return lambda path: path.write_text(text, encoding="utf-8", newline="\n")
