"""The frozen versions: what each holds, why it was frozen, and from what it came."""

from collections import Counter

import streamlit as st
from markupsafe import Markup

from workbench.app.markup import html_list, html_table
from workbench.app.services import Workplace, workplace
from workbench.app.widgets import announce, faults_shown, heading, moment, named
from workbench.domain.attributes import Version
from workbench.domain.distortion import Distortion
from workbench.domain.run import Run
from workbench.registry import Registry

TITLE = "Versions"
ICON = ":material/history:"
ORDER = 30


def render() -> None:
    """Show the page."""
    heading(TITLE, "Frozen attribute sets: immutable, each named by the hash of its content.")
    with faults_shown():
        place = workplace()
        versions = place.store.versions.list()
        if not versions:
            st.info("Nothing is frozen yet. Freeze the draft at the bottom of the page Draft.")
            return
        st.html(_table(versions, place.store.runs.list()))
        with st.expander("Name a version"), faults_shown():
            _alias(place, versions)
        _content(versions, place.store.recipes.catalogue())


def _table(versions: list[Version], runs: list[Run]) -> Markup:
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
                labels.get(version.parent or "", ""),
                version.attributes.size,
                f"{done[version.hash]} of {every[version.hash]}",
            )
            for version in versions
        ],
        figures=(4, 5),
    )


def _name(version: Version) -> Markup:
    names = ", ".join(version.aliases)
    short = Markup("<code>{}</code>").format(version.hash[:10])
    return Markup("{}<br>{}").format(names, short) if names else short


def _content(versions: list[Version], specs: Registry[Distortion]) -> None:
    st.subheader("What a version holds")
    chosen = st.selectbox(
        "Version to look into",
        [version.hash for version in versions],
        format_func=named(versions),
        key="versions-chosen",
    )
    version = next(version for version in versions if version.hash == chosen)
    rows = [
        (specs[name].name if name in specs else name, html_list((p, False) for p in phrases))
        for name, phrases in version.attributes.phrases().items()
    ]
    st.html(html_table(f"Hash {version.hash}", ("Distortion", "Attributes"), rows))


def _alias(place: Workplace, versions: list[Version]) -> None:
    with st.form("alias", border=False):
        ref = st.selectbox(
            "Version to name",
            [version.hash for version in versions],
            format_func=named(versions),
        )
        alias = st.text_input("Alias")
        wanted = st.form_submit_button("Set alias")
    if wanted:
        named_one = place.store.versions.set_alias(alias, ref, author=place.settings.author)
        announce(f"Version {named_one.hash[:10]} is now called {alias}.")
        st.rerun()
