"""Single edits of the working draft on the command line, what is said of it, and taking back."""

from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError

from workbench.cli.console import (
    Author,
    Db,
    Json,
    emit,
    open_workbench,
    progress_bar,
    table,
)
from workbench.domain.attributes import Attribute, DraftRow
from workbench.domain.audit_events import Event
from workbench.domain.canonical import fault_words
from workbench.domain.number_format import count_text
from workbench.errors import ConfigError

if TYPE_CHECKING:
    from workbench.store import Store

LEAST_PREFIX = 4  # digits of an identity; fewer are a number of the draft
_SHOWN = ("phrase", "status", "distortion", "position", "origin")  # of an event, if they changed

Id = Annotated[str, typer.Argument(metavar="ID", help="Draft number, or prefix of an identity.")]


def row_document(row: DraftRow, comments: int) -> dict[str, Any]:
    """Return what commands say of a draft row."""
    return {
        "id": row.id,
        "distortion": row.distortion,
        "phrase": row.attribute.phrase,
        "origin": row.attribute.origin,
        "call_id": row.attribute.call_id,
        "status": row.attribute.status,
        "identity": row.attribute.identity,
        "decided_by": row.attribute.decided_by,
        "row_version": row.row_version,
        "comments": comments,
    }


def set_attribute(
    id: Id,
    status: Annotated[str | None, typer.Option(help="New review status.")] = None,
    phrase: Annotated[str | None, typer.Option(help="New wording.")] = None,
    distortion: Annotated[
        str | None, typer.Option(help="Give it to this distortion, behind those that it has.")
    ] = None,
    author: Author = None,
    json: Json = False,
    db: Db = None,
) -> None:
    """Decide on an attribute, reword it, or give it to another distortion."""
    if [status, phrase, distortion].count(None) != 2:
        raise typer.BadParameter("say one of --status, --phrase and --distortion")
    with open_workbench(db) as (settings, store):
        row, who = _row(store, id), author or settings.author
        if phrase is not None:
            row = store.draft.edit(row.id, phrase, based_on=row.row_version, author=who)
        elif distortion is not None:
            store.recipes.catalogue()[distortion]  # raises with the name that was meant
            store.draft.change_type({row.id: row.row_version}, distortion, author=who)
            row = _row(store, str(row.id))
        else:
            row = store.draft.set_status(
                row.id,
                status,  # type: ignore[arg-type]  # the store knows the statuses and says them
                based_on=row.row_version,
                author=who,
            )
        _emit_row(store, row, json)


def add_attribute(
    distortion: Annotated[str, typer.Argument(help="Id of a distortion.")],
    phrase: Annotated[str, typer.Argument(help="What one sees, in a few words.")],
    author: Author = None,
    json: Json = False,
    db: Db = None,
) -> None:
    """Write a new attribute into the draft, behind those of its distortion."""
    try:
        attribute = Attribute(phrase=phrase)
    except ValidationError as fault:
        raise ConfigError(f"'{phrase[:60]}' cannot be used: {fault_words(fault)[0]}.") from fault
    with open_workbench(db) as (settings, store):
        store.recipes.catalogue()[distortion]  # raises with the name that was meant
        row = store.draft.add(distortion, attribute, author=author or settings.author)
        _emit_row(store, row, json)


def prepare_photographs(
    types: Annotated[
        list[str] | None, typer.Argument(help="Distortions; default those of the draft.")
    ] = None,
    json: Json = False,
    db: Db = None,
) -> None:
    """Distort and encode the photographs that lint and the page Curate measure sentences on.

    Some seconds for each distortion, once; what is prepared is left alone.
    """
    with open_workbench(db) as (settings, store):
        known = store.recipes.catalogue()
        wanted = types or [d for d in store.draft.attribute_set().distortions if d in known]
        for name in wanted:
            known[name]  # raises with the name that was meant
        from workbench.workflow.evidence import Examiner

        examiner = Examiner(store, settings)
        missing = examiner.missing(wanted)
        if missing:
            with progress_bar("photographs") as progress:
                examiner.prepare(missing, progress)
    emit(json, {"prepared": list(missing)}, lambda: count_text(len(missing), "type") + " prepared")


def move_attribute(
    id: Id,
    position: Annotated[int, typer.Argument(min=0, help="New place in its distortion, from 0.")],
    author: Author = None,
    json: Json = False,
    db: Db = None,
) -> None:
    """Move an attribute to another position in its distortion."""
    with open_workbench(db) as (settings, store):
        row, who = _row(store, id), author or settings.author
        row = store.draft.move(row.id, position, based_on=row.row_version, author=who)
        _emit_row(store, row, json)


def remove_attribute(id: Id, author: Author = None, json: Json = False, db: Db = None) -> None:
    """Remove an attribute from the draft; its history is kept."""
    with open_workbench(db) as (settings, store):
        row = _row(store, id)
        who = author or settings.author
        store.draft.remove(row.id, based_on=row.row_version, author=who)
    phrase = row.attribute.phrase
    document = {"id": row.id, "identity": row.attribute.identity, "phrase": phrase}
    emit(json, document, lambda: f"removed {row.distortion}: {phrase}")


def add_comment(
    id: Id,
    text: Annotated[str, typer.Argument(help="What you say of it.")],
    author: Author = None,
    json: Json = False,
    db: Db = None,
) -> None:
    """Comment on an attribute."""
    with open_workbench(db) as (settings, store):
        who = author or settings.author
        comment = store.comments.add(_identity(store, id), text, author=who)
    emit(json, comment.model_dump(mode="json"), lambda: f"{comment.author}: {comment.text}")


def list_comments(id: Id, json: Json = False, db: Db = None) -> None:
    """List the comments on an attribute, those on its earlier wordings included."""
    with open_workbench(db) as (_, store):
        comments = store.comments.list(_identity(store, id))
    rows = [(f"{said.at:%Y-%m-%d %H:%M}", said.author, said.text) for said in comments]
    document = [comment.model_dump(mode="json") for comment in comments]
    emit(json, document, lambda: table(("at", "author", "text"), rows))


def show_history(id: Id, json: Json = False, db: Db = None) -> None:
    """Show the history of an attribute, oldest event first."""
    with open_workbench(db) as (_, store):
        entries = store.history.of(_identity(store, id))
    rows = [(f"{e.at:%Y-%m-%d %H:%M}", e.author, e.kind, e.words, e.event) for e in entries]
    columns = ("at", "author", "did", "what", "event")
    emit(json, [e.model_dump(mode="json") for e in entries], lambda: table(columns, rows))


def undo(
    event: Annotated[int | None, typer.Argument(help="Number of an event in the history.")] = None,
    change: Annotated[
        bool, typer.Option("--change", help="Undo the whole change that the event belongs to.")
    ] = False,
    author: Author = None,
    json: Json = False,
    db: Db = None,
) -> None:
    """Undo an edit of the draft; without a number, the author's own last change."""
    with open_workbench(db) as (settings, store):
        who = author or settings.author
        if event is None:
            last = store.record.undoable(who)
            if last is None:
                raise ConfigError(f"There is no edit of {who} to undo. Nothing was changed.")
            done = store.record.undo_change(last.change, author=who)
        elif change:
            done = store.record.undo_change(_event(store, event).change, author=who)
        else:
            done = store.record.undo(event, author=who)
    _emit_events(done, json)


def redo(author: Author = None, json: Json = False, db: Db = None) -> None:
    """Do again what the author last took back, unless they have edited the draft since."""
    with open_workbench(db) as (settings, store):
        who = author or settings.author
        last = store.record.redoable(who)
        if last is None:
            raise ConfigError(f"There is no undo of {who} to redo. Nothing was changed.")
        done = store.record.undo_change(last.change, author=who)
    _emit_events(done, json)


def _row(store: "Store", id: str) -> DraftRow:
    rows = store.draft.rows()
    by_number = [row for row in rows if id.isdecimal() and str(row.id) == id]
    if by_number:
        return by_number[0]
    likely = len(id) >= LEAST_PREFIX
    matches = [row for row in rows if likely and (row.attribute.identity or "").startswith(id)]
    if len(matches) == 1:
        return matches[0]
    why = f"{len(matches)} attributes whose identity opens with" if matches else "no attribute"
    raise ConfigError(
        f"The draft has {why} '{id}'; `workbench attributes list` shows numbers and identities "
        f"(a prefix has {LEAST_PREFIX} digits or more)."
    )


def _identity(store: "Store", id: str) -> str:
    """Return an identity, which may be of an attribute that is no longer in the draft."""
    if len(id) == 32 and not id.strip("0123456789abcdef"):
        return id
    return _row(store, id).attribute.identity or ""


def _event(store: "Store", id: int) -> Event:
    events = store.record.events(limit=1_000_000)
    event = next((event for event in events if event.id == id), None)
    if event is None:
        raise ConfigError(f"The record has no event {id}. Nothing was changed.")
    return event


def _emit_row(store: "Store", row: DraftRow, json: bool) -> None:
    attribute = row.attribute
    document = row_document(row, store.comments.counts().get(attribute.identity or "", 0))
    emit(json, document, lambda: f"{row.distortion}: {attribute.phrase} ({attribute.status})")


def _emit_events(events: list[Event], json: bool) -> None:
    rows = [
        (e.id, f"{e.at:%Y-%m-%d %H:%M}", e.author, e.action, e.subject, _event_text(e))
        for e in events
    ]
    columns = ("event", "at", "author", "action", "what", "change")
    emit(json, [e.model_dump(mode="json") for e in events], lambda: table(columns, rows))


def _event_text(event: Event) -> str:
    before, after = event.before or {}, event.after or {}
    if not before or not after:
        state = after or before
        return str(state.get("phrase") or state.get("text") or "")
    return "; ".join(
        f"{before.get(name)} -> {after.get(name)}"
        for name in _SHOWN
        if before.get(name) != after.get(name)
    )
