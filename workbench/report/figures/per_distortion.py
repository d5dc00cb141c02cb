"""How well each version orders the images of one distortion."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from workbench.domain.comparison import Comparison, Interval, labels_of
from workbench.domain.metrics import Metric, Undefined
from workbench.domain.number_format import figure_text, interval_text
from workbench.report.figures.figure import Column, DataTable, ReportFigure, drawn, not_drawn
from workbench.report.figures.style import (
    BLACK,
    GREY,
    GRID,
    bare,
    colour_of,
    legend_above,
    short,
    svg_text,
    title_of,
)

_TITLE = "SRCC within each distortion"
_LEAD = (
    "SRCC between target and prediction over the held-out images of one distortion alone, with "
    "its 95 % interval over photographs. Intervals are not corrected for the number of distortions."
)


@dataclass(frozen=True)
class DistortionQuality:
    """One version on the images of one distortion."""

    distortion: str
    place: int
    label: str
    images: int
    srcc: Metric
    ci: Interval | None


def quality_by_distortion(comparison: Comparison) -> tuple[DistortionQuality, ...]:
    """Return the SRCC of every version within every distortion that the comparison was made for.

    Args:
        comparison: Its subsets by distortion are read.

    Returns:
        By distortion in the order of the comparison, then by version.
    """
    keys = list(labels_of(comparison).items())
    return tuple(
        DistortionQuality(subset.name, place, label, subset.images, row.srcc, row.srcc_ci)
        for subset in comparison.subsets
        if subset.kind == "distortion"
        for place, (key, label) in enumerate(keys)
        for row in subset.rows
        if row.key == key
    )


def per_distortion_figure(found: Sequence[DistortionQuality]) -> ReportFigure:
    """Return bars with intervals, grouped by distortion.

    Args:
        found: What `quality_by_distortion` returned.
    """
    if not found:
        return not_drawn(
            "per-distortion", _TITLE, "This comparison holds no figures by distortion."
        )
    groups = list(dict.fromkeys(one.distortion for one in found))
    versions = {one.place: one.label for one in found}
    thick = 0.17 if len(versions) < 4 else 0.13
    height = 1.1 + len(groups) * (thick * len(versions) + 0.13)
    figure = Figure(figsize=(9.2, height), layout="constrained")
    axes = figure.subplots()
    step = thick / (thick * len(versions) + 0.13)
    handles = [
        _draw_version(
            axes, [one for one in found if one.place == place], groups, step, len(versions)
        )
        for place in versions
    ]
    _dress(axes, groups)
    legend_above(figure, [short(label) for label in versions.values()], handles)
    svg = svg_text(figure, "per-distortion", title=_TITLE, about=_about(found))
    return drawn("per-distortion", svg, _table(found), lead=_LEAD)


def _draw_version(
    axes: Axes, found: Sequence[DistortionQuality], groups: Sequence[str], step: float, count: int
) -> object:
    place = found[0].place
    offset = (place - (count - 1) / 2) * step
    at = [groups.index(one.distortion) + offset for one in found]
    values = [0.0 if isinstance(one.srcc, Undefined) else one.srcc for one in found]
    bars = axes.barh(at, values, height=0.88 * step, color=colour_of(place), alpha=0.85, zorder=2)
    for y, one in zip(at, found, strict=True):
        if isinstance(one.srcc, Undefined):
            axes.text(0.01, y, "undefined", va="center", fontsize=7, color=GREY)
        elif one.ci is not None:
            axes.plot(one.ci, [y, y], color=BLACK, linewidth=1.1, zorder=3)
            axes.plot(one.ci, [y, y], "|", color=BLACK, markersize=4, zorder=3)
    return bars


def _dress(axes: Axes, groups: Sequence[str]) -> None:
    axes.set_yticks(range(len(groups)), [short(title_of(name), 30) for name in groups], fontsize=9)
    axes.set_ylim(len(groups) - 0.45, -0.55)
    low, high = axes.get_xlim()
    axes.set_xlim(max(-1.02, min(0.0, low)), min(1.02, max(high, 0.1)))
    axes.axvline(0, color=GREY, linewidth=0.7)
    axes.set_xlabel("SRCC within the distortion, 95 % interval")
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    axes.tick_params(axis="y", length=0)
    bare(axes)


def _about(found: Sequence[DistortionQuality]) -> str:
    lines = []
    for distortion in dict.fromkeys(one.distortion for one in found):
        told = ", ".join(
            f"{one.label} {figure_text(one.srcc)} ({interval_text(one.ci)})"
            for one in found
            if one.distortion == distortion
        )
        lines.append(f"{title_of(distortion)}: {told}.")
    return " ".join(lines)


def _table(found: Sequence[DistortionQuality]) -> DataTable:
    return DataTable(
        "per-distortion",
        _TITLE,
        (
            Column("distortion", "distortion", "text"),
            Column("version", "version", "text"),
            Column("srcc", "SRCC"),
            Column("ci", "95 % interval", "interval"),
            Column("images", "images", "count"),
        ),
        tuple((title_of(one.distortion), one.label, one.srcc, one.ci, one.images) for one in found),
    )
