"""What a matrix of transfers says: its three panels, its notes, the published figures."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from workbench.domain.comparison import QuotedRow
from workbench.domain.data_table import Column, DataTable, text_columns
from workbench.domain.metrics import IdentificationMetrics, QualityMetrics, Undefined
from workbench.domain.number_format import count_text, figure_text
from workbench.domain.transfer_matrix import MatrixCell, TestedOn, TrainedOn, TransferMatrix
from workbench.evaluation.published_figures import METHOD, is_dataset

NONE = "–"  # what was not tried
IDENTIFICATION = "Identification of types that both know: accuracy"
FROZEN = "Frozen features, regressor of the tested data's folds: SRCC"
ZERO_SHOT = "Nothing trained on the tested data: SRCC"
_OURS = (
    "ours: the median over the splits' test parts where they are listed, else one figure of all "
    "images; PLCC is raw."
)
_NOTHING_PUBLISHED = (
    "No figure of the paper stands beside: no run is on a data set that its tables name."
)
_TABLES = {
    "exiqa-table-2": "II",
    "exiqa-table-3": "III",
    "exiqa-table-4": "IV",
    "exiqa-table-5": "V",
}


@dataclass(frozen=True)
class Entry:
    """One cell of a panel.

    Attributes:
        lines: The figure, and below it what must be read with it.
        shade: In [-1, 1]: 1 is perfect, 0 no better than the baseline; None is not shaded.
        held_out: Whether it is of the run's own data.
        quoted: Whether it was published by others.
    """

    lines: tuple[str, ...]
    shade: float | None = None
    held_out: bool = False
    quoted: bool = False


@dataclass(frozen=True)
class Panel:
    """One table: what was trained on in its rows, what was tested on in its columns.

    Attributes:
        entries: A row for each label of `rows`, an entry for each of `columns`; None where nothing
            was tried.
    """

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    entries: tuple[tuple[Entry | None, ...], ...]

    def table(self) -> DataTable:
        """Return the panel as texts; a cell holds several lines."""
        rows = (
            (label, *("\n".join(_cell_lines(entry)) for entry in entries))
            for label, entries in zip(self.rows, self.entries, strict=True)
        )
        figures = range(1, len(self.columns) + 1)
        headings = ("trained on", *self.columns)
        return DataTable.of_texts(headings, rows, title=self.title, figures=figures)


def matrix_panels(matrix: TransferMatrix) -> tuple[Panel, Panel, Panel]:
    """Return identification, frozen-feature transfer and true zero-shot.

    The method's own quoted rows stand below; other methods' are in the JSON document.
    """
    own = [row for row in matrix.quoted if row.method == METHOD]
    identified = [row for row in own if row.accuracy is not None]
    with_quality = [row for row in own if row.srcc is not None]
    return (
        _panel(matrix, IDENTIFICATION, _identification, identified),
        _panel(matrix, FROZEN, lambda cell: _quality(cell, cell.frozen), with_quality),
        _panel(matrix, ZERO_SHOT, lambda cell: _quality(cell, cell.zero_shot), []),
    )


def matrix_notes(matrix: TransferMatrix) -> tuple[str, ...]:
    """Return the terms of each row, then why figures are undefined, then what is quoted."""
    rows = map(_row_sentence, matrix.trained_on)
    return (*rows, *dict.fromkeys(_undefined_reasons(matrix)), *_quoted_sentences(matrix))


def published_table(matrix: TransferMatrix) -> DataTable:
    """Return ours and theirs, one row for each figure of the paper that a run reproduces."""
    columns = (
        *text_columns("table", "figure", "trained_on", "tested_on"),
        Column("ours", "ours"),
        Column("theirs", "theirs, quoted"),
        Column("spread", "ours in each split", "text"),
        Column("images", "images", "count"),
        *text_columns("seeds", "run"),
    )
    records = (
        {
            **dict(pair),
            "table": _TABLES.get(pair.table, pair.table),
            "spread": " ".join(map(figure_text, pair.values)) or None,
            "run": str(pair.run),
        }
        for pair in matrix.published
    )
    title = "Ours (median over splits) and theirs, each under its own terms"
    return DataTable.of("published", title, columns, records)


def published_notes(matrix: TransferMatrix) -> tuple[str, ...]:
    """Return both protocols in words, a line each, and what must be known of printed figures."""
    pairs = matrix.published
    if not pairs:
        return (_NOTHING_PUBLISHED,)
    remarks = (
        f"theirs, table {_TABLES.get(pair.table, pair.table)}, {pair.trained_on} to "
        f"{pair.tested_on}: {pair.remark}."
        for pair in pairs
        if pair.remark
    )
    differences = dict.fromkeys(reason for pair in pairs for reason in pair.differences)
    return (
        _OURS,
        *dict.fromkeys(f"ours, {pair.protocol}." for pair in pairs),
        *dict.fromkeys(f"theirs, {pair.theirs_protocol}." for pair in pairs),
        *dict.fromkeys(remarks),
        f"Not tested against: {'; '.join(differences)}.",
    )


def _cell_lines(entry: Entry | None) -> tuple[str, ...]:
    if entry is None:
        return (NONE,)
    return (*entry.lines, "held out") if entry.held_out else entry.lines


def _panel(
    matrix: TransferMatrix,
    title: str,
    entry: Callable[[MatrixCell], Entry],
    quoted: Sequence[QuotedRow],
) -> Panel:
    labels = {row.dataset: _column_of(row.dataset, matrix.tested_on) for row in quoted}
    extra = [name for name, label in labels.items() if label is None]  # no run was tested there
    columns = (*(column.label for column in matrix.tested_on), *extra)
    rows: dict[str, tuple[Entry | None, ...]] = {}
    for row in matrix.trained_on:
        cells = (matrix.cell(row.run, column) for column in columns)
        rows[row.label] = tuple(entry(cell) if cell else None for cell in cells)
    for name in dict.fromkeys(row.trained_on or row.dataset for row in quoted):
        printed = {
            labels[row.dataset] or row.dataset: _quoted(row)
            for row in quoted
            if (row.trained_on or row.dataset) == name
        }
        rows[f"{METHOD} on {name}, quoted"] = tuple(map(printed.get, columns))
    return Panel(title, tuple(rows), columns, tuple(rows.values()))


def _column_of(name: str, columns: Sequence[TestedOn]) -> str | None:
    """Return the first column that is the data set that a paper names."""
    return next((column.label for column in columns if is_dataset(name, column.dataset)), None)


def _identification(cell: MatrixCell) -> Entry:
    figures, clean = cell.identification, cell.all_clean
    if isinstance(figures, Undefined) or isinstance(clean, Undefined):
        return Entry((NONE, "no type in common"), held_out=cell.held_out)
    return Entry(
        (
            figure_text(figures.accuracy),
            f"always clean {figure_text(clean.accuracy)}",
            f"present only {figure_text(figures.accuracy_present)}",
            f"RMSE {figure_text(figures.rmse)}, {count_text(cell.types, 'type')}",
            *([] if cell.identified is None else [count_text(cell.identified, "image")]),
        ),
        shade=_above_clean(figures, clean),
        held_out=cell.held_out,
    )


def _above_clean(figures: IdentificationMetrics, clean: IdentificationMetrics) -> float | None:
    """Return the share of the way from always saying "clean" to perfect; negative below it."""
    ours, baseline = figures.accuracy, clean.accuracy
    if isinstance(ours, Undefined) or isinstance(baseline, Undefined) or baseline >= 1:
        return None
    return max(-1.0, (ours - baseline) / (1 - baseline))


def _quality(cell: MatrixCell, figures: QualityMetrics) -> Entry:
    return Entry(
        (
            figure_text(figures.srcc),
            f"PLCC {figure_text(figures.plcc)}",
            count_text(cell.images, "image"),
        ),
        shade=None if isinstance(figures.srcc, Undefined) else figures.srcc,
        held_out=cell.held_out,
    )


def _quoted(row: QuotedRow) -> Entry:
    if row.srcc is not None:
        return Entry((figure_text(row.srcc), "quoted"), quoted=True)
    accuracy = NONE if row.accuracy is None else figure_text(row.accuracy)
    rmse = row.identification_rmse
    lines = (accuracy, *(() if rmse is None else (f"RMSE {figure_text(rmse)}",)), "quoted")
    return Entry(lines, quoted=True)


def _row_sentence(row: TrainedOn) -> str:
    encoder, terms = row.encoder, row.protocol
    differs = (
        f" Differs from the first row in {'; '.join(row.differences)}." if row.differences else ""
    )
    return (
        f"{row.label} (run {row.run}, version {row.version[:10]}): {terms.dataset}, "
        f"{count_text(terms.images, 'image')}, {count_text(row.splits, 'split')} ({terms.split}); "
        f"{terms.crop}; target {terms.target}; encoder {encoder.name}, {row.tuning}.{differs}"
    )


def _undefined_reasons(matrix: TransferMatrix) -> Iterator[str]:
    labels = {row.run: row.label for row in matrix.trained_on}
    for cell in matrix.cells:
        for figures in (cell.identification, cell.frozen, cell.zero_shot):
            values = [figures] if isinstance(figures, Undefined) else [v for _, v in figures]
            for value in values:
                if isinstance(value, Undefined):
                    yield f"{labels[cell.run]} on {cell.tested_on}: {value.undefined}"


def _quoted_sentences(matrix: TransferMatrix) -> tuple[str, ...]:
    sources = dict.fromkeys(
        f"quoted: {row.source}. Protocol: {row.protocol}. Shown beside and never tested against: "
        "another split, other attributes and, as far as is known, another encoder."
        for row in matrix.quoted
    )
    remarks = (
        f"quoted: {row.method}, {row.trained_on or row.dataset} to {row.dataset}: {row.remark}."
        for row in matrix.quoted
        if row.remark
    )
    return (*sources, *remarks)
