"""What people say about attributes, and the record of what they did."""

from datetime import datetime
from typing import Any

from workbench.domain.base import Frozen


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
