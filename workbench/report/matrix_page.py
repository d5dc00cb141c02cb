"""A matrix of transfers as a drawing or as one HTML file that needs nothing else."""

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from workbench.atomic_files import atomic_write
from workbench.domain.metrics import Undefined
from workbench.domain.number_format import count_text, figure_text
from workbench.domain.transfer_matrix import TrainedOn, TransferMatrix
from workbench.errors import ConfigError
from workbench.report.figures.figure import Column, DataTable
from workbench.report.figures.heat_map import draw_heat_map, heat_map_figure

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


_PNG_DPI = 150


def write_matrix(matrix: TransferMatrix, path: Path) -> Path:
    """Write a matrix as SVG, PNG or HTML, by the ending of the name; whole or not at all.

    Args:
        matrix: What `transfer_matrix` returned.
        path: Where to; missing folders are made.

    Returns:
        The path.

    Raises:
        ConfigError: The name ends otherwise, or the file cannot be written.
    """
    write = writer_for(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as passing:
            write(matrix, passing)
    except OSError as error:
        raise ConfigError(
            f"The matrix cannot be written to {path}: {error.strerror or error}. "
            "Free some space or name another path."
        ) from error
    return path


def writer_for(path: Path) -> Callable[[TransferMatrix, Path], None]:
    """Return what writes such a file.

    Raises:
        ConfigError: The name ends in none of .svg, .png and .html.
    """
    if path.suffix.lower() not in _WRITERS:
        raise ConfigError(
            f"A matrix is written as {', '.join(_WRITERS)}, not as '{path.name}'. Name such a file."
        )
    return _WRITERS[path.suffix.lower()]


def matrix_html(matrix: TransferMatrix) -> str:
    """Return the page; same matrix, same text."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["svg"] = Markup
    source = files("workbench.report").joinpath("matrix.html.j2").read_text(encoding="utf-8")
    pairs = published_table(matrix)
    text: str = environment.from_string(source).render(
        figure=heat_map_figure(matrix),
        pairs=pairs if pairs.rows else None,
        notes=matrix_notes(matrix),
        terms=published_notes(matrix) if pairs.rows else (),
    )
    return text


def _html(matrix: TransferMatrix, path: Path) -> None:
    path.write_text(matrix_html(matrix), encoding="utf-8", newline="\n")


def _svg(matrix: TransferMatrix, path: Path) -> None:
    path.write_text(heat_map_figure(matrix).svg, encoding="utf-8", newline="\n")


def _png(matrix: TransferMatrix, path: Path) -> None:
    draw_heat_map(matrix).savefig(path, format="png", dpi=_PNG_DPI)


_WRITERS = {".svg": _svg, ".png": _png, ".html": _html}
