"""The main tables of a report: quality beside its baselines, differences, identification."""

from collections.abc import Mapping, Sequence

from workbench.domain.attributes import AttributeSet
from workbench.domain.comparison import Comparison
from workbench.domain.metrics import QualityMetrics
from workbench.domain.run import RunResult
from workbench.evaluation import wording
from workbench.evaluation.baseline_titles import TITLES
from workbench.evaluation.figures.table import Column, DataTable, Value
from workbench.evaluation.price import price

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
            price(result),
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
    labels = wording.labels_of(comparison)
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
    labels = wording.labels_of(comparison)
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
