"""The tables of a comparison that say how well versions name the faults."""

from workbench.domain.comparison import Comparison, ComparisonRow, labels_of
from workbench.domain.data_table import Column, DataTable, text_columns
from workbench.evaluation.naming import FURTHER
from workbench.evaluation.naming_splits import MAIN
from workbench.report.comparison_tables import (
    DIFFERENCE_COLUMNS,
    KIND_COLUMN,
    VERSION_COLUMN,
    Record,
    quoted_records,
    with_others,
)
from workbench.report.wording import (
    ALL_CLEAN,
    IDENTIFICATION_FIGURES,
    TYPE_FIGURES,
    title_of,
)

_IDENTIFICATION = tuple(Column(key, heading) for key, heading in IDENTIFICATION_FIGURES.items())


_WITH_INTERVALS = tuple(
    column
    for of_figure in _IDENTIFICATION
    for column in (
        of_figure,
        Column(f"{of_figure.key}_ci", f"{of_figure.heading}, 95 %", "interval", below=True),
    )
    if column.key.removesuffix("_ci") in (MAIN, *FURTHER) or column is of_figure
)


def identification_table(comparison: Comparison, name: str = "identification") -> DataTable:
    """Return the figures of identification, always saying “clean” last.

    Args:
        comparison: What to show.
        name: Of the table.
    """
    columns = (VERSION_COLUMN, KIND_COLUMN, *_WITH_INTERVALS)
    versions, clean = _identification_records(comparison)
    title = "Identification of distortions and their strengths"
    return with_others(name, title, columns, versions, [clean])


def naming_tables(comparison: Comparison) -> tuple[DataTable, ...]:
    """Return the differences in naming, over all types and, folded, of each type; none if none."""
    labels = labels_of(comparison)
    every: list[Record] = []
    single: list[Record] = []
    for pair in comparison.pairs:
        if pair.naming is None or pair.naming.main is None:
            continue
        versions = f"{labels[pair.b]} against {labels[pair.a]}"
        for one in (pair.naming.main, *pair.naming.further, *pair.naming.types):
            (single if one.type else every).append(
                {
                    **dict(one),
                    "versions": versions,
                    "figure": IDENTIFICATION_FIGURES[one.figure],
                    "type": title_of(one.type),
                    "reason": one.reason or None,
                }
            )
    if not every:
        return ()
    versions_column, _, *tested = DIFFERENCE_COLUMNS
    columns = (
        Column("figure", "figure", "text"),
        Column("delta", "difference", "signed"),
        *tested,
        Column("smallest_detectable", "smallest detectable"),
    )
    type_column = Column("type", "type", "text")
    return (
        DataTable.of(
            "naming-pairs",
            "Differences in naming over all types; Holm over the pairs for macro F1, and over all "
            "the other figures together",
            (versions_column, *columns),
            every,
        ),
        DataTable.of(
            "naming-types",
            "Differences in naming by type; Holm over all types and pairs of a figure",
            (versions_column, type_column, *columns),
            single,
            folded=True,
        ),
    )


def type_tables(comparison: Comparison) -> dict[str, DataTable]:
    """Return every version's figures of each type with intervals, by figure; none if none."""
    fields = dict.fromkeys(
        field for row in comparison.rows if row.naming for field in row.naming.types
    )
    columns = (*text_columns("type", "version"), Column("value", "value"))
    return {
        field: DataTable.of(
            f"types-{field}",
            f"{TYPE_FIGURES[field]} of each type",
            (*columns, Column("ci", "95 % interval", "interval")),
            (
                {"type": title_of(type), "version": row.label, **dict(estimate)}
                for row in comparison.rows
                if row.naming
                for type, estimate in row.naming.types.get(field, {}).items()
            ),
        )
        for field in fields
    }


def identification_summary(comparison: Comparison) -> DataTable:
    """Return the figures of identification as a screen has room for them, quoted ones last."""
    versions, clean = _identification_records(comparison)
    quoted = quoted_records(comparison, accuracy="accuracy", rmse="identification_rmse")
    title = "Identification of distortions and their strengths"
    columns = (VERSION_COLUMN, *_IDENTIFICATION)
    return with_others("identification", title, columns, versions, [clean, *quoted])


def _identification_records(comparison: Comparison) -> tuple[list[Record], Record]:
    versions = [
        {
            **dict(row.identification),
            **_naming_intervals(row),
            "label": row.label,
            "kind": "version",
        }
        for row in comparison.rows
    ]
    return versions, {**dict(comparison.all_clean), "label": ALL_CLEAN, "kind": "baseline"}


def _naming_intervals(row: ComparisonRow) -> Record:
    return {f"{name}_ci": one.ci for name, one in row.naming.figures.items()} if row.naming else {}
