"""Which row of the draft becomes which attribute of a set that replaces it."""

from itertools import count
from typing import NamedTuple

from sqlmodel import Session, col, select

from workbench.domain.attributes import Attribute, AttributeSet, Version, birth_identity
from workbench.errors import StoreError
from workbench.store.draft_rows import (
    Change,
    DraftRecord,
    attribute_fields,
    base_hash,
    draft_set,
    new_row,
    read_rows,
    revised,
    row_state,
    set_base,
    write_changes,
)
from workbench.store.frozen_versions import version_of
from workbench.store.tables import VersionRow
from workbench.store.versions import find_version


class _Target(NamedTuple):
    """An attribute of a set, and where it is to stand."""

    distortion: str
    position: int
    attribute: Attribute


def replacement_changes(
    present: list[DraftRecord],
    attributes: AttributeSet,
    *,
    action: str,
    author: str,
    taken: set[str],
    by_words: bool,
) -> list[Change]:
    """Return the changes that make some rows equal to a set; a row that stays has none.

    Args:
        present: The rows to replace.
        attributes: What they are to become.
        action: What the audit log calls it.
        author: Who replaces.
        taken: Identities of the draft's other rows, which no new row may have.
        by_words: Take a row of the same words for the attribute where no row has its identity; it
            keeps the identity it has.
    """
    targets = [
        _Target(distortion, position, attribute)
        for distortion, listed in attributes.by_distortion.items()
        for position, attribute in enumerate(listed)
    ]
    matches = _matches(present, targets, by_words=by_words)
    matched = {row.identity for row in matches.values()}
    taken = taken | matched
    changes = [Change(action, row, None) for row in present if row.identity not in matched]
    for number, target in enumerate(targets):
        old = matches.get(number)
        if old is None:
            identity = free_identity(target.distortion, target.attribute, taken)
            taken.add(identity)
            new = new_row(*target, identity, author)
        else:
            new = _updated(old, target, author)
        if new != old:
            changes.append(Change(action, old, new))
    return changes


def _matches(
    present: list[DraftRecord], targets: list[_Target], *, by_words: bool
) -> dict[int, DraftRecord]:
    """Return the number of a target to the row that becomes it."""
    unmatched = {row.identity: row for row in present}
    matches = {}
    for number, target in enumerate(targets):
        if (row := unmatched.pop(target.attribute.identity or "", None)) is not None:
            matches[number] = row
    words = {(row.distortion, row.phrase_key): row for row in unmatched.values() if by_words}
    for number, target in enumerate(targets):
        row = words.get((target.distortion, target.attribute.phrase.casefold()))
        if row is not None and number not in matches:
            matches[number] = row
    return matches


def _updated(row: DraftRecord, target: _Target, author: str) -> DraftRecord:
    new = row._replace(
        distortion=target.distortion,
        position=target.position,
        **attribute_fields(target.attribute),
    )
    if row_state(new) == {**row_state(row), "position": target.position}:
        return new  # another position contradicts nobody's edit of the words
    return revised(new, author)


def free_identity(distortion: str, attribute: Attribute, taken: set[str]) -> str:
    """Return the identity of an attribute that joins the draft: its own, or else the next free one.

    Example:
        >>> haze = Attribute(phrase="haze")
        >>> first = free_identity("fog", haze, set())
        >>> first == birth_identity("fog", "haze")
        True
        >>> free_identity("fog", haze, {first}) == birth_identity("fog", "haze", 1)
        True
    """
    if attribute.identity is not None and attribute.identity not in taken:
        return attribute.identity
    candidates = (birth_identity(distortion, attribute.phrase, turn) for turn in count())
    return next(identity for identity in candidates if identity not in taken)


def differs_from_base(session: Session) -> bool:
    """Tell whether freezing the draft would give another version than its base."""
    content, base = draft_set(session).without_rejected(), base_hash(session)
    return content.size > 0 if base is None else content.hash != base


def restore_rows(session: Session, ref: str, *, author: str, discard: bool) -> Version:
    """Make the draft what a version holds; see `DraftRepository.restore`."""
    row = find_version(session, ref)
    version = version_of(session, row)
    if not discard:
        _refuse_loss(session, version)
    changes = replacement_changes(
        read_rows(session),
        version.attributes,
        action="restore",
        author=author,
        taken=set(),
        by_words=False,  # each attribute is the very one that was frozen
    )
    write_changes(session, changes, author=author)
    set_base(session, row, author=author, action="restore")
    return version


def _refuse_loss(session: Session, version: Version) -> None:
    draft = draft_set(session)
    lost = changes_between(_frozen_content(session, draft), draft)
    if lost and changes_between(version.attributes, draft):
        changes = "1 change" if lost == 1 else f"{lost} changes"
        raise StoreError(
            f"Restoring {version.label} would lose {changes} of the draft that no version holds. "
            "Freeze the draft first, or say that they may be discarded; nothing was changed."
        )


def _frozen_content(session: Session, draft: AttributeSet) -> AttributeSet | None:
    """Return what is frozen of the draft: the version of this very content, or else its base."""
    hashes = (draft.without_rejected().hash, base_hash(session))
    rows = session.exec(select(VersionRow).where(col(VersionRow.hash).in_(hashes))).all()
    by_hash = {row.hash: row for row in rows}
    row = next((by_hash[hash] for hash in hashes if hash in by_hash), None)
    return None if row is None else version_of(session, row).attributes


def changes_between(base: AttributeSet | None, draft: AttributeSet) -> int:
    """Count the attributes that differ: joined, left, reworded, judged, or in another order.

    Args:
        base: What is frozen; None for nothing.
        draft: The draft; attributes that it rejects, and that are not frozen, are no change.
    """
    before = {} if base is None else _by_identity(base)
    after = _by_identity(draft.without_rejected())
    changed = sum(before.get(identity) != content for identity, content in after.items())
    removed = before.keys() - after.keys()
    common = [[i for i in order if i in before and i in after] for order in (before, after)]
    moved = sum(
        1 for old, new in zip(*common, strict=True) if old != new and before[new] == after[new]
    )
    return changed + len(removed) + moved


def _by_identity(attributes: AttributeSet) -> dict[str | None, tuple[str, Attribute]]:
    return {
        attribute.identity: (distortion, attribute)
        for distortion, listed in attributes.by_distortion.items()
        for attribute in listed
    }
