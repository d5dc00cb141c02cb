"""What a person does to the draft, one act at a time, each done once and answered.

An act is a JSON object as a browser sends it: `uid` (a name of its own, by which a second sending
is known), `act`, and what that needs. The answer is one, too: `uid`, `ok`, `said` (one line for
people), and where it applies `conflicts` (ids that somebody else changed meanwhile), `versions`
(id to the row version that the act made), `ask` (what must be confirmed first) or `findings`.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from workbench.domain.attributes import Attribute, AttributeSet
from workbench.domain.audit_events import STARTED, DraftChange
from workbench.domain.number_format import count_text
from workbench.errors import EditConflictError, StoreError, WorkbenchError
from workbench.settings import resource
from workbench.store import Store
from workbench.workflow.curation import DraftBoard
from workbench.workflow.versions import freeze_draft

Act = Mapping[str, Any]
Answer = dict[str, Any]


def do_act(board: DraftBoard, store: Store, act: Act, *, author: str) -> Answer:
    """Do an act, unless it was done, and say what became of it.

    Args:
        board: The board that the person looks at; it has taken in the change afterwards.
        store: The store, as this person's: whose changes Undo offers is its affair.
        act: What to do.
        author: Under which name.
    """
    uid = str(act.get("uid", ""))
    if (done := board.outcome(uid)) is not None:
        return done
    try:
        answer = {"ok": True, **ACTS[str(act["act"])](board, store, act, author)}
    except EditConflictError as fault:
        answer = {"ok": False, "said": str(fault), "conflicts": [act.get("id")]}
    except WorkbenchError as fault:
        answer = {"ok": False, "said": str(fault)}
    except (KeyError, TypeError, ValueError) as fault:
        answer = {
            "ok": False,
            "said": f"This could not be understood ({fault!r}). Reload the page.",
        }
    answer["uid"] = uid
    board.refresh()
    board.note_outcome(uid, answer)
    return answer


def build_on(done: Act, answer: Answer, acts: Iterable[dict[str, Any]]) -> None:
    """Let acts that were sent together build on what one of them has made of a row.

    Args:
        done: An act that was done.
        answer: What became of it.
        acts: Those after it; a row version that `done` read too becomes the one that it made.

    Example:
        >>> second = {"rows": [[1, 4], [2, 9]]}
        >>> build_on({"id": 1, "version": 4}, {"versions": {1: 5}}, [second])
        >>> second
        {'rows': [[1, 5], [2, 9]]}
    """
    read = {int(id): version for id, version in done.get("rows", ())}
    if "version" in done:
        read[int(done["id"])] = done["version"]
    made = {int(id): version for id, version in answer.get("versions", {}).items()}
    for act in acts:
        if "rows" in act:
            act["rows"] = [
                [id, made.get(id, version) if read.get(id) == version else version]
                for id, version in act["rows"]
            ]
        elif "version" in act and read.get(act["id"]) == act["version"]:
            act["version"] = made.get(act["id"], act["version"])


def curated_set() -> AttributeSet:
    """Return the attributes that ship with the workbench.

    Raises:
        ConfigError: The files are missing or faulty.
    """
    from workbench.store.text import read_attributes

    return read_attributes(resource("attribute_db/curated"), origin="curated")


def _edit(_board: DraftBoard, store: Store, act: Act, author: str) -> Answer:
    id, version = int(act["id"]), int(act["version"])
    row = store.draft.edit(id, str(act["phrase"]), based_on=version, author=author)
    same = row.row_version == version
    said = "Nothing was changed." if same else f"Saved: '{row.attribute.phrase}'."
    return {"versions": {id: row.row_version}, "said": said}


def _add(_board: DraftBoard, store: Store, act: Act, author: str) -> Answer:
    phrase = str(act["phrase"])
    try:
        attribute = Attribute(phrase=phrase)
    except ValidationError as fault:
        reason = fault.errors()[0]["msg"].removeprefix("Value error, ")
        raise StoreError(f"'{phrase[:60]}' cannot be used: {reason}. Nothing was added.") from fault
    type = str(act["type"])
    store.recipes.catalogue()[type]  # raises with the name that was meant
    row = store.draft.add(type, attribute, author=author)
    return {"added": row.id, "said": f"Added: '{row.attribute.phrase}'."}


def _status(board: DraftBoard, store: Store, act: Act, author: str) -> Answer:
    based_on, status = _rows(act), act["status"]
    left = store.draft.set_status_of_many(based_on, status, author=author)
    return _of_many(board, based_on, left, f"{status}")


def _type(board: DraftBoard, store: Store, act: Act, author: str) -> Answer:
    based_on, type = _rows(act), str(act["type"])
    name = store.recipes.catalogue()[type].name  # raises with the name that was meant
    left = store.draft.change_type(based_on, type, author=author)
    return _of_many(board, based_on, left, f"moved to {name}")


def _remove(board: DraftBoard, store: Store, act: Act, author: str) -> Answer:
    based_on = _rows(act)
    left = store.draft.remove_many(based_on, author=author)
    return _of_many(board, based_on, left, "removed")


def _of_many(board: DraftBoard, based_on: Mapping[int, int], left: list[int], what: str) -> Answer:
    board.refresh()
    rows = {id: row for id in based_on if id not in left and (row := board.row(id))}
    done = len(based_on) - len(left)
    said = f"{count_text(done, 'attribute')} {what}." if len(based_on) > 1 else ""
    if left:
        said += f" {count_text(len(left), 'attribute')} changed by somebody else meanwhile."
    return {
        "ok": not left,
        "said": said.strip(),
        "conflicts": left,
        "versions": {id: row.row_version for id, row in rows.items()},
    }


def _move(_board: DraftBoard, store: Store, act: Act, author: str) -> Answer:
    """Move an attribute up (by -1) or down among those of its type."""
    id, version = int(act["id"]), int(act["version"])
    ids = [row.id for row in store.draft.rows(str(act["type"]))]
    place = ids.index(id) + int(act["by"]) if id in ids else 0
    if 0 <= place < len(ids) or id not in ids:  # the store says what became of it
        version = store.draft.move(id, place, based_on=version, author=author).row_version
    return {"versions": {id: version}, "said": ""}


def _comment(board: DraftBoard, store: Store, act: Act, author: str) -> Answer:
    row = board.row(int(act["id"]))
    if row is None:
        raise EditConflictError("This attribute was removed meanwhile. The comment was not kept.")
    store.comments.add(row.attribute.identity or "", str(act["text"]), author=author)
    return {"said": f"Your comment on '{row.attribute.phrase}' is kept."}


def _undo(board: DraftBoard, store: Store, act: Act, author: str) -> Answer:
    return _take_back(board, store, store.record.undoable(author), act, author, "Undo")


def _redo(board: DraftBoard, store: Store, act: Act, author: str) -> Answer:
    return _take_back(board, store, store.record.redoable(author), act, author, "Redo")


def _take_back(
    board: DraftBoard, store: Store, change: DraftChange | None, act: Act, author: str, verb: str
) -> Answer:
    if change is None:
        return {"said": f"You have nothing to {verb.lower()}."}
    words = change.words(board.type_names())
    if change.is_large and act.get("sure") != change.change:
        return {"ok": False, "said": "", "ask": f"{verb}: {words}?", "sure": change.change}
    store.record.undo_change(change.change, author=author)
    return {"said": f"{'Undone' if verb == 'Undo' else 'Redone'}: {words}."}


def _curated(_board: DraftBoard, store: Store, _act: Act, author: str) -> Answer:
    if store.draft.rows():
        raise StoreError("The draft is not empty any more. Nothing was changed.")
    curated = curated_set()
    store.draft.replace(curated, author=author, action=STARTED)
    count = count_text(curated.size, "attribute")
    return {"said": f"{count} of {count_text(len(curated.distortions), 'distortion')} came in."}


def _lint(board: DraftBoard, _store: Store, act: Act, _author: str) -> Answer:
    id = None if act.get("id") is None else int(act["id"])
    findings = board.judge(str(act["phrase"]), str(act["type"]), id=id)
    return {"findings": [(f.severity, f.rule, f.reason, f.suggestion) for f in findings]}


def _freeze(_board: DraftBoard, store: Store, act: Act, author: str) -> Answer:
    frozen = freeze_draft(
        store,
        message=str(act["message"]),
        author=author,
        alias=str(act.get("alias", "")).strip() or None,
    )
    label, message = frozen.version.label, frozen.version.message
    if frozen.is_new:
        return {"said": f"Frozen as version {label}: {message}.", "version": label}
    said = f"Nothing new to freeze: this content is version {label} already ({message})."
    return {"said": said, "version": label}


def _rows(act: Act) -> dict[int, int]:
    return {int(id): int(version) for id, version in act["rows"]}


# By the name that the table of Curate sends.
ACTS: dict[str, Callable[[DraftBoard, Store, Act, str], Answer]] = {
    "edit": _edit,
    "add": _add,
    "set status": _status,
    "change type": _type,
    "remove": _remove,
    "move": _move,
    "comment": _comment,
    "undo": _undo,
    "redo": _redo,
    "start from curated": _curated,
    "lint": _lint,
    "freeze": _freeze,
}
