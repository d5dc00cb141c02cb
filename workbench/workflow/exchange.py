"""Attribute sets and bundles between a store and files."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from workbench.domain.attributes import AttributeSet, Form
from workbench.domain.llm_call import LLMCall
from workbench.errors import InvalidConfigError, StoreError, UnknownNameError
from workbench.settings import Settings
from workbench.store import Store
from workbench.store.call_log import call_line

if TYPE_CHECKING:
    from workbench.store.bundle import Imported
    from workbench.store.text import AttributeText


class ImportPreview(NamedTuple):
    """What a file would bring.

    Attributes:
        attributes: What it holds.
        before: What the draft has now of the same distortions.
        unlogged: How many of its attributes name a call that the store's log lacks.
        warnings: One line for each oddity of the file.
    """

    attributes: AttributeSet
    before: AttributeSet
    unlogged: int
    warnings: Sequence[str]


def read_import(store: Store, data: bytes, *, name: str, form: Form) -> ImportPreview:
    """Read a file of attributes as it would come into the draft; nothing is changed.

    Args:
        store: The open store.
        data: The file's bytes.
        name: What faults call it.
        form: Of the file.

    Raises:
        InvalidConfigError: Every fault, each with its line; a distortion that is not known is one.
    """
    from workbench.store.text.files import parse_attributes

    return preview_import(store, parse_attributes(data, name=name, form=form), name=name)


def preview_import(store: Store, text: "AttributeText", *, name: str) -> ImportPreview:
    """Return what a text that was read would bring into the draft; nothing is changed.

    Args:
        store: The open store.
        text: What was read.
        name: What faults call it.

    Raises:
        InvalidConfigError: It holds distortions that are not known.
    """
    catalogue, faults = store.recipes.catalogue(), []
    for distortion in text.attributes.distortions:
        try:
            catalogue[distortion]  # raises with the name that was meant
        except UnknownNameError as fault:
            faults.append(f"{text.locations[distortion]}: {fault}".rstrip("."))
    if faults:
        raise InvalidConfigError(name, faults)
    known = store.calls.ids(text.digests)
    read = text.with_calls(known)
    before = store.draft.attribute_set().restricted_to(read.distortions)
    return ImportPreview(read, before, text.unlogged(known), tuple(text.warnings))


def import_text(store: Store, attributes: AttributeSet, *, author: str) -> None:
    """Make the draft of the distortions that a set holds equal to it; one change, to be undone."""
    store.draft.replace(attributes, author=author, distortions=attributes.distortions)


def export_text(store: Store, attributes: AttributeSet, form: Form) -> str:
    """Return a set as one text of a form; calls are named by their digests."""
    from workbench.store.text import attribute_text

    named = {a.call_id for own in attributes.by_distortion.values() for a in own}
    calls = store.calls.digests([id for id in named if id is not None])
    return attribute_text(attributes, form, calls=calls)


def bundle_bytes(store: Store, refs: Sequence[str], *, with_runs: bool) -> bytes:
    """Return a bundle of versions, their lineage and what bears them out."""
    from workbench.store.bundle import export_bundle

    with TemporaryDirectory() as folder:
        path = Path(folder) / "bundle.zip"
        export_bundle(store, path, refs, with_runs=with_runs)
        return path.read_bytes()


def take_bundle(store: Store, path: Path, *, author: str, dry_run: bool = False) -> "Imported":
    """Add to the store what it lacks of a bundle, or only say what that would be."""
    from workbench.store.bundle import import_bundle

    return import_bundle(store, path, author=author, dry_run=dry_run)


def calls_text(store: Store) -> str:
    """Return the log of calls as JSON lines, the oldest first."""
    return "".join(map(call_line, reversed(store.calls.list(limit=None))))


def take_calls(store: Store, calls: Sequence[LLMCall]) -> int:
    """Add calls to the log and return how many are new; those that are in it stay as they are."""
    before = store.calls.count()
    store.calls.add_all(calls)
    return store.calls.count() - before


def backup_bytes(store: Store) -> bytes:
    """Return a backup of the store, as it is at one moment.

    Raises:
        RoleError: Who asks for it is no admin.
        StoreError: It cannot be copied, or what was copied is not what was recorded.
    """
    from workbench.store.backup import back_up

    store.actor.require("admin", "copy the store")
    with TemporaryDirectory() as folder:
        made = back_up(store.url, Path(folder) / "backup")
        if made.problems:
            raise StoreError(f"The store was altered: {made.problems[0]} Verify it first.")
        return made.path.read_bytes()


def model_bytes(store: Store, settings: Settings, run: int, *, onnx: bool) -> bytes:
    """Return the model of a run as a .zip of the folder that `workbench export` makes.

    Raises:
        RunError: The run has left no model.
        ConfigError: ONNX needs a library that is not installed.
    """
    from workbench.inference import run_folder
    from workbench.inference.export import export_model

    source = run_folder(settings, store.runs.get(run))
    with TemporaryDirectory() as folder:
        out = Path(folder) / f"run-{run}"
        export_model(source, out, settings, onnx=onnx)
        return Path(shutil.make_archive(str(out), "zip", folder, out.name)).read_bytes()
