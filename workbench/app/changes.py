"""What changed from one attribute set to another, for reading."""

from collections.abc import Iterator

import streamlit as st
from markupsafe import Markup

from workbench.app.markup import html_rewording, html_table
from workbench.domain.attributes import AttributeSet
from workbench.domain.difference import Change, difference
from workbench.domain.distortion import Distortion
from workbench.registry import Registry


def show_changes(
    before: AttributeSet, after: AttributeSet, specs: Registry[Distortion], caption: str
) -> None:
    """Show the difference as a table, a row for each distortion that changed.

    Args:
        before: The older set.
        after: The newer one.
        specs: The catalogue, for the distortions' names.
        caption: What is compared with what.
    """
    changed = difference(before, after)
    if not changed:
        st.info("The two hold the same attributes in the same order.")
        return
    rows = [
        (specs[id].name if id in specs else id, _list(change)) for id, change in changed.items()
    ]
    st.html(html_table(caption, ("Distortion", "Changes"), rows, widths=(22, 78)))


def _list(change: Change) -> Markup:
    items = Markup("").join(Markup("<li>{}: {}</li>").format(*line) for line in _lines(change))
    return Markup("<ul>{}</ul>").format(items)


def _lines(change: Change) -> Iterator[tuple[str, Markup]]:
    came_from = {move.after: move for move in change.moved}
    for phrase in change.removed:
        yield "Removed", Markup("<del>{}</del>").format(phrase)
    for phrase in change.added:
        move = came_from.get(phrase)
        if move is None:
            yield "Added", Markup("<ins>{}</ins>").format(phrase)
        else:
            yield f"Moved here from {move.source}", html_rewording(move.before, phrase)
    for old, new in change.reworded:
        yield "Reworded", html_rewording(old, new)
    for phrase in change.reordered:
        yield "Stands elsewhere in the list", Markup("{}").format(phrase)
