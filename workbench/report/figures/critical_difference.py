"""Mean ranks over distortions, with the difference that two of them need (Demšar 2006, Fig. 1)."""

from collections.abc import Sequence

from workbench.domain.data_table import Column, DataTable
from workbench.domain.metrics import Metric, Undefined
from workbench.domain.number_format import count_text, figure_text, p_text
from workbench.evaluation.rankings import FEW_BLOCKS, MeanRanks, mean_ranks
from workbench.report.figures import style
from workbench.report.figures.figure import ReportFigure, not_drawn
from workbench.report.figures.per_distortion import DistortionQuality

_NAME, _TITLE = "critical-difference", "Mean ranks over distortions"
_LEAD = (
    "Versions are ranked by SRCC within each distortion, 1 is best; a bar joins those whose mean "
    "ranks lie closer than Nemenyi's critical difference (CD) at 5 %. Assumptions: distortions "
    "stand for independent data sets, weigh alike, and there are ten or more. Distortions of one "
    "set of photographs are not independent, so this describes these distortions; the verdicts "
    "above rest on photographs instead. Small differences weigh as much as large ones."
)
_GROUP, _NAME_LINE = 0.32, 0.62  # heights of a group's bar and of a name's line


def critical_difference_figure(qualities: Sequence[DistortionQuality]) -> ReportFigure:
    """Return the diagram of the versions' mean ranks; takes what `quality_by_distortion` gave."""
    labels = list(dict.fromkeys(quality.label for quality in qualities))
    blocks: dict[str, list[Metric]] = {}
    for quality in qualities:
        blocks.setdefault(quality.distortion, []).append(quality.srcc)
    ranks = mean_ranks(list(blocks.values()))
    if isinstance(ranks, Undefined):
        return not_drawn(_NAME, _TITLE, f"There are no ranks: {ranks.undefined}.")
    return ReportFigure(
        _NAME,
        _TITLE,
        _about(ranks, labels),
        _table(ranks, labels),
        lambda: _draw(ranks, labels),
        lead=_LEAD,
        missing=_warning(ranks),
    )


def _best_first(ranks: MeanRanks) -> list[int]:
    """Return the versions' indices, best mean rank first."""
    return sorted(range(len(ranks.ranks)), key=lambda index: ranks.ranks[index])


def _draw(ranks: MeanRanks, labels: Sequence[str]) -> style.Figure:
    height = 1.5 + 0.3 * -(-len(labels) // 2) + 0.16 * len(ranks.groups)
    figure = style.new_figure(9.2, height, constrained=False)
    axes = figure.subplots()
    figure.subplots_adjust(0, 0, 1, 1)
    _draw_axis(axes, ranks)
    for line, group in enumerate(ranks.groups):
        ends = [ranks.ranks[group[0]] - 0.02, ranks.ranks[group[-1]] + 0.02]
        y = -0.35 - _GROUP * line
        axes.plot(ends, [y, y], color=style.GREY, linewidth=4, solid_capstyle="butt")
    _draw_names(axes, ranks, labels)
    return figure


def _draw_axis(axes: style.Axes, ranks: MeanRanks) -> None:
    """Draw the ranks' own axis at y = 0, best at the left, and the critical difference above."""
    count = len(ranks.ranks)
    margin = 0.62 * (count - 1)
    axes.set_xlim(1 - margin, count + margin)
    rows = -(-count // 2)
    axes.set_ylim(-1.1 - _NAME_LINE * rows - _GROUP * len(ranks.groups), 2.2)
    axes.axis("off")
    axes.plot([1, count], [0, 0], color=style.BLACK, linewidth=1.1)
    for rank in range(1, count + 1):
        axes.plot([rank, rank], [0, 0.16], color=style.BLACK, linewidth=1.1)
        axes.text(rank, 0.28, str(rank), ha="center", va="bottom", fontsize=9)
    length = min(ranks.critical, count - 1 + margin)
    axes.plot([1, 1 + length], [1.2, 1.2], "|-", color=style.BLACK, linewidth=1.6, markersize=8)
    beyond = " (longer than the axis)" if ranks.critical > count - 1 else ""
    note = f"CD {figure_text(ranks.critical, digits=2)}{beyond}"
    axes.text(1, 1.45, note, ha="left", va="bottom", fontsize=9)


def _draw_names(axes: style.Axes, ranks: MeanRanks, labels: Sequence[str]) -> None:
    """Lead a line from each rank down and out to its name: the better half left, the rest right."""
    order = _best_first(ranks)
    half = -(-len(order) // 2)
    low, high = axes.get_xlim()
    for position, index in enumerate(order):
        left = position < half
        row = position if left else len(order) - 1 - position
        y = -0.8 - _GROUP * len(ranks.groups) - _NAME_LINE * row
        x, side = ranks.ranks[index], (1.0 if left else float(len(order)))
        edge = side - 0.06 * (high - low) / 2 if left else side + 0.06 * (high - low) / 2
        axes.plot([x, x, edge], [0, y, y], color=style.colour_of(index), linewidth=1.2)
        axes.plot([x], [0], style.marker_of(index), color=style.colour_of(index), markersize=6)
        name = f"{style.short(labels[index], 26)}  {figure_text(x, digits=2)}"
        pad = 0.01 * (high - low) * (-1 if left else 1)
        axes.text(edge + pad, y, name, ha="right" if left else "left", va="center", fontsize=9)


def _warning(ranks: MeanRanks) -> str:
    lines = []
    if ranks.blocks < FEW_BLOCKS:
        ranked = count_text(ranks.blocks, "distortion")
        lines.append(f"Only {ranked}: fewer than {FEW_BLOCKS} make ranks and CD rough.")
    if ranks.dropped:
        dropped = count_text(ranks.dropped, "distortion")
        lines.append(f"{dropped} without a figure of every version left out.")
    return " ".join(lines)


def _about(ranks: MeanRanks, labels: Sequence[str]) -> str:
    ranking = ", ".join(
        f"{labels[index]} {figure_text(ranks.ranks[index], digits=2)}"
        for index in _best_first(ranks)
    )
    groups = "; ".join(" and ".join(labels[index] for index in group) for group in ranks.groups)
    return (
        f"Mean ranks over {count_text(ranks.blocks, 'distortion')}: {ranking}. Critical difference "
        f"{figure_text(ranks.critical, digits=2)}. Friedman χ² {figure_text(ranks.friedman)}, "
        f"p {p_text(ranks.p)}. Closer than the critical difference: {groups or 'none'}."
    )


def _table(ranks: MeanRanks, labels: Sequence[str]) -> DataTable:
    return DataTable.of(
        _NAME,
        _TITLE,
        (
            Column("version", "version", "text"),
            Column("mean_rank", "mean rank"),
            Column("critical_difference", "critical difference"),
            Column("friedman", "Friedman χ²"),
            Column("p", "p of Friedman", "p"),
            Column("distortions", "distortions", "count"),
        ),
        (
            {
                "version": labels[index],
                "mean_rank": ranks.ranks[index],
                "critical_difference": ranks.critical,
                "friedman": ranks.friedman,
                "p": ranks.p,
                "distortions": ranks.blocks,
            }
            for index in _best_first(ranks)
        ),
    )
