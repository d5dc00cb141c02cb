"""What people say about attributes, and the record of what they did."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from workbench.domain.canonical import Frozen


class Comment(Frozen):
    """A remark on an attribute; it stays with the attribute's identity, whatever its words become.

    Attributes:
        id: Number in the store.
        identity: The attribute's identity.
        text: The remark.
        author: Who made it.
        at: When, in UTC.
    """

    id: int
    identity: str
    text: str
    author: str
    at: datetime


class Event(Frozen):
    """One entry of the record: who did what to which thing.

    Attributes:
        id: Number in the store, ascending in time.
        at: When, in UTC.
        author: Who did it.
        action: A verb ("edit").
        subject: What was changed ("attribute:12").
        before: What it was; None if it is new.
        after: What it is; None if it is gone.
        change: Number of the first event of the same change: an import of a hundred attributes is
            one change of a hundred events.
    """

    id: int
    at: datetime
    author: str
    action: str
    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    change: int


ASK_ABOVE = 5  # attributes in a change, from which on nothing is taken back without asking

STARTED = "start from the curated set"  # what the record calls it

_DONE = {
    "replace": "Replaced by a set",
    "restore": "Version brought back",
    "set status": "Status set",
    "edit": "Reworded",
    "remove": "Removed",
    "add": "Added",
    STARTED: "Started from the curated set",
}


class DraftChange(Frozen):
    """One change of the draft, as it is told before it is taken back or done again.

    Attributes:
        change: Its number, for `RecordRepository.undo_change`.
        action: What was done, a verb of the record.
        rows: How many attributes it changed; those that only made room don't count.
        distortions: Their types.
        before: The attribute as it was, if it is one; None if it was new.
        after: The attribute as it became, if it is one; None if it left.
    """

    change: int
    action: str
    rows: int
    distortions: tuple[str, ...]
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None

    @property
    def is_large(self) -> bool:
        """Whether it changed so many attributes that one is asked before it is taken back."""
        return self.rows > ASK_ABOVE

    def words(self, names: Mapping[str, str] | None = None) -> str:
        """Say what it did.

        Args:
            names: Distortion id to name; without, the ids are shown.

        Example:
            >>> state = {"phrase": "tiles", "distortion": "jpeg", "status": "proposed"}
            >>> change = DraftChange(change=1, action="add", rows=1, distortions=("jpeg",),
            ...     after=state)
            >>> print(change.words({"jpeg": "JPEG"}))
            add 'tiles' to JPEG
            >>> change = DraftChange(change=1, action=STARTED, rows=9, distortions=("jpeg", "fog"))
            >>> print(change.words())
            9 attributes in 2 types, 'Started from the curated set'
        """
        if self.rows == 1:
            return _one(self.action, self.before or {}, self.after or {}, names or {})
        done = _DONE.get(self.action, self.action)
        if not self.rows:
            return f"'{done}'"
        types = len(self.distortions)
        return f"{self.rows} attributes in {types} type{'s' * (types > 1)}, '{done}'"


def _one(
    action: str, before: dict[str, Any], after: dict[str, Any], names: Mapping[str, str]
) -> str:
    """Say what became of one attribute."""
    state = after or before
    phrase, distortion = state["phrase"], names.get(state["distortion"], state["distortion"])
    if not before:
        return f"add '{phrase}' to {distortion}"
    if not after:
        return f"remove '{phrase}' from {distortion}"
    changed = [
        f"was {old}" if name == "status" else f"was '{old}'"
        for name in ("phrase", "status")
        if (old := before[name]) != after[name]
    ]
    was = f" ({', '.join(changed)})" if changed else ""
    done = f"set to {after['status']}" if action == "set status" else action
    return f"{done} '{phrase}' of {distortion}{was}"


class HistoryEntry(Frozen):
    """One thing that happened to an attribute.

    Attributes:
        at: When, in UTC.
        author: Who did it.
        kind: The verb of the record ("add", "edit", "set status", "comment", "undo edit"), or
            "first frozen" and "last frozen" for the versions that a wording stands in.
        words: One line that tells it ("'flat' became 'flat areas'").
        before: The phrase as it was; None if there was none.
        after: The phrase as it is; None if it is gone.
        version: Hash of the version, of "first frozen" and "last frozen".
        call_id: The LLM call that the wording came from, if it came from one.
        event: Number of the event in the record; None for what versions tell.
    """

    at: datetime
    author: str
    kind: str
    words: str
    before: str | None = None
    after: str | None = None
    version: str | None = None
    call_id: int | None = None
    event: int | None = None


class Look(Frozen):
    """One look at a locked test part.

    Attributes:
        id: Number in the store.
        test_hash: SHA-256 of the test part.
        run: The run whose figures were shown, if one was.
        purpose: What was looked at, in words ("compare draft, curated").
        author: Who looked.
        at: When, in UTC.
    """

    id: int
    test_hash: str
    run: int | None
    purpose: str
    author: str
    at: datetime
