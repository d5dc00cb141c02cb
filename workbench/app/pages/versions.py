"""The frozen versions: what each holds, what changed between two, and ways back and together."""

from collections.abc import Callable, Mapping, Sequence

import streamlit as st
from markupsafe import Markup

from workbench.app.identity import signed
from workbench.app.markup import html_table
from workbench.app.services import Session, current_session
from workbench.app.terms import term
from workbench.app.version_changes import first_of_each, page_of, show_lineage, show_side_by_side
from workbench.app.version_exchange import export_forms, import_forms
from workbench.app.version_merge import merge_form
from workbench.app.widgets import (
    announce,
    escaped,
    heading,
    keep_in_address,
    moment,
    named,
    show_errors,
)
from workbench.domain.attributes import AttributeSet, Version
from workbench.domain.lineage import VersionSummary
from workbench.domain.number_format import count_text
from workbench.store import Store
from workbench.store.overview import RunCounts

TITLE = "Versions"
ICON = ":material/history:"
ORDER = 30

DRAFT = "draft"  # stands for the working draft where a version is chosen
A_PAGE, ATTRIBUTES_A_PAGE = 10, 100  # versions; attributes of what one holds
CHANGES, CONTENT, LINEAGE, GO_ON, MERGE, NAMES, FILES = VIEWS = (
    "What changed",
    "What it holds",
    "Lineage",
    "Go on from it",
    "Merge",
    "Names",
    "Export and import",
)
_DIGITS = 12  # of a hash in an address
_CHOSEN = "versions: compared with one of choice"


def render() -> None:
    """Show the page."""
    heading(TITLE, "Frozen attribute sets: immutable, each named by the hash of its content.")
    with show_errors():
        session = current_session()
        versions = session.store.versions.summaries()
        types = session.store.recipes.catalogue()
        names = {id: spec.name for id, spec in types.items()}
        if not versions:
            st.info("Nothing is frozen yet. Freeze the draft on the page Curate, or import a file.")
            import_forms(session, names)
            return
        _table(versions, session.store.overview.runs_by_version())
        version, against = _choice(session, versions)
        view = st.segmented_control(
            "View",
            VIEWS,
            default=CHANGES,
            required=True,
            key="view",
            bind="query-params",
            label_visibility="collapsed",
        )
        with show_errors():
            _view(view, session, versions, (version, against), names)


def _view(
    view: str,
    session: Session,
    versions: Sequence[VersionSummary],
    chosen: tuple[str, str],
    names: dict[str, str],
) -> None:
    version, against = chosen
    if view == CHANGES:
        labels = {summary.hash: summary.label for summary in versions}
        old, new = (_content(session.store, ref) for ref in (against, version))
        titles = (labels.get(against, "Working draft"), labels.get(version, "Working draft"))
        state = str(session.store.overview.newest_event()) if DRAFT in chosen else ""
        known_as = (session.store.url, *chosen, state)
        show_side_by_side(old, new, titles=titles, names=names, known_as=known_as)
    elif version == DRAFT:
        st.info("This is about frozen versions; the working draft is on the page Curate.")
    else:
        _of_version(view, session, versions, chosen, names)


def _of_version(
    view: str,
    session: Session,
    versions: Sequence[VersionSummary],
    chosen: tuple[str, str],
    names: dict[str, str],
) -> None:
    summary = next(version for version in versions if version.hash == chosen[0])
    if view == MERGE and chosen[1] == DRAFT:
        st.info("Choose a second version above; the working draft must be frozen to be merged.")
    elif view == MERGE:
        merge_form(session, versions, *chosen)
    elif view == CONTENT:
        _holds(_frozen(session.store, summary.hash), names)
    elif view == LINEAGE:
        show_lineage(versions, summary.hash)
    elif view == GO_ON:
        _restore(session, summary)
    elif view == NAMES:
        _names(session, versions, summary)
    else:
        export_forms(session, _frozen(session.store, summary.hash), summary)
        import_forms(session, names)


def _table(versions: Sequence[VersionSummary], runs: Mapping[str, RunCounts]) -> None:
    """Show the versions that a search leaves, a page at a time."""
    words = st.text_input(
        "Search",
        type="search",
        live=True,
        key="find",
        bind="query-params",
        placeholder="name, hash, message, person",
        width=400,
    )
    found = [version for version in versions if _matches(version, words or "")]
    if not found:
        st.info("No version matches. Search for other words.")
        return
    labels = {version.hash: version.label for version in versions}
    shown = page_of(found, A_PAGE, key="page", bind="query-params")
    count = count_text(len(versions), "version")
    caption = f"{len(found):,} of {count}, newest first" if words else f"{count}, newest first"
    rows = [_row(version, labels, runs.get(version.hash, RunCounts(0, 0))) for version in shown]
    columns = ("Version", "Message", "Frozen", "Edited from", "Attributes", "Runs done")
    st.html(html_table(caption, columns, rows, figures=(4, 5)))


def _row(version: VersionSummary, labels: Mapping[str, str], runs: RunCounts) -> tuple[object, ...]:
    return (
        Markup('<a href="./versions?version={}" target="_self">{}</a>{}').format(
            version.hash[:_DIGITS], version.label, _other_names(version)
        ),
        version.message,
        Markup("{}<br><small>by {}</small>").format(moment(version.created_at), version.author),
        " + ".join(labels[hash] for hash in (version.parent, version.merged) if hash),
        f"{version.size:,}",
        f"{runs.done} of {runs.total}",
    )


def _other_names(version: VersionSummary) -> Markup:
    names = [*version.aliases[1:], *([version.hash[:10]] if version.aliases else [])]
    return Markup("<small>{}</small>").format(", ".join(names)) if names else Markup("")


def _matches(version: VersionSummary, words: str) -> bool:
    text = " ".join((*version.aliases, version.message, version.author)).casefold()
    return all(word in text or version.hash.startswith(word) for word in words.casefold().split())


def _choice(session: Session, versions: Sequence[VersionSummary]) -> tuple[str, str]:
    """Let a version and one to compare it with be chosen; the address says both."""
    refs = [DRAFT, *(version.hash for version in versions)]
    left, right = st.columns(2)
    with left:
        version = _one_of(
            "Version", "version", refs, versions, versions[0].hash, on_change=_compare_with_parent
        )
    summary = next((one for one in versions if one.hash == version), None)
    base = session.store.draft.base() if summary is None else summary.parent
    others = [ref for ref in refs if ref != version]
    if base not in others:
        base = next((hash for hash in others if hash != DRAFT), DRAFT)
    with right:
        against = _one_of(
            "Compared with", "against", others, versions, base, on_change=_keep_comparing
        )
    return version, against


def _compare_with_parent() -> None:
    """Another version was chosen: compare it with what it was edited from, unless told else."""
    if not st.session_state.get(_CHOSEN):
        st.session_state.pop("versions-against", None)
        st.query_params.pop("against", None)


def _keep_comparing() -> None:
    st.session_state[_CHOSEN] = True


def _one_of(
    label: str,
    name: str,
    refs: list[str],
    versions: Sequence[VersionSummary],
    default: str,
    *,
    on_change: Callable[[], None],
) -> str:
    key = f"versions-{name}"
    linked = st.query_params.get(name, "")
    if key not in st.session_state and linked:
        found = _named_by(linked, refs, versions)
        if found is None:
            st.warning(escaped(f"This link names the version '{linked[:40]}', which is not here."))
        else:
            st.session_state[key] = found
    if st.session_state.get(key) not in refs:
        st.session_state[key] = default
    chosen: str = st.selectbox(
        label,
        refs,
        format_func=named_with_draft(versions),
        key=key,
        on_change=on_change,
        help=term("version"),
        persist_state="session",
    )
    short = chosen if chosen == DRAFT else chosen[:_DIGITS]
    keep_in_address(name, [short])
    return chosen


def _named_by(text: str, refs: list[str], versions: Sequence[VersionSummary]) -> str | None:
    """Return what a link names: the draft, an alias, or the first digits of a hash."""
    if text in refs:
        return text
    called = [version.hash for version in versions if text in version.aliases]
    begun = [ref for ref in refs if len(text) >= 4 and ref.startswith(text.lower())]
    found = [ref for ref in (*called, *begun) if ref in refs]
    return found[0] if found and (called or len(begun) == 1) else None


def named_with_draft(versions: Sequence[VersionSummary]) -> Callable[[str], str]:
    """Return the function that says what people call a version, or the working draft."""
    call = named(versions)
    return lambda ref: "the working draft" if ref == DRAFT else call(ref)


def _content(store: Store, ref: str) -> AttributeSet:
    if ref == DRAFT:
        return store.draft.attribute_set().without_rejected()
    return _frozen(store, ref).attributes


def _frozen(store: Store, hash: str) -> Version:
    return _read(store, store.url, hash)


@st.cache_resource(show_spinner=False, max_entries=8)
def _read(_store: Store, url: str, hash: str) -> Version:
    """Return a version; it never changes, so it is read and checked once."""
    del url
    return _store.versions.get(hash)


def _holds(version: Version, names: Mapping[str, str]) -> None:
    words = st.text_input("Find", type="search", live=True, key="content-find", width=400) or ""
    found = [
        (names.get(id, id), phrase)
        for id, phrases in version.attributes.phrases().items()
        for phrase in phrases
        if words.casefold() in f"{names.get(id, id)} {phrase}".casefold()
    ]
    of = count_text(len({name for name, _ in found}), "distortion")
    st.caption(escaped(f"{count_text(len(found), 'attribute')} of {of}. Hash {version.hash}."))
    shown = page_of(found, ATTRIBUTES_A_PAGE, key="content-page")
    firsts = first_of_each(name for name, _ in shown)
    rows = [(name, phrase) for name, (_, phrase) in zip(firsts, shown, strict=True)]
    st.html(html_table("", ("Distortion", "Attribute"), rows, widths=(22, 78)))


def _restore(session: Session, summary: VersionSummary) -> None:
    st.markdown(
        "The working draft becomes what this version holds. What is frozen next is then edited "
        "from it: a new branch, if others were edited from it already."
    )
    with st.form("restore", border=False):
        discard = st.checkbox("Discard what of the draft is in no version")
        wanted = st.form_submit_button(
            f"Make {summary.label} the draft", type="primary", icon=":material/restore:"
        )
    if wanted:
        signed(session, lambda named: _make_draft(named, summary.hash, discard))


def _make_draft(session: Session, ref: str, discard: bool) -> None:
    version = session.store.draft.restore(ref, author=session.author, discard=discard)
    announce(f"The draft is version {version.label} now. Undo on the page Curate takes it back.")
    st.rerun()


def _names(session: Session, versions: Sequence[VersionSummary], summary: VersionSummary) -> None:
    have = ", ".join(summary.aliases) or "none yet"
    st.markdown(escaped(f"Names of version {summary.hash[:10]}: {have}."))
    with st.form("alias", border=False):
        alias = st.text_input("Alias", help=term("alias"))
        wanted = st.form_submit_button("Set alias", icon=":material/label:")
    if wanted:
        before = next((v.hash for v in versions if alias in v.aliases), None)
        signed(session, lambda named: _set_alias(named, alias, summary.hash, before))


def _set_alias(session: Session, alias: str, ref: str, before: str | None) -> None:
    version = session.store.versions.set_alias(alias, ref, author=session.author)
    moved = f" It pointed at {before[:10]} before." if before and before != ref else ""
    announce(f"Version {version.hash[:10]} is now called {alias}.{moved}")
    st.rerun()
