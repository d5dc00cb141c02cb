"""A report as one HTML file that needs nothing else, as one JSON document, or as CSV files."""

import json
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from workbench.report.content import ReportContent
from workbench.report.output import page_text, text_writer, write_output
from workbench.report.render import csv_table, json_table

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
        "verdicts": list(content.verdicts),
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
