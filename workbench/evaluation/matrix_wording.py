"""What must be read with a matrix of transfers: the terms of each row, and what cannot be said."""

from workbench.domain.metrics import Undefined
from workbench.domain.transfer_matrix import TrainedOn, TransferMatrix
from workbench.evaluation.figures.table import Column, DataTable
from workbench.evaluation.wording import count_text, figure_text

HOW_OURS = (
    "ours: the median over the splits' test parts where they are listed, else one figure of all "
    "images; PLCC is raw."
)
NOTHING_PUBLISHED = (
    "No figure of the paper stands beside: no run is on a data set that its tables name."
)
_TABLES = {
    "exiqa-table-2": "II",
    "exiqa-table-3": "III",
    "exiqa-table-4": "IV",
    "exiqa-table-5": "V",
}


def matrix_notes(matrix: TransferMatrix) -> tuple[str, ...]:
    """Return the terms of each row, then why figures are undefined, then what is quoted."""
    rows = [_row_sentence(row) for row in matrix.trained_on]
    return (*rows, *_undefined(matrix), *_quoted(matrix))


def published_table(matrix: TransferMatrix) -> DataTable:
    """Return ours and theirs, one row for each figure of the paper that a run reproduces."""
    columns = (
        Column("table", "table", "text"),
        Column("figure", "figure", "text"),
        Column("trained_on", "trained on", "text"),
        Column("tested_on", "tested on", "text"),
        Column("ours", "ours"),
        Column("theirs", "theirs, quoted"),
        Column("spread", "ours in each split", "text"),
        Column("images", "images", "count"),
        Column("seeds", "seeds", "text"),
        Column("run", "run", "text"),
    )
    rows = tuple(
        (
            _TABLES.get(one.table, one.table), one.figure, one.trained_on, one.tested_on,
            one.ours, one.theirs, " ".join(figure_text(value) for value in one.values) or None,
            one.images, one.seeds, str(one.run),
        )
        for one in matrix.published
    )  # fmt: skip
    return DataTable(
        "published", "Ours (median over splits) and theirs, each under its own terms", columns, rows
    )


def published_notes(matrix: TransferMatrix) -> tuple[str, ...]:
    """Return both protocols in words, a line each, and what must be known of printed figures."""
    if not matrix.published:
        return (NOTHING_PUBLISHED,)
    ours = dict.fromkeys(f"ours, {one.protocol}." for one in matrix.published)
    theirs = dict.fromkeys(f"theirs, {one.theirs_protocol}." for one in matrix.published)
    remarks = dict.fromkeys(
        f"theirs, table {_TABLES.get(one.table, one.table)}, {one.trained_on} to {one.tested_on}: "
        f"{one.remark}."
        for one in matrix.published
        if one.remark
    )
    differences = dict.fromkeys(reason for one in matrix.published for reason in one.differences)
    return (HOW_OURS, *ours, *theirs, *remarks, f"Not tested against: {'; '.join(differences)}.")


def _row_sentence(row: TrainedOn) -> str:
    encoder, terms = row.encoder, row.protocol
    differs = f" Differs from the first row in {'; '.join(row.differences)}." * bool(
        row.differences
    )
    return (
        f"{row.label} (run {row.run}, version {row.version[:10]}): {terms.dataset}, "
        f"{count_text(terms.images, 'image')}, {count_text(row.splits, 'split')} ({terms.split}); "
        f"{terms.crop}; target {terms.target}; encoder {encoder.name}, {row.tuning}.{differs}"
    )


def _quoted(matrix: TransferMatrix) -> tuple[str, ...]:
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


def _undefined(matrix: TransferMatrix) -> tuple[str, ...]:
    named = {row.run: row.label for row in matrix.trained_on}
    found: dict[str, None] = {}
    for cell in matrix.cells:
        for holder in (cell.identification, cell.frozen, cell.zero_shot):
            reasons = [holder] if isinstance(holder, Undefined) else [v for _, v in holder]
            for value in reasons:
                if isinstance(value, Undefined):
                    told = f"{named[cell.run]} on {cell.tested_on}: {value.undefined}"
                    found[told] = None
    return tuple(found)
