"""The frozen versions: what each holds, what changed between two, and ways back and together."""

from collections import Counter
from collections.abc import Iterator, Sequence

import streamlit as st
from markupsafe import Markup

from workbench.app.markup import html_list, html_rewording, html_table
from workbench.app.services import Session, current_session
from workbench.app.widgets import announce, escaped, heading, moment, named, show_errors
from workbench.domain.attributes import AttributeSet
from workbench.domain.difference import Change, difference
from workbench.domain.distortion import Distortion
from workbench.domain.lineage import VersionSummary
from workbench.domain.merge_conflicts import Conflict, Resolution
from workbench.domain.run import Run
from workbench.registry import Registry

TITLE = "Versions"
ICON = ":material/history:"
ORDER = 30

DRAFT = "draft"  # stands for the working draft where a version is chosen


def render() -> None:
    """Show the page."""
    heading(TITLE, "Frozen attribute sets: immutable, each named by the hash of its content.")
    with show_errors():
        session = current_session()
        versions = session.store.versions.summaries()
        if not versions:
            st.info("Nothing is frozen yet. Freeze the draft on the page Curate.")
            return
        st.html(_table(versions, session.store.runs.list()))
        specs = session.store.recipes.catalogue()
        content, changes, back, merge, alias = st.tabs(
            ["What it holds", "What changed", "Bring back", "Merge", "Name"]
        )
        with content, show_errors():
            _content(session, versions, specs)
        with changes, show_errors():
            _changes(session, versions, specs)
        with back, show_errors():
            _restore(session, versions)
        with merge, show_errors():
            merge_form(session, versions)
        with alias, show_errors():
            _alias(session, versions)


def _table(versions: Sequence[VersionSummary], runs: list[Run]) -> Markup:
    done = Counter(run.version for run in runs if run.status == "done")
    every = Counter(run.version for run in runs)
    labels = {version.hash: version.label for version in versions}
    return html_table(
        "Newest first",
        ("Version", "Message", "Frozen", "Edited from", "Attributes", "Runs done"),
        [
            (
                _name(version),
                version.message,
                Markup("{}<br><small>by {}</small>").format(
                    moment(version.created_at), version.author
                ),
                " + ".join(labels[hash] for hash in (version.parent, version.merged) if hash),
                version.size,
                f"{done[version.hash]} of {every[version.hash]}",
            )
            for version in versions
        ],
        figures=(4, 5),
    )


def _name(version: VersionSummary) -> Markup:
    names = ", ".join(version.aliases)
    short = Markup("<code>{}</code>").format(version.hash[:10])
    return Markup("{}<br>{}").format(names, short) if names else short


def _content(
    session: Session, versions: Sequence[VersionSummary], specs: Registry[Distortion]
) -> None:
    version = session.store.versions.get(_chosen("Version to look into", versions))
    rows = [
        (specs[name].name if name in specs else name, html_list((p, False) for p in phrases))
        for name, phrases in version.attributes.phrases().items()
    ]
    st.html(html_table(f"Hash {version.hash}", ("Distortion", "Attributes"), rows))


def _changes(
    session: Session, versions: Sequence[VersionSummary], specs: Registry[Distortion]
) -> None:
    left, right = st.columns(2)
    names = named(versions)
    after = right.selectbox(
        "After",
        [DRAFT, *(version.hash for version in versions)],
        format_func=lambda ref: "the working draft" if ref == DRAFT else names(ref),
    )
    base = next((version.parent for version in versions if version.hash == after), None)
    with left:
        before = _chosen("Before", versions, base or session.store.draft.base())
    old = session.store.versions.get(before).attributes
    if after == DRAFT:
        new = session.store.draft.attribute_set().without_rejected()
    else:
        new = session.store.versions.get(after).attributes
    show_changes(old, new, specs, "Removed words are struck out, new ones underlined")


def _restore(session: Session, versions: Sequence[VersionSummary]) -> None:
    st.caption(
        "The draft becomes what the version holds; what is frozen next is then edited from it."
    )
    with st.form("restore", border=False):
        ref = _chosen("Version to bring back", versions)
        discard = st.checkbox("Discard what of the draft is in no version")
        wanted = st.form_submit_button("Make it the draft")
    if wanted:
        author = session.settings.author
        version = session.store.draft.restore(ref, author=author, discard=discard)
        announce(
            f"The draft is version {version.label} now. Undo on the page Curate takes it back."
        )
        st.rerun()


def _alias(session: Session, versions: Sequence[VersionSummary]) -> None:
    with st.form("alias", border=False):
        ref = _chosen("Version to name", versions)
        alias = st.text_input("Alias")
        wanted = st.form_submit_button("Set alias")
    if wanted:
        named_one = session.store.versions.set_alias(alias, ref, author=session.settings.author)
        announce(f"Version {named_one.hash[:10]} is now called {alias}.")
        st.rerun()


def _chosen(label: str, versions: Sequence[VersionSummary], first: str | None = None) -> str:
    hashes = [version.hash for version in versions]
    index = hashes.index(first) if first in hashes else 0
    return st.selectbox(label, hashes, index=index, format_func=named(versions))


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
