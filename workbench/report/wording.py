"""Figures and verdicts as people read them; one spelling of a number everywhere."""

from collections.abc import Iterator, Mapping, Sequence
from io import StringIO

from rich.console import Console
from rich.table import Table

from workbench.domain.comparison import (
    AccessCount,
    Comparison,
    ComparisonPair,
    ComparisonRow,
    QuotedRow,
    labels_of,
)
from workbench.domain.metrics import IdentificationMetrics, Metric, Undefined
from workbench.domain.number_format import (
    count_text,
    figure_text,
    interval_text,
    p_text,
    signed_text,
)
from workbench.evaluation.test_set_access import MANY_ACCESSES

QUALITY_FIGURES = {
    "srcc": "SRCC",
    "plcc": "PLCC",
    "plcc_fitted": "PLCC fitted",
    "krcc": "KRCC",
    "rmse": "RMSE",
}
IDENTIFICATION_FIGURES = {
    "accuracy": "accuracy",
    "accuracy_present": "present only",
    "macro_f1": "macro F1",
    "mean_average_precision": "mAP",
    "top1_type": "top-1 type",
    "strength_srcc": "strength SRCC",
    "rmse": "RMSE",
}
ALL_CLEAN = "always “clean”"


def verdict_sentence(pair: ComparisonPair, labels: Mapping[str, str]) -> str:
    """Return a pair's verdict in plain English with its numbers.

    Args:
        pair: Version b against version a.
        labels: What the pair calls a version, to what people read; see `labels_of`.

    Returns:
        One or two sentences: "curated is not distinguishable from draft: ΔSRCC +0.012 (95 % −0.030
        to +0.050, p = .610); this set could have shown a difference of 0.060."
    """
    a, b = labels.get(pair.a, pair.a[:10]), labels.get(pair.b, pair.b[:10])
    claims = {
        "better": f"{b} is better than {a}",
        "worse": f"{b} is worse than {a}",
        "not distinguishable": f"{b} is not distinguishable from {a}",
    }
    sentence = f"{claims[pair.verdict]}: {_evidence(pair)}"
    if pair.verdict == "not distinguishable" and isinstance(pair.smallest_detectable, float):
        shown = figure_text(pair.smallest_detectable)
        sentence += f"; this set could have shown a difference of {shown}"
    return f"{sentence}. {pair.reason}".strip()


def access_sentences(looks: AccessCount) -> tuple[str, ...]:
    """Return how often a test part was looked at; from ten looks on, what that means.

    Args:
        looks: The count, the present look included.

    Example:
        >>> print(*access_sentences(AccessCount(test_hash="3f2a" * 16, looks=7, versions=4)))
        Test part 3f2a3f2a… looked at 7 times, 4 versions.
    """
    count = (
        f"Test part {looks.test_hash[:8]}… looked at {count_text(looks.looks, 'time')}, "
        f"{count_text(looks.versions, 'version')}."
    )
    if looks.looks < MANY_ACCESSES:
        return (count,)
    return (
        count,
        f"{looks.looks:,} looks: of ten equally good versions the best is called “better” in "
        "one case of seven, unless looks are counted. Where a version was made in the light of "
        "these figures, no correction covers it; confirm the claim on photographs that nobody "
        "has looked at (split.locked, compare --locked).",
    )


def access_and_choice_sentences(looks: AccessCount) -> tuple[str, ...]:
    """Return what the looks at a test part do to the claims that a comparison makes on it.

    Args:
        looks: The count, the present look included, with the best of what was looked at.
    """
    count, *many = access_sentences(looks)
    choice = looks.choice
    if choice is None:
        return (count, *many)
    factor = (
        f"Of {choice.candidates} candidates, each a version under a configuration, one was the "
        f"baseline: each p-value is multiplied by {choice.candidates - 1} (Bonferroni)."
    )
    best = (
        f"SRCC of the best of {choice.candidates} candidates (run {choice.chosen}), corrected for "
        f"choosing: {figure_text(choice.corrected)} ({interval_text(choice.ci)}), as it "
        f"stands {figure_text(choice.srcc)}."
    )
    return (count, *([factor] if choice.candidates > 2 else []), best, *many)


def quoted_sentences(rows: Sequence[QuotedRow]) -> tuple[str, ...]:
    """Return where published figures come from and why they cannot be compared, a line a source."""
    lines = []
    for source, protocol in dict.fromkeys((row.source, row.protocol) for row in rows):
        some = [row for row in rows if (row.source, row.protocol) == (source, protocol)]
        differences = dict.fromkeys(reason for row in some for reason in row.differences)
        remarks = "".join(
            f" {row.method} on {row.dataset}: {row.remark}." for row in some if row.remark
        )
        lines.append(
            f"quoted: {source}, protocol: {protocol}. Not tested against: "
            f"{'; '.join(differences)}.{remarks}"
        )
    return tuple(lines)


def undefined_reasons(comparison: Comparison) -> tuple[str, ...]:
    """Return one line for every figure that does not exist, and why."""
    rows = [(row.label, row.identification) for row in comparison.rows]
    lines = [
        f"{row.label}, {name}: {value.undefined}"
        for row in comparison.rows
        for name, value in _figures(row, QUALITY_FIGURES)
        if isinstance(value, Undefined)
    ]
    lines += [
        f"{label}, {name}: {value.undefined}"
        for label, figures in [*rows, (ALL_CLEAN, comparison.all_clean)]
        for name, value in _figures(figures, IDENTIFICATION_FIGURES)
        if isinstance(value, Undefined)
    ]
    return tuple(lines)


def comparison_table(comparison: Comparison, *, width: int = 100) -> str:
    """Return a comparison as plain text for a terminal.

    Args:
        comparison: What to show.
        width: Columns of the terminal.
    """
    out = StringIO()
    console = Console(
        file=out, width=width, color_system=None, legacy_windows=False, highlight=False
    )
    console.print(_quality_table(comparison))
    console.print(_identification_table(comparison))
    labels = labels_of(comparison)
    for pair in comparison.pairs:
        console.print(verdict_sentence(pair, labels), markup=False)
    looks = access_and_choice_sentences(comparison.looks) if comparison.looks else ()
    quoted = quoted_sentences(comparison.quoted)
    for line in (*looks, *undefined_reasons(comparison), *comparison.notes, *quoted):
        console.print(f"· {line}", markup=False)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _evidence(pair: ComparisonPair) -> str:
    delta = f"ΔSRCC {signed_text(pair.delta_srcc)}"
    if pair.ci is None:
        return f"{delta}, without an interval"
    p = p_text(pair.p)
    p = p if p.startswith("<") else f"= {p}"
    if isinstance(pair.p_holm, float) and pair.p_holm != pair.p:
        p += f", {p_text(pair.p_holm)} after Holm"
    if isinstance(pair.p_looked, float) and pair.p_looked != pair.p_holm:
        p += f", {p_text(pair.p_looked)} after all looks"
    return f"{delta} (95 % {interval_text(pair.ci, signed=True)}, p {p})"


def _figures(
    holder: ComparisonRow | IdentificationMetrics, names: Mapping[str, str]
) -> Iterator[tuple[str, Metric]]:
    for field, name in names.items():
        yield name, getattr(holder, field)


def _quality_table(comparison: Comparison) -> Table:
    protocol = comparison.protocol
    table = Table(
        title=f"Quality against {protocol.target}: {count_text(protocol.images, 'image')} of "
        f"{count_text(protocol.photographs, 'photograph')}, 95 % intervals over photographs",
        title_justify="left",
    )
    table.add_column("version", overflow="fold")
    for name in ("A", *QUALITY_FIGURES.values()):
        table.add_column(name, justify="right")
    for row in comparison.rows:
        cells = [figure_text(value) for _, value in _figures(row, QUALITY_FIGURES)]
        cells[0] += f"\n{interval_text(row.srcc_ci)}"
        cells[1] += f"\n{interval_text(row.plcc_ci)}"
        table.add_row(_plain(row.label), str(row.attributes), *cells)
    for quoted in comparison.quoted:
        if quoted.srcc is not None or quoted.plcc is not None:
            cells = [quoted_figure(value) for value in (quoted.srcc, quoted.plcc)]
            table.add_row(_plain(quoted_label(quoted)), "—", *cells, "—", "—", "—")
    return table


def _identification_table(comparison: Comparison) -> Table:
    table = Table(title="Identification of distortions and their strengths", title_justify="left")
    table.add_column("version", overflow="fold")
    for name in IDENTIFICATION_FIGURES.values():
        table.add_column(name, justify="right")
    rows = [(row.label, row.identification) for row in comparison.rows]
    for label, figures in [*rows, (ALL_CLEAN, comparison.all_clean)]:
        cells = (figure_text(value) for _, value in _figures(figures, IDENTIFICATION_FIGURES))
        table.add_row(_plain(label), *cells)
    for quoted in comparison.quoted:
        if quoted.accuracy is not None or quoted.identification_rmse is not None:
            accuracy, rmse = map(quoted_figure, (quoted.accuracy, quoted.identification_rmse))
            table.add_row(_plain(quoted_label(quoted)), accuracy, *["—"] * 5, rmse)
    return table


def quoted_figure(value: float | None) -> str:
    """Return a published figure, or a dash where none was printed."""
    return "—" if value is None else figure_text(value)


def quoted_label(row: QuotedRow) -> str:
    """Return what heads the row of a published figure."""
    return f"{row.method} on {row.dataset}, quoted"


def _plain(label: str) -> str:
    return label.replace("[", "\\[")
