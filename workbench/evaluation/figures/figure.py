"""A figure of a report: its drawing, its words, and its numbers as a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from workbench.domain.run import Run
from workbench.domain.strengths import StrengthTables
from workbench.evaluation.figures.table import DataTable

_SVG = "{http://www.w3.org/2000/svg}"


@dataclass(frozen=True)
class ReportFigure:
    """What stands in a report.

    Attributes:
        name: Unique within a report; letters, digits and dashes.
        title: What it shows.
        about: What can be read from it, with its numbers.
        svg: The drawing; "" where there is nothing to draw.
        table: Every number that is drawn; None where nothing is.
        lead: How to read it, and what it does not say.
        missing: Why all or a part is not drawn.
        half: Whether two of them stand side by side where there is room.
        provenance: The terms that it holds under, in one line.
    """

    name: str
    title: str
    about: str
    svg: str
    table: DataTable | None
    lead: str = ""
    missing: str = ""
    half: bool = False
    provenance: str = ""


def drawn(
    name: str, svg: str, table: DataTable, *, lead: str = "", missing: str = "", half: bool = False
) -> ReportFigure:
    """Return a drawing as a figure whose words are the drawing's own title and description."""
    root = ElementTree.fromstring(svg)
    title, about = (root.findtext(f"{_SVG}{tag}") or "" for tag in ("title", "desc"))
    return ReportFigure(name, title, about, svg, table, lead, missing, half)


def not_drawn(name: str, title: str, missing: str) -> ReportFigure:
    """Return a figure that only says why it is not there."""
    return ReportFigure(name, title, missing, "", None, missing=missing)


@dataclass(frozen=True)
class Told:
    """A run that kept its strength tables: its place in the report, its label and the tables."""

    place: int
    run: int
    label: str
    tables: StrengthTables


def told_strengths(runs: Sequence[Run], labels: Sequence[str]) -> tuple[list[Told], str]:
    """Return the runs that kept strength tables, and what to say of the others.

    Args:
        runs: Finished runs.
        labels: What people call each.
    """
    told, older = [], []
    for place, (run, label) in enumerate(zip(runs, labels, strict=True)):
        tables = run.result.strength_tables if run.result else None
        if tables is None:
            older.append(f"run {run.id} ({label})")
        else:
            told.append(Told(place, run.id, label, tables))
    missing = (
        f"Made before strengths were kept: {', '.join(older)}. Run the version again with --again "
        "to have them."
    )
    return told, missing if older else ""
