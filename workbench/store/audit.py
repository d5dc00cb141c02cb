"""The record: every change of the draft and of the versions, never rewritten."""

import json
from typing import Any

from sqlmodel import Session, col, select

from workbench.errors import StoreError
from workbench.store.columns import utc_now
from workbench.store.seal import event_digest
from workbench.store.tables import AuditRow, DraftAttributeRow

_LAST, _CHANGE = "last event", "change"  # what a writer's session keeps in mind


def record(
    session: Session,
    action: str,
    subject: str,
    *,
    author: str,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Add one event to the record.

    Args:
        session: The writer's session: the event stands or falls with the change.
        action: A verb ("edit").
        subject: What was changed ("attribute:12").
        author: Who did it.
        before: What it was; None if it is new.
        after: What it is; None if it is gone.

    Raises:
        StoreError: Nobody is named as author.
    """
    if not author.strip():
        raise StoreError("An edit needs an author; set WORKBENCH_AUTHOR. Nothing was changed.")
    id, digest = _last(session)
    event = AuditRow(
        id=id + 1,
        at=utc_now(),
        author=author,
        action=action,
        subject=subject,
        before=None if before is None else json.dumps(before, sort_keys=True),
        after=None if after is None else json.dumps(after, sort_keys=True),
        change=session.info.setdefault(_CHANGE, id + 1),
        digest="",
    )
    event.digest = event_digest(event, digest)
    session.info[_LAST] = id + 1, event.digest
    session.add(event)


def _last(session: Session) -> tuple[int, str]:
    """Return number and digest of the last event; writers take turns, so nobody else adds one."""
    if _LAST not in session.info:
        newest = select(AuditRow.id, AuditRow.digest).order_by(col(AuditRow.id).desc()).limit(1)
        session.info[_LAST] = session.exec(newest).first() or (0, "")
    last: tuple[int, str] = session.info[_LAST]
    return last


def removal(session: Session, subject: str) -> AuditRow | None:
    """Return the event by which a subject went away, if there is one."""
    last = session.exec(
        select(AuditRow).where(AuditRow.subject == subject).order_by(col(AuditRow.id).desc())
    ).first()
    return last if last is not None and last.after is None else None


def attribute_state(row: DraftAttributeRow) -> dict[str, Any]:
    """Return what the record keeps of a draft attribute."""
    return row.model_dump(
        mode="json", include={
            "distortion", "position", "phrase", "origin", "call_id", "status",
            "identity", "decided_by",
        },
    )  # fmt: skip
