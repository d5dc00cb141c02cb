"""Bringing two versions together: every conflict named, every answer the expert's."""

from collections.abc import Iterator, Sequence

import streamlit as st
from markupsafe import Markup

from workbench.app.markup import html_rewording, html_table
from workbench.app.services import Session
from workbench.app.widgets import announce, escaped, named
from workbench.domain.attributes import AttributeSet
from workbench.domain.difference import Change, difference
from workbench.domain.distortion import Distortion
from workbench.domain.lineage import VersionSummary
from workbench.domain.merge_conflicts import Conflict, Resolution
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


def merge_form(session: Session, versions: Sequence[VersionSummary]) -> None:
    """Offer to merge one version into another and to freeze what comes of it."""
    st.caption(
        "What only one side changed is taken. Where both changed the same attribute in ways that "
        "contradict, you decide. The result is a new version with two parents."
    )
    if len(versions) < 2:
        st.info("A merge needs two versions.")
        return
    hashes = [version.hash for version in versions]
    left, right = st.columns(2)
    ours = left.selectbox("Merge into", hashes, format_func=named(versions))
    theirs = right.selectbox(
        "What is merged in", [h for h in hashes if h != ours], format_func=named(versions)
    )
    if _holds(versions, ours, theirs):
        st.info("The first already holds all of the second: it was edited from it.")
        return
    from workbench.workflow.versions import merge_versions

    merge_result = merge_versions(session.store, ours, theirs)
    asked = {conflict.id: _asked(conflict) for conflict in merge_result.conflicts}
    answers = {id: answer for id, answer in asked.items() if answer is not None}
    merged = merge_versions(session.store, ours, theirs, resolve=answers)
    taken = len(merged.taken)
    left_open = f" {len(merged.conflicts)} still to be decided." if merged.conflicts else ""
    st.caption(f"{taken} change{'s' * (taken != 1)} against what both came from.{left_open}")
    with st.form("merge", border=False):
        message = st.text_input("Message of the merge", placeholder="why the two belong together")
        alias = st.text_input("Alias of the merge (optional)")
        wanted = st.form_submit_button("Merge and freeze", disabled=merged.attributes is None)
    if wanted and merged.attributes is not None:
        _freeze(session, merged.attributes, (ours, theirs), message, alias)


def _asked(conflict: Conflict) -> Resolution | None:
    """Let one conflict be decided; None while it is open."""
    words = {"ours": conflict.ours, "theirs": conflict.theirs}
    sides = {side: f"'{phrase}'" if phrase else "removed" for side, phrase in words.items()}
    names = {
        "ours": f"here: {sides['ours']}",
        "theirs": f"there: {sides['theirs']}",
        "both": "keep both",
    }
    was = f", before: '{conflict.base}'" if conflict.base else ""
    more = f" ({conflict.detail})" if conflict.detail else ""
    answer: Resolution | None = st.radio(
        escaped(f"{conflict.distortion}: {conflict.kind}{more}{was}"),
        conflict.choices,
        index=None,
        format_func=lambda choice: escaped(names[choice]),
        key=f"conflict-{conflict.id}",
    )
    return answer


def _freeze(
    session: Session, attributes: AttributeSet, sides: tuple[str, str], message: str, alias: str
) -> None:
    from workbench.workflow.versions import freeze_version

    version = freeze_version(
        session.store,
        attributes,
        message=message,
        author=session.settings.author,
        parent=sides[0],
        merged=sides[1],
        alias=alias.strip() or None,
    )
    announce(f"Frozen as version {version.label}, with two parents: {version.message}.")
    st.rerun()


def _holds(versions: Sequence[VersionSummary], ours: str, theirs: str) -> bool:
    """Tell whether a version has another among its ancestors."""
    parents = {version.hash: (version.parent, version.merged) for version in versions}
    visited, ahead = set[str](), [ours]
    while ahead:
        at = ahead.pop()
        if at not in visited:
            visited.add(at)
            ahead += [parent for parent in parents.get(at, ()) if parent]
    return theirs in visited
