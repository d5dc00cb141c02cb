"""What a report says, before it becomes HTML, JSON or CSV: sections of tables and figures."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from workbench.domain.attributes import Attribute, AttributeSet
from workbench.domain.comparison import Comparison, labels_of
from workbench.domain.edit_effects import Attribution
from workbench.domain.metrics import Undefined
from workbench.domain.number_format import count_text
from workbench.domain.run import Run, RunResult
from workbench.errors import ConfigError
from workbench.evaluation.comparable import finished_results
from workbench.evaluation.paired_comparison import explainability_gap
from workbench.report import wording
from workbench.report.comparison_tables import (
    attributes_table,
    identification_table,
    intervals_table,
    pairs_table,
    quality_table,
)
from workbench.report.figures.calibration import calibration_figure
from workbench.report.figures.confusion import LEAD as CONFUSION_LEAD
from workbench.report.figures.confusion import confusion_figures
from workbench.report.figures.critical_difference import critical_difference_figure
from workbench.report.figures.dose import dose_figure
from workbench.report.figures.edit_bars import edits_figure
from workbench.report.figures.figure import DataTable, ReportFigure, drawn
from workbench.report.figures.per_distortion import per_distortion_figure, quality_by_distortion
from workbench.report.figures.scatter import scatter_figure
from workbench.report.plots import identification_plot, interval_plot
from workbench.report.sections import (
    evidence_tables,
    quoted_table,
    subset_tables,
    terms_line,
    terms_tables,
)

SideBySide = list[tuple[str, list[list[tuple[Attribute, bool]]]]]


@dataclass(frozen=True)
class Section:
    """A heading with its tables and figures, in that order."""

    name: str
    title: str
    lead: str = ""
    tables: tuple[DataTable, ...] = ()
    figures: tuple[ReportFigure, ...] = ()


@dataclass(frozen=True)
class ReportContent:
    """All that a report says.

    Attributes:
        verdicts: One sentence per pair of versions; the report opens with them.
        sections: Quality, differences, distortions, identification, strengths, edits.
        attributes: Every attribute, one a row.
        side_by_side: Per distortion, per version: each attribute, and whether all versions have it.
        terms: Protocol, encoder and settings in full.
    """

    title: str
    comparison: Comparison
    labels: tuple[str, ...]
    verdicts: tuple[str, ...]
    notes: tuple[str, ...]
    sections: tuple[Section, ...]
    attributes: DataTable
    side_by_side: SideBySide
    terms: tuple[DataTable, ...]
    terms_line: str

    def figures(self) -> Iterator[ReportFigure]:
        """Yield every figure."""
        for section in self.sections:
            yield from section.figures

    def tables(self) -> Iterator[DataTable]:
        """Yield every table that is not a figure's."""
        for section in self.sections:
            yield from section.tables
        yield self.attributes
        yield from self.terms


def report_content(
    comparison: Comparison,
    runs: Sequence[Run],
    labels: Sequence[str],
    attributes: Mapping[str, AttributeSet],
    *,
    title: str = "Attribute sets compared",
    notes: Sequence[str] = (),
    attributions: Sequence[Attribution] = (),
) -> ReportContent:
    """Return what a report of a comparison says.

    Args:
        comparison: What `compare_runs` returned for these runs.
        runs: The finished runs, in the order of its rows.
        labels: What people call each.
        attributes: The attribute set that each run used, by version hash or by label.
        title: Heading of the report.
        notes: Lines to add to the comparison's own notes.
        attributions: What each edit contributed, between any of the versions.

    Raises:
        ConfigError: runs do not belong to the comparison, or an attribute set is missing.
    """
    results = finished_results(runs, labels)
    if [run.id for run in runs] != [row.run for row in comparison.rows]:
        raise ConfigError("A report needs the runs of its comparison, in the order of its rows.")
    keyed = labels_of(comparison)
    sets = {
        label: _set_of(row.version, label, attributes)
        for row, label in zip(comparison.rows, labels, strict=True)
    }
    distortions = comparison.protocol.distortions
    shared = {name: _shared(list(sets.values()), name) for name in distortions}
    return ReportContent(
        title=title,
        comparison=comparison,
        labels=tuple(labels),
        verdicts=tuple(wording.verdict_sentence(pair, keyed) for pair in comparison.pairs),
        notes=(*comparison.notes, *notes, *_undefined(comparison, results)),
        sections=_sections(comparison, runs, labels, results, attributions),
        attributes=attributes_table(sets, shared, distortions),
        side_by_side=[
            (name, [_marked(some, name, shared[name]) for some in sets.values()])
            for name in distortions
        ],
        terms=tuple(terms_tables(comparison, runs, labels)),
        terms_line=terms_line(runs, labels),
    )


def _sections(
    comparison: Comparison,
    runs: Sequence[Run],
    labels: Sequence[str],
    results: Sequence[RunResult],
    attributions: Sequence[Attribution],
) -> tuple[Section, ...]:
    line = terms_line(runs, labels)
    found = [
        _quality(comparison, runs, labels, results),
        *([_differences(comparison)] if comparison.pairs else []),
        _distortions(comparison),
        _identification(comparison),
        _strengths(runs, labels),
        _types(runs, labels),
        *([_edits(attributions)] if attributions else []),
    ]
    return tuple(
        replace(
            section,
            figures=tuple(
                figure if figure.provenance else replace(figure, provenance=line)
                for figure in section.figures
            ),
        )
        for section in found
    )


def _quality(
    comparison: Comparison,
    runs: Sequence[Run],
    labels: Sequence[str],
    results: Sequence[RunResult],
) -> Section:
    protocol = comparison.protocol
    lead = (
        f"{count_text(protocol.images, 'held-out image')} of "
        f"{count_text(protocol.photographs, 'photograph')}; target: {protocol.target}. "
        "Below the figures: 95 % intervals, "
        f"{count_text(comparison.resamples, 'resample')} of photographs. Baselines are of "
        "the same images and folds; their intervals are not known. Price of explainability: SRCC "
        "of the same encoder's embedding without text, less that of the version."
    )
    scatters = [
        replace(scatter_figure(run, label), provenance=terms_line([run], [label]))
        for run, label in zip(runs, labels, strict=True)
    ]
    intervals = drawn("intervals", interval_plot(comparison), intervals_table(comparison))
    quoted = quoted_table(comparison)
    tables = (quality_table(comparison, results), *((quoted,) if quoted else ()))
    return Section("section-quality", "Quality", lead, tables, (intervals, *scatters))


def _differences(comparison: Comparison) -> Section:
    lead = (
        "Smallest detectable: the difference that this set would have shown in four of five "
        "cases, at 5 % and before Holm's correction."
    )
    tables = (pairs_table(comparison), *evidence_tables(comparison))
    return Section("section-differences", "Differences", lead, tables)


def _distortions(comparison: Comparison) -> Section:
    found = quality_by_distortion(comparison)
    figures = [per_distortion_figure(found)]
    if comparison.pairs:
        figures.append(critical_difference_figure(found))
    return Section(
        "section-distortions",
        "Distortion by distortion",
        tables=subset_tables(comparison),
        figures=tuple(figures),
    )


def _identification(comparison: Comparison) -> Section:
    lead = (
        "How well the type and strength of each distortion are told. Always saying “clean” needs "
        "no model at all; a figure that does not beat it is worth nothing."
    )
    figure = drawn(
        "identification-bars",
        identification_plot(comparison),
        identification_table(comparison, "identification-bars"),
    )
    tables = (identification_table(comparison),)
    return Section("section-identification", "Identification", lead, tables, (figure,))


def _strengths(runs: Sequence[Run], labels: Sequence[str]) -> Section:
    figures = (dose_figure(runs, labels), calibration_figure(runs, labels))
    return Section("section-strengths", "Strengths", "", (), figures)


def _types(runs: Sequence[Run], labels: Sequence[str]) -> Section:
    by_run = {f"confusion-{run.id}": (run, label) for run, label in zip(runs, labels, strict=True)}
    figures = [
        replace(figure, provenance=terms_line([by_run[figure.name][0]], [by_run[figure.name][1]]))
        if figure.name in by_run
        else figure
        for figure in confusion_figures(runs, labels)
    ]
    return Section("section-types", "Types", CONFUSION_LEAD, (), tuple(figures))


def _edits(attributions: Sequence[Attribution]) -> Section:
    lead = (
        "What each edit between two versions contributed, with a refitted regressor on the runs' "
        "own probabilities; verdicts are after Holm's correction."
    )
    figures = tuple(edits_figure(one, place) for place, one in enumerate(attributions))
    return Section("section-edits", "Edits", lead, (), figures)


def _undefined(comparison: Comparison, results: Sequence[RunResult]) -> list[str]:
    prices = [
        (row.label, explainability_gap(one))
        for row, one in zip(comparison.rows, results, strict=True)
    ]
    return [
        *wording.undefined_reasons(comparison),
        *(
            f"{label}, price of explainability: {lost.undefined}"
            for label, lost in prices
            if isinstance(lost, Undefined)
        ),
    ]


def _set_of(version: str, label: str, attributes: Mapping[str, AttributeSet]) -> AttributeSet:
    found = attributes.get(version, attributes.get(label))
    if found is None:
        raise ConfigError(f"The report needs the attributes of {label} ({version[:10]}).")
    return found


def _shared(sets: Sequence[AttributeSet], distortion: str) -> set[str]:
    columns = [some.by_distortion.get(distortion, ()) for some in sets]
    return set.intersection(*({a.phrase.casefold() for a in column} for column in columns))


def _marked(some: AttributeSet, distortion: str, shared: set[str]) -> list[tuple[Attribute, bool]]:
    column = some.by_distortion.get(distortion, ())
    return [(attribute, attribute.phrase.casefold() in shared) for attribute in column]
