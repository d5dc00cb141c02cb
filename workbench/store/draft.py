"""The working draft: one set of attributes that many hands edit, each edit on the record.

An edit names the state it is based on (`row_version`). If somebody else was faster, it is refused
and says who did what; it never overwrites silently.
"""

from collections.abc import Callable, Iterable
from typing import get_args

from pydantic import ValidationError
from sqlmodel import Session, col, func, select

from workbench.domain.attributes import Attribute, AttributeSet, Status
from workbench.domain.draft import DraftRow
from workbench.errors import EditConflictError, StoreError
from workbench.store.audit import attribute_state, record, removal
from workbench.store.columns import utc_now
from workbench.store.database import Database
from workbench.store.mapping import attribute_set, draft_row, draft_value
from workbench.store.provenance import require_calls
from workbench.store.replacement import replace_rows
from workbench.store.tables import DraftAttributeRow


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
        with self._database.reading() as session:
            return [draft_value(row) for row in _rows(session, distortion)]

    def attribute_set(self) -> AttributeSet:
        """Return the draft as one set, rejected attributes included."""
        with self._database.reading() as session:
            return attribute_set(_rows(session))

    def add(self, distortion: str, attribute: Attribute, *, author: str) -> DraftRow:
        """Append an attribute to a distortion.

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
            require_calls(session, [attribute])
            _refuse_twice(session, distortion, attribute.phrase)
            row = _new_row(session, distortion, attribute, author)
            session.add(row)
            session.flush()
            record(session, "add", f"attribute:{row.id}", author=author, after=attribute_state(row))
            return draft_value(row)

    def edit(self, id: int, phrase: str, *, based_on: int, author: str) -> DraftRow:
        """Reword an attribute; its origin becomes "expert" if the words change.

        The call that made the first wording stays named: it is where the sentence comes from.

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

        def reword(session: Session, row: DraftAttributeRow) -> None:
            if row.phrase in (phrase, words):
                return
            _refuse_twice(session, row.distortion, words, besides=row.id)
            row.phrase, row.phrase_key, row.origin = words, words.casefold(), "expert"

        return self._change(id, reword, "edit", based_on=based_on, author=author)

    def set_status(self, id: int, status: Status, *, based_on: int, author: str) -> DraftRow:
        """Say where an attribute stands in review.

        Args:
            id: Which attribute.
            status: Its new state.
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

        def decide(_session: Session, row: DraftAttributeRow) -> None:
            row.status = status

        return self._change(id, decide, "set status", based_on=based_on, author=author)

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
            record(session, "remove", f"attribute:{id}", author=author, before=attribute_state(row))
            session.delete(row)

    def replace(
        self, attributes: AttributeSet, *, author: str, distortions: Iterable[str] | None = None
    ) -> None:
        """Make the draft of some distortions equal to a set: all of it, or nothing.

        An attribute whose words stay keeps its id and, if nothing else changes, its row version.

        Args:
            attributes: The new content; what belongs to other distortions is left aside.
            author: Who replaces.
            distortions: Which distortions to replace; one that the set lacks is emptied. Without
                it, those of the set.

        Raises:
            StoreError: An attribute names an LLM call that is not in the log.
        """
        scope = set(attributes.distortions if distortions is None else distortions)
        with self._database.writing() as session:
            replace_rows(session, attributes.restricted_to(scope), scope, author=author)

    def _change(
        self,
        id: int,
        change: Callable[[Session, DraftAttributeRow], None],
        action: str,
        *,
        based_on: int,
        author: str,
    ) -> DraftRow:
        with self._database.writing() as session:
            row = _current(session, id, based_on)
            before = attribute_state(row)
            change(session, row)
            after = attribute_state(row)
            if after != before:
                row.row_version += 1
                row.updated_at, row.updated_by = utc_now(), author
                record(
                    session, action, f"attribute:{id}", author=author, before=before, after=after
                )
            return draft_value(row)


def _rows(session: Session, distortion: str | None = None) -> list[DraftAttributeRow]:
    wanted = select(DraftAttributeRow).order_by(
        col(DraftAttributeRow.distortion),
        col(DraftAttributeRow.position),
        col(DraftAttributeRow.id),
    )
    if distortion is not None:
        wanted = wanted.where(DraftAttributeRow.distortion == distortion)
    return list(session.exec(wanted))


def _new_row(
    session: Session, distortion: str, attribute: Attribute, author: str
) -> DraftAttributeRow:
    last = session.exec(
        select(func.max(DraftAttributeRow.position)).where(
            DraftAttributeRow.distortion == distortion
        )
    ).one()
    position = 0 if last is None else last + 1
    return draft_row(distortion, position, attribute, author)


def _current(session: Session, id: int, based_on: int) -> DraftAttributeRow:
    """Return the row if it still is what the author has read."""
    row = session.get(DraftAttributeRow, id)
    if row is None:
        gone = removal(session, f"attribute:{id}")
        if gone is None:
            raise StoreError(f"The draft has no attribute {id}. Nothing was changed.")
        raise EditConflictError(
            f"Attribute {id} was removed by {gone.author} after you read it. Add it again if it "
            "is still wanted; nothing was changed."
        )
    if row.row_version != based_on:
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
    twin = session.exec(
        select(DraftAttributeRow).where(
            DraftAttributeRow.distortion == distortion,
            DraftAttributeRow.phrase_key == phrase.casefold(),
        )
    ).first()
    if twin is not None and twin.id != besides:
        raise StoreError(
            f"{distortion} already has '{twin.phrase}' (attribute {twin.id}, {twin.status}). "
            "Nothing was changed."
        )
