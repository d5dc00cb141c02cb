"""A matrix of transfers as three panels of words and shades, for a drawing and for a terminal."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from workbench.domain.comparison import QuotedRow
from workbench.domain.metrics import IdentificationMetrics, Metric, QualityMetrics, Undefined
from workbench.domain.transfer_matrix import MatrixCell, TestedOn, TransferMatrix
from workbench.evaluation.published_pairs import METHOD, is_dataset
from workbench.evaluation.wording import count_text, figure_text

NONE = "–"  # what was not tried
IDENTIFICATION = "Identification of types that both know: accuracy"
FROZEN = "Frozen features, regressor of the tested data's folds: SRCC"
ZERO_SHOT = "Nothing trained on the tested data: SRCC"


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


def matrix_panels(matrix: TransferMatrix) -> tuple[Panel, Panel, Panel]:
    """Return identification, frozen-feature transfer and true zero-shot.

    The method's own quoted rows stand below; other methods' are in the JSON document.
    """
    own = [row for row in matrix.quoted if row.method == METHOD]
    return (
        _panel(matrix, IDENTIFICATION, _identified, [r for r in own if r.accuracy is not None]),
        _panel(matrix, FROZEN, lambda cell: _quality(cell, cell.frozen),
               [row for row in own if row.srcc is not None]),
        _panel(matrix, ZERO_SHOT, lambda cell: _quality(cell, cell.zero_shot), []),
    )  # fmt: skip


def _panel(
    matrix: TransferMatrix,
    title: str,
    entry: Callable[[MatrixCell], Entry],
    quoted: Sequence[QuotedRow],
) -> Panel:
    places = {row.dataset: _place(row.dataset, matrix.tested_on) for row in quoted}
    extra = [name for name, place in places.items() if place is None]
    rows = [
        tuple(
            None if (cell := matrix.cell(row.run, column.label)) is None else entry(cell)
            for column in matrix.tested_on
        )
        + (None,) * len(extra)
        for row in matrix.trained_on
    ]
    columns = (*(column.label for column in matrix.tested_on), *extra)
    trained = list(dict.fromkeys(row.trained_on or row.dataset for row in quoted))
    for name in trained:
        printed = {
            columns[place] if (place := places[row.dataset]) is not None else row.dataset: row
            for row in quoted
            if (row.trained_on or row.dataset) == name
        }
        rows.append(
            tuple(_quoted(printed[label]) if label in printed else None for label in columns)
        )
    return Panel(
        title,
        (*(row.label for row in matrix.trained_on), *(f"{METHOD} on {n}, quoted" for n in trained)),
        columns,
        tuple(rows),
    )


def _place(name: str, columns: Sequence[TestedOn]) -> int | None:
    """Return the first column that is the data set that a paper names."""
    return next((p for p, one in enumerate(columns) if is_dataset(name, one.dataset)), None)


def _identified(cell: MatrixCell) -> Entry:
    found, clean = cell.identification, cell.all_clean
    if isinstance(found, Undefined) or isinstance(clean, Undefined):
        return Entry((NONE, "no type in common"), held_out=cell.held_out)
    return Entry(
        (
            figure_text(found.accuracy),
            f"always clean {figure_text(clean.accuracy)}",
            f"present only {figure_text(found.accuracy_present)}",
            f"RMSE {figure_text(found.rmse)}, {count_text(cell.types, 'type')}",
            *([] if cell.identified is None else [count_text(cell.identified, "image")]),
        ),
        shade=_above_clean(found, clean),
        held_out=cell.held_out,
    )


def _above_clean(found: IdentificationMetrics, clean: IdentificationMetrics) -> float | None:
    """Return the share of the way from always saying "clean" to perfect; negative below it."""
    ours, baseline = found.accuracy, clean.accuracy
    if isinstance(ours, Undefined) or isinstance(baseline, Undefined) or baseline >= 1:
        return None
    return max(-1.0, (ours - baseline) / (1 - baseline))


def _quality(cell: MatrixCell, found: QualityMetrics) -> Entry:
    return Entry(
        (
            figure_text(found.srcc),
            f"PLCC {figure_text(found.plcc)}",
            count_text(cell.images, "image"),
        ),
        shade=_shade(found.srcc),
        held_out=cell.held_out,
    )


def _shade(value: Metric) -> float | None:
    return None if isinstance(value, Undefined) else value


def _quoted(row: QuotedRow) -> Entry:
    if row.srcc is not None:
        return Entry((figure_text(row.srcc), "quoted"), quoted=True)
    accuracy = NONE if row.accuracy is None else figure_text(row.accuracy)
    rmse = row.identification_rmse
    lines = (accuracy, *(() if rmse is None else (f"RMSE {figure_text(rmse)}",)), "quoted")
    return Entry(lines, quoted=True)
