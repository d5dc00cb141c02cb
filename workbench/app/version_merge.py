"""Merging two versions: what only one side changed is taken, about the rest one is asked."""

from collections.abc import Sequence

import streamlit as st

from workbench.app.identity import signed
from workbench.app.services import Session
from workbench.app.widgets import announce, escaped, named
from workbench.domain.attributes import AttributeSet
from workbench.domain.lineage import VersionSummary, common_ancestor
from workbench.domain.merge_conflicts import Conflict, Resolution
from workbench.domain.number_format import count_text


def merge_form(
    session: Session, versions: Sequence[VersionSummary], ours: str, theirs: str
) -> None:
    """Offer to merge one version into another and to freeze what comes of it.

    Args:
        session: Settings and store.
        versions: All, newest first.
        ours: Hash of the version that is merged into.
        theirs: Hash of the other one.
    """
    labels = {version.hash: version.label for version in versions}
    st.markdown(
        escaped(
            f"Merge {labels[theirs]} into {labels[ours]}: what only one side changed is taken; "
            "where both changed the same attribute in ways that contradict, you decide. The "
            "result is a new version with two parents."
        )
    )
    parents = {version.hash: (version.parent, version.merged) for version in versions}
    base = common_ancestor(parents, ours, theirs)
    if base == theirs:
        st.info("The version already holds all of the other one: it was edited from it.")
        return
    if base is None:
        base = st.selectbox(
            "The two share no ancestor. What did both come from?",
            [hash for hash in labels if hash not in (ours, theirs)],
            index=None,
            format_func=named(versions),
            placeholder="Type to search",
        )
        if base is None:
            return
    _decide(session, ours, theirs, base)


def _decide(session: Session, ours: str, theirs: str, base: str) -> None:
    from workbench.workflow.versions import merge_versions

    merge_result = merge_versions(session.store, ours, theirs, base=base)
    asked = {conflict.id: _asked(conflict) for conflict in merge_result.conflicts}
    answers = {id: answer for id, answer in asked.items() if answer is not None}
    merged = merge_versions(session.store, ours, theirs, base=base, resolve=answers)
    changes = count_text(len(merged.taken), "change")
    open_ones = count_text(len(merged.conflicts), "conflict")
    left_open = f" {open_ones} to be decided." if merged.conflicts else ""
    st.caption(f"{changes} against what both came from.{left_open}")
    attributes = merged.attributes
    with st.form("merge", border=False):
        message = st.text_input("Message of the merge", placeholder="why the two belong together")
        alias = st.text_input("Alias of the merge (optional)")
        wanted = st.form_submit_button(
            "Merge and freeze", disabled=attributes is None, icon=":material/merge:"
        )
    if wanted and attributes is not None:
        sides = (ours, theirs)
        signed(session, lambda named: _freeze(named, attributes, sides, message, alias))


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
        author=session.author,
        parent=sides[0],
        merged=sides[1],
        alias=alias.strip() or None,
    )
    announce(f"Frozen as version {version.label}, with two parents: {version.message}.")
    st.rerun()
