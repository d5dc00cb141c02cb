"""Whether everything in the store still is what was recorded.

Three things must agree: the digests of what is never changed (versions, calls, results, recipes),
the chain of the audit log, and the log's newest event about everything that may change.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime

from sqlalchemy import text
from sqlmodel import Session, select

from workbench.domain.canonical import content_hash
from workbench.store.access_log import access_state
from workbench.store.audit import AuditEvent, State, read_events, state_of
from workbench.store.digest import call_digest, document_digest, event_digest
from workbench.store.draft_rows import DraftRecord, base_hash, read_rows, row_state
from workbench.store.frozen_versions import broken_versions, hashes_by_id
from workbench.store.history import comment_state
from workbench.store.own_changes import bare
from workbench.store.tables import (
    AccessRow,
    AliasRow,
    CallRow,
    CommentRow,
    RecipeRow,
    ResultRow,
    RunRow,
)

# Tables whose rows are numbered without a gap and never taken out, and what a row is.
_WITHOUT_GAP = {"llm_call": "call", "audit_event": "event", "run": "run", "test_look": "look"}


class _Log:
    """The newest event about each subject, and the faults of the chain of events.

    Attributes:
        last: Subject to its newest event.
        editor: Subject to the author of the newest event that changed more than its position.
        faults: One line for each event that does not follow from the one before.
    """

    def __init__(self, session: Session) -> None:
        self.last: dict[str, AuditEvent] = {}
        self.editor: dict[str, str] = {}
        self.faults: list[str] = []
        digest = ""
        for event in read_events(session, many=True):
            if event.digest != event_digest(event._asdict(), digest):
                self.faults.append(
                    f"event {event.id}: it is not what was recorded, or what came before it is not"
                )
            digest = event.digest
            self.last[event.subject] = event
            if _is_edit(event):
                self.editor[event.subject] = event.author

    def of(self, kind: str) -> dict[str, AuditEvent]:
        """Return name to newest event of the subjects of one kind ("alias")."""
        subjects = ((subject.partition(":"), event) for subject, event in self.last.items())
        return {name: event for (head, _, name), event in subjects if head == kind}


def find_tampering(session: Session) -> list[str]:
    """Return one line for each thing that is not what was recorded."""
    log = _Log(session)
    comments, accesses = session.exec(select(CommentRow)), session.exec(select(AccessRow))
    return [
        *log.faults,
        *_versions(session, log),
        *_aliases(session, log),
        *_draft(session, log),
        *_base(session, log),
        *_appended(log, "comment", ((row, comment_state(row)) for row in comments)),
        *_appended(log, "look", ((row, access_state(row)) for row in accesses)),
        *_recipes(session, log),
        *_calls(session),
        *_runs(session),
        *_gaps(session),
    ]


def _versions(session: Session, log: _Log) -> Iterator[str]:
    for row in broken_versions(session):
        yield f"version {row.hash[:10]}: it is no longer what {row.author} froze"
    frozen, present = log.of("version"), set(hashes_by_id(session).values())
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


def _aliases(session: Session, log: _Log) -> Iterator[str]:
    events, hashes = log.of("alias"), hashes_by_id(session)
    for row in session.exec(select(AliasRow)):
        event = events.pop(row.name, None)
        if not _matches(event, row.updated_by, {"version": hashes.get(row.version_id)}):
            yield f"alias {row.name}: it does not point where the record says"
    yield from _missing("alias", events)


def _draft(session: Session, log: _Log) -> Iterator[str]:
    events = log.of("attribute")
    calls = set(session.exec(select(CallRow.id)))
    for row in read_rows(session):
        event = events.pop(str(row.id), None)
        name = f"attribute {row.id} ({row.distortion}: '{row.phrase}')"
        if event is None or event.after is None:
            yield f"{name}: it is in the draft and nobody put it there"
        elif not _agrees(row, event) or log.editor[event.subject] != row.updated_by:
            yield f"{name}: it is not what {event.author} made of it (event {event.id})"
        if row.call_id is not None and row.call_id not in calls:
            yield f"{name}: the call {row.call_id} that it came from is gone"
    yield from _missing("attribute", events)


def _agrees(row: DraftRecord, event: AuditEvent) -> bool:
    """Tell whether a row is what its newest event says; an older program recorded fewer fields."""
    state, recorded = row_state(row), state_of(event.after)
    return (
        {name: state[name] for name in recorded} == recorded
        and row.identity == event.identity
        and row.phrase_key == row.phrase.casefold()
    )


def _base(session: Session, log: _Log) -> Iterator[str]:
    event = log.last.get("draft")
    if base_hash(session) != (state_of(event.after)["version"] if event else None):
        yield "draft: its base is not the version that the record says"


def _appended(
    log: _Log, kind: str, rows: Iterable[tuple[CommentRow | AccessRow, State]]
) -> Iterator[str]:
    """Check a table to which rows are only added; each row comes with the state on record."""
    events = log.of(kind)
    for row, state in rows:
        if not _matches(events.pop(str(row.id), None), row.author, state, row.at):
            yield f"{kind} {row.id}: it is not what the record says"
    yield from _missing(kind, events)


def _recipes(session: Session, log: _Log) -> Iterator[str]:
    events = log.of("recipe")
    for row in session.exec(select(RecipeRow)):
        document = json.loads(row.document)
        recorded = _matches(events.pop(row.id, None), row.author, document)
        if not recorded or content_hash(document) != row.hash:
            yield f"recipe {row.id}: it is no longer what was added"
    yield from _missing("recipe", events)


def _matches(
    event: AuditEvent | None, author: str, state: State, at: datetime | None = None
) -> bool:
    """Tell whether the newest event about a row names this author, state and, if given, time."""
    if event is None or (at is not None and event.at != at):
        return False
    return (event.author, state_of(event.after)) == (author, state)


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
    last: dict[str, int] = {row.name: row.seq for row in numbers}
    for table, thing in _WITHOUT_GAP.items():
        present = set(connection.execute(text(f"SELECT id FROM {table}")).scalars())
        for id in range(1, last.get(table, 0) + 1):
            if id not in present:
                yield f"{thing} {id}: it was there and is gone"


def _missing(kind: str, events: dict[str, AuditEvent]) -> Iterator[str]:
    """Yield a line for each name whose newest event is no removal, and that has no row."""
    for name, event in events.items():
        if event.after is not None:
            yield f"{kind} {name}: it is on record (event {event.id}, {event.author}) and is gone"


def _is_edit(event: AuditEvent) -> bool:
    if event.before is None or event.after is None or bare(event.action) == "move":
        return True
    return {**state_of(event.before), "position": 0} != {**state_of(event.after), "position": 0}
