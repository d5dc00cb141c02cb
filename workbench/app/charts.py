"""Plots whose values one can read: plain values in, Altair specifications out.

`show_chart` puts one on the page with its table. Colours are told apart by the colour-blind and
stand out from a light and a dark page; text is the page's own, so it follows the theme. Altair is
imported when the first plot is drawn.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import streamlit as st

from workbench.app.markup import html_data_table
from workbench.domain.data_table import DataTable
from workbench.domain.run import LossPoint

if TYPE_CHECKING:
    import altair as alt

    Width = Literal["stretch", "content"]
    Chart = alt.Chart | alt.LayerChart | alt.FacetChart

# Contrast ≥ 3 : 1 against white and against Streamlit's dark page; the first three after Okabe and
# Ito (2008), all in an order in which neighbours differ in lightness as well.
COLOURS = (
    "#0072B2", "#D55E00", "#009E73", "#B2508C", "#8A6D00", "#3B8EA5", "#7A7A7A", "#A04000",
)  # fmt: skip
GREY = "#808080"
MOST_ROWS = 500  # of a table behind a plot; the CSV files hold all
_LABEL_WIDTH = 260  # px
_FONT = 13  # px
_AROUND = 80  # px, the axis below a plot: a plot's height is that of all


class Mark(NamedTuple):
    """A value with its interval.

    Attributes:
        name: The row that it stands in.
        series: What tells it from others in that row.
        value: None where there is none; `note` says why.
        low, high: Ends of the interval; None without one.
        note: Shown with the value under the pointer.
    """

    name: str
    series: str
    value: float | None
    low: float | None = None
    high: float | None = None
    note: str = ""


class Point(NamedTuple):
    """One mark of a scatter plot: where it is, what it shows, and whether it stands out."""

    x: float
    y: float
    about: str
    stands_out: bool = False


class CurvePoint(NamedTuple):
    """One point of one line: the panel it is in, the line, and the value with its interval."""

    panel: str
    series: str
    x: float
    y: float
    low: float | None = None
    high: float | None = None
    note: str = ""


class Cell(NamedTuple):
    """One cell of a heat map.

    Attributes:
        row, column: Names.
        shade: In [0, 1].
        text: Written into it; "" where there is no room.
        about: Shown under the pointer.
    """

    row: str
    column: str
    shade: float
    text: str
    about: str


def show_chart(
    chart: "Chart",
    table: DataTable | None,
    *,
    about: str,
    width: "Width" = "stretch",
    names: Collection[str] = (),
) -> None:
    """Put a plot on the page, and its values as a table below, made when it is opened.

    Args:
        chart: What to show.
        table: Every value of it, under a name distinct on the page; None where it stands there.
        about: What it shows, in a few words: the name of the plot for who cannot see it.
        width: "stretch", or "content" for a plot whose panels have a width of their own.
        names: Headings of the table that people chose.
    """
    # Streamlit's own grey of axes has less contrast than text needs.
    ink = "#FAFAFA" if st.context.theme.type == "dark" else "#262730"
    chart = chart.configure_axis(labelColor=ink, titleColor=ink)
    chart = chart.configure_legend(labelColor=ink).configure_header(labelColor=ink)
    st.altair_chart(chart, width=width, alt=about)
    if table is None:
        return
    box = st.expander("Table", key=f"table-{table.name}", on_change="rerun")
    if box.open:
        rest = len(table.rows) - MOST_ROWS
        with box:
            st.html(html_data_table(table, most=MOST_ROWS, names=names))
            if rest > 0:
                st.caption(f"{rest:,} more rows are in the CSV files.")


def interval_chart(
    marks: Sequence[Mark], *, x: str, bars: bool = False, zero: bool = False
) -> "Chart":
    """Return values with their intervals, a row for each name: dots (a forest plot) or bars.

    Args:
        marks: In the order from top to bottom.
        x: Title of the axis.
        bars: From 0 to the value, rather than dots.
        zero: With a line at 0, where no difference is.
    """
    import altair as alt

    names = list(dict.fromkeys(mark.name for mark in marks))
    series = list(dict.fromkeys(mark.series for mark in marks))
    several = len(series) > 1
    rows = [mark._asdict() | {"shown": _shown(mark)} for mark in marks if mark.value is not None]
    y = alt.Y("name:N", sort=names, title=None, axis=_axis(grid=False))
    encodings: dict[str, Any] = {
        "y": y,
        "color": _colour(series) if several else alt.value(COLOURS[0]),
        "tooltip": [
            alt.Tooltip("name:N", title=" "),
            *([alt.Tooltip("series:N", title="of")] if several else []),
            alt.Tooltip("shown:N", title=x.split(",")[0]),
            alt.Tooltip("note:N", title="note"),
        ],
    }
    if several:
        encodings["yOffset"] = alt.YOffset("series:N", sort=series)
    base = alt.Chart(_data(rows)).encode(**encodings)
    x_of_value = alt.X("value:Q", title=x, axis=_axis(), scale=alt.Scale(zero=bars or zero))
    interval = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", title=x), x2="high:Q", **({"color": alt.value(GREY)} if bars else {})
    )
    if bars:
        layers = [base.mark_bar(opacity=0.75).encode(x=x_of_value), interval]
    else:
        layers = [interval, base.mark_point(filled=True, size=70, opacity=1).encode(x=x_of_value)]
    if zero or bars:
        layers.insert(0, alt.Chart(_data([{"at": 0}])).mark_rule(color=GREY).encode(x="at:Q"))
    step = max(26, 15 * len(series) + 8)
    around = _AROUND + (30 * -(-len(series) // 4) if several else 0)  # the axis and the legend
    return _sized(alt.layer(*layers), height=step * len(names) + around)


def scatter_chart(
    points: Iterable[Point], curve: Sequence[tuple[float, float]], *, x: str, y: str
) -> "Chart":
    """Return a mark for each point, the line y = x dashed, and a curve.

    Args:
        points: Of both axes in about [0, 1].
        curve: Points of a fitted curve; none draws none.
        x: Title of the horizontal axis.
        y: Title of the vertical one.
    """
    import altair as alt

    rows = sorted((point._asdict() for point in points), key=lambda row: row["stands_out"])
    axes = {"x": alt.X("x:Q", title=x, axis=_axis()), "y": alt.Y("y:Q", title=y, axis=_axis())}
    ends = [0, 1]
    diagonal = (
        alt.Chart(_data([{"x": end, "y": end} for end in ends]))
        .mark_line(color=GREY, strokeDash=[5, 4], strokeWidth=1)
        .encode(**axes)
    )
    marks = (
        alt.Chart(_data(rows))
        .mark_point(filled=True, size=42, opacity=0.65)
        .encode(
            **axes,
            color=alt.condition("datum.stands_out", alt.value(COLOURS[1]), alt.value(COLOURS[0])),
            tooltip=[
                alt.Tooltip("about:N", title="image"),
                alt.Tooltip("x:Q", title=x, format=".3f"),
                alt.Tooltip("y:Q", title=y.split(":")[0], format=".3f"),
            ],
        )
    )
    fitted = (
        alt.Chart(_data([{"x": at, "y": value} for at, value in curve]))
        .mark_line(color=COLOURS[2], strokeWidth=3)
        .encode(**axes)
    )
    return _sized(alt.layer(diagonal, marks, fitted), height=440)


def curves_chart(
    points: Sequence[CurvePoint], *, x: str, y: str, dashed: Sequence[CurvePoint] = ()
) -> "Chart":
    """Return lines with intervals, three panels in a row; a single panel takes the width.

    Args:
        points: Of the lines.
        x: Title of the horizontal axis.
        y: Title of the vertical one.
        dashed: Of lines to compare with, in the same panels.
    """
    import altair as alt

    series = list(dict.fromkeys(point.series for point in points))
    panels = list(dict.fromkeys(point.panel for point in points))
    rows = [point._asdict() | {"kind": "line"} for point in points]
    rows += [point._asdict() | {"kind": "dashed"} for point in dashed]
    whole = {"tickMinStep": 1} if all(point.x == int(point.x) for point in points) else {}
    base = alt.Chart().encode(
        x=alt.X("x:Q", title=x, axis=_axis(grid=False, **whole)),
        y=alt.Y("y:Q", title=y, axis=_axis()),
    )
    line = base.transform_filter("datum.kind == 'line'").encode(color=_colour(series))
    layers = [
        base.transform_filter("datum.kind == 'dashed'")
        .mark_line(color=GREY, strokeDash=[5, 4], strokeWidth=1)
        .encode(detail="series:N"),
        line.mark_rule(strokeWidth=1.5).encode(y=alt.Y("low:Q", title=y), y2="high:Q"),
        line.mark_line(strokeWidth=2),
        line.mark_point(filled=True, size=45, opacity=1).encode(
            tooltip=[
                alt.Tooltip("series:N", title="of"),
                alt.Tooltip("x:Q", title=x),
                alt.Tooltip("y:Q", title=y, format=".3f"),
                alt.Tooltip("note:N", title="note"),
            ]
        ),
    ]
    layered = alt.layer(*layers, data=_data(rows))  # of one data set, as panels need it
    if len(panels) == 1:
        return _sized(layered, height=280)
    facet = alt.Facet(
        "panel:N",
        sort=panels,
        title=None,
        header=alt.Header(labelFontSize=_FONT, labelAnchor="start"),
    )
    return layered.properties(width=205, height=130).facet(facet, columns=3)


def loss_chart(points: Sequence[LossPoint], *, title: str) -> "Chart":
    """Return losses over steps, a line for each part; those on the validation part are dashed."""
    import altair as alt

    marks = []
    for point in points:
        part, _, kind = point.stage.partition(", ")
        marks.append({"series": part, "on": kind, "step": point.step, "loss": point.loss})
    parts = list(dict.fromkeys(point.stage.partition(", ")[0] for point in points))
    several = len({mark["on"] for mark in marks}) > 1
    dashes = {"strokeDash": alt.StrokeDash("on:N", legend=None)} if several else {}
    title += " (dashed: on the validation part)" * several
    chart = alt.Chart(_data(marks), title=title).mark_line(point=alt.OverlayMarkDef(size=20))
    encoded = chart.encode(
        x=alt.X("step:Q", axis=_axis(tickMinStep=1, format="d")),
        y=alt.Y("loss:Q", axis=_axis(), scale=alt.Scale(zero=False)),
        color=_colour(parts),
        tooltip=["series:N", "on:N", "step:Q", "loss:Q"],
        **dashes,
    )
    return _sized(encoded, height=380)  # of which half is for the legends


def heat_chart(
    cells: Sequence[Cell],
    *,
    rows: Sequence[str],
    columns: Sequence[str],
    y: str,
    x: str,
) -> "Chart":
    """Return a heat map; a cell that is not named stays empty.

    Args:
        cells: Those with something in them.
        rows: Names from top to bottom.
        columns: Names from left to right.
        y: What the rows are.
        x: What the columns are.
    """
    import altair as alt

    base = alt.Chart(_data([cell._asdict() for cell in cells])).encode(
        x=alt.X(
            "column:N",
            sort=None,
            scale=alt.Scale(domain=list(columns)),
            title=x,
            axis=_axis(orient="top", labelAngle=-45, grid=False),
        ),
        y=alt.Y("row:N", scale=alt.Scale(domain=list(rows)), title=y, axis=_axis(grid=False)),
        tooltip=[
            alt.Tooltip("row:N", title=y),
            alt.Tooltip("column:N", title=x),
            alt.Tooltip("about:N", title="here"),
        ],
    )
    # From a light to a dark blue on either page, so that the text in a cell is legible on both.
    shade = alt.Scale(domain=[0, 1], range=["#DCE9F5", "#08519C"])
    layers = [
        base.mark_rect(stroke=GREY, strokeWidth=0.3).encode(
            color=alt.Color("shade:Q", scale=shade, legend=None)
        ),
        base.mark_text(fontSize=_FONT - 1, lineBreak="\n").encode(
            text="text:N",
            color=alt.condition("datum.shade > 0.5", alt.value("white"), alt.value("#101820")),
        ),
    ]
    lines = max((cell.text.count("\n") + 1 for cell in cells), default=1)
    tall = 22 if lines == 1 else 16 * lines + 10
    return _sized(alt.layer(*layers), height=tall * len(rows) + 150)


def _data(rows: Sequence[dict[str, Any]]) -> "alt.InlineData":
    import altair as alt

    return alt.InlineData(values=list(rows))


def _shown(mark: Mark) -> str:
    value = "" if mark.value is None else f"{mark.value:.3f}"
    if mark.low is None or mark.high is None:
        return value
    return f"{value} (95 % {mark.low:.3f} to {mark.high:.3f})"


def _axis(**fields: Any) -> "alt.Axis":
    import altair as alt

    sizes = {"labelFontSize": _FONT, "titleFontSize": _FONT, "labelLimit": _LABEL_WIDTH}
    return alt.Axis(**sizes | fields)


def _colour(series: Sequence[str]) -> "alt.Color":
    import altair as alt

    return alt.Color(
        "series:N",
        scale=alt.Scale(
            domain=list(series),
            range=[COLOURS[index % len(COLOURS)] for index in range(len(series))],
        ),
        legend=alt.Legend(
            orient="top", title=None, labelFontSize=_FONT, labelLimit=_LABEL_WIDTH, columns=4
        ),
    )


def _sized(chart: "Chart", *, height: int) -> "Chart":
    return chart.properties(height=height, width="container")
