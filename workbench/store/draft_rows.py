"""Rows of the draft as plain tuples, and the one way in which they are written.

Whatever is done to the draft is a list of changes, each the row as it was and as it is to be. All
of them are written and recorded together; that is why each can be undone.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, get_args

from pydantic import ValidationError
from sqlalchemy import ColumnElement, delete, insert, update
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from workbench.domain.attributes import Attribute, AttributeSet, DraftRow, Status
from workbench.errors import StoreError
from workbench.store.audit import (
    AuditEvent,
    NewEvent,
    State,
    actor_of,
    insert_rows,
    record_all,
)
from workbench.store.digest import VersionAttribute
from workbench.store.frozen_versions import attribute_of, set_of
from workbench.store.tables import METADATA, DraftBaseRow, VersionRow, utc_now
from workbench.text_files import printable

DRAFT = METADATA.tables["draft_attribute"]
_MANY = 10_000  # parameters of a statement; PostgreSQL takes 65,535


class DraftRecord(NamedTuple):
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
    before: DraftRecord | None
    after: DraftRecord | None


_ORDER = (DRAFT.c.distortion, DRAFT.c.position, DRAFT.c.id)


def read_rows(session: Session, *conditions: ColumnElement[bool]) -> list[DraftRecord]:
    """Return the rows that meet some conditions, by distortion and position."""
    columns = [DRAFT.c[name] for name in DraftRecord._fields]
    query = select_columns(*columns).where(*conditions).order_by(*_ORDER)
    return [DraftRecord._make(row) for row in session.connection().execute(query).all()]


def draft_set(session: Session) -> AttributeSet:
    """Return the draft as one set, rejected attributes included."""
    columns = [DRAFT.c[name] for name in VersionAttribute._fields]
    return set_of(session.connection().execute(select_columns(*columns).order_by(*_ORDER)).all())


def frozen_phrases(session: Session) -> dict[str, tuple[str, ...]]:
    """Return distortion to the phrases that freezing the draft would keep."""
    columns = (DRAFT.c.distortion, DRAFT.c.phrase)
    query = select_columns(*columns).where(DRAFT.c.status != "rejected").order_by(*_ORDER)
    phrases: dict[str, list[str]] = {}
    for distortion, phrase in session.connection().execute(query).all():
        phrases.setdefault(distortion, []).append(phrase)
    return {distortion: tuple(listed) for distortion, listed in phrases.items()}


def attribute_fields(attribute: Attribute) -> dict[str, Any]:
    """Return the columns that say what an attribute is, apart from its identity."""
    return {
        "phrase": attribute.phrase,
        "phrase_key": attribute.phrase.casefold(),
        "origin": attribute.origin,
        "call_id": attribute.call_id,
        "status": attribute.status,
        "decided_by": attribute.decided_by,
    }


def new_row(
    distortion: str, position: int, attribute: Attribute, identity: str, author: str
) -> DraftRecord:
    """Return the row of an attribute that is new to the draft."""
    return DraftRecord(
        id=None,
        distortion=distortion,
        position=position,
        row_version=1,
        updated_at=utc_now(),
        updated_by=author,
        identity=identity,
        **attribute_fields(attribute),
    )


def revised(row: DraftRecord, author: str, **fields: Any) -> DraftRecord:
    """Return a row with other fields, as an author's next state of it."""
    return row._replace(
        **fields, row_version=row.row_version + 1, updated_at=utc_now(), updated_by=author
    )


def row_state(row: DraftRecord) -> State:
    """Return what the audit log records of a row."""
    return {name: getattr(row, name) for name in VersionAttribute._fields}


def row_value(row: DraftRecord) -> DraftRow:
    """Return a row as the other packages see it."""
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


def write_changes(
    session: Session, changes: Sequence[Change], *, author: str
) -> tuple[list[Change], list[AuditEvent]]:
    """Write and record some changes, no two of the same row.

    Returns:
        The changes, with the numbers that new rows were given, and their events.

    Raises:
        RoleError: One of them judges an attribute, by whatever way, and who acts may not.
    """
    if any(map(_judges, changes)):
        actor_of(session).require("reviewer", "judge an attribute")
    connection = session.connection()
    removed = [change.before.id for change in changes if change.before]
    kept = [c.after._asdict() for c in changes if c.after and c.after.id is not None]
    if len(removed) == len(kept) == len(changes) == 1:
        connection.execute(update(DRAFT).where(DRAFT.c.id == removed[0]).values(kept[0]))
    else:
        # Rows that change are taken out and put in again, so that two attributes may swap their
        # words although no two of a distortion may have the same.
        for start in range(0, len(removed), _MANY):
            some = removed[start : start + _MANY]
            connection.execute(delete(DRAFT).where(DRAFT.c.id.in_(some)))
        if kept:
            insert_rows(session, DRAFT, kept)
    written = _insert_new(session, changes)
    events = record_all(session, map(_event, written), author=author)
    return written, events


def _judges(change: Change) -> bool:
    """Tell whether a change says where an attribute stands in review; what comes back does not."""
    if change.after is None:
        return False
    if change.before is None:
        comes_back = change.action.startswith(("undo ", "redo "))
        return change.after.status != "proposed" and not comes_back
    return change.after.status != change.before.status


def _insert_new(session: Session, changes: Sequence[Change]) -> list[Change]:
    """Insert the rows that have no number yet, and return the changes with all numbers."""
    written = list(changes)
    new = {n: c.after for n, c in enumerate(changes) if c.after is not None and c.after.id is None}
    if new:
        rows = [{k: v for k, v in row._asdict().items() if k != "id"} for row in new.values()]
        statement = insert(DRAFT).returning(DRAFT.c.id, sort_by_parameter_order=True)
        ids = session.connection().execute(statement, rows).scalars()
        for (n, row), id in zip(new.items(), ids, strict=True):
            written[n] = written[n]._replace(after=row._replace(id=id))
    return written


def _event(change: Change) -> NewEvent:
    row = change.before or change.after
    return NewEvent(
        change.action,
        f"attribute:{row.id if row else None}",
        row_state(change.before) if change.before else None,
        row_state(change.after) if change.after else None,
    )


MOVE, MAKE_ROOM = "move", "make room"  # what the audit log calls it


def move_changes(
    rows: list[DraftRecord], row: DraftRecord, index: int, author: str
) -> list[Change]:
    """Return the changes that move a row among all rows of its distortion.

    The row that moves is a new state of it ("move"). Those that make room only change position
    ("make room"), which contradicts nobody's edit of their words.
    """
    order = [other for other in rows if other.id != row.id]
    order.insert(index, row)
    changes = []
    for other, position in zip(order, _ascending(rows), strict=True):
        if other.position == position:
            continue
        if other.id == row.id:
            changes.append(Change(MOVE, other, revised(other, author, position=position)))
        else:
            changes.append(Change(MAKE_ROOM, other, other._replace(position=position)))
    return changes if order != rows else []


def _ascending(rows: list[DraftRecord]) -> list[int]:
    """Return the rows' positions, made distinct: an undone removal may have left two alike."""
    positions: list[int] = []
    for row in rows:
        last = positions[-1] if positions else row.position - 1
        positions.append(max(row.position, last + 1))
    return positions


_BASE_ID = 1  # there is one draft, so one base


def base_hash(session: Session) -> str | None:
    """Return the hash of the draft's base, if it has one."""
    return session.exec(
        select(VersionRow.hash)
        .join(DraftBaseRow, col(DraftBaseRow.version_id) == VersionRow.id)
        .where(DraftBaseRow.id == _BASE_ID)
    ).first()


def set_base(
    session: Session, version: VersionRow | None, *, author: str, action: str = "set base"
) -> list[AuditEvent]:
    """Make a version the draft's base, or none, and return what was recorded.

    Nothing is, if it is the base already.
    """
    before, after = base_hash(session), None if version is None else version.hash
    if before == after:
        return []
    row = session.get(DraftBaseRow, _BASE_ID)
    if version is None:
        session.delete(row)
    elif row is None:
        session.add(DraftBaseRow(id=_BASE_ID, version_id=version.id))
    else:
        row.version_id = version.id
    event = NewEvent(action, "draft", {"version": before}, {"version": after})
    return record_all(session, [event], author=author)


def require_status(status: str) -> None:
    """Raise a StoreError if a word is no status of a review."""
    if status not in get_args(Status):
        raise StoreError(
            f"'{status}' is no status; use {', '.join(get_args(Status))}. Nothing was changed."
        )


def usable_phrase(phrase: str) -> str:
    """Return words as an attribute keeps them.

    Raises:
        StoreError: They cannot be used; says why.
    """
    try:
        return Attribute(phrase=phrase).phrase
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise StoreError(
            f"The phrase '{printable(phrase[:60])}' cannot be used: {reason}. Nothing was changed."
        ) from error


def refuse_duplicate(
    session: Session, distortion: str, phrase: str, *, except_id: int | None = None
) -> None:
    """Raise a StoreError if a type has a phrase already, in whatever case, but for one row."""
    key = phrase.casefold()
    twins = read_rows(session, DRAFT.c.distortion == distortion, DRAFT.c.phrase_key == key)
    if twins and twins[0].id != except_id:
        twin = twins[0]
        raise StoreError(
            f"{distortion} already has '{twin.phrase}' (attribute {twin.id}, {twin.status}). "
            "Nothing was changed."
        )
