"""The frozen versions: what each holds, what changed between two, and ways back and together."""

from collections import Counter
from collections.abc import Sequence

import streamlit as st
from markupsafe import Markup

from workbench.app.draft_forms import forget_all
from workbench.app.markup import html_list, html_table
from workbench.app.services import Session, current_session
from workbench.app.version_changes import merge_form, show_changes
from workbench.app.widgets import announce, heading, moment, named, show_errors
from workbench.domain.distortion import Distortion
from workbench.domain.lineage import VersionSummary
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
            st.info("Nothing is frozen yet. Freeze the draft at the bottom of the page Draft.")
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
        forget_all()
        announce(f"The draft is version {version.label} now. Undo on the page Draft takes it back.")
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
