"""The record as others see it, and taking back what it says."""

from collections import Counter

from sqlalchemy import select

from workbench.domain.review import Event
from workbench.errors import StoreError
from workbench.store.audit import EVENTS, event_value, read_events
from workbench.store.database import Database
from workbench.store.undoing import is_move, undo_events


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
