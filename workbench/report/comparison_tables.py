"""The main tables of a report: quality beside its baselines, differences, identification."""

from collections.abc import Mapping, Sequence
from io import StringIO

from rich.console import Console
from rich.table import Table

from workbench.domain.attributes import AttributeSet
from workbench.domain.comparison import Comparison, Subset, SubsetKind, labels_of
from workbench.domain.metrics import QualityMetrics, Undefined
from workbench.domain.number_format import figure_text, interval_text, p_text, signed_text
from workbench.domain.run import RunResult
from workbench.evaluation.baselines import TITLES
from workbench.evaluation.paired_comparison import explainability_gap
from workbench.evaluation.rankings import wins_sentence
from workbench.report import wording
from workbench.report.figures.figure import Column, DataTable, Value

_QUALITY = (
    Column("label", "version", "text"),
    Column("kind", "kind", "text"),
    Column("attributes", "attributes", "count"),
    Column("srcc", "SRCC"),
    Column("srcc_ci", "SRCC, 95 %", "interval", below=True),
    Column("plcc", "PLCC"),
    Column("plcc_ci", "PLCC, 95 %", "interval", below=True),
    Column("plcc_fitted", "PLCC fitted"),
    Column("krcc", "KRCC"),
    Column("rmse", "RMSE"),
    Column("price", "price of explainability", "signed"),
)


def quality_table(comparison: Comparison, results: Sequence[RunResult]) -> DataTable:
    """Return every version's figures of quality; below them baselines and quoted figures.

    Args:
        comparison: Its rows are the versions.
        results: The results of the runs, in the order of the rows.
    """
    versions: list[tuple[Value, ...]] = [
        (
            row.label,
            "version",
            row.attributes,
            *(row.srcc, row.srcc_ci, row.plcc, row.plcc_ci),
            *(row.plcc_fitted, row.krcc, row.rmse),
            explainability_gap(result),
        )
        for row, result in zip(comparison.rows, results, strict=True)
    ]
    labels = [row.label for row in comparison.rows]
    baselines: list[tuple[Value, ...]] = [
        (
            title,
            "baseline",
            None,
            *(found.srcc, None, found.plcc, None),
            *(found.plcc_fitted, found.krcc, found.rmse),
            None,
        )
        for title, found in baseline_rows(results, labels)
    ]
    quoted: list[tuple[Value, ...]] = [
        (row.method, "quoted", None, row.srcc, None, row.plcc, None, None, None, None, None)
        for row in comparison.quoted
    ]
    rows = tuple(versions + baselines + quoted)
    aside = frozenset(range(len(versions), len(rows)))
    return DataTable("quality", "Quality", _QUALITY, rows, aside)


def baseline_rows(
    results: Sequence[RunResult], labels: Sequence[str]
) -> list[tuple[str, QualityMetrics]]:
    """Return each baseline once, or per version where the runs' own differ.

    Args:
        results: The results of the runs.
        labels: What people call each.
    """
    rows: list[tuple[str, QualityMetrics]] = []
    for name in dict.fromkeys(name for result in results for name in result.baselines):
        found = [
            (label, result.baselines[name])
            for label, result in zip(labels, results, strict=True)
            if name in result.baselines
        ]
        title = TITLES.get(name, name)
        if all(figures == found[0][1] for _, figures in found):
            rows.append((title, found[0][1]))
        else:
            rows += [(f"{title} (run of {label})", figures) for label, figures in found]
    return rows


def pairs_table(comparison: Comparison) -> DataTable:
    """Return every pair of versions with all that is known of its difference."""
    labels = labels_of(comparison)
    looked = any(pair.p_looked is not None for pair in comparison.pairs)
    return DataTable(
        "pairs",
        "Differences between versions",
        (
            Column("versions", "versions", "text"),
            Column("delta_srcc", "ΔSRCC", "signed"),
            Column("ci", "95 % interval", "signed interval"),
            Column("p", "p", "p"),
            Column("p_holm", "p after Holm", "p"),
            *((Column("p_looked", "p after all looks", "p"),) if looked else ()),
            Column("verdict", "verdict", "text"),
            Column("reason", "reason", "text", below=True),
            Column("smallest_detectable", "smallest detectable"),
        ),
        tuple(
            (
                f"{labels[pair.b]} against {labels[pair.a]}",
                *(pair.delta_srcc, pair.ci, pair.p, pair.p_holm),
                *((pair.p_looked,) if looked else ()),
                *(pair.verdict, pair.reason or None, pair.smallest_detectable),
            )
            for pair in comparison.pairs
        ),
    )


def intervals_table(comparison: Comparison) -> DataTable:
    """Return what the plot of intervals draws: SRCC of versions, then differences."""
    labels = labels_of(comparison)
    versions = [(row.label, "SRCC", row.srcc, row.srcc_ci) for row in comparison.rows]
    pairs = [
        (f"{labels[pair.b]} − {labels[pair.a]}", "ΔSRCC", pair.delta_srcc, pair.ci)
        for pair in comparison.pairs
    ]
    return DataTable(
        "intervals",
        "SRCC of each version and each difference",
        (
            Column("what", "what", "text"),
            Column("kind", "kind", "text"),
            Column("value", "value"),
            Column("ci", "95 % interval", "interval"),
        ),
        (*versions, *pairs),
    )


def identification_table(comparison: Comparison, name: str = "identification") -> DataTable:
    """Return the figures of identification, always saying “clean” last.

    Args:
        comparison: What to show.
        name: Of the table.
    """
    rows = [(row.label, "version", row.identification) for row in comparison.rows]
    rows.append((wording.ALL_CLEAN, "baseline", comparison.all_clean))
    figures = wording.IDENTIFICATION_FIGURES
    return DataTable(
        name,
        "Identification of distortions and their strengths",
        (
            Column("label", "version", "text"),
            Column("kind", "kind", "text"),
            *(Column(field, heading) for field, heading in figures.items()),
        ),
        tuple(
            (label, kind, *(getattr(of, field) for field in figures)) for label, kind, of in rows
        ),
        frozenset({len(rows) - 1}),
    )


def attributes_table(
    sets: Mapping[str, AttributeSet], shared: Mapping[str, set[str]], distortions: Sequence[str]
) -> DataTable:
    """Return every attribute of every version, one a row.

    Args:
        sets: The attributes by label.
        shared: Casefolded phrases that all versions have, by distortion.
        distortions: Ids, in the order of the protocol.
    """
    return DataTable(
        "attributes",
        "Attributes",
        (
            Column("distortion", "distortion", "text"),
            Column("version", "version", "text"),
            Column("phrase", "phrase", "text"),
            Column("origin", "origin", "text"),
            Column("in_all", "in every version", "text"),
        ),
        tuple(
            (
                *(distortion, label, attribute.phrase, attribute.origin),
                "yes" if attribute.phrase.casefold() in shared[distortion] else "no",
            )
            for distortion in distortions
            for label, some in sets.items()
            for attribute in some.by_distortion.get(distortion, ())
        ),
    )


_CLEAR = ("better", "worse")


def subset_table(
    comparison: Comparison, kinds: Sequence[SubsetKind] | None = None, *, width: int = 100
) -> str:
    """Return a comparison within parts of the images as plain text for a terminal.

    Args:
        comparison: What to show.
        kinds: Which parts; None takes all that the comparison has.
        width: Columns of the terminal.

    Returns:
        One table a kind, the differences that hold below it, and who beats whom at the end.
    """
    out, labels = StringIO(), labels_of(comparison)
    console = Console(
        file=out, width=width, color_system=None, legacy_windows=False, highlight=False
    )
    for kind in kinds or dict.fromkeys(subset.kind for subset in comparison.subsets):
        subsets = [subset for subset in comparison.subsets if subset.kind == kind]
        console.print(_table(kind, subsets, labels))
        for line in differences(subsets, labels):
            console.print(line, markup=False)
    for line in win_sentences(comparison):
        console.print(line, markup=False)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def differences(subsets: Sequence[Subset], labels: Mapping[str, str]) -> tuple[str, ...]:
    """Return one line for each difference that holds after Holm, or one that none does.

    Args:
        subsets: Parts of one kind.
        labels: What a pair calls a version, to what people read.
    """
    pairs = [(subset.name, pair) for subset in subsets for pair in subset.pairs]
    tested = sum(not isinstance(pair.p, Undefined) for _, pair in pairs)
    found = tuple(
        f"{name}: {labels[pair.b]} is {pair.verdict} than {labels[pair.a]}: ΔSRCC "
        f"{signed_text(pair.delta_srcc)} (95 % {interval_text(pair.ci, signed=True)}, "
        f"{p_text(pair.p_holm)} after Holm over {tested} tests)."
        for name, pair in pairs
        if pair.verdict in _CLEAR
    )
    return found or ((f"None of {tested} differences holds after Holm.",) if tested else ())


def win_sentences(comparison: Comparison) -> tuple[str, ...]:
    """Return who beats whom how often, each pair once and the later version first."""
    if comparison.wins is None:
        return ()
    order, labels = comparison.wins.keys, labels_of(comparison)
    return tuple(
        wins_sentence(cell, labels)
        for cell in comparison.wins.cells
        if order.index(cell.b) > order.index(cell.a)
    )


def _table(kind: SubsetKind, subsets: Sequence[Subset], labels: Mapping[str, str]) -> Table:
    table = Table(
        title=f"SRCC within each {kind}, 95 % intervals over photographs", title_justify="left"
    )
    table.add_column(kind, overflow="fold")
    table.add_column("images", justify="right")
    for label in labels.values():
        table.add_column(label.replace("[", "\\["), justify="right")
    for subset in subsets:
        cells = [f"{figure_text(row.srcc)}\n{interval_text(row.srcc_ci)}" for row in subset.rows]
        table.add_row(subset.name, f"{subset.images:,}", *cells)
    return table
