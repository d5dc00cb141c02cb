"""Which row of the draft becomes which attribute of a set that replaces it."""

from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

from sqlmodel import Session, col, select

from workbench.domain.attributes import Attribute, AttributeSet, Version, birth_identity
from workbench.errors import StoreError
from workbench.store import draft_rows
from workbench.store.draft_rows import (
    Change,
    Drafted,
    base_hash,
    born,
    changes_between,
    point_base,
    state,
)
from workbench.store.frozen_versions import version_of
from workbench.store.tables import VersionRow, utc_now
from workbench.store.versions import find_version


class Placed(NamedTuple):
    """An attribute of a set, and where it stands."""

    distortion: str
    position: int
    attribute: Attribute


def replaced(
    present: list[Drafted],
    attributes: AttributeSet,
    *,
    action: str,
    author: str,
    elsewhere: set[str],
    by_words: bool,
) -> list[Change]:
    """Return the changes that make some rows equal to a set; a row that stays has none.

    Args:
        present: The rows to replace.
        attributes: What they are to become.
        action: What the record calls it.
        author: Who replaces.
        elsewhere: Identities of the draft's other rows, which no new row may have.
        by_words: Take a row of the same words for the attribute where no row has its identity; it
            keeps the identity it has.
    """
    wanted = list(_placed(attributes))
    matched = _matched(present, wanted, by_words=by_words)
    kept = {row.identity for row in matched.values()}
    taken = elsewhere | kept
    changes = [Change(action, row, None) for row in present if row.identity not in kept]
    for number, place in enumerate(wanted):
        old = matched.get(number)
        new = _born(place, author, taken) if old is None else _become(place, old, author)
        if new != old:
            changes.append(Change(action, old, new))
    return changes


def _matched(present: list[Drafted], wanted: list[Placed], *, by_words: bool) -> dict[int, Drafted]:
    """Number of an attribute to the row that becomes it."""
    left = {row.identity: row for row in present}
    found = {}
    for number, place in enumerate(wanted):
        if (row := left.pop(place.attribute.identity or "", None)) is not None:
            found[number] = row
    words = {(row.distortion, row.phrase_key): row for row in left.values() if by_words}
    for number, place in enumerate(wanted):
        row = words.get((place.distortion, place.attribute.phrase.casefold()))
        if row is not None and number not in found:
            found[number] = row
    return found


def free_identity(distortion: str, attribute: Attribute, taken: set[str]) -> str:
    """Return the identity of an attribute that joins the draft: its own, or else the next free one.

    Args:
        distortion: Id of its distortion.
        attribute: What joins.
        taken: Identities that other attributes have.

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
    turns = (birth_identity(distortion, attribute.phrase, turn) for turn in count())
    return next(identity for identity in turns if identity not in taken)


def _placed(attributes: AttributeSet) -> Iterator[Placed]:
    for distortion, some in attributes.by_distortion.items():
        for position, attribute in enumerate(some):
            yield Placed(distortion, position, attribute)


def _born(place: Placed, author: str, taken: set[str]) -> Drafted:
    identity = free_identity(place.distortion, place.attribute, taken)
    taken.add(identity)
    return born(place.distortion, place.position, place.attribute, identity, author)


def _become(place: Placed, row: Drafted, author: str) -> Drafted:
    attribute = place.attribute
    new = row._replace(
        distortion=place.distortion,
        position=place.position,
        phrase=attribute.phrase,
        phrase_key=attribute.phrase.casefold(),
        origin=attribute.origin,
        call_id=attribute.call_id,
        status=attribute.status,
        decided_by=attribute.decided_by,
    )
    if state(new) == {**state(row), "position": place.position}:
        return new  # another place in the list contradicts nobody's edit of the words
    return new._replace(row_version=row.row_version + 1, updated_at=utc_now(), updated_by=author)


def differs_from_base(session: Session) -> bool:
    """Tell whether freezing the draft would give another version than its base."""
    kept, base = draft_rows.content(session).without_rejected(), base_hash(session)
    return kept.size > 0 if base is None else kept.hash != base


def restore_rows(session: Session, ref: str, *, author: str, discard: bool) -> Version:
    """Make the draft what a version holds; see `DraftRepository.restore`."""
    row = find_version(session, ref)
    version = version_of(session, row)
    if not discard:
        _refuse_loss(session, version)
    changes = replaced(
        draft_rows.read(session),
        version.attributes,
        action="restore",
        author=author,
        elsewhere=set(),
        by_words=False,  # each attribute is the very one that was frozen
    )
    draft_rows.write(session, changes, author=author)
    point_base(session, row, author=author, action="restore")
    return version


def _refuse_loss(session: Session, version: Version) -> None:
    draft = draft_rows.content(session)
    lost = changes_between(_held(session, draft), draft)
    if lost and changes_between(version.attributes, draft):
        changes = (
            "1 change of the draft that no version holds"
            if lost == 1
            else (f"{lost} changes of the draft that no version holds")
        )
        raise StoreError(
            f"Restoring {version.label} would lose {changes}. Freeze the draft first, or say that "
            "they may be discarded; nothing was changed."
        )


def _held(session: Session, draft: AttributeSet) -> AttributeSet | None:
    """Return what is frozen of the draft: the version of this very content, or else its base."""
    wanted = (draft.without_rejected().hash, base_hash(session))
    rows = session.exec(select(VersionRow).where(col(VersionRow.hash).in_(wanted))).all()
    found = {row.hash: row for row in rows}
    held = next((found[hash] for hash in wanted if hash in found), None)
    return None if held is None else version_of(session, held).attributes
