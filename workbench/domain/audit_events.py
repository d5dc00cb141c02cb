"""What people say about attributes, and the record of what they did."""

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
