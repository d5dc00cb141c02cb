"""Tables of the evidence beside the verdicts: subsets, wins, test-set access, quoted figures."""

from collections.abc import Sequence

from workbench.domain.comparison import Comparison, Subset, SubsetKind, WinMatrix, labels_of
from workbench.domain.data_table import Column, DataTable, count_columns, text_columns
from workbench.report.comparison_tables import DIFFERENCE_COLUMNS, difference_record
from workbench.report.wording import title_of

_PART = text_columns("part", "kind")


def evidence_tables(comparison: Comparison) -> tuple[DataTable, ...]:
    """Return wins and test-set access, as far as the comparison has them."""
    labels = labels_of(comparison)
    wins = comparison.wins
    tables = (_win_shares(wins, labels), _win_counts(wins, labels)) if wins else ()
    return (*tables, *((_access(comparison),) if comparison.looks else ()))


def subset_tables(comparison: Comparison) -> tuple[DataTable, ...]:
    """Return the figures and the differences within parts of the images, both folded."""
    if not comparison.subsets:
        return ()
    labels = labels_of(comparison)
    kinds = ", ".join(dict.fromkeys(part.kind for part in comparison.subsets))
    parts = [(part, {**dict(part), "part": title_of(part.name)}) for part in comparison.subsets]
    figures = DataTable.of(
        "subsets",
        f"SRCC within parts of the images, by {kinds}",
        (
            *_PART,
            Column("version", "version", "text"),
            Column("srcc", "SRCC"),
            Column("ci", "95 % interval", "interval"),
            *count_columns("images", "photographs"),
        ),
        (
            {**record, "version": labels[row.key], "srcc": row.srcc, "ci": row.srcc_ci}
            for part, record in parts
            for row in part.rows
        ),
        folded=True,
    )
    differences = DataTable.of(
        "subset-pairs",
        f"Differences within parts of the images, by {kinds}; Holm over all parts of a kind",
        (*_PART, *DIFFERENCE_COLUMNS),
        (
            {**record, **difference_record(pair, labels)}
            for part, record in parts
            for pair in part.pairs
        ),
        folded=True,
    )
    return (figures, differences) if differences.rows else (figures,)


def subset_summary(
    kind: SubsetKind, subsets: Sequence[Subset], labels: dict[str, str]
) -> DataTable:
    """Return the SRCC within parts of one kind, a column per version.

    Args:
        kind: What the images are divided by.
        subsets: Its parts.
        labels: What the subsets call a version, to what people read.
    """
    columns = [Column(kind, kind, "text"), Column("images", "images", "count")]
    for key, label in labels.items():
        columns += [Column(key, label), Column(f"{key} ci", "", "interval", below=True)]
    records = (
        {kind: subset.name, "images": subset.images}
        | {row.key: row.srcc for row in subset.rows}
        | {f"{row.key} ci": row.srcc_ci for row in subset.rows}
        for subset in subsets
    )
    title = f"SRCC within each {kind}, 95 % intervals over photographs"
    return DataTable.of(f"subsets-{kind}", title, columns, records)


def quoted_table(comparison: Comparison) -> DataTable | None:
    """Return where quoted figures come from and why they cannot be compared; None without any."""
    if not comparison.quoted:
        return None
    names = ("method", "source", "dataset", "trained_on", "protocol", "differences", "remark")
    columns = (
        *text_columns(*names),
        Column("accuracy", "accuracy"),
        Column("identification_rmse", "RMSE of strengths"),
    )
    records = [
        {**dict(row), "differences": "; ".join(row.differences), "remark": row.remark or None}
        for row in comparison.quoted
    ]
    title = "Quoted figures, as printed: not tested against"
    return DataTable.of("quoted", title, columns, records, aside=range(len(records)))


def _win_shares(wins: WinMatrix, labels: dict[str, str]) -> DataTable:
    shares = {(cell.b, cell.a): cell.resamples for cell in wins.cells}
    return DataTable(
        "wins",
        "Share of resamples of photographs in which the row has the higher SRCC; it is not the "
        "probability that it is better",
        (
            Column("version", "version", "text"),
            *(Column(labels[key], f"over {labels[key]}") for key in wins.keys),
        ),
        tuple((labels[b], *(shares.get((b, a)) for a in wins.keys)) for b in wins.keys),
    )


def _win_counts(wins: WinMatrix, labels: dict[str, str]) -> DataTable:
    counts = ("higher", "lower", "tied", "better", "worse", "undefined")
    return DataTable.of(
        "win-counts",
        "Distortions by which version has the higher SRCC; better and worse hold after Holm",
        (
            Column("versions", "versions", "text"),
            Column("resamples", "share of resamples"),
            *count_columns(*counts),
        ),
        ({**dict(w), "versions": f"{labels[w.b]} over {labels[w.a]}"} for w in wins.cells),
        folded=True,
    )


def _access(comparison: Comparison) -> DataTable:
    access = dict(comparison.looks or ())
    choice = dict(access.get("choice") or ())
    return DataTable.of(
        "looks",
        "How often this test part was looked at, this time included, and what the best is worth",
        (
            Column("test_hash", "test part", "text"),
            *count_columns("looks", "versions", "candidates"),
            Column("chosen", "best run", "count"),
            Column("srcc", "its SRCC"),
            Column("corrected", "less the optimism of choosing"),
            Column("ci", "95 % interval", "interval", below=True),
        ),
        [{**access, **choice, "test_hash": access["test_hash"][:16]}],
    )
