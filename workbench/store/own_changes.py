"""Which change of the draft a person's Undo takes back, and which one Redo does again.

Undoing and redoing are events themselves, so what stands is found by pairing them: an undo belongs
to the newest event of its attribute that no other undo belongs to.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, or_, select
from sqlmodel import Session

from workbench.domain.audit_events import DraftChange
from workbench.store.audit import EVENTS, read_events, state_of
from workbench.store.draft_rows import MAKE_ROOM, MOVE

ATTRIBUTE = "attribute:"  # how the subject of an event about an attribute opens
_NEWEST = 200  # own events, among which the last that stands nearly always is

_e = EVENTS.c
# The draft's base moves with each version that is frozen, which nobody takes back.
_OF_DRAFT = or_(_e.subject.startswith(ATTRIBUTE), _e.action.endswith("restore"))


def last_standing(session: Session, author: str, client: str | None) -> int | None:
    """Return the number of a person's last change of the draft that nobody has taken back.

    Args:
        session: A session.
        author: The person's name.
        client: Token of the browser; None takes changes under the name from anywhere.
    """
    for limit in (_NEWEST, None):
        own = select(_e.id, _e.subject).where(_OF_DRAFT, *_of(author, client))
        newest = own.order_by(_e.id.desc()).limit(limit).subquery()
        since = select(func.min(newest.c.id)).scalar_subquery()
        events = _events(
            session, _e.id >= since, _e.subject.in_(select(newest.c.subject)), _OF_DRAFT
        )
        undone = Counter[str]()
        for event in events:
            if event.action.startswith("undo "):
                undone[event.subject] += 1
            elif undone[event.subject]:
                undone[event.subject] -= 1
            elif event.author == author and client in (None, event.client):
                return int(event.change)
    return None


def last_taken_back(session: Session, author: str, client: str | None) -> int | None:
    """Return the number of a person's last undo, if it is not redone and no edit came after it.

    Arguments as of `last_standing`.
    """
    for limit in (_NEWEST, None):
        redone = Counter[str]()
        for event in _events(session, _OF_DRAFT, *_of(author, client), limit=limit):
            if event.action.startswith("redo "):
                redone[event.subject] += 1
            elif not event.action.startswith("undo "):
                return None
            elif redone[event.subject]:
                redone[event.subject] -= 1
            else:
                return int(event.change)
    return None


def change_told(session: Session, change: int) -> DraftChange:
    """Return what a change of the draft did; an undo is told as what it took back."""
    states, action = [], ""
    for event in read_events(session, _e.change == change):
        action = action or bare(event.action)
        if not event.subject.startswith(ATTRIBUTE) or bare(event.action) == MAKE_ROOM:
            continue
        action = bare(event.action)
        before, after = state_of(event.before) or None, state_of(event.after) or None
        is_undo = event.action.startswith("undo ")
        states.append((after, before) if is_undo else (before, after))
    named = [after or before or {} for before, after in states]
    before, after = states[0] if len(states) == 1 else (None, None)
    return DraftChange(
        change=change,
        action=action,
        rows=len(states),
        distortions=tuple(dict.fromkeys(state["distortion"] for state in named)),
        before=before,
        after=after,
    )


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


def _of(author: str, client: str | None) -> list[ColumnElement[bool]]:
    own = [_e.author == author]
    return own if client is None else [*own, _e.client == client]


def _events(
    session: Session, *conditions: ColumnElement[bool], limit: int | None = None
) -> Sequence[Row[*tuple[Any, ...]]]:
    """Return what events did, without their states, newest first."""
    columns = (_e.action, _e.subject, _e.change, _e.author, _e.client)
    query = select(*columns).where(and_(*conditions)).order_by(_e.id.desc()).limit(limit)
    return session.connection().execute(query).all()
