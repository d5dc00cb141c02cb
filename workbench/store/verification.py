"""Whether everything in the store still is what was recorded.

Three things bear each other out: the digests of what is never changed (versions, calls, results,
recipes), the chain of the record, and the record's last word on everything that may change.
"""

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import text
from sqlmodel import Session, select

from workbench.domain.canonical import content_hash
from workbench.store import access_log, draft_rows
from workbench.store.audit import Told, read_events
from workbench.store.digest import call_digest, document_digest, event_digest
from workbench.store.draft_rows import Drafted, base_hash
from workbench.store.frozen_versions import broken_versions, hashes_by_id
from workbench.store.tables import (
    AccessRow,
    AliasRow,
    CallRow,
    CommentRow,
    RecipeRow,
    ResultRow,
    RunRow,
)
from workbench.store.undo import bare

# Tables whose rows are numbered without a gap and never taken out.
_WITHOUT_GAP = {"llm_call": "call", "audit_event": "event", "run": "run", "test_look": "look"}


class _Record:
    """The record's last word on each subject, and the faults of its chain.

    Attributes:
        last: Subject to its newest event.
        shaper: Subject to the author of the newest event that changed more than a place in a list.
        faults: One line for each event that does not follow from the one before.
    """

    def __init__(self, session: Session) -> None:
        self.last: dict[str, Told] = {}
        self.shaper: dict[str, str] = {}
        self.faults: list[str] = []
        digest = ""
        for event in read_events(session):
            if event.digest != event_digest(event._asdict(), digest):
                self.faults.append(
                    f"event {event.id}: it is not what was recorded, or what came before it is not"
                )
            digest = event.digest
            self.last[event.subject] = event
            if _shapes(event):
                self.shaper[event.subject] = event.author

    def of(self, kind: str) -> dict[str, Told]:
        """Return name to newest event of the subjects of one kind ("alias")."""
        found = ((subject.partition(":"), event) for subject, event in self.last.items())
        return {name: event for (head, _, name), event in found if head == kind}


def find_tampering(session: Session) -> list[str]:
    """Return one line for each thing that is not what was recorded.

    Args:
        session: A reader's session: all is of one moment.
    """
    record = _Record(session)
    return [
        *record.faults,
        *_versions(session, record),
        *_aliases(session, record),
        *_draft(session, record),
        *_base(session, record),
        *_comments(session, record),
        *_looks(session, record),
        *_recipes(session, record),
        *_calls(session),
        *_runs(session),
        *_gaps(session),
    ]


def _versions(session: Session, record: _Record) -> Iterator[str]:
    for row in broken_versions(session):
        yield f"version {row.hash[:10]}: it is no longer what {row.author} froze"
    frozen, present = record.of("version"), set(hashes_by_id(session).values())
    for hash, event in frozen.items():
        if hash not in present:
            yield f"version {hash[:10]}: {event.author} froze it (event {event.id}) and it is gone"
    for hash in present - frozen.keys():
        yield f"version {hash[:10]}: it is there and nobody froze it"
    orphans = text(
        "SELECT DISTINCT version_id FROM version_attribute "
        "WHERE version_id NOT IN (SELECT id FROM version)"
    )
    for (id,) in session.connection().execute(orphans):
        yield f"version number {id}: it has attributes and is not there itself"


def _aliases(session: Session, record: _Record) -> Iterator[str]:
    told, hashes = record.of("alias"), hashes_by_id(session)
    for row in session.exec(select(AliasRow)):
        event = told.pop(row.name, None)
        found = {"version": hashes.get(row.version_id)}
        if event is None or _state(event.after) != found or event.author != row.updated_by:
            yield f"alias {row.name}: it does not point where the record says"
    yield from (_gone(f"alias {name}", event) for name, event in told.items())


def _draft(session: Session, record: _Record) -> Iterator[str]:
    told = record.of("attribute")
    calls = set(session.exec(select(CallRow.id)))
    for row in draft_rows.read(session):
        event = told.pop(str(row.id), None)
        name = f"attribute {row.id} ({row.distortion}: '{row.phrase}')"
        if event is None or event.after is None:
            yield f"{name}: it is in the draft and nobody put it there"
        elif not _agrees(row, event) or record.shaper[event.subject] != row.updated_by:
            yield f"{name}: it is not what {event.author} made of it (event {event.id})"
        if row.call_id is not None and row.call_id not in calls:
            yield f"{name}: the call {row.call_id} that it came from is gone"
    left = {f"attribute {name}": event for name, event in told.items() if event.after is not None}
    yield from (_gone(name, event) for name, event in left.items())


def _agrees(row: Drafted, event: Told) -> bool:
    """Tell whether a row is what its newest event says, which an older program told with less."""
    found, told = draft_rows.state(row), _state(event.after)
    return (
        {name: found[name] for name in told} == told
        and row.identity == event.identity
        and row.phrase_key == row.phrase.casefold()
    )


def _base(session: Session, record: _Record) -> Iterator[str]:
    event = record.last.get("draft")
    if base_hash(session) != (_state(event.after)["version"] if event else None):
        yield "draft: its base is not the version that the record says"


def _comments(session: Session, record: _Record) -> Iterator[str]:
    told = record.of("comment")
    for row in session.exec(select(CommentRow)):
        event = told.pop(str(row.id), None)
        found = (row.author, row.at, {"identity": row.identity, "text": row.text})
        if event is None or (event.author, event.at, _state(event.after)) != found:
            yield f"comment {row.id}: it is not what the record says"
    yield from (_gone(f"comment {name}", event) for name, event in told.items())


def _looks(session: Session, record: _Record) -> Iterator[str]:
    told = record.of("look")
    for row in session.exec(select(AccessRow)):
        event = told.pop(str(row.id), None)
        found = (row.author, row.at, access_log.state(row))
        if event is None or (event.author, event.at, _state(event.after)) != found:
            yield f"look {row.id}: it is not what the record says"
    yield from (_gone(f"look {name}", event) for name, event in told.items())


def _recipes(session: Session, record: _Record) -> Iterator[str]:
    told = record.of("recipe")
    for row in session.exec(select(RecipeRow)):
        event, document = told.pop(row.id, None), json.loads(row.document)
        found = (row.author, document)
        if (
            event is None
            or (event.author, _state(event.after)) != found
            or content_hash(document) != row.hash
        ):
            yield f"recipe {row.id}: it is no longer what was added"
    left = {f"recipe {name}": event for name, event in told.items() if event.after is not None}
    yield from (_gone(name, event) for name, event in left.items())


def _calls(session: Session) -> Iterator[str]:
    for row in session.exec(select(CallRow)):
        if call_digest(row) != row.digest:
            yield f"call {row.id}: it is not what was logged"


def _runs(session: Session) -> Iterator[str]:
    results = {row.run_id: row for row in session.exec(select(ResultRow))}
    for run in session.exec(select(RunRow)):
        config = json.loads(run.config)
        config.pop("name", None)
        if content_hash(config) != run.config_hash:
            yield f"run {run.id}: its configuration is not what was queued"
        result = results.get(run.id or 0)
        if (result is not None) != (run.status == "done"):
            yield f"run {run.id}: it is {run.status}, {'with' if result else 'without'} a result"
    for row in results.values():
        if document_digest(row.document) != row.digest:
            yield f"run {row.run_id}: its result is not what was handed in"


def _gaps(session: Session) -> Iterator[str]:
    """Find rows that were taken out of numbered tables.

    PostgreSQL gives out numbers that a refused insertion then leaves unused; there a gap says
    nothing.
    """
    connection = session.connection()
    if connection.dialect.name != "sqlite":
        return
    numbers = connection.execute(text("SELECT name, seq FROM sqlite_sequence"))
    given: dict[str, int] = {row.name: row.seq for row in numbers}
    for table, thing in _WITHOUT_GAP.items():
        present = set(connection.execute(text(f"SELECT id FROM {table}")).scalars())
        for id in range(1, given.get(table, 0) + 1):
            if id not in present:
                yield f"{thing} {id}: it was there and is gone"


def _gone(name: str, event: Told) -> str:
    return f"{name}: it is on record (event {event.id}, {event.author}) and is gone"


def _state(document: str | None) -> dict[str, Any]:
    state: dict[str, Any] = json.loads(document or "{}")
    return state


def _shapes(event: Told) -> bool:
    if event.before is None or event.after is None or bare(event.action) == "move":
        return True
    return {**_state(event.before), "position": 0} != {**_state(event.after), "position": 0}
