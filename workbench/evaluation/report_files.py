"""A report's numbers for programs: one JSON document, or a CSV file a table."""

import json
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from workbench.evaluation.report_content import ReportContent

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
