"""A comparison as one HTML file that needs nothing else, as one JSON document, or as CSV files."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from workbench.atomic_files import atomic_write
from workbench.domain.attributes import AttributeSet
from workbench.domain.comparison import Comparison
from workbench.domain.edit_effects import Attribution
from workbench.domain.run import Run
from workbench.errors import ConfigError
from workbench.report.body import ReportContent, report_content
from workbench.report.figures.figure import DataTable
from workbench.report.figures.style import title_of
from workbench.report.wording import comparison_table as comparison_table

FORMAT = "attribute-workbench-report/1"


def report_document(content: ReportContent) -> dict[str, Any]:
    """Return all that a report says but its drawings, for JSON."""
    figures = {
        figure.name: {
            "title": figure.title,
            "about": figure.about,
            "missing": figure.missing,
            "provenance": figure.provenance,
            "table": figure.table.document() if figure.table else None,
        }
        for figure in content.figures()
    }
    return {
        "format": FORMAT,
        "title": content.title,
        "verdicts": list(content.verdicts),
        "notes": list(content.notes),
        "terms": content.terms_line,
        "tables": {table.name: table.document() for table in content.tables()},
        "figures": figures,
        "comparison": content.comparison.model_dump(mode="json"),
    }


def report_json(content: ReportContent) -> str:
    """Return the report as JSON text; same content, same text."""
    document = report_document(content)
    return json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def csv_tables(content: ReportContent) -> dict[str, str]:
    """Return a CSV text per table and per figure, by file name."""
    tables = {f"{table.name}.csv": table.csv() for table in content.tables()}
    figures = {
        f"figure-{figure.name}.csv": figure.table.csv()
        for figure in content.figures()
        if figure.table is not None
    }
    return tables | figures


def write_zip(content: ReportContent, path: Path) -> None:
    """Write all CSV files into one zip; same content, same bytes.

    Args:
        content: What the report says.
        path: Its folder exists.
    """
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for name, text in csv_tables(content).items():
            archive.writestr(ZipInfo(name), text.encode())  # the date of ZipInfo is always 1980


_Cell = tuple[str, bool, list[str]]  # text, whether it is a number, what stands below

MOST_ROWS = 2_000  # of a figure's table in HTML; JSON and CSV hold all


def write_report(
    comparison: Comparison,
    runs: Sequence[Run],
    labels: Sequence[str],
    attributes: Mapping[str, AttributeSet],
    path: Path,
    *,
    title: str = "Attribute sets compared",
    notes: Sequence[str] = (),
    attributions: Sequence[Attribution] = (),
) -> Path:
    """Write a comparison as one file; same input, same bytes.

    The file appears whole or not at all: it is written beside its place and then moved there.

    Args:
        comparison: What `compare_runs` returned for these runs.
        runs: The finished runs, in the order of its rows.
        labels: What people call each.
        attributes: The attribute set that each run used, by version hash or by label.
        path: Where to write; missing folders are made. A name ending in ".json" gets the JSON
            document, any other the HTML page.
        title: Heading of the report.
        notes: Lines to add to the comparison's own notes.
        attributions: What each edit contributed, between any of the versions.

    Returns:
        The path.

    Raises:
        ConfigError: runs do not belong to the comparison, an attribute set is missing, or the
            file cannot be written.
    """
    content = report_content(
        comparison, runs, labels, attributes, title=title, notes=notes, attributions=attributions
    )
    text = report_json(content) if path.suffix.lower() == ".json" else report_html(content)
    _write(path, _writing(text))
    return path


def write_tables(
    comparison: Comparison,
    runs: Sequence[Run],
    labels: Sequence[str],
    attributes: Mapping[str, AttributeSet],
    path: Path,
    *,
    attributions: Sequence[Attribution] = (),
) -> Path:
    """Write every table of a report, those of its figures too, as CSV.

    Takes, returns and raises what `write_report` does, but `path` is a zip file if it ends in
    ".zip" and else a folder, in which files of the same names are replaced.
    """
    content = report_content(comparison, runs, labels, attributes, attributions=attributions)
    if path.suffix.lower() == ".zip":
        _write(path, lambda file: write_zip(content, file))
        return path
    for name, text in csv_tables(content).items():
        _write(path / name, _writing(text))
    return path


def report_html(content: ReportContent) -> str:
    """Return the page as text: no network, no code, no other file.

    Args:
        content: What the report says.
    """
    text: str = _template().render(
        content=content, data=content.comparison.model_dump(mode="json"), most=MOST_ROWS
    )
    return text


def _writing(text: str) -> Callable[[Path], object]:
    return lambda file: file.write_text(text, encoding="utf-8", newline="\n")


def _write(path: Path, write: Callable[[Path], object]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as passing:
            write(passing)
    except OSError as error:
        raise ConfigError(
            f"The report cannot be written to {path}: {error.strerror or error}. "
            "Free some space or name another path."
        ) from error


def _template() -> Any:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"svg": Markup, "cells": _cells, "distortion": title_of}
    source = files("workbench.report").joinpath("report.html.j2").read_text(encoding="utf-8")
    return environment.from_string(source)


def _cells(table: DataTable, most: int | None = None) -> Iterator[tuple[bool, list[_Cell]]]:
    """Yield of each row whether it stands aside, and its cells with what stands below each."""
    for place, texts in enumerate(islice(table.texts(), most)):
        cells: list[_Cell] = []
        for text, column in zip(texts, table.columns, strict=True):
            if not column.below:
                cells.append((text, column.kind != "text", []))
            elif text != "—":
                cells[-1][2].append(text)
        yield place in table.aside, cells
