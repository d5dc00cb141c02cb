"""Attribute sets and bundles between a store and files."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from workbench.domain.attributes import AttributeSet, Form
from workbench.errors import InvalidConfigError, UnknownNameError
from workbench.store import Store

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
