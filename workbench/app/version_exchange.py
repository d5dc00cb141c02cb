"""Versions to files and back: the text forms of a set, and bundles that other stores verify."""

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from workbench.app.identity import signed
from workbench.app.services import Session
from workbench.app.version_changes import show_side_by_side
from workbench.app.widgets import announce, escaped, show_errors
from workbench.domain.attributes import AttributeSet, Form, Version
from workbench.domain.lineage import VersionSummary
from workbench.domain.llm_call import LLMCall
from workbench.domain.number_format import count_text
from workbench.store.call_log import calls_of
from workbench.store.text.files import SUFFIXES
from workbench.workflow.exchange import (
    bundle_bytes,
    calls_text,
    export_text,
    import_text,
    read_import,
    take_bundle,
    take_calls,
)

FORMS: tuple[Form, ...] = get_args(Form)


def export_forms(session: Session, version: Version, summary: VersionSummary) -> None:
    """Offer a version as a file, and with all that bears it out as a bundle."""
    st.header("Export")
    left, right = st.columns(2)
    with left:
        st.markdown("The attributes as text, for a spreadsheet or another program.")
        with st.container(horizontal=True):
            for form in FORMS:
                st.download_button(
                    f"Save as {form.upper()}",
                    partial(_text, session, version.attributes, form),
                    file_name=f"{summary.label}.{form}",
                    key=f"export-{form}",
                    on_click="ignore",
                    icon=":material/download:",
                )
    with right:
        st.markdown("A bundle: this version and its lineage, calls, comments and licences.")
        runs = st.checkbox("With the results of runs", value=True, key="bundle-runs")
        st.download_button(
            "Save the bundle",
            lambda: bundle_bytes(session.store, [version.hash], with_runs=runs),
            file_name=f"{summary.label}.zip",
            mime="application/zip",
            on_click="ignore",
            icon=":material/inventory_2:",
        )
        st.download_button(
            "Save the log of calls",
            lambda: calls_text(session.store),
            file_name="calls.jsonl",
            on_click="ignore",
            icon=":material/download:",
            help="Every request to a language model with its reply, one JSON line each.",
        )


def _text(session: Session, attributes: AttributeSet, form: Form) -> bytes:
    return export_text(session.store, attributes, form).encode()


def import_forms(session: Session, names: dict[str, str]) -> None:
    """Take a file of attributes into the draft, or a bundle into the store; first show what for."""
    st.header("Import")
    turn = st.session_state.setdefault("imports done", 0)
    file = st.file_uploader(
        "A file of attributes (YAML, JSON or CSV), a bundle (.zip) or a log of calls (.jsonl)",
        type=[*(suffix.lstrip(".") for suffix in SUFFIXES), "zip", "jsonl"],
        key=f"import-{turn}",
    )
    if file is None:
        return
    with show_errors():
        if file.name.lower().endswith(".zip"):
            _bundle(session, file)
        elif file.name.lower().endswith(".jsonl"):
            _calls(session, file)
        else:
            _attributes(session, file, names)


def _attributes(session: Session, file: UploadedFile, names: dict[str, str]) -> None:
    form = SUFFIXES[Path(file.name).suffix.lower()]
    read = read_import(session.store, file.getvalue(), name=file.name, form=form)
    for warning in read.warnings:
        st.warning(escaped(warning))
    if read.unlogged:
        st.warning(
            f"{count_text(read.unlogged, 'attribute')} of it came from calls that are not in this "
            "store's log; the calls are left out."
        )
    distortions = count_text(len(read.attributes.distortions), "distortion")
    st.markdown(
        escaped(
            f"{count_text(read.attributes.size, 'attribute')} of {distortions}. In the draft, "
            f"these distortions would become as below; all others stay."
        )
    )
    show_side_by_side(
        read.before, read.attributes, titles=("Draft now", "As in the file"), names=names
    )
    if st.button("Take it into the draft", type="primary", icon=":material/upload:"):
        signed(session, lambda named: _take(named, read.attributes))


def _take(session: Session, attributes: AttributeSet) -> None:
    import_text(session.store, attributes, author=session.author)
    st.session_state["imports done"] += 1
    announce(f"{count_text(attributes.size, 'attribute')} came into the draft. Undo takes it back.")
    st.rerun()


def _bundle(session: Session, file: UploadedFile) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "bundle.zip"
        path.write_bytes(file.getvalue())
        would = take_bundle(session.store, path, author=session.author, dry_run=True)
    new = count_text(len(would.versions), "new version")
    st.markdown(
        f"The bundle is whole. It holds {new}, {count_text(would.calls, 'new call')}, "
        f"{count_text(would.comments, 'new comment')} and {count_text(would.runs, 'new run')}; "
        f"{count_text(would.known, 'version')} of it {'is' if would.known == 1 else 'are'} here "
        "already."
    )
    for name in would.kept_aliases:
        st.warning(escaped(f"{name} points at another version here, and stays."))
    if st.button("Import the bundle", type="primary", icon=":material/upload:"):
        signed(session, lambda named: _add(named, file.getvalue()))


def _add(session: Session, data: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "bundle.zip"
        path.write_bytes(data)
        done = take_bundle(session.store, path, author=session.author)
    st.session_state["imports done"] += 1
    announce(f"{count_text(len(done.versions), 'version')} came in.")
    st.rerun()


def _calls(session: Session, file: UploadedFile) -> None:
    read = calls_of(file.getvalue(), file.name)
    st.markdown(f"The log holds {count_text(len(read), 'call')}; those that are here stay.")
    if st.button("Import the calls", type="primary", icon=":material/upload:", disabled=not read):
        signed(session, lambda named: _add_calls(named, read))


def _add_calls(session: Session, read: list[LLMCall]) -> None:
    new = take_calls(session.store, read)
    st.session_state["imports done"] += 1
    announce(f"{count_text(new, 'new call')} came in.")
    st.rerun()
