"""Undoing events of the draft: each thing becomes again what it was before the event.

An event is undone only while the thing still is what the event made of it; else somebody has built
on it, and is named.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session

from workbench.domain.audit_events import DraftChange, Event
from workbench.errors import EditConflictError, StoreError
from workbench.store.audit import EVENTS, AuditEvent, State, last_event, read_events, state_of
from workbench.store.database import Repository
from workbench.store.draft_rows import (
    MOVE,
    Change,
    DraftRecord,
    base_hash,
    read_rows,
    revised,
    row_state,
    set_base,
    write_changes,
)
from workbench.store.own_changes import (
    ATTRIBUTE,
    bare,
    change_told,
    is_move,
    last_standing,
    last_taken_back,
)
from workbench.store.tables import utc_now
from workbench.store.versions import find_version

_BASE = "draft"


def _undo(session: Session, events: Sequence[AuditEvent], *, author: str) -> list[Event]:
    """Undo some events of one change, all or none, and return the new events."""
    for event in events:
        if not event.subject.startswith(ATTRIBUTE) and event.subject != _BASE:
            raise StoreError(
                f"Event {event.id} ({event.action} {event.subject}) cannot be undone; only edits "
                "of the draft can. Nothing was changed."
            )
    rows = {row.id: row for row in read_rows(session)}
    newest_first = list(reversed(events))
    changes = [_reversed(session, e, rows, author) for e in newest_first if e.subject != _BASE]
    _refuse_clash(rows, changes)
    _, undoing = write_changes(session, changes, author=author)
    for event in newest_first:
        if event.subject == _BASE:
            undoing += _undo_base(session, event, author)
    return [event.value for event in undoing]


def undone(action: str) -> str:
    """Return what the audit log calls the undoing of an action.

    Example:
        >>> undone("edit"), undone("undo edit"), undone("redo edit")
        ('undo edit', 'redo edit', 'undo edit')
    """
    verb, _, rest = action.partition(" ")
    return {"undo": f"redo {rest}", "redo": f"undo {rest}"}.get(verb, f"undo {action}")


def _reversed(
    session: Session, event: AuditEvent, rows: dict[int | None, DraftRecord], author: str
) -> Change:
    """Return the change of the draft that undoes one event."""
    id = int(event.subject.removeprefix(ATTRIBUTE))
    (before, after), now = _states(event), rows.get(id)
    if not _is_unchanged(now, before, after):
        raise _conflict(session, event, now)
    action = undone(event.action)
    if before is None:
        return Change(action, now, None)
    if now is None:
        return Change(action, None, _readded(session, id, before, author))
    if after is not None and before["position"] == after["position"]:
        before = {**before, "position": now.position}  # others may have made it move since
    new = now._replace(**_fields(before))
    only_position = {**before, "position": 0} == {**row_state(now), "position": 0}
    if only_position and bare(event.action) != MOVE:
        return Change(action, now, new)  # it made room, which is nobody's edit of its words
    return Change(action, now, revised(new, author))


def _states(event: AuditEvent) -> tuple[State | None, State | None]:
    """Return an event's states, completed where an older program recorded less."""
    defaults = {"identity": event.identity, "decided_by": None}
    before, after = (s and {**defaults, **state_of(s)} for s in (event.before, event.after))
    return before or None, after or None


def _is_unchanged(now: DraftRecord | None, before: State | None, after: State | None) -> bool:
    """Tell whether a row is what an event made of it; position counts if the event changed it."""
    if now is None or after is None:
        return now is None and after is None
    state = row_state(now)
    if before is None or before["position"] == after["position"]:
        state["position"] = after["position"]
    return state == after


def _readded(session: Session, id: int, before: State, author: str) -> DraftRecord:
    """Return a removed row under its old number, as a state that nobody has read."""
    # Each state that was ever read has an event, so their number is beyond all row versions.
    events = select(func.count()).where(EVENTS.c.subject == f"{ATTRIBUTE}{id}")
    return DraftRecord(
        id=id,
        row_version=session.connection().execute(events).scalar_one() + 1,
        updated_at=utc_now(),
        updated_by=author,
        **_fields(before),
    )


def _fields(state: State) -> dict[str, Any]:
    return {**state, "phrase_key": state["phrase"].casefold()}


def _undo_base(session: Session, event: AuditEvent, author: str) -> list[AuditEvent]:
    before, after = (state_of(text).get("version") for text in (event.before, event.after))
    version = None if before is None else find_version(session, before)
    if base_hash(session) != after:
        raise _conflict(session, event, None)
    return set_base(session, version, author=author, action=undone(event.action))


def _conflict(session: Session, event: AuditEvent, now: DraftRecord | None) -> EditConflictError:
    last = last_event(session, event.subject) or event
    state = f" to '{now.phrase}' ({now.status})" if now else ""
    what = event.subject.replace(":", " ").replace(_BASE, "base of the draft")
    return EditConflictError(
        f"Event {event.id} ({event.action}) cannot be undone: the {what} was changed by "
        f"{last.author}{state} since (event {last.id}, {last.action}). Undo that first; nothing "
        "was changed."
    )


def _refuse_clash(rows: dict[int | None, DraftRecord], changes: Sequence[Change]) -> None:
    """Refuse what would give two attributes the same words or the same identity."""
    replaced = {change.before.id for change in changes if change.before}
    unchanged = [row for id, row in rows.items() if id not in replaced]
    words = {(row.distortion, row.phrase_key): row for row in unchanged}
    identities = {row.identity: row for row in unchanged}
    for row in (change.after for change in changes if change.after):
        twin = words.get((row.distortion, row.phrase_key)) or identities.get(row.identity)
        if twin is not None:
            raise StoreError(
                f"'{row.phrase}' of {row.distortion} cannot come back: attribute {twin.id} "
                f"('{twin.phrase}', of {twin.updated_by}) has taken its place since. Remove that "
                "one first; nothing was changed."
            )


class RecordRepository(Repository):
    """Every change of the store, in the order in which they were made."""

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
        filters = {"identity": identity, "subject": subject, "change": change}
        conditions = [EVENTS.c[name] == v for name, v in filters.items() if v is not None]
        newest = select(EVENTS.c.id).where(*conditions).order_by(EVENTS.c.id.desc()).limit(limit)
        with self._database.reading() as session:
            events = list(read_events(session, EVENTS.c.id.in_(newest)))
        return [event.value for event in reversed(events)]

    def undoable(self, author: str) -> DraftChange | None:
        """Return the person's last change of the draft that still stands; None if there is none.

        In a browser that is a change under this name from this browser, since strangers may share
        a name. On the command line it is one under this name, from anywhere.
        """
        with self._database.reading() as session:
            change = last_standing(session, author, self._database.client)
            return None if change is None else change_told(session, change)

    def redoable(self, author: str) -> DraftChange | None:
        """Return what the person took back last, unless they have edited the draft since.

        `undo_change` does it again. Whose changes count is as in `undoable`.
        """
        with self._database.reading() as session:
            change = last_taken_back(session, author, self._database.client)
            return None if change is None else change_told(session, change)

    def digest(self) -> str:
        """Return the digest of the newest event, "" before the first.

        It stands for the entire log up to here. Noted elsewhere, it shows later whether somebody
        has rewritten the log with all its digests.
        """
        newest = select(EVENTS.c.digest).order_by(EVENTS.c.id.desc()).limit(1)
        with self._database.reading() as session:
            return session.connection().execute(newest).scalar() or ""

    def undo(self, event: int, *, author: str) -> list[Event]:
        """Undo one edit of the draft, of a move also what made room for it.

        The undoing is an edit itself, on record as "undo ..." and, if it is undone, "redo ...".
        The new events are returned.

        Raises:
            EditConflictError: Somebody has changed the same thing since; the message says who.
            StoreError: There is no such event, or it is of a kind that stays.
        """
        with self._database.writing() as session:
            events = list(read_events(session, EVENTS.c.id == event))
            if not events:
                raise StoreError(f"The record has no event {event}. Nothing was changed.")
            if is_move(events[0].action):
                events = list(read_events(session, EVENTS.c.change == events[0].change))
            return _undo(session, events, author=author)

    def undo_change(self, change: int, *, author: str) -> list[Event]:
        """Undo all events of one change, or none, as `undo` does one: an import, a restoration."""
        with self._database.writing() as session:
            events = list(read_events(session, EVENTS.c.change == change))
            if not events:
                raise StoreError(f"The record has no change {change}. Nothing was changed.")
            return _undo(session, events, author=author)
