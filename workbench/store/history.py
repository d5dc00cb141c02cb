"""What became of one attribute, from the call that made it to the versions that hold it."""

import json
from typing import Any

from sqlalchemy import select
from sqlmodel import Session

from workbench.domain.review import HistoryEntry
from workbench.store.audit import EVENTS, State, Told, read_events
from workbench.store.database import Database
from workbench.store.frozen import KEPT
from workbench.store.tables import METADATA

_VERSIONS = METADATA.tables["version"]


class HistoryRepository:
    """The history of attributes, by identity.

    Args:
        database: The open database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, identity: str) -> list[HistoryEntry]:
        """Return what happened to an attribute, oldest first; nothing for one that never was.

        Args:
            identity: Which attribute; it may have left the draft.

        Returns:
            Its events and comments, and for each of its wordings the first and the last version
            that holds it.
        """
        with self._database.reading() as session:
            found = _told(session, identity) + _frozen(session, identity)
        return sorted(found, key=lambda entry: entry.at)


def _told(session: Session, identity: str) -> list[HistoryEntry]:
    return [_entry(event) for event in read_events(session, EVENTS.c.identity == identity)]


def _entry(event: Told) -> HistoryEntry:
    before, after = json.loads(event.before or "{}"), json.loads(event.after or "{}")
    return HistoryEntry(
        at=event.at,
        author=event.author,
        kind=event.action,
        words=after["text"] if event.subject.startswith("comment:") else _words(before, after),
        before=before.get("phrase"),
        after=after.get("phrase"),
        call_id=(after or before).get("call_id"),
        event=event.id,
    )


def _words(before: State, after: State) -> str:
    """Say in one line what was changed."""
    if not before or not after:
        return f"'{after['phrase']}' joined" if after else f"'{before['phrase']}' left"
    said = []
    if before["phrase"] != after["phrase"]:
        said.append(f"'{before['phrase']}' became '{after['phrase']}'")
    if before["status"] != after["status"]:
        said.append(f"{before['status']} became {after['status']}")
    if before["position"] != after["position"]:
        said.append(f"place {before['position']} became {after['position']}")
    return "; ".join(said) or "where it comes from was changed"


def _frozen(session: Session, identity: str) -> list[HistoryEntry]:
    """Return the first and the last version of each wording."""
    v, a = _VERSIONS.c, KEPT.c
    wanted = (
        select(a.phrase, v.hash, v.created_at, v.author, v.message, a.call_id)
        .join_from(_VERSIONS, KEPT, (a.version_id == v.id) & (a.identity == identity))
        .order_by(v.id)
    )
    wordings: dict[str, list[Any]] = {}
    for row in session.connection().execute(wanted):
        wordings.setdefault(row.phrase, []).append(row)
    found = []
    for rows in wordings.values():
        found.append(_stands(rows[0], "first frozen"))
        if len(rows) > 1:
            found.append(_stands(rows[-1], "last frozen"))
    return found


def _stands(row: Any, kind: str) -> HistoryEntry:
    return HistoryEntry(
        at=row.created_at,
        author=row.author,
        kind=kind,
        words=f"'{row.phrase}' stands in version {row.hash[:10]}: {row.message}",
        before=row.phrase,
        after=row.phrase,
        version=row.hash,
        call_id=row.call_id,
    )
