"""Mean ranks over distortions, with the difference that two of them need (Demšar 2006, Fig. 1)."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from workbench.domain.metrics import Metric, Undefined
from workbench.domain.number_format import count_text, figure_text, p_text
from workbench.evaluation.rankings import FEW_BLOCKS, MeanRanks, mean_ranks
from workbench.report.figures.figure import Column, DataTable, ReportFigure, drawn, not_drawn
from workbench.report.figures.per_distortion import DistortionQuality
from workbench.report.figures.style import BLACK, GREY, colour_of, marker_of, short, svg_text

_NAME, _TITLE = "critical-difference", "Mean ranks over distortions"
_LEAD = (
    "Versions are ranked by SRCC within each distortion, 1 is best; a bar joins those whose mean "
    "ranks lie closer than Nemenyi's critical difference (CD) at 5 %. Assumptions: distortions "
    "stand for independent data sets, weigh alike, and there are ten or more. Distortions of one "
    "set of photographs are not independent, so this describes these distortions; the verdicts "
    "above rest on photographs instead. Small differences weigh as much as large ones."
)


def critical_difference_figure(found: Sequence[DistortionQuality]) -> ReportFigure:
    """Return the diagram of the versions' mean ranks.

    Args:
        found: What `quality_by_distortion` returned.
    """
    labels = list(dict.fromkeys(one.label for one in found))
    ranks = mean_ranks(_blocks(found))
    if isinstance(ranks, Undefined):
        return not_drawn(_NAME, _TITLE, f"There are no ranks: {ranks.undefined}.")
    figure = Figure(figsize=(9.2, 1.5 + 0.3 * -(-len(labels) // 2) + 0.16 * len(ranks.groups)))
    axes = figure.subplots()
    figure.subplots_adjust(0, 0, 1, 1)
    _draw_axis(axes, ranks)
    _draw_groups(axes, ranks)
    _draw_names(axes, ranks, labels)
    svg = svg_text(figure, _NAME, title=_TITLE, about=_about(ranks, labels))
    return drawn(_NAME, svg, _table(ranks, labels), lead=_LEAD, missing=_warning(ranks))


def _blocks(found: Sequence[DistortionQuality]) -> list[list[Metric]]:
    blocks: dict[str, list[Metric]] = {}
    for one in found:
        blocks.setdefault(one.distortion, []).append(one.srcc)
    return list(blocks.values())


def _draw_axis(axes: Axes, ranks: MeanRanks) -> None:
    """Draw the ranks' own axis at y = 0, best at the left, and the critical difference above."""
    count = len(ranks.ranks)
    margin = 0.62 * (count - 1)
    axes.set_xlim(1 - margin, count + margin)
    rows = -(-count // 2)
    axes.set_ylim(-1.1 - 0.62 * rows - 0.32 * len(ranks.groups), 2.2)
    axes.axis("off")
    axes.plot([1, count], [0, 0], color=BLACK, linewidth=1.1)
    for rank in range(1, count + 1):
        axes.plot([rank, rank], [0, 0.16], color=BLACK, linewidth=1.1)
        axes.text(rank, 0.28, str(rank), ha="center", va="bottom", fontsize=9)
    shown = min(ranks.critical, count - 1 + margin)
    axes.plot([1, 1 + shown], [1.2, 1.2], "|-", color=BLACK, linewidth=1.6, markersize=8)
    beyond = " (longer than the axis)" if ranks.critical > count - 1 else ""
    note = f"CD {figure_text(ranks.critical, digits=2)}{beyond}"
    axes.text(1, 1.45, note, ha="left", va="bottom", fontsize=9)


def _draw_groups(axes: Axes, ranks: MeanRanks) -> None:
    for line, group in enumerate(ranks.groups):
        ends = [ranks.ranks[group[0]] - 0.02, ranks.ranks[group[-1]] + 0.02]
        y = -0.35 - 0.32 * line
        axes.plot(ends, [y, y], color=GREY, linewidth=4, solid_capstyle="butt")


def _draw_names(axes: Axes, ranks: MeanRanks, labels: Sequence[str]) -> None:
    """Lead a line from each rank down and out to its name: the better half left, the rest right."""
    order = sorted(range(len(labels)), key=lambda place: ranks.ranks[place])
    half = -(-len(order) // 2)
    low, high = axes.get_xlim()
    for rank, place in enumerate(order):
        left = rank < half
        row = rank if left else len(order) - 1 - rank
        y = -0.8 - 0.32 * len(ranks.groups) - 0.62 * row
        x, side = ranks.ranks[place], (1.0 if left else float(len(order)))
        edge = side - 0.06 * (high - low) / 2 if left else side + 0.06 * (high - low) / 2
        axes.plot([x, x, edge], [0, y, y], color=colour_of(place), linewidth=1.2)
        axes.plot([x], [0], marker_of(place), color=colour_of(place), markersize=6)
        name = f"{short(labels[place], 26)}  {figure_text(x, digits=2)}"
        pad = 0.01 * (high - low) * (-1 if left else 1)
        axes.text(edge + pad, y, name, ha="right" if left else "left", va="center", fontsize=9)


def _warning(ranks: MeanRanks) -> str:
    lines = []
    if ranks.blocks < FEW_BLOCKS:
        some = count_text(ranks.blocks, "distortion")
        lines.append(f"Only {some}: fewer than {FEW_BLOCKS} make ranks and CD rough.")
    if ranks.dropped:
        some = count_text(ranks.dropped, "distortion")
        lines.append(f"{some} without a figure of every version left out.")
    return " ".join(lines)


def _about(ranks: MeanRanks, labels: Sequence[str]) -> str:
    order = sorted(range(len(labels)), key=lambda place: ranks.ranks[place])
    told = ", ".join(f"{labels[p]} {figure_text(ranks.ranks[p], digits=2)}" for p in order)
    groups = "; ".join(" and ".join(labels[p] for p in group) for group in ranks.groups)
    return (
        f"Mean ranks over {count_text(ranks.blocks, 'distortion')}: {told}. Critical difference "
        f"{figure_text(ranks.critical, digits=2)}. Friedman χ² {figure_text(ranks.friedman)}, "
        f"p {p_text(ranks.p)}. Closer than the critical difference: {groups or 'none'}."
    )


def _table(ranks: MeanRanks, labels: Sequence[str]) -> DataTable:
    order = sorted(range(len(labels)), key=lambda place: ranks.ranks[place])
    return DataTable(
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
        tuple(
            (
                labels[place],
                ranks.ranks[place],
                ranks.critical,
                ranks.friedman,
                ranks.p,
                ranks.blocks,
            )
            for place in order
        ),
    )
