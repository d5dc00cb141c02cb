"""A comparison as plain text for a terminal: tables, verdicts, differences, notes."""

from collections.abc import Iterator, Mapping, Sequence

from workbench.domain.comparison import Comparison, Subset, SubsetKind, labels_of
from workbench.domain.data_table import DataTable
from workbench.domain.metrics import Undefined
from workbench.domain.number_format import interval_text, p_text, signed_text
from workbench.evaluation.rankings import wins_sentence
from workbench.report.comparison_tables import over_seeds_table, quality_summary
from workbench.report.evidence_tables import subset_summary
from workbench.report.naming_tables import identification_summary
from workbench.report.render import terminal_text
from workbench.report.wording import (
    access_and_choice_sentences,
    over_seeds_sentences,
    quoted_sentences,
    undefined_reasons,
    verdict_lines,
    worth_sentences,
)


def comparison_text(comparison: Comparison) -> str:
    """Return a comparison's figures and verdicts with all that must be known of them."""
    labels = labels_of(comparison)
    notes = (
        *access_and_choice_sentences(comparison.looks),
        *worth_sentences(comparison),
        *undefined_reasons(comparison),
        *comparison.notes,
        *quoted_sentences(comparison.quoted),
    )
    over: tuple[DataTable | str, ...] = ()
    if comparison.over_seeds:
        over = (
            over_seeds_table(comparison.over_seeds),
            *over_seeds_sentences(comparison.over_seeds, labels),
        )
    return terminal_text(
        (
            quality_summary(comparison),
            identification_summary(comparison),
            *(line for pair in comparison.pairs for line in verdict_lines(pair, labels)),
            *(f"· {note}" for note in notes),
            *over,
        )
    )


def subsets_text(comparison: Comparison, kinds: Sequence[SubsetKind] | None = None) -> str:
    """Return a comparison within parts of the images.

    Args:
        comparison: What to show.
        kinds: Which parts; None takes all that the comparison has.

    Returns:
        One table a kind, the differences that hold below it, and who beats whom at the end.
    """
    kinds = kinds or list(dict.fromkeys(subset.kind for subset in comparison.subsets))
    return terminal_text(_subset_parts(comparison, kinds))


def difference_sentences(subsets: Sequence[Subset], labels: Mapping[str, str]) -> tuple[str, ...]:
    """Return one line for each difference that holds after Holm, or one that none does.

    Args:
        subsets: Parts of one kind.
        labels: What a pair calls a version, to what people read.
    """
    pairs = [(subset.name, pair) for subset in subsets for pair in subset.pairs]
    tested = sum(not isinstance(pair.p, Undefined) for _, pair in pairs)
    sentences = tuple(
        f"{name}: {labels[pair.b]} is {pair.verdict} than {labels[pair.a]}: ΔSRCC "
        f"{signed_text(pair.delta_srcc)} (95 % {interval_text(pair.ci, signed=True)}, "
        f"{p_text(pair.p_holm)} after Holm over {tested} tests)."
        for name, pair in pairs
        if pair.verdict != "not distinguishable"
    )
    return sentences or ((f"None of {tested} differences holds after Holm.",) if tested else ())


def _subset_parts(comparison: Comparison, kinds: Sequence[SubsetKind]) -> Iterator[DataTable | str]:
    labels = labels_of(comparison)
    for kind in kinds:
        subsets = [subset for subset in comparison.subsets if subset.kind == kind]
        yield subset_summary(kind, subsets, labels)
        yield from difference_sentences(subsets, labels)
    if (wins := comparison.wins) is not None:
        for cell in wins.cells:
            if wins.keys.index(cell.b) > wins.keys.index(cell.a):  # each pair once, later first
                yield wins_sentence(cell, labels)
