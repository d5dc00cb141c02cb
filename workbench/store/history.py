"""What became of one attribute, from the call that made it to the versions that hold it."""

import builtins
from collections.abc import Collection
from typing import Any

from sqlalchemy import select as select_columns
from sqlmodel import Session, col, func, select

from workbench.domain.audit_events import Comment, HistoryEntry
from workbench.errors import StoreError
from workbench.store.audit import EVENTS, AuditEvent, State, read_events, record, state_of
from workbench.store.database import Repository
from workbench.store.frozen_versions import VERSION_ATTRIBUTES
from workbench.store.tables import (
    METADATA,
    AuditRow,
    CommentRow,
    DraftAttributeRow,
    VersionAttributeRow,
    VersionRow,
    utc_now,
)


class CommentRepository(Repository):
    """Comments as they were made; nothing changes or removes one."""

    def add(self, identity: str, text: str, *, author: str) -> Comment:
        """Comment on an attribute, also on one that is no longer in the draft."""
        if not text.strip():
            raise StoreError("A comment needs words. Nothing was changed.")
        with self._database.writing() as session:
            if not is_known(session, identity):
                raise StoreError(
                    f"No attribute of the draft, the versions or the record has the identity "
                    f"'{identity}'. Nothing was changed."
                )
            row = CommentRow(identity=identity, text=text.strip(), author=author, at=utc_now())
            insert_comment(session, row)
            return _value(row)

    def list(self, identity: str) -> builtins.list[Comment]:
        """Return the comments on an attribute, oldest first."""
        query = select(CommentRow).where(CommentRow.identity == identity)
        with self._database.reading() as session:
            return [_value(row) for row in session.exec(query.order_by(col(CommentRow.id)))]

    def counts(self) -> dict[str, int]:
        """Return identity to number of comments, of the attributes that have any."""
        with self._database.reading() as session:
            return comment_counts(session)


def comment_counts(session: Session, of: Collection[str] | None = None) -> dict[str, int]:
    """Return identity to number of comments, of all attributes or of these."""
    counts = select(CommentRow.identity, func.count()).group_by(CommentRow.identity)
    if of is not None:
        counts = counts.where(col(CommentRow.identity).in_(of))
    return dict(session.exec(counts).all())


def insert_comment(session: Session, row: CommentRow) -> None:
    """Insert and record a comment."""
    session.add(row)
    session.flush()  # gives it the number that the audit log names it by
    after = comment_state(row)
    record(session, "comment", f"comment:{row.id}", author=row.author, after=after, at=row.at)


def comment_state(row: CommentRow) -> State:
    """Return what the audit log says of a comment."""
    return {"identity": row.identity, "text": row.text}


def is_known(session: Session, identity: str) -> bool:
    """Tell whether an attribute of this identity is or ever was in the store."""
    drafted = select(DraftAttributeRow.id).where(DraftAttributeRow.identity == identity)
    recorded = select(AuditRow.id).where(AuditRow.identity == identity)
    frozen = (
        select(VersionRow.id)
        .join(VersionAttributeRow, col(VersionAttributeRow.version_id) == VersionRow.id)
        .where(VersionAttributeRow.identity == identity)
    )
    queries = (drafted, recorded, frozen)
    return any(session.exec(query.limit(1)).first() for query in queries)


def _value(row: CommentRow) -> Comment:
    return Comment(
        id=row.id or 0, identity=row.identity, text=row.text, author=row.author, at=row.at
    )


_VERSIONS = METADATA.tables["version"]


class HistoryRepository(Repository):
    """The history of attributes, by identity."""

    def of(self, identity: str) -> list[HistoryEntry]:
        """Return what happened to an attribute, oldest first; nothing for one that never was.

        It may have left the draft. The entries are its events and comments, and for each of its
        wordings the first and the last version that holds it.
        """
        with self._database.reading() as session:
            events = read_events(session, EVENTS.c.identity == identity)
            entries = [_entry(event) for event in events] + _frozen(session, identity)
        return sorted(entries, key=lambda entry: entry.at)


def _entry(event: AuditEvent) -> HistoryEntry:
    before, after = state_of(event.before), state_of(event.after)
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
    changes = []
    if before["phrase"] != after["phrase"]:
        changes.append(f"'{before['phrase']}' became '{after['phrase']}'")
    if before["status"] != after["status"]:
        changes.append(f"{before['status']} became {after['status']}")
    if before["position"] != after["position"]:
        changes.append(f"place {before['position']} became {after['position']}")
    return "; ".join(changes) or "where it comes from was changed"


def _frozen(session: Session, identity: str) -> list[HistoryEntry]:
    """Return the first and the last version of each wording."""
    v, a = _VERSIONS.c, VERSION_ATTRIBUTES.c
    in_version = (a.version_id == v.id) & (a.identity == identity)
    query = (
        select_columns(a.phrase, v.hash, v.created_at, v.author, v.message, a.call_id)
        .join_from(_VERSIONS, VERSION_ATTRIBUTES, in_version)
        .order_by(v.id)
    )
    wordings: dict[str, list[Any]] = {}
    for row in session.connection().execute(query):
        wordings.setdefault(row.phrase, []).append(row)
    entries = []
    for rows in wordings.values():
        entries.append(_frozen_entry(rows[0], "first frozen"))
        if len(rows) > 1:
            entries.append(_frozen_entry(rows[-1], "last frozen"))
    return entries


def _frozen_entry(row: Any, kind: str) -> HistoryEntry:
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
