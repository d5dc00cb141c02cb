"""The main tables of a comparison: quality and its baselines, verdicts, differences."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from workbench.domain.attributes import AttributeSet
from workbench.domain.comparison import (
    Comparison,
    ComparisonPair,
    ComparisonRow,
    OverSeeds,
    labels_of,
)
from workbench.domain.data_table import Column, DataTable, text_columns
from workbench.domain.metrics import Metric, QualityMetrics, Undefined
from workbench.domain.number_format import count_text, figure_text, interval_text, p_text
from workbench.domain.run import BASELINE_TITLES, RunResult
from workbench.evaluation.paired_comparison import explainability_gap
from workbench.report.wording import (
    CONTROLS,
    IDENTIFICATION_FIGURES,
)

VERSION_COLUMN, KIND_COLUMN = Column("label", "version", "text"), Column("kind", "kind", "text")
_QUALITY = (
    Column("srcc", "SRCC"),
    Column("srcc_ci", "SRCC, 95 %", "interval", below=True),
    Column("plcc", "PLCC"),
    Column("plcc_ci", "PLCC, 95 %", "interval", below=True),
    Column("plcc_fitted", "PLCC fitted"),
    Column("krcc", "KRCC"),
    Column("rmse", "RMSE"),
)
# The column that holds the explainability gap: key and heading are part of the JSON documents.
_WORTH = (
    Column("above_nonsense", "above nonsense", "signed"),
    Column("above_nonsense_ci", "above nonsense, 95 %", "signed interval", below=True),
)
_NO_CONTROLS = Undefined(undefined="no controls: published figures")
_GAP = Column("price", "price of explainability", "signed")

Record = dict[str, Any]


def quality_table(comparison: Comparison, results: Sequence[RunResult]) -> DataTable:
    """Return every version's figures of quality; below them baselines and quoted figures.

    Args:
        comparison: Its rows are the versions.
        results: The results of the runs, in the order of the rows.
    """
    versions = [
        {**dict(row), **_worth(row), "kind": "version", "price": explainability_gap(result)}
        for row, result in zip(comparison.rows, results, strict=True)
    ]
    quoted = [
        {
            "label": row.method,
            "kind": "quoted",
            "srcc": row.srcc,
            "plcc": row.plcc,
            "above_nonsense": _NO_CONTROLS,
        }
        for row in comparison.quoted
    ]
    columns = (
        VERSION_COLUMN,
        KIND_COLUMN,
        Column("attributes", "attributes", "count"),
        *_QUALITY,
        _GAP,
        *_WORTH,
    )
    others = [*_baseline_records(comparison, results), *quoted]
    return with_others("quality", "Quality", columns, versions, others)


def quality_summary(comparison: Comparison, results: Sequence[RunResult] = ()) -> DataTable:
    """Return the figures of quality as a screen has room for them.

    Args:
        comparison: Its rows are the versions.
        results: The results of the runs, for baselines, hashes and the numbers of the runs; a
            terminal has no room for them.
    """
    protocol = comparison.protocol
    title = (
        f"Quality against {protocol.target}: {count_text(protocol.images, 'image')} of "
        f"{count_text(protocol.photographs, 'photograph')}, 95 % intervals over photographs"
    )
    quoted = quoted_records(comparison, srcc="srcc", plcc="plcc")
    others = [*_baseline_records(comparison, results), *quoted]
    columns = (
        VERSION_COLUMN,
        *([Column("hash", "hash", "text", below=True)] if results else []),
        Column("attributes", "attributes" if results else "A", "count"),
        *_QUALITY,
        *([Column("run", "run", "count")] if results else []),
    )
    versions = [
        {**dict(row), "hash": row.version[:10] if row.label != row.version[:10] else None}
        for row in comparison.rows
    ]
    return with_others("quality", title, columns, versions, others)


def controls_tables(comparison: Comparison) -> tuple[DataTable, ...]:
    """Return what other sentences gave on the same images; none for runs without controls.

    Published figures come with no controls, which the table says of each.
    """
    figures = ("srcc", "top1_type", "macro_f1", "strength_srcc")
    records: list[Record] = []
    for row in comparison.rows:
        if row.controls is None or row.controls.quality is None:
            continue
        own = {name: getattr(row.identification, name) for name in figures[1:]}
        records.append({"label": row.label, "sentences": "its own", "srcc": row.srcc, **own})
        records += [
            {**dict(one), "label": row.label, "sentences": CONTROLS[one.name]}
            for one in row.controls.figures
        ]
    if not records:
        return ()
    records += [
        {"label": f"{row.method} on {row.dataset}, quoted", "sentences": _NO_CONTROLS.undefined}
        for row in comparison.quoted
    ]
    columns = (
        VERSION_COLUMN,
        Column("sentences", "sentences", "text"),
        Column("srcc", "SRCC"),
        *(Column(name, IDENTIFICATION_FIGURES[name]) for name in figures[1:]),
    )
    aside = [index for index, one in enumerate(records) if one["sentences"] != "its own"]
    title = "What other sentences give on the same images, folds and tuned towers"
    return (DataTable.of("controls", title, columns, records, aside=aside),)


def _worth(row: ComparisonRow) -> Record:
    above = row.controls and row.controls.quality
    return {"above_nonsense": above.value, "above_nonsense_ci": above.ci} if above else {}


def baseline_rows(
    results: Sequence[RunResult], labels: Sequence[str]
) -> list[tuple[str, QualityMetrics]]:
    """Return each baseline with its title once, or per version where the runs' own differ."""
    rows: list[tuple[str, QualityMetrics]] = []
    for name in dict.fromkeys(name for result in results for name in result.baselines):
        by_label = {
            label: result.baselines[name]
            for label, result in zip(labels, results, strict=True)
            if name in result.baselines
        }
        title, (first, *others) = BASELINE_TITLES.get(name, name), by_label.values()
        if all(figures == first for figures in others):
            rows.append((title, first))
        else:
            rows += [(f"{title} (run of {label})", figures) for label, figures in by_label.items()]
    return rows


def pairs_table(comparison: Comparison) -> DataTable:
    """Return every pair of versions with all that is known of its difference."""
    corrected = any(pair.p_looked is not None for pair in comparison.pairs)
    columns = (
        *DIFFERENCE_COLUMNS[:-2],
        *([Column("p_looked", "p after all accesses", "p")] if corrected else []),
        *DIFFERENCE_COLUMNS[-2:],
        Column("smallest_detectable", "smallest detectable"),
    )
    labels = labels_of(comparison)
    records = (difference_record(pair, labels) for pair in comparison.pairs)
    return DataTable.of("pairs", "Differences between versions", columns, records)


def verdict_table(comparison: Comparison) -> DataTable:
    """Return both verdicts on every pair with the figures that they are by, one row a pair."""
    labels = labels_of(comparison)
    columns = (
        Column("versions", "newer against older", "text"),
        Column("naming", "names the faults", "text"),
        Column("naming_reason", "why not", "text", below=True),
        Column("delta_f1", "Δmacro F1", "signed"),
        Column("f1_ci", "95 %", "signed interval", below=True),
        Column("f1_p_holm", "p (Holm)", "p"),
        Column("f1_p_looked", "p after all accesses", "text", below=True),
        Column("f1_detectable", "detectable"),
        Column("quality", "predicts quality", "text"),
        Column("quality_reason", "reason", "text", below=True),
        Column("delta_srcc", "ΔSRCC", "signed"),
        Column("ci", "95 %", "signed interval", below=True),
        Column("p_holm", "p (Holm)", "p"),
        Column("p_looked", "p after all accesses", "text", below=True),
        Column("detectable", "detectable"),
    )
    return DataTable.of(
        "verdicts",
        "Verdicts; below a difference its 95 % interval, below p that after all accesses to the "
        "test set; detectable: the smallest difference that this set would have shown",
        columns,
        (_verdict_record(pair, labels) for pair in comparison.pairs),
    )


def _verdict_record(pair: ComparisonPair, labels: Mapping[str, str]) -> Record:
    naming = pair.naming
    main = naming.main if naming else None
    of_naming: Record = {"naming": "no verdict"}
    if naming is not None:
        of_naming = {"naming": naming.verdict or "no verdict", "naming_reason": naming.reason}
    if naming is not None and main is not None:
        of_naming |= {
            "delta_f1": main.delta,
            "f1_ci": main.ci,
            "f1_p_holm": main.p_holm,
            "f1_p_looked": _after_accesses(naming.p_looked, main.p_holm),
            "f1_detectable": main.smallest_detectable,
        }
    return of_naming | {
        "versions": f"{labels[pair.b]} against {labels[pair.a]}",
        "naming_reason": of_naming.get("naming_reason") or None,
        "quality": pair.verdict,
        "quality_reason": pair.reason or None,
        "delta_srcc": pair.delta_srcc,
        "ci": pair.ci,
        "p_holm": pair.p_holm,
        "p_looked": _after_accesses(pair.p_looked, pair.p_holm),
        "detectable": pair.smallest_detectable,
    }


def _after_accesses(p: Metric | None, p_holm: Metric) -> str | None:
    return p_text(p) if isinstance(p, float) and p != p_holm else None


DIFFERENCE_COLUMNS = (
    Column("versions", "versions", "text"),
    Column("delta_srcc", "ΔSRCC", "signed"),
    Column("ci", "95 % interval", "signed interval"),
    Column("p", "p", "p"),
    Column("p_holm", "p after Holm", "p"),
    Column("verdict", "verdict", "text"),
    Column("reason", "reason", "text", below=True),
)


def difference_record(pair: Any, labels: Mapping[str, str]) -> dict[str, Any]:
    """Return a pair of a comparison or of a subset under the keys of `DIFFERENCE_COLUMNS`."""
    versions = f"{labels[pair.b]} against {labels[pair.a]}"
    return {**dict(pair), "versions": versions, "reason": pair.reason or None}


def attributes_table(
    sets: Mapping[str, AttributeSet], shared: Mapping[str, set[str]], distortions: Sequence[str]
) -> DataTable:
    """Return every attribute of every version, one a row.

    Args:
        sets: The attributes by label.
        shared: Casefolded phrases that all versions have, by distortion.
        distortions: Ids, in the order of the protocol.
    """
    columns = (
        *text_columns("distortion", "version", "phrase", "origin"),
        Column("in_all", "in every version", "text"),
    )
    records = (
        {
            **dict(attribute),
            "distortion": distortion,
            "version": label,
            "in_all": "yes" if attribute.phrase.casefold() in shared[distortion] else "no",
        }
        for distortion in distortions
        for label, attributes in sets.items()
        for attribute in attributes.by_distortion.get(distortion, ())
    )
    return DataTable.of("attributes", "Attributes", columns, records)


def with_others(
    name: str,
    title: str,
    columns: Sequence[Column],
    versions: Iterable[Record],
    others: Sequence[Record],
) -> DataTable:
    """Return the versions under test, and the other rows marked as such below them."""
    tested = list(versions)
    aside = range(len(tested), len(tested) + len(others))
    return DataTable.of(name, title, columns, [*tested, *others], aside=aside)


def _baseline_records(comparison: Comparison, results: Sequence[RunResult]) -> list[Record]:
    labels = [row.label for row in comparison.rows] if results else []
    return [
        {**dict(figures), "label": title, "kind": "baseline"}
        for title, figures in baseline_rows(results, labels)
    ]


def quoted_records(comparison: Comparison, **fields: str) -> list[Record]:
    """Return the quoted rows that have one of the figures, by key to field."""
    records = []
    for row in comparison.quoted:
        figures = {key: getattr(row, field) for key, field in fields.items()}
        if any(value is not None for value in figures.values()):
            records.append({"label": f"{row.method} on {row.dataset}, quoted", **figures})
    return records


def over_seeds_table(over: OverSeeds) -> DataTable:
    """Return the mean of each version over several training seeds, and what each gave."""
    seeds = f"{len(over.seeds)} training seeds ({', '.join(map(str, over.seeds))})"
    return DataTable.of_texts(
        ("version", f"SRCC over {seeds}", "95 %", "of each seed"),
        [
            (row.label, figure_text(row.srcc), interval_text(row.srcc_ci),
             ", ".join(map(figure_text, row.by_seed)))
            for row in over.rows
        ],
        title="Versions over training seeds",
    )  # fmt: skip
