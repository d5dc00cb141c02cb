"""A table of one's own becomes a dataset: its columns are mapped and its rows seen beforehand."""

from functools import partial
from pathlib import Path

import streamlit as st

from workbench.app.markup import html_table
from workbench.app.services import Session
from workbench.app.widgets import announce, escaped, show_errors
from workbench.datasets.table_header import FIELDS, REQUIRED
from workbench.datasets.table_preview import TablePreview
from workbench.domain.number_format import count_text
from workbench.errors import ConfigError
from workbench.text_files import number
from workbench.workflow.datasets import MOST_MB, OfferedTable, table_preview, take_table

HERE, UPLOAD = "lies on this machine", "is uploaded"
AS_FOUND = "as it is known to go"
SHOWN = 20  # bad rows


def import_view(session: Session) -> None:
    """Let a table be chosen, mapped, looked at and registered."""
    table = _offered(session)
    if table is None:
        st.info(
            "A CSV with a header: the columns image and score, and as you have them reference, "
            "distortion, level, levels, group and subset. The images stay where they are."
        )
        return
    catalogue = tuple(session.store.recipes.catalogue())
    with show_errors():
        found = table_preview(table, known=catalogue)
        columns = _mapping(found)
        low, high, direction = _scores()
        read = found
        if columns or low is not None or high is not None or direction is not None:
            read = table_preview(
                table,
                low=low,
                high=high,
                polarity=direction,  # type: ignore[arg-type]
                columns=columns,
                known=catalogue,
            )
        _seen(read)
        _register(session, table, read)


def _offered(session: Session) -> OfferedTable | None:
    ways = (HERE, UPLOAD) if session.settings.actor.may("admin") else (UPLOAD,)
    where = st.radio("The table", ways, horizontal=True)
    left, right = st.columns(2)
    root_words = "Folder that its paths are relative to"
    if where == HERE:
        file = left.text_input("Path of the CSV").strip()
        root = right.text_input(root_words, placeholder="the table's own").strip()
        if not file:
            return None
        path = Path(file).expanduser()
        return OfferedTable(path.name, None, path, Path(root).expanduser() if root else None)
    upload = left.file_uploader("The CSV", type=["csv", "tsv", "txt"], max_upload_size=MOST_MB)
    root = right.text_input(root_words, help="On the machine that the workbench runs on.").strip()
    if upload is None:
        return None
    folder = Path(root).expanduser() if root else None
    return OfferedTable(upload.name, upload.getvalue(), None, folder)


def _mapping(found: TablePreview) -> dict[str, str]:
    """Let columns be named for fields; return those that were."""
    st.header("Columns")
    names = [name for name in found.columns if name]
    by_field = {field: name for name, field in found.columns.items() if field}
    chosen: dict[str, str] = {}
    places = [*st.columns(4), *st.columns(4)]
    for place, field in zip(places, FIELDS, strict=True):
        column = place.selectbox(
            f"{field} (needed)" if field in REQUIRED else field,
            ["", *names],
            format_func=partial(_column_text, known=by_field.get(field, "")),
            key=f"column {field} of {Path(found.file).name}",
        )
        if column:
            chosen[field] = column
    return chosen


def _column_text(name: str, *, known: str) -> str:
    return name or (f"{known}, known by its name" if known else "none")


def _scores() -> tuple[float | None, float | None, str | None]:
    left, middle, right = st.columns(3)
    low = _end(left.text_input("Smallest possible score", placeholder="the smallest found"))
    high = _end(middle.text_input("Largest possible score", placeholder="the largest found"))
    direction = right.selectbox("Direction", (AS_FOUND, "higher is better", "lower is better"))
    return low, high, None if direction == AS_FOUND else direction


def _end(text: str) -> float | None:
    if not text.strip():
        return None
    try:
        return number(text.strip())
    except ValueError as fault:
        raise ConfigError(f"The end of the range: {fault}.") from fault


def _seen(read: TablePreview) -> None:
    st.header("Preview")
    if read.first:
        names = list(read.first[0])
        st.html(
            html_table(
                f"The first of {count_text(read.rows, 'row')}",
                [f"{name} ({read.columns.get(name) or 'ignored'})" for name in names],
                [[row.get(name, "") for name in names] for row in read.first],
            )
        )
    words = [
        f"{count_text(read.images, 'row')} can be used",
        count_text(read.references, "reference"),
        count_text(len(read.types), "type"),
    ]
    if read.score_range is not None:
        low, high = read.score_range
        origin = "as stated" if read.stated else "as found"
        words.append(f"score from {low:g} to {high:g} {origin}, {read.polarity or 'direction?'}")
    st.markdown(escaped("; ".join(words) + "."))
    for note in read.notes:
        st.caption(escaped(note))
    if read.bad:
        st.html(
            html_table(
                f"{count_text(len(read.bad), 'problem')}; nothing is registered before all are "
                f"mended" + (f", the first {SHOWN}" if len(read.bad) > SHOWN else ""),
                ("Line", "What is wrong"),
                [(row.line, row.reason) for row in read.bad[:SHOWN]],
                widths=(10, 90),
            )
        )


def _register(session: Session, table: OfferedTable, read: TablePreview) -> None:
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    name = left.text_input("Name of the dataset", placeholder="made of the file's name")
    replace = right.checkbox("Replace another table of that name")
    if st.button("Register it", type="primary", disabled=bool(read.problems)):
        with show_errors():
            kept = take_table(table, read, session.settings, name, replace=replace)
            announce(f"Registered as '{kept}': it is a dataset like the others now.")
            st.rerun()
