"""What the sections of a comparison share: what is looked at, a choice, a table, notes."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import streamlit as st

from workbench.app.comparisons import (
    Chosen,
    Opened,
)
from workbench.app.markup import html_data_table
from workbench.app.services import Session
from workbench.app.widgets import escaped
from workbench.domain.comparison import Comparison
from workbench.domain.data_table import DataTable
from workbench.domain.metrics import Undefined
from workbench.evaluation.comparable import ComparedRuns


class View(NamedTuple):
    """What is looked at: where, which runs, and the answer."""

    session: Session
    chosen: Chosen
    opened: Opened

    @property
    def comparison(self) -> Comparison:
        """The answer."""
        return self.opened.comparison

    @property
    def compared(self) -> ComparedRuns:
        """Its runs."""
        return self.opened.compared


def one_of_runs(view: View, label: str, key: str) -> int:
    """Return the position of the run that is chosen."""
    return one_of(label, key, view.compared.labels)


def one_of(label: str, key: str, names: Sequence[str]) -> int:
    """Return the position of the one that is chosen; without a choice nothing is asked."""
    if len(names) == 1:
        return 0
    chosen: int = st.selectbox(
        label, range(len(names)), format_func=names.__getitem__, key=f"compare-{key}"
    )
    return chosen


def folded(table: DataTable, label: str = "") -> None:
    """Show a table on demand; it is made when it is opened."""
    box = st.expander(label or table.title, key=f"table-{table.name}", on_change="rerun")
    if box.open:
        with box:
            st.html(html_data_table(table))


def notes(lines: Sequence[str], *, small: bool = True) -> None:
    """Show lines of text, as small print unless told otherwise; nothing where there is none."""
    if lines:
        (st.caption if small else st.markdown)("  \n".join(map(escaped, lines)))


def records(table: DataTable) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table by the keys of its columns."""
    keys = [column.key for column in table.columns]
    for row in table.rows:
        yield dict(zip(keys, row, strict=True))


def ends(value: Any, ci: Any) -> tuple[float | None, float | None, float | None]:
    """Return a value and the ends of its interval, as far as there are any."""
    low, high = ci or (None, None)
    return (None if isinstance(value, Undefined) else value), low, high
