"""How well each version orders the images of one distortion."""

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.domain.comparison import Comparison, Interval, labels_of
from workbench.domain.data_table import Column, DataTable, text_columns
from workbench.domain.metrics import Metric, Undefined
from workbench.domain.number_format import figure_text, interval_text
from workbench.report.figures import style
from workbench.report.figures.figure import ReportFigure, not_drawn
from workbench.report.wording import title_of

_NAME, _TITLE = "per-distortion", "SRCC within each distortion"
_LEAD = (
    "SRCC between target and prediction over the held-out images of one distortion alone, with "
    "its 95 % interval over photographs. Intervals are not corrected for the number of distortions."
)


@dataclass(frozen=True)
class DistortionQuality:
    """One version, by its index and label, on the images of one distortion."""

    distortion: str
    version: int
    label: str
    images: int
    srcc: Metric
    ci: Interval | None


def quality_by_distortion(comparison: Comparison) -> tuple[DistortionQuality, ...]:
    """Return the SRCC of every version within every distortion that the comparison has.

    Returns:
        By distortion in the order of the comparison, then by version.
    """
    keys = list(labels_of(comparison).items())
    return tuple(
        DistortionQuality(subset.name, version, label, subset.images, row.srcc, row.srcc_ci)
        for subset in comparison.subsets
        if subset.kind == "distortion"
        for version, (key, label) in enumerate(keys)
        for row in subset.rows
        if row.key == key
    )


def per_distortion_figure(qualities: Sequence[DistortionQuality]) -> ReportFigure:
    """Return bars with intervals, grouped by distortion."""
    if not qualities:
        return not_drawn(_NAME, _TITLE, "This comparison holds no figures by distortion.")
    return ReportFigure(
        _NAME, _TITLE, _about(qualities), _table(qualities), lambda: _draw(qualities), lead=_LEAD
    )


def _draw(qualities: Sequence[DistortionQuality]) -> style.Figure:
    groups = list(dict.fromkeys(quality.distortion for quality in qualities))
    labels = {quality.version: quality.label for quality in qualities}
    thick = 0.17 if len(labels) < 4 else 0.13
    figure = style.new_figure(9.2, 1.1 + len(groups) * (thick * len(labels) + 0.13))
    axes = figure.subplots()
    step = thick / (thick * len(labels) + 0.13)
    handles = []
    for version in labels:
        own = [quality for quality in qualities if quality.version == version]
        offset = (version - (len(labels) - 1) / 2) * step
        handles.append(_draw_version(axes, own, groups, offset, 0.88 * step))
    _dress(axes, groups)
    style.legend_above(figure, [style.short(label) for label in labels.values()], handles)
    return figure


def _draw_version(
    axes: style.Axes,
    qualities: Sequence[DistortionQuality],
    groups: Sequence[str],
    offset: float,
    height: float,
) -> object:
    heights = [groups.index(quality.distortion) + offset for quality in qualities]
    values = [0.0 if isinstance(quality.srcc, Undefined) else quality.srcc for quality in qualities]
    colour = style.colour_of(qualities[0].version)
    bars = axes.barh(heights, values, height=height, color=colour, alpha=0.85, zorder=2)
    for y, quality in zip(heights, qualities, strict=True):
        if isinstance(quality.srcc, Undefined):
            axes.text(0.01, y, "undefined", va="center", fontsize=7, color=style.GREY)
        elif quality.ci is not None:
            axes.plot(quality.ci, [y, y], color=style.BLACK, linewidth=1.1, zorder=3)
            axes.plot(quality.ci, [y, y], "|", color=style.BLACK, markersize=4, zorder=3)
    return bars


def _dress(axes: style.Axes, groups: Sequence[str]) -> None:
    axes.set_yticks(
        range(len(groups)), [style.short(title_of(name), 30) for name in groups], fontsize=9
    )
    axes.set_ylim(len(groups) - 0.45, -0.55)
    low, high = axes.get_xlim()
    axes.set_xlim(max(-1.02, min(0.0, low)), min(1.02, max(high, 0.1)))
    axes.axvline(0, color=style.GREY, linewidth=0.7)
    axes.set_xlabel("SRCC within the distortion, 95 % interval")
    axes.grid(axis="x", color=style.GRID, linewidth=0.6)
    axes.tick_params(axis="y", length=0)
    style.bare(axes)


def _about(qualities: Sequence[DistortionQuality]) -> str:
    figures: dict[str, list[str]] = {}
    for quality in qualities:
        figures.setdefault(quality.distortion, []).append(
            f"{quality.label} {figure_text(quality.srcc)} ({interval_text(quality.ci)})"
        )
    return " ".join(f"{title_of(name)}: {', '.join(own)}." for name, own in figures.items())


def _table(qualities: Sequence[DistortionQuality]) -> DataTable:
    return DataTable(
        _NAME,
        _TITLE,
        (
            *text_columns("distortion", "version"),
            Column("srcc", "SRCC"),
            Column("ci", "95 % interval", "interval"),
            Column("images", "images", "count"),
        ),
        tuple((title_of(q.distortion), q.label, q.srcc, q.ci, q.images) for q in qualities),
    )
