"""Freeze attribute sets as versions, and merge two of them."""

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from workbench.domain.attributes import AttributeSet, Version
from workbench.domain.distortion import Distortion
from workbench.domain.lineage import common_ancestor
from workbench.domain.merge_conflicts import Resolution, Side
from workbench.domain.merging import Merged, merge
from workbench.errors import ConfigError
from workbench.registry import Registry
from workbench.store import Store


class Frozen(NamedTuple):
    """What freezing gives: a version, and whether no version had this content before."""

    version: Version
    is_new: bool


def freeze_draft(
    store: Store, *, message: str, author: str, parent: str | None = None, alias: str | None = None
) -> Frozen:
    """Freeze the working draft as it stands at this moment.

    Args:
        store: The open store.
        message: Why it is frozen.
        author: Who freezes it.
        parent: Reference of the version that it was edited from; without, the draft's base at this
            very moment.
        alias: A name to point at it.

    Raises:
        UnknownNameError: The draft has a distortion that the catalogue lacks.
        StoreError: No message, nothing to freeze, or an unusable alias.
    """
    known = store.recipes.catalogue()
    return Frozen(
        *store.versions.freeze_draft(
            message=message,
            author=author,
            parent=parent,
            alias=alias,
            check=partial(_refuse_unknown, known=known),
        )
    )


def _refuse_unknown(content: AttributeSet, known: Registry[Distortion]) -> None:
    for distortion in content.distortions:
        known[distortion]  # raises UnknownNameError with the name that was meant


def freeze_version(
    store: Store,
    attributes: AttributeSet,
    *,
    message: str,
    author: str,
    parent: str | None = None,
    merged: str | None = None,
    alias: str | None = None,
) -> Version:
    """Freeze a set of attributes for known distortions; the same content is the same version."""
    _refuse_unknown(attributes, store.recipes.catalogue())
    return store.versions.freeze(
        attributes, message=message, author=author, parent=parent, merged=merged, alias=alias
    )


def merge_versions(
    store: Store,
    ours: str,
    theirs: str,
    *,
    base: str | None = None,
    resolve: Mapping[str, Resolution] | None = None,
    prefer: Side | None = None,
) -> Merged:
    """Merge two versions; without conflicts, `freeze_version` takes what comes of it.

    Args:
        store: The open store.
        ours: The version that is merged into; the parent of what comes of it.
        theirs: The version that is merged in.
        base: What both came from; None takes their nearest common ancestor.
        resolve: Conflict id to what shall hold.
        prefer: What shall hold in the other conflicts.

    Raises:
        ConfigError: They share no ancestor, or `resolve` does not fit the conflicts.
        VersionNotFoundError: A reference names no version.
    """
    a, b = store.versions.get(ours), store.versions.get(theirs)
    parents = {
        summary.hash: (summary.parent, summary.merged) for summary in store.versions.summaries()
    }
    start = base or common_ancestor(parents, a.hash, b.hash)
    if start is None:
        raise ConfigError(
            f"Versions {a.label} and {b.label} share no ancestor. Name the version that both came "
            "from with --base. Nothing was merged."
        )
    common = store.versions.get(start).attributes
    return merge(common, a.attributes, b.attributes, resolve=resolve, prefer=prefer)
