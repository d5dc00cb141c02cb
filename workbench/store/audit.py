"""The audit log: every change of the draft and of the versions, never rewritten.

Each event carries a digest of itself and of the event before it, so that none can be altered, put
in or taken out without all that follow.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Table, func, insert, select
from sqlmodel import Session

from workbench.domain.audit_events import Event
from workbench.errors import StoreError
from workbench.roles import ANYBODY, Actor
from workbench.store.database import ACTOR, CLIENT, DONE
from workbench.store.digest import event_digest
from workbench.store.tables import METADATA, utc_now

State = dict[str, Any]

EVENTS = METADATA.tables["audit_event"]
_CHUNK = 5_000  # events in memory while the log is read
_LAST, _CHANGE = "last event", "change"  # what a writer's session remembers


class AuditEvent(NamedTuple):
    """One row of the audit log; `before` and `after` are JSON."""

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
    client: str | None = None

    @property
    def value(self) -> Event:
        """The event as the other packages see it."""
        before, after = (state and json.loads(state) for state in (self.before, self.after))
        return Event(
            id=self.id,
            at=self.at,
            author=self.author,
            action=self.action,
            subject=self.subject,
            before=before,
            after=after,
            change=self.change,
        )


class NewEvent(NamedTuple):
    """An event that is about to be recorded, as `record` describes it."""

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
    at: datetime | None = None,
) -> AuditEvent:
    """Add one event to the audit log, in the transaction of the change itself.

    Args:
        session: The writer's session.
        action: A verb ("edit").
        subject: What was changed ("attribute:12").
        author: Who did it.
        before: What it was; None if it is new.
        after: What it is; None if it is gone. A state may have the attribute's "identity".
        at: When; now, unless given.

    Raises:
        StoreError: Nobody is named as author.
    """
    new = NewEvent(action, subject, before, after)
    return record_all(session, [new], author=author, at=at)[0]


def actor_of(session: Session) -> Actor:
    """Return who acts in a writer's session."""
    actor: Actor = session.info.get(ACTOR, ANYBODY)
    return actor


def record_all(
    session: Session, new_events: Iterable[NewEvent], *, author: str, at: datetime | None = None
) -> list[AuditEvent]:
    """Add several events in their order, in one statement, as `record` adds one."""
    if not author.strip():
        raise StoreError("An edit needs an author; set WORKBENCH_AUTHOR. Nothing was changed.")
    actor_of(session).sign(author)
    moment = at or utc_now()
    events, (last_id, digest) = [], _last(session)
    for id, new in enumerate(new_events, start=last_id + 1):
        event = AuditEvent(
            id=id,
            at=moment,
            author=author,
            action=new.action,
            subject=new.subject,
            before=_json(new.before),
            after=_json(new.after),
            identity=(new.after or new.before or {}).get("identity", ""),
            change=session.info.setdefault(_CHANGE, id),
            digest="",
            client=session.info.get(CLIENT),
        )
        digest = event_digest(event._asdict(), digest)
        events.append(event._replace(digest=digest))
    if events:
        session.flush()  # what the events are about goes first
        insert_rows(session, EVENTS, [event._asdict() for event in events])
        session.info[_LAST] = events[-1].id, digest
        session.info[DONE] = {
            "author": author, "action": events[0].action, "subject": events[0].subject,
            "change": events[0].change, "events": len(events),
        }  # fmt: skip
    return events


def insert_rows(session: Session, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows in one message; the driver of PostgreSQL would send one for each."""
    connection, statement = session.connection(), insert(table)
    if len(rows) > 1 and connection.dialect.name != "sqlite":
        statement = statement.returning(table.c.id)  # what is returned is inserted together
    connection.execute(statement, rows)


def read_events(
    session: Session, *conditions: ColumnElement[bool], many: bool = False
) -> Iterator[AuditEvent]:
    """Go through the events that meet some conditions, in the order in which they were recorded.

    Args:
        session: A session.
        conditions: Which events.
        many: They may be more than fit into memory; a server then keeps them, which it is asked
            for again and again.
    """
    columns = [EVENTS.c[name] for name in AuditEvent._fields]
    rows = session.connection().execute(
        select(*columns).where(*conditions).order_by(EVENTS.c.id),
        execution_options={"yield_per": _CHUNK} if many else {},
    )
    return (AuditEvent._make(row) for row in rows)


def last_event(session: Session, subject: str) -> AuditEvent | None:
    """Return the newest event about a subject, if there is one."""
    newest = select(func.max(EVENTS.c.id)).where(EVENTS.c.subject == subject).scalar_subquery()
    return next(read_events(session, EVENTS.c.id == newest), None)


def state_of(document: str | None) -> State:
    """Return a recorded state; an empty one where there was none."""
    state: State = json.loads(document or "{}")
    return state


def _json(state: State | None) -> str | None:
    return None if state is None else json.dumps(state, sort_keys=True)


def _last(session: Session) -> tuple[int, str]:
    """Return number and digest of the last event; writers take turns, so nobody else adds one."""
    if _LAST not in session.info:
        newest = select(EVENTS.c.id, EVENTS.c.digest).order_by(EVENTS.c.id.desc()).limit(1)
        row = session.connection().execute(newest).first()
        session.info[_LAST] = tuple(row) if row else (0, "")
    last: tuple[int, str] = session.info[_LAST]
    return last
