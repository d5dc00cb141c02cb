"""What a report says, before it becomes HTML, JSON or CSV: sections of tables and figures."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from workbench.domain.attributes import Attribute, AttributeSet
from workbench.domain.comparison import Comparison, labels_of
from workbench.domain.data_table import DataTable
from workbench.domain.edit_effects import Attribution
from workbench.domain.metrics import Undefined
from workbench.domain.number_format import count_text
from workbench.errors import ConfigError
from workbench.evaluation.comparable import ComparedRuns
from workbench.evaluation.paired_comparison import explainability_gap
from workbench.report.comparison_tables import (
    attributes_table,
    controls_tables,
    pairs_table,
    quality_table,
)
from workbench.report.evidence_tables import evidence_tables, quoted_table, subset_tables
from workbench.report.figures.calibration import calibration_figure
from workbench.report.figures.confusion import LEAD as CONFUSION_LEAD
from workbench.report.figures.confusion import confusion_figures
from workbench.report.figures.critical_difference import critical_difference_figure
from workbench.report.figures.dose import dose_figure
from workbench.report.figures.figure import ReportFigure
from workbench.report.figures.identification import identification_figure
from workbench.report.figures.intervals import edits_figure, intervals_figure
from workbench.report.figures.per_distortion import per_distortion_figure, quality_by_distortion
from workbench.report.figures.scatter import scatter_figure
from workbench.report.naming_tables import identification_table, naming_tables
from workbench.report.terms import terms_line, terms_tables
from workbench.report.wording import undefined_reasons, verdict_lines, worth_sentences

MarkedAttributes = list[tuple[Attribute, bool]]  # each with whether every version has it


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
        verdicts: The headline of each pair of versions, in lines; the report opens with them.
        sections: Quality, differences, distortions, identification, strengths, edits.
        attributes: Every attribute, one a row.
        side_by_side: Per distortion, the attributes of each version.
        terms: Protocol, encoder and settings in full.
    """

    title: str
    comparison: Comparison
    labels: tuple[str, ...]
    verdicts: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]
    sections: tuple[Section, ...]
    attributes: DataTable
    side_by_side: list[tuple[str, list[MarkedAttributes]]]
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
    compared: ComparedRuns,
    attributes: Mapping[str, AttributeSet],
    *,
    title: str = "Attribute sets compared",
    notes: Sequence[str] = (),
    attributions: Sequence[Attribution] = (),
) -> ReportContent:
    """Return what a report of a comparison says.

    Args:
        comparison: What `compare_runs` returned for these runs.
        compared: The runs, in the order of its rows.
        attributes: The attribute set that each run used, by version hash or by label.
        title: Heading of the report.
        notes: Lines to add to the comparison's own notes.
        attributions: What each edit contributed, between any of the versions.

    Raises:
        ConfigError: Runs do not belong to the comparison, or an attribute set is missing.
    """
    if [run.id for run in compared.runs] != [row.run for row in comparison.rows]:
        raise ConfigError("A report needs the runs of its comparison, in the order of its rows.")
    sets = {
        label: _set_of(result.version, label, attributes) for _, label, result in compared.items()
    }
    labels, distortions = labels_of(comparison), comparison.protocol.distortions
    shared = {name: _shared_phrases(list(sets.values()), name) for name in distortions}
    line = terms_line(compared)
    run_lines = {single.runs[0].id: terms_line(single) for single in compared.singles()}
    return ReportContent(
        title=title,
        comparison=comparison,
        labels=compared.labels,
        verdicts=tuple(verdict_lines(pair, labels) for pair in comparison.pairs),
        notes=(
            *worth_sentences(comparison),
            *comparison.notes,
            *notes,
            *undefined_reasons(comparison),
            *_undefined_gaps(compared),
        ),
        sections=tuple(
            replace(section, figures=tuple(_with_terms(figure, line) for figure in section.figures))
            for section in _sections(comparison, compared, run_lines, attributions)
        ),
        attributes=attributes_table(sets, shared, distortions),
        side_by_side=[
            (name, [_marked(attributes, name, shared[name]) for attributes in sets.values()])
            for name in distortions
        ],
        terms=terms_tables(comparison, compared),
        terms_line=line,
    )


def _with_terms(figure: ReportFigure, line: str) -> ReportFigure:
    """Return a figure under the terms of all runs, unless it states those of its own run."""
    return figure if figure.provenance else replace(figure, provenance=line)


def _sections(
    comparison: Comparison,
    compared: ComparedRuns,
    run_lines: Mapping[int, str],
    attributions: Sequence[Attribution],
) -> Iterator[Section]:
    yield _quality(comparison, compared, run_lines)
    if comparison.pairs:
        yield Section(
            "section-differences",
            "Differences",
            "Smallest detectable: the difference that this set would have shown in four of five "
            "cases, at 5 % and before Holm's correction.",
            (pairs_table(comparison), *evidence_tables(comparison)),
        )
    yield _distortions(comparison)
    yield Section(
        "section-identification",
        "Identification",
        "How well the type and strength of each distortion are identified. Always saying “clean” "
        "needs no model at all; a figure that does not beat it is worth nothing. The verdict on "
        "naming is by macro F1 alone; its interval says what other photographs, and other types "
        "with other wordings, might have given. Intervals of a version or of a single type say "
        "what other photographs might have given to these very wordings.",
        (identification_table(comparison), *naming_tables(comparison)),
        (identification_figure(comparison),),
    )
    strengths = (dose_figure(compared), calibration_figure(compared))
    yield Section("section-strengths", "Strengths", figures=strengths)
    yield Section(
        "section-types", "Types", CONFUSION_LEAD, figures=_confusions(compared, run_lines)
    )
    if attributions:
        yield Section(
            "section-edits",
            "Edits",
            "What each edit between two versions contributed, with a refitted regressor on the "
            "runs' own readings of their attributes; verdicts are after Holm's correction.",
            figures=tuple(
                edits_figure(attribution, index) for index, attribution in enumerate(attributions)
            ),
        )


def _quality(
    comparison: Comparison, compared: ComparedRuns, run_lines: Mapping[int, str]
) -> Section:
    protocol = comparison.protocol
    lead = (
        f"{count_text(protocol.images, 'held-out image')} of "
        f"{count_text(protocol.photographs, 'photograph')}; target: {protocol.target}. "
        "Below the figures: 95 % intervals, "
        f"{count_text(comparison.resamples, 'resample')} of photographs. Baselines are of "
        "the same images and folds; their intervals are not known. Price of explainability, or "
        "explainability gap: SRCC of the same encoder's embedding without text, less that of the "
        "version. Above nonsense: its SRCC, less that of as many sentences of nonsense on the same "
        "images and folds."
    )
    quoted = quoted_table(comparison)
    tables = (
        quality_table(comparison, compared.results),
        *controls_tables(comparison),
        *((quoted,) if quoted else ()),
    )
    scatters = (
        replace(scatter_figure(run.id, label, result), provenance=run_lines[run.id])
        for run, label, result in compared.items()
    )
    figures = (intervals_figure(comparison), *scatters)
    return Section("section-quality", "Quality", lead, tables, figures)


def _distortions(comparison: Comparison) -> Section:
    qualities = quality_by_distortion(comparison)
    figures = [per_distortion_figure(qualities)]
    if comparison.pairs:
        figures.append(critical_difference_figure(qualities))
    return Section(
        "section-distortions",
        "Distortion by distortion",
        tables=subset_tables(comparison),
        figures=tuple(figures),
    )


def _confusions(compared: ComparedRuns, run_lines: Mapping[int, str]) -> tuple[ReportFigure, ...]:
    lines = {f"confusion-{id}": line for id, line in run_lines.items()}
    return tuple(
        replace(figure, provenance=lines.get(figure.name, ""))
        for figure in confusion_figures(compared)
    )


def _undefined_gaps(compared: ComparedRuns) -> Iterator[str]:
    for _, label, result in compared.items():
        gap = explainability_gap(result)
        if isinstance(gap, Undefined):
            yield f"{label}, price of explainability: {gap.undefined}"


def _set_of(version: str, label: str, attributes: Mapping[str, AttributeSet]) -> AttributeSet:
    own = attributes.get(version, attributes.get(label))
    if own is None:
        raise ConfigError(f"The report needs the attributes of {label} ({version[:10]}).")
    return own


def _shared_phrases(sets: Sequence[AttributeSet], distortion: str) -> set[str]:
    columns = [attributes.by_distortion.get(distortion, ()) for attributes in sets]
    return set.intersection(*({a.phrase.casefold() for a in column} for column in columns))


def _marked(attributes: AttributeSet, distortion: str, shared: set[str]) -> MarkedAttributes:
    column = attributes.by_distortion.get(distortion, ())
    return [(attribute, attribute.phrase.casefold() in shared) for attribute in column]
