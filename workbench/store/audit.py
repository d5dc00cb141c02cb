"""The record: every change of the draft and of the versions, never rewritten.

Each event carries a digest of itself and of the event before it, so that none can be altered, put
in or taken out without all that follow.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, insert, select
from sqlmodel import Session

from workbench.domain.audit_events import Event
from workbench.errors import StoreError
from workbench.store.digest import event_digest
from workbench.store.tables import METADATA, utc_now

State = dict[str, Any]

EVENTS = METADATA.tables["audit_event"]
_AT_ONCE = 5_000  # events in memory while the record is read
_LAST, _CHANGE = "last event", "change"  # what a writer's session keeps in mind


class Told(NamedTuple):
    """One row of the record; `before` and `after` are JSON."""

    id: int
    at: datetime
    author: str
    action: str
    subject: str
    before: str | None
    after: str | None
    identity: str
    change: int
    digest: str


class Deed(NamedTuple):
    """What is about to be recorded: a verb, what was changed, and its states."""

    action: str
    subject: str
    before: State | None
    after: State | None


def record(
    session: Session,
    action: str,
    subject: str,
    *,
    author: str,
    before: State | None = None,
    after: State | None = None,
) -> Event:
    """Add one event to the record.

    Args:
        session: The writer's session: the event stands or falls with the change.
        action: A verb ("edit").
        subject: What was changed ("attribute:12").
        author: Who did it.
        before: What it was; None if it is new.
        after: What it is; None if it is gone.

    Returns:
        The event; a state that has an "identity" is found again by it.

    Raises:
        StoreError: Nobody is named as author.
    """
    deed = Deed(action, subject, before, after)
    return event_value(record_all(session, [deed], author=author)[0])


def record_all(
    session: Session, deeds: Iterable[Deed], *, author: str, at: datetime | None = None
) -> list[Told]:
    """Add several events of one author to the record, in order.

    Args:
        session: The writer's session.
        deeds: What was done.
        author: Who did it.
        at: When; now, unless given.

    Raises:
        StoreError: Nobody is named as author.
    """
    if not author.strip():
        raise StoreError("An edit needs an author; set WORKBENCH_AUTHOR. Nothing was changed.")
    moment = at or utc_now()
    events, (last, digest) = [], _last(session)
    for id, deed in enumerate(deeds, start=last + 1):
        change = session.info.setdefault(_CHANGE, id)
        event = _told(id, moment, author, deed, change)
        digest = event_digest(event._asdict(), digest)
        events.append(event._replace(digest=digest))
    if events:
        session.flush()  # what the events are about goes first
        session.connection().execute(insert(EVENTS), [event._asdict() for event in events])
        session.info[_LAST] = events[-1].id, digest
    return events


def read_events(session: Session, *conditions: ColumnElement[bool]) -> Iterator[Told]:
    """Go through the events that meet some conditions, in the order in which they were recorded."""
    columns = [EVENTS.c[name] for name in Told._fields]
    found = session.connection().execute(
        select(*columns).where(*conditions).order_by(EVENTS.c.id),
        execution_options={"yield_per": _AT_ONCE},
    )
    return (Told._make(row) for row in found)


def event_value(row: Told) -> Event:
    """Return an event as others see it."""
    return Event(
        id=row.id,
        at=row.at,
        author=row.author,
        action=row.action,
        subject=row.subject,
        before=None if row.before is None else json.loads(row.before),
        after=None if row.after is None else json.loads(row.after),
        change=row.change,
    )


def last_event(session: Session, subject: str) -> Told | None:
    """Return the newest event about a subject, if there is one."""
    newest = select(func.max(EVENTS.c.id)).where(EVENTS.c.subject == subject).scalar_subquery()
    return next(read_events(session, EVENTS.c.id == newest), None)


def _told(id: int, at: datetime, author: str, deed: Deed, change: int) -> Told:
    return Told(
        id=id,
        at=at,
        author=author,
        action=deed.action,
        subject=deed.subject,
        before=None if deed.before is None else json.dumps(deed.before, sort_keys=True),
        after=None if deed.after is None else json.dumps(deed.after, sort_keys=True),
        identity=(deed.after or deed.before or {}).get("identity", ""),
        change=change,
        digest="",
    )


def _last(session: Session) -> tuple[int, str]:
    """Return number and digest of the last event; writers take turns, so nobody else adds one."""
    if _LAST not in session.info:
        newest = select(EVENTS.c.id, EVENTS.c.digest).order_by(EVENTS.c.id.desc()).limit(1)
        found = session.connection().execute(newest).first()
        session.info[_LAST] = tuple(found) if found else (0, "")
    last: tuple[int, str] = session.info[_LAST]
    return last
