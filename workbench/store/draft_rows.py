"""Rows of the draft as plain tuples, and the one way in which they are written.

Whatever is done to the draft is a list of changes, each the row as it was and as it is to be. All
of them are written and recorded together; that is why each can be undone.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, bindparam, delete, insert
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from workbench.domain.attributes import Attribute, AttributeSet, DraftRow
from workbench.store.audit import Deed, State, Told, record_all
from workbench.store.mapping import attribute_of, set_of
from workbench.store.tables import METADATA, DraftBaseRow, VersionRow, utc_now

DRAFT = METADATA.tables["draft_attribute"]


class Drafted(NamedTuple):
    """One row of the draft; `id` is None until the database gives one."""

    id: int | None
    distortion: str
    position: int
    phrase: str
    phrase_key: str
    origin: str
    call_id: int | None
    status: str
    row_version: int
    updated_at: datetime
    updated_by: str
    identity: str
    decided_by: str | None


class Change(NamedTuple):
    """One row before and after; None where it is not there."""

    action: str
    before: Drafted | None
    after: Drafted | None


_COLUMNS = [DRAFT.c[name] for name in Drafted._fields]
_ORDER = (DRAFT.c.distortion, DRAFT.c.position, DRAFT.c.id)


def read(session: Session, *conditions: ColumnElement[bool]) -> list[Drafted]:
    """Return the rows that meet some conditions, by distortion and position."""
    wanted = select_columns(*_COLUMNS).where(*conditions).order_by(*_ORDER)
    return [Drafted._make(row) for row in session.connection().execute(wanted).all()]


def content(session: Session) -> AttributeSet:
    """Return the draft as one set, rejected attributes included."""
    columns = [DRAFT.c[name] for name in ("distortion", "position", *Attribute.model_fields)]
    return set_of(session.connection().execute(select_columns(*columns).order_by(*_ORDER)).all())


def born(
    distortion: str, position: int, attribute: Attribute, identity: str, author: str
) -> Drafted:
    """Return the row of an attribute that is new to the draft."""
    return Drafted(
        id=None,
        distortion=distortion,
        position=position,
        phrase=attribute.phrase,
        phrase_key=attribute.phrase.casefold(),
        origin=attribute.origin,
        call_id=attribute.call_id,
        status=attribute.status,
        row_version=1,
        updated_at=utc_now(),
        updated_by=author,
        identity=identity,
        decided_by=attribute.decided_by,
    )


def touched(row: Drafted, author: str, **fields: Any) -> Drafted:
    """Return a row with other fields, as an author's next state of it."""
    return row._replace(
        **fields, row_version=row.row_version + 1, updated_at=utc_now(), updated_by=author
    )


def state(row: Drafted) -> State:
    """Return what the record keeps of a row."""
    return {
        "distortion": row.distortion,
        "position": row.position,
        "phrase": row.phrase,
        "origin": row.origin,
        "call_id": row.call_id,
        "status": row.status,
        "identity": row.identity,
        "decided_by": row.decided_by,
    }


def value(row: Drafted) -> DraftRow:
    """Return a row as others see it."""
    return DraftRow(
        id=row.id or 0,
        distortion=row.distortion,
        position=row.position,
        attribute=attribute_of(
            row.phrase, row.origin, row.call_id, row.status, row.identity, row.decided_by
        ),
        row_version=row.row_version,
        updated_at=row.updated_at,
        updated_by=row.updated_by,
    )


def write(
    session: Session, changes: Sequence[Change], *, author: str
) -> tuple[list[Change], list[Told]]:
    """Write and record some changes.

    Rows that change are taken out and put in again, so that two attributes may swap their words
    although no two of a distortion may have the same.

    Args:
        session: The writer's session.
        changes: No two of the same row.
        author: Who makes them.

    Returns:
        The changes, with the numbers that new rows were given, and their events.
    """
    connection = session.connection()
    if gone := [{"gone": change.before.id} for change in changes if change.before]:
        connection.execute(delete(DRAFT).where(DRAFT.c.id == bindparam("gone")), gone)
    if kept := [c.after._asdict() for c in changes if c.after and c.after.id is not None]:
        connection.execute(insert(DRAFT), kept)
    whole = _numbered(session, changes)
    events = record_all(session, map(_deed, whole), author=author)
    return whole, events


def _numbered(session: Session, changes: Iterable[Change]) -> list[Change]:
    """Put in the rows that have no number yet."""
    whole = list(changes)
    fresh = {n: c.after for n, c in enumerate(whole) if c.after is not None and c.after.id is None}
    if fresh:
        rows = [{k: v for k, v in row._asdict().items() if k != "id"} for row in fresh.values()]
        into = insert(DRAFT).returning(DRAFT.c.id, sort_by_parameter_order=True)
        ids = session.connection().execute(into, rows).scalars()
        for (n, row), id in zip(fresh.items(), ids, strict=True):
            whole[n] = whole[n]._replace(after=row._replace(id=id))
    return whole


def _deed(change: Change) -> Deed:
    row = change.before or change.after
    return Deed(
        change.action,
        f"attribute:{row.id if row else None}",
        state(change.before) if change.before else None,
        state(change.after) if change.after else None,
    )


MOVE, MAKE_ROOM = "move", "make room"  # what the record calls it


def moved(rows: list[Drafted], row: Drafted, place: int, author: str) -> list[Change]:
    """Return the changes that give a row another place.

    The row that moves is a new state of it ("move"). Those that make room only stand elsewhere
    ("make room"), which contradicts nobody's edit of their words.

    Args:
        rows: All rows of the distortion, in order.
        row: The one that moves.
        place: Its new place in that order, from 0.
        author: Who moves it.
    """
    order = [other for other in rows if other.id != row.id]
    order.insert(place, row)
    changes = []
    for other, position in zip(order, _ascending(rows), strict=True):
        if other.position == position:
            continue
        if other.id == row.id:
            changes.append(Change(MOVE, other, touched(other, author, position=position)))
        else:
            changes.append(Change(MAKE_ROOM, other, other._replace(position=position)))
    return changes if order != rows else []


def _ascending(rows: list[Drafted]) -> list[int]:
    """Return the rows' own positions, made distinct: a removal undone may have left two alike."""
    positions: list[int] = []
    for row in rows:
        last = positions[-1] if positions else row.position - 1
        positions.append(max(row.position, last + 1))
    return positions


_ONLY = 1  # there is one draft, so one base


def base_hash(session: Session) -> str | None:
    """Return the hash of the draft's base, if it has one."""
    return session.exec(
        select(VersionRow.hash)
        .join(DraftBaseRow, col(DraftBaseRow.version_id) == VersionRow.id)
        .where(DraftBaseRow.id == _ONLY)
    ).first()


def point_base(
    session: Session, version: VersionRow, *, author: str, action: str = "set base"
) -> None:
    """Make a version the draft's base and record it; one that is it already changes nothing.

    Args:
        session: The writer's session.
        version: The version.
        author: Who does it.
        action: What the record calls it.
    """
    if base_hash(session) != version.hash:
        record_all(session, [set_base(session, version, action)], author=author)


def set_base(session: Session, version: VersionRow | None, action: str) -> Deed:
    """Make a version the draft's base, or none, and return what is to be recorded."""
    before = base_hash(session)
    row = session.get(DraftBaseRow, _ONLY)
    if version is None:
        session.delete(row)
    elif row is None:
        session.add(DraftBaseRow(id=_ONLY, version_id=version.id))
    else:
        row.version_id = version.id
    after = None if version is None else version.hash
    return Deed(action, "draft", {"version": before}, {"version": after})


def kept_phrases(session: Session) -> dict[str, tuple[str, ...]]:
    """Return distortion id to the phrases that freezing the draft would keep."""
    wanted = (
        select_columns(DRAFT.c.distortion, DRAFT.c.phrase)
        .where(DRAFT.c.status != "rejected")
        .order_by(DRAFT.c.distortion, DRAFT.c.position, DRAFT.c.id)
    )
    found: dict[str, list[str]] = {}
    for distortion, phrase in session.connection().execute(wanted).all():
        found.setdefault(distortion, []).append(phrase)
    return {distortion: tuple(phrases) for distortion, phrases in found.items()}


def changes_between(base: AttributeSet | None, draft: AttributeSet) -> int:
    """Count the attributes that differ: joined, left, reworded, judged, or in another order.

    Args:
        base: What is frozen; None for nothing.
        draft: The draft; attributes that it rejects, and that are not frozen, are no change.
    """
    before = {} if base is None else _by_identity(base)
    after = _by_identity(draft.without_rejected())
    changed = sum(before.get(identity) != place for identity, place in after.items())
    left = before.keys() - after.keys()
    common = [[i for i in order if i in before and i in after] for order in (before, after)]
    moved = sum(
        1 for old, new in zip(*common, strict=True) if old != new and before[new] == after[new]
    )
    return changed + len(left) + moved


def _by_identity(attributes: AttributeSet) -> dict[str | None, tuple[str, Attribute]]:
    return {
        attribute.identity: (distortion, attribute)
        for distortion, some in attributes.by_distortion.items()
        for attribute in some
    }
