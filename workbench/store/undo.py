"""Taking back events of the draft: each thing becomes again what it was before the event.

An event is taken back only while the thing still is what the event made of it; else somebody has
built on it, and is named.
"""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session

from workbench.domain.audit_events import Event
from workbench.errors import EditConflictError, StoreError
from workbench.store import draft_rows
from workbench.store.audit import (
    EVENTS,
    State,
    Told,
    event_value,
    last_event,
    read_events,
    record_all,
)
from workbench.store.database import Database
from workbench.store.draft_rows import (
    MAKE_ROOM,
    MOVE,
    Change,
    Drafted,
    base_hash,
    set_base,
    touched,
)
from workbench.store.tables import utc_now
from workbench.store.versions import find_version

_ATTRIBUTE, _BASE = "attribute:", "draft"


def undo_events(session: Session, events: Sequence[Told], *, author: str) -> list[Told]:
    """Take back some events of one change.

    Args:
        session: The writer's session; all of it is committed together, or nothing.
        events: The events, in the order in which they were recorded.
        author: Who takes them back.

    Returns:
        The new events.

    Raises:
        EditConflictError: Somebody has changed one of the things since.
        StoreError: An event is of a kind that stays, or its words are taken now.
    """
    for event in events:
        if not event.subject.startswith(_ATTRIBUTE) and event.subject != _BASE:
            raise StoreError(
                f"Event {event.id} ({event.action} {event.subject}) cannot be undone; only edits "
                "of the draft can. Nothing was changed."
            )
    rows = {row.id: row for row in draft_rows.read(session)}
    undoing = list(reversed(events))
    changes = [_reversed(session, e, rows, author) for e in undoing if e.subject != _BASE]
    _refuse_clash(rows, changes)
    _, new = draft_rows.write(session, changes, author=author)
    bases = [_undo_base(session, e, author) for e in undoing if e.subject == _BASE]
    return new + bases


def is_move(action: str) -> bool:
    """Tell whether an action is part of a move, done, undone or redone.

    Example:
        >>> is_move("undo make room"), is_move("undo remove")
        (True, False)
    """
    return bare(action) in (MOVE, MAKE_ROOM)


def bare(action: str) -> str:
    """Return an action without "undo" or "redo" before it."""
    return action.removeprefix("undo ").removeprefix("redo ")


def undone(action: str) -> str:
    """Return what the record calls the undoing of an action.

    Example:
        >>> undone("edit"), undone("undo edit"), undone("redo edit")
        ('undo edit', 'redo edit', 'undo edit')
    """
    verb, _, rest = action.partition(" ")
    return {"undo": f"redo {rest}", "redo": f"undo {rest}"}.get(verb, f"undo {action}")


def _reversed(
    session: Session, event: Told, rows: dict[int | None, Drafted], author: str
) -> Change:
    """Return the change of the draft that takes one event back."""
    id = int(event.subject.removeprefix(_ATTRIBUTE))
    (before, after), now = _states(event), rows.get(id)
    if not _still(now, before, after):
        raise _conflict(session, event, now)
    action = undone(event.action)
    if before is None:
        return Change(action, now, None)
    if now is None:
        return Change(action, None, _back(session, id, before, author))
    if after is not None and before["position"] == after["position"]:
        before = {**before, "position": now.position}  # others may have made it move since
    new = now._replace(**_fields(before))
    if {**before, "position": 0} == {**draft_rows.state(now), "position": 0}:
        moves = bare(event.action) == MOVE
        return Change(action, now, touched(new, author) if moves else new)
    return Change(action, now, touched(new, author))


def _states(event: Told) -> tuple[State | None, State | None]:
    """Return what an event says was and is, completed where an older program recorded less."""
    lacking = {"identity": event.identity, "decided_by": None}
    before, after = (s and {**lacking, **json.loads(s)} for s in (event.before, event.after))
    return before or None, after or None


def _still(now: Drafted | None, before: State | None, after: State | None) -> bool:
    """Tell whether a row is what an event made of it; its place counts if the event changed it."""
    if now is None or after is None:
        return now is None and after is None
    found = draft_rows.state(now)
    if before is None or before["position"] == after["position"]:
        found["position"] = after["position"]
    return found == after


def _back(session: Session, id: int, before: State, author: str) -> Drafted:
    """Return a removed row under its old number, as a state that nobody has read."""
    # Each state that was ever read has an event, so their number is beyond all row versions.
    told = select(func.count()).where(EVENTS.c.subject == f"{_ATTRIBUTE}{id}")
    return Drafted(
        id=id,
        row_version=session.connection().execute(told).scalar_one() + 1,
        updated_at=utc_now(),
        updated_by=author,
        **_fields(before),
    )


def _fields(state: State) -> dict[str, Any]:
    return {**state, "phrase_key": state["phrase"].casefold()}


def _undo_base(session: Session, event: Told, author: str) -> Told:
    before, after = (
        json.loads(text or "{}").get("version") for text in (event.before, event.after)
    )
    version = None if before is None else find_version(session, before)
    if base_hash(session) != after:
        raise _conflict(session, event, None)
    action = undone(event.action)
    deed = set_base(session, version, action)
    return record_all(session, [deed], author=author)[0]


def _conflict(session: Session, event: Told, now: Drafted | None) -> EditConflictError:
    last = last_event(session, event.subject) or event
    there = f" to '{now.phrase}' ({now.status})" if now else ""
    what = event.subject.replace(":", " ").replace(_BASE, "base of the draft")
    return EditConflictError(
        f"Event {event.id} ({event.action}) cannot be undone: the {what} was changed by "
        f"{last.author}{there} since (event {last.id}, {last.action}). Undo that first; nothing "
        "was changed."
    )


def _refuse_clash(rows: dict[int | None, Drafted], changes: Sequence[Change]) -> None:
    """Refuse what would give two attributes the same words or the same identity."""
    gone = {change.before.id for change in changes if change.before}
    new = [change.after for change in changes if change.after]
    stay = [row for id, row in rows.items() if id not in gone]
    words = {(row.distortion, row.phrase_key): row for row in stay}
    known = {row.identity: row for row in stay}
    for row in new:
        twin = words.get((row.distortion, row.phrase_key)) or known.get(row.identity)
        if twin is not None:
            raise StoreError(
                f"'{row.phrase}' of {row.distortion} cannot come back: attribute {twin.id} "
                f"('{twin.phrase}', of {twin.updated_by}) has taken its place since. Remove that "
                "one first; nothing was changed."
            )


class RecordRepository:
    """Every change of the store, in the order in which they were made.

    Args:
        database: The open database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def events(
        self,
        *,
        identity: str | None = None,
        subject: str | None = None,
        change: int | None = None,
        limit: int = 100,
    ) -> list[Event]:
        """Return events, newest first.

        Args:
            identity: Only those about the attribute of this identity, its comments included.
            subject: Only those about this thing ("attribute:12", "draft", "alias:best").
            change: Only those of this change.
            limit: Most events to return.
        """
        asked = {"identity": identity, "subject": subject, "change": change}
        only = [EVENTS.c[name] == value for name, value in asked.items() if value is not None]
        newest = select(EVENTS.c.id).where(*only).order_by(EVENTS.c.id.desc()).limit(limit)
        with self._database.reading() as session:
            found = list(read_events(session, EVENTS.c.id.in_(newest)))
        return [event_value(row) for row in reversed(found)]

    def last_own(self, author: str) -> Event | None:
        """Return the author's last edit of the draft that still stands; None if there is none.

        Args:
            author: Whose edits.
        """
        for limit in (200, 1_000_000):  # nearly always among the newest
            taken_back: Counter[str] = Counter()
            for event in self.events(limit=limit):
                if not event.subject.startswith("attribute:"):
                    continue
                if event.action.startswith("undo "):
                    taken_back[event.subject] += 1
                elif taken_back[event.subject]:
                    taken_back[event.subject] -= 1
                elif event.author == author:
                    return event
        return None

    def digest(self) -> str:
        """Return the digest of the newest event, "" before the first.

        It stands for the whole record up to here. Noted elsewhere, it shows later whether somebody
        has rewritten the record with all its digests.
        """
        newest = select(EVENTS.c.digest).order_by(EVENTS.c.id.desc()).limit(1)
        with self._database.reading() as session:
            return session.connection().execute(newest).scalar() or ""

    def undo(self, event: int, *, author: str) -> list[Event]:
        """Take back one edit of the draft; of a move, also what made room for it.

        The undoing is an edit itself, on record as "undo ..." and, if it is undone, "redo ...".

        Args:
            event: Number of the event.
            author: Who takes it back.

        Returns:
            The new events.

        Raises:
            EditConflictError: Somebody has changed the same thing since; the message says who.
            StoreError: There is no such event, or it is of a kind that stays.
        """
        with self._database.writing() as session:
            rows = list(read_events(session, EVENTS.c.id == event))
            if not rows:
                raise StoreError(f"The record has no event {event}. Nothing was changed.")
            if is_move(rows[0].action):
                rows = list(read_events(session, EVENTS.c.change == rows[0].change))
            return [event_value(new) for new in undo_events(session, rows, author=author)]

    def undo_change(self, change: int, *, author: str) -> list[Event]:
        """Take back all events of one change, or none: an import, a restoration.

        Args:
            change: Number of the change.
            author: Who takes it back.

        Returns:
            The new events.

        Raises:
            EditConflictError: Somebody has changed one of the same things since.
            StoreError: There is no such change, or one of its events is of a kind that stays.
        """
        with self._database.writing() as session:
            rows = list(read_events(session, EVENTS.c.change == change))
            if not rows:
                raise StoreError(f"The record has no change {change}. Nothing was changed.")
            return [event_value(new) for new in undo_events(session, rows, author=author)]
