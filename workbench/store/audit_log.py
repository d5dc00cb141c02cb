"""Reading the audit log: who did what when, by person, action, kind of thing and day."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, case, func, or_, select

from workbench.domain.audit_events import Event
from workbench.store.audit import EVENTS, read_events
from workbench.store.database import Repository

# What an event is about: the word before the colon of its subject.
KINDS = ("attribute", "version", "alias", "comment", "look", "recipe", "bundle", "draft")


class AuditFilter(NamedTuple):
    """Which events are asked for; what is empty does not matter.

    Attributes:
        author: Who did it.
        action: The verb ("edit", "undo edit").
        kind: What was changed, one of `KINDS`.
        since: First day, in UTC.
        until: Last day, in UTC.
        text: What the subject or a state contains, in capitals or not.
    """

    author: str = ""
    action: str = ""
    kind: str = ""
    since: date | None = None
    until: date | None = None
    text: str = ""


EVERYTHING = AuditFilter()


class AuditChoices(NamedTuple):
    """What an audit filter can be set to, with the number of events of each."""

    authors: dict[str, int]
    actions: dict[str, int]
    kinds: dict[str, int]


class AuditLogRepository(Repository):
    """The audit log as it is read; only the changes themselves write it."""

    def count(self, wanted: AuditFilter = EVERYTHING) -> int:
        """Return how many events there are."""
        query = select(func.count()).select_from(EVENTS).where(*_conditions(wanted))
        with self._database.reading() as session:
            return session.connection().execute(query).scalar_one()

    def page(self, wanted: AuditFilter = EVERYTHING, *, limit: int, skip: int = 0) -> list[Event]:
        """Return events, newest first.

        Args:
            wanted: Which.
            limit: How many at most.
            skip: How many of the newest to leave out.
        """
        newest = select(EVENTS.c.id).where(*_conditions(wanted)).order_by(EVENTS.c.id.desc())
        with self._database.reading() as session:
            ids = list(session.connection().execute(newest.limit(limit).offset(skip)).scalars())
            events = [event.value for event in read_events(session, EVENTS.c.id.in_(ids))]
        return events[::-1]

    def all(self, wanted: AuditFilter = EVERYTHING) -> Iterator[Event]:
        """Yield all events, oldest first, a few at a time in memory."""
        with self._database.reading() as session:
            for event in read_events(session, *_conditions(wanted), many=True):
                yield event.value

    def choices(self) -> AuditChoices:
        """Return who and what the log names, the most frequent first."""
        named = (EVENTS.c.author, EVENTS.c.action, _kind().label("kind"))
        query = select(*named, func.count()).group_by("author", "action", "kind")
        counts: tuple[dict[str, int], ...] = ({}, {}, {})
        with self._database.reading() as session:
            for *names, count in session.connection().execute(query):
                for counted, name in zip(counts, names, strict=True):
                    counted[name] = counted.get(name, 0) + count
        frequent = (dict(sorted(c.items(), key=lambda item: (-item[1], item[0]))) for c in counts)
        return AuditChoices(*frequent)


def _kind() -> ColumnElement[str]:
    """Return the kind of a subject, in SQL that every database has."""
    starts = ((EVENTS.c.subject.startswith(kind), kind) for kind in KINDS)
    return case(*starts, else_="other")


def _conditions(wanted: AuditFilter) -> Iterator[ColumnElement[bool]]:
    c = EVENTS.c
    if wanted.author:
        yield c.author == wanted.author
    if wanted.action:
        yield c.action == wanted.action
    if wanted.kind:
        yield c.subject.startswith(wanted.kind, autoescape=True)
    if wanted.since:
        yield c.at >= _midnight(wanted.since)
    if wanted.until:
        yield c.at < _midnight(wanted.until + timedelta(days=1))
    if words := json.dumps(wanted.text.strip())[1:-1]:  # as the states are written
        columns = (c.subject, c.before, c.after)
        yield or_(*(column.icontains(words, autoescape=True) for column in columns))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
