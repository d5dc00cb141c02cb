"""What became of one attribute, from the call that made it to the versions that hold it."""

import builtins
import json
from typing import Any

from sqlalchemy import select as select_columns
from sqlmodel import Session, col, func, select

from workbench.domain.audit_events import Comment, HistoryEntry
from workbench.errors import StoreError
from workbench.store.audit import EVENTS, Deed, State, Told, read_events, record_all
from workbench.store.database import Database
from workbench.store.frozen_versions import KEPT
from workbench.store.tables import (
    METADATA,
    AuditRow,
    CommentRow,
    DraftAttributeRow,
    VersionAttributeRow,
    VersionRow,
    utc_now,
)


class CommentRepository:
    """Comments as they were made; nothing changes or removes one.

    Args:
        database: The open database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, identity: str, text: str, *, author: str) -> Comment:
        """Comment on an attribute, also on one that is no longer in the draft.

        Args:
            identity: Which attribute.
            text: The remark; blanks around it go.
            author: Who makes it.

        Raises:
            StoreError: There is nothing to say, nobody who says it, or no such attribute.
        """
        if not text.strip():
            raise StoreError("A comment needs words. Nothing was changed.")
        with self._database.writing() as session:
            if not is_known(session, identity):
                raise StoreError(
                    f"No attribute of the draft, the versions or the record has the identity "
                    f"'{identity}'. Nothing was changed."
                )
            row = CommentRow(identity=identity, text=text.strip(), author=author, at=utc_now())
            session.add(row)
            session.flush()
            said = {"identity": identity, "text": row.text}
            deed = Deed("comment", f"comment:{row.id}", None, said)
            record_all(session, [deed], author=author, at=row.at)
            return _value(row)

    def list(self, identity: str) -> builtins.list[Comment]:
        """Return the comments on an attribute, oldest first."""
        wanted = select(CommentRow).where(CommentRow.identity == identity)
        with self._database.reading() as session:
            return [_value(row) for row in session.exec(wanted.order_by(col(CommentRow.id)))]

    def counts(self) -> dict[str, int]:
        """Return identity to number of comments, of the attributes that have any."""
        with self._database.reading() as session:
            counted = select(CommentRow.identity, func.count()).group_by(CommentRow.identity)
            return dict(session.exec(counted).all())


def is_known(session: Session, identity: str) -> bool:
    """Tell whether an attribute of this identity is or ever was in the store."""
    drafted = select(DraftAttributeRow.id).where(DraftAttributeRow.identity == identity)
    told = select(AuditRow.id).where(AuditRow.identity == identity)
    frozen = (
        select(VersionRow.id)
        .join(VersionAttributeRow, col(VersionAttributeRow.version_id) == VersionRow.id)
        .where(VersionAttributeRow.identity == identity)
    )
    return any(session.exec(asked.limit(1)).first() for asked in (drafted, told, frozen))


def _value(row: CommentRow) -> Comment:
    return Comment(
        id=row.id or 0, identity=row.identity, text=row.text, author=row.author, at=row.at
    )


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
        select_columns(a.phrase, v.hash, v.created_at, v.author, v.message, a.call_id)
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
