"""The working draft: one set of attributes that many hands edit, each edit on the record.

An edit names the state it is based on (`row_version`). If somebody else was faster, it is refused
and says who did what; it never overwrites silently.
"""

from collections.abc import Callable, Iterable
from typing import get_args

from pydantic import ValidationError
from sqlalchemy import func, select
from sqlmodel import Session

from workbench.domain.attributes import Attribute, AttributeSet, DraftRow, Status, Version
from workbench.errors import EditConflictError, StoreError
from workbench.store import draft_rows
from workbench.store.audit import last_event
from workbench.store.call_log import require_calls
from workbench.store.database import Database
from workbench.store.draft_replacement import (
    differs_from_base,
    free_identity,
    replaced,
    restore_rows,
)
from workbench.store.draft_rows import DRAFT, Change, Drafted, base_hash, moved, point_base, touched
from workbench.store.frozen_versions import version_of
from workbench.store.versions import find_version


class DraftRepository:
    """The one working draft.

    Args:
        database: The open database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def rows(self, distortion: str | None = None) -> list[DraftRow]:
        """Return the attributes by distortion and position.

        Args:
            distortion: Only those of this distortion.
        """
        only = [] if distortion is None else [DRAFT.c.distortion == distortion]
        with self._database.reading() as session:
            return [draft_rows.value(row) for row in draft_rows.read(session, *only)]

    def attribute_set(self) -> AttributeSet:
        """Return the draft as one set, rejected attributes included."""
        with self._database.reading() as session:
            return draft_rows.content(session)

    def add(self, distortion: str, attribute: Attribute, *, author: str) -> DraftRow:
        """Append an attribute to a distortion.

        Its identity follows from its words; while another attribute of the draft has that one, it
        gets the next.

        Args:
            distortion: Id of the distortion.
            attribute: What to add.
            author: Who adds it.

        Raises:
            StoreError: The distortion has this phrase already, or the attribute names an LLM call
                that is not in the log.
        """
        if not distortion.strip():
            raise StoreError(
                "An attribute needs a distortion; none was named. Nothing was changed."
            )
        with self._database.writing() as session:
            require_calls(session, [attribute.call_id])
            _refuse_twice(session, distortion, attribute.phrase)
            taken = set(session.connection().execute(select(DRAFT.c.identity)).scalars())
            identity = free_identity(distortion, attribute, taken)
            row = draft_rows.born(
                distortion, _end_of(session, distortion), attribute, identity, author
            )
            return _written(session, Change("add", None, row), author)

    def edit(self, id: int, phrase: str, *, based_on: int, author: str) -> DraftRow:
        """Reword an attribute; its origin becomes "expert" if the words change.

        It stays the same attribute: its identity stays, and the call that made the first wording
        stays named, for it is where the sentence comes from.

        Args:
            id: Which attribute.
            phrase: The new words, normalised as everywhere.
            based_on: `row_version` that the author has read.
            author: Who edits.

        Raises:
            EditConflictError: The row has changed since, or was removed; the message says by whom.
            StoreError: The phrase is empty, too long, or there already.
        """
        words = _phrase(phrase)

        def reworded(session: Session, row: Drafted) -> Drafted:
            if row.phrase in (phrase, words):
                return row
            _refuse_twice(session, row.distortion, words, besides=row.id)
            return touched(row, author, phrase=words, phrase_key=words.casefold(), origin="expert")

        return self._change(id, reworded, "edit", based_on=based_on, author=author)

    def set_status(self, id: int, status: Status, *, based_on: int, author: str) -> DraftRow:
        """Say where an attribute stands in review; the author becomes the one who decided.

        Args:
            id: Which attribute.
            status: Its new state; the one that it has changes nothing.
            based_on: `row_version` that the author has read.
            author: Who decides.

        Raises:
            EditConflictError: The row has changed since, or was removed.
            StoreError: There is no such status.
        """
        if status not in get_args(Status):
            raise StoreError(
                f"'{status}' is no status; use {', '.join(get_args(Status))}. Nothing was changed."
            )

        def decided(_session: Session, row: Drafted) -> Drafted:
            if row.status == status:
                return row
            return touched(row, author, status=status, decided_by=author)

        return self._change(id, decided, "set status", based_on=based_on, author=author)

    def move(self, id: int, position: int, *, based_on: int, author: str) -> DraftRow:
        """Give an attribute another place among those of its distortion.

        Args:
            id: Which attribute.
            position: Its new place, counted from 0 in the order of `rows`; those behind make room.
            based_on: `row_version` that the author has read.
            author: Who moves it.

        Raises:
            EditConflictError: The row has changed since, or was removed.
            StoreError: There is no such place.
        """
        with self._database.writing() as session:
            row = _current(session, id, based_on)
            rows = draft_rows.read(session, DRAFT.c.distortion == row.distortion)
            if not 0 <= position < len(rows):
                raise StoreError(
                    f"{row.distortion} has places 0 to {len(rows) - 1}, got {position}. "
                    "Nothing was changed."
                )
            draft_rows.write(session, moved(rows, row, position, author), author=author)
            return draft_rows.value(_current(session, id, None))

    def remove(self, id: int, *, based_on: int, author: str) -> None:
        """Take an attribute out of the draft; the record keeps it.

        Args:
            id: Which attribute.
            based_on: `row_version` that the author has read.
            author: Who removes it.

        Raises:
            EditConflictError: The row has changed since, or was removed.
        """
        with self._database.writing() as session:
            row = _current(session, id, based_on)
            draft_rows.write(session, [Change("remove", row, None)], author=author)

    def replace(
        self, attributes: AttributeSet, *, author: str, distortions: Iterable[str] | None = None
    ) -> None:
        """Make the draft of some distortions equal to a set: all of it, or nothing.

        An attribute of the set is the one of the draft that has its identity, or else its words;
        that one keeps its id, its identity and, if nothing else changes, its row version.

        Args:
            attributes: The new content; what belongs to other distortions is left aside.
            author: Who replaces.
            distortions: Which distortions to replace; one that the set lacks is emptied. Without
                it, those of the set.

        Raises:
            StoreError: An attribute names an LLM call that is not in the log.
        """
        scope = set(attributes.distortions if distortions is None else distortions)
        wanted = attributes.restricted_to(scope)
        with self._database.writing() as session:
            named = (a.call_id for some in wanted.by_distortion.values() for a in some)
            require_calls(session, named)
            rows = draft_rows.read(session)
            changes = replaced(
                [row for row in rows if row.distortion in scope],
                wanted,
                action="replace",
                author=author,
                elsewhere={row.identity for row in rows if row.distortion not in scope},
                by_words=True,
            )
            draft_rows.write(session, changes, author=author)

    def base(self) -> str | None:
        """Return the hash of the version that the draft was last frozen as or restored from.

        Freezing the draft makes the new version its base.
        """
        with self._database.reading() as session:
            return base_hash(session)

    def set_base(self, ref: str, *, author: str) -> Version:
        """Name the version that the draft goes on from, and leave the draft as it is.

        Args:
            ref: The version.
            author: Who names it.

        Raises:
            VersionNotFoundError: There is no such version.
        """
        with self._database.writing() as session:
            row = find_version(session, ref)
            point_base(session, row, author=author)
            return version_of(session, row)

    def is_changed(self) -> bool:
        """Tell whether freezing the draft would give another version than its base.

        Without a base, whether there is anything to freeze.
        """
        with self._database.reading() as session:
            return differs_from_base(session)

    def restore(self, ref: str, *, author: str, discard: bool = False) -> Version:
        """Make the draft what a version holds, identities and reviews included.

        The version becomes the draft's base. Restoring an old version and going on from it is how
        work branches. The restoration is one change, which can be undone.

        Args:
            ref: The version.
            author: Who restores.
            discard: Give up changes of the draft that no version holds.

        Raises:
            VersionNotFoundError: There is no such version.
            IntegrityError: The version is no longer what was frozen.
            StoreError: Changes would be lost, and `discard` was not said.
        """
        with self._database.writing() as session:
            return restore_rows(session, ref, author=author, discard=discard)

    def _change(
        self,
        id: int,
        change: Callable[[Session, Drafted], Drafted],
        action: str,
        *,
        based_on: int,
        author: str,
    ) -> DraftRow:
        with self._database.writing() as session:
            row = _current(session, id, based_on)
            after = change(session, row)
            if after == row:
                return draft_rows.value(row)
            return _written(session, Change(action, row, after), author)


def _written(session: Session, change: Change, author: str) -> DraftRow:
    (whole,), _ = draft_rows.write(session, [change], author=author)
    if whole.after is None:
        raise StoreError("A removed attribute has no row.")
    return draft_rows.value(whole.after)


def _end_of(session: Session, distortion: str) -> int:
    """Return the first position behind all attributes of a distortion."""
    wanted = select(func.max(DRAFT.c.position)).where(DRAFT.c.distortion == distortion)
    last: int | None = session.connection().execute(wanted).scalar()
    return 0 if last is None else last + 1


def _current(session: Session, id: int, based_on: int | None) -> Drafted:
    """Return the row if it still is what the author has read."""
    rows = draft_rows.read(session, DRAFT.c.id == id)
    if not rows:
        gone = last_event(session, f"attribute:{id}")
        if gone is None or gone.after is not None:
            raise StoreError(f"The draft has no attribute {id}. Nothing was changed.")
        raise EditConflictError(
            f"Attribute {id} was removed by {gone.author} after you read it. Add it again if it "
            "is still wanted; nothing was changed."
        )
    (row,) = rows
    if based_on is not None and row.row_version != based_on:
        raise EditConflictError(
            f"Attribute {id} of {row.distortion} was changed by {row.updated_by} to "
            f"'{row.phrase}' ({row.status}) after you read it. Read it again and repeat your edit; "
            "nothing was changed."
        )
    return row


def _phrase(text: str) -> str:
    try:
        return Attribute(phrase=text).phrase
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise StoreError(
            f"The phrase '{text[:60]}' cannot be used: {reason}. Nothing was changed."
        ) from error


def _refuse_twice(
    session: Session, distortion: str, phrase: str, *, besides: int | None = None
) -> None:
    key = phrase.casefold()
    twins = draft_rows.read(session, DRAFT.c.distortion == distortion, DRAFT.c.phrase_key == key)
    if twins and twins[0].id != besides:
        twin = twins[0]
        raise StoreError(
            f"{distortion} already has '{twin.phrase}' (attribute {twin.id}, {twin.status}). "
            "Nothing was changed."
        )
