"""Figures within parts of the images, and who beats whom, as people read them."""

from collections.abc import Mapping, Sequence
from io import StringIO

from rich.console import Console
from rich.table import Table

from workbench.domain.comparison import Comparison, Subset, SubsetKind
from workbench.domain.metrics import Undefined
from workbench.evaluation.win_matrix import wins_sentence
from workbench.evaluation.wording import figure_text, interval_text, labels_of, p_text, signed_text

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
