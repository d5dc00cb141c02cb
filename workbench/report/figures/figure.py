"""A figure of a report: its words, its numbers as a table, and its drawing, made when asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from workbench.domain.data_table import DataTable
from workbench.domain.metrics import StrengthTables
from workbench.evaluation.comparable import ComparedRuns
from workbench.report.figures import style


@dataclass(frozen=True)
class ReportFigure:
    """What stands in a report.

    Attributes:
        name: Unique within a report; letters, digits and dashes.
        title: What it shows.
        about: What can be read from it, with its numbers; why it is missing where it is.
        table: Every number that is drawn; None where nothing is.
        draw: Makes the drawing; None where there is nothing to draw.
        lead: How to read it, and what it does not say.
        missing: Why all or a part is not drawn.
        half: Whether two of them stand side by side where there is room.
        provenance: The terms that it holds under, in one line.
    """

    name: str
    title: str
    about: str
    table: DataTable | None = None
    draw: Callable[[], style.Figure] | None = None
    lead: str = ""
    missing: str = ""
    half: bool = False
    provenance: str = ""

    @cached_property
    def svg(self) -> str:
        """The drawing as an SVG document; "" where there is none. Same figure, same text."""
        if self.draw is None:
            return ""
        return style.svg_text(self.draw(), self.name, title=self.title, about=self.about)


def not_drawn(name: str, title: str, missing: str) -> ReportFigure:
    """Return a figure that only says why it is not there."""
    return ReportFigure(name, title, about=missing, missing=missing)


@dataclass(frozen=True)
class VersionStrengths:
    """The strength tables of one run, and where it stands in the report."""

    index: int
    run: int
    label: str
    tables: StrengthTables


def strengths_of(compared: ComparedRuns) -> tuple[list[VersionStrengths], str]:
    """Return the runs that have strength tables, and what to say of the others."""
    versions, older = [], []
    for index, (run, label, result) in enumerate(compared.items()):
        if result.strength_tables is None:
            older.append(f"run {run.id} ({label})")
        else:
            versions.append(VersionStrengths(index, run.id, label, result.strength_tables))
    missing = (
        f"Made before strengths were kept: {', '.join(older)}. Run the version again with --again "
        "to have them."
    )
    return versions, missing if older else ""
