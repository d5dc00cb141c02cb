"""The working draft: one set of attributes that several people edit, each edit on the record."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import func, select
from sqlmodel import Session

from workbench.domain.attributes import Attribute, AttributeSet, DraftRow, Status, Version
from workbench.errors import EditConflictError, StoreError
from workbench.store.audit import EVENTS, last_event
from workbench.store.call_log import require_calls
from workbench.store.database import Repository
from workbench.store.draft_replacement import (
    differs_from_base,
    free_identity,
    replacement_changes,
    restore_rows,
)
from workbench.store.draft_rows import (
    DRAFT,
    Change,
    DraftRecord,
    base_hash,
    draft_set,
    move_changes,
    new_row,
    read_rows,
    refuse_duplicate,
    require_status,
    revised,
    row_value,
    set_base,
    usable_phrase,
    write_changes,
)
from workbench.store.frozen_versions import version_of
from workbench.store.history import comment_counts
from workbench.store.versions import find_version


class DraftNews(NamedTuple):
    """What became of the draft since an event.

    Attributes:
        event: Number of the newest event of the store; 0 before the first.
        rows: Attributes that were added or changed, as they are now.
        gone: Numbers of attributes that the draft no longer has.
        comments: Identity to number of comments, where somebody commented.
        complete: Whether `rows` are the entire draft, and `comments` all there are.
        types: Whether a distortion type may have been added or removed.
    """

    event: int
    rows: list[DraftRow]
    gone: list[int]
    comments: dict[str, int]
    complete: bool
    types: bool = True


MANY_CHANGES = 5_000  # beyond it the entire draft is read sooner


class DraftRepository(Repository):
    """The one working draft.

    An edit names the row by `id` and the state it is based on, the `row_version` that its author
    has read. If somebody else was faster, it is refused with an `EditConflictError` that says who
    did what; it never overwrites silently. An edit that cannot be made is a `StoreError`.
    """

    def rows(self, distortion: str | None = None) -> list[DraftRow]:
        """Return the attributes, of one distortion or all, by distortion and position."""
        conditions = [] if distortion is None else [DRAFT.c.distortion == distortion]
        with self._database.reading() as session:
            return [row_value(row) for row in read_rows(session, *conditions)]

    def news(self, since: int) -> DraftNews:
        """Return what was changed after an event: nothing costs one look at the newest number.

        Args:
            since: Number of an event; 0 asks for everything, as does one that the log lacks.
        """
        with self._database.reading() as session:
            connection = session.connection()
            newest: int = connection.execute(select(func.max(EVENTS.c.id))).scalar() or 0
            if newest == since:
                return DraftNews(newest, [], [], {}, complete=newest == 0, types=False)
            if since == 0 or not 0 < newest - since <= MANY_CHANGES:
                rows = [row_value(row) for row in read_rows(session)]
                return DraftNews(newest, rows, [], comment_counts(session), complete=True)
            query = select(EVENTS.c.subject, EVENTS.c.identity).where(EVENTS.c.id > since)
            changed, remarked, types = set(), set(), False
            for subject, identity in connection.execute(query):
                kind, _, number = subject.partition(":")
                if kind == "attribute":
                    changed.add(int(number))
                elif kind == "comment":
                    remarked.add(identity)
                types = types or kind == "recipe"
            rows = [row_value(row) for row in read_rows(session, DRAFT.c.id.in_(changed))]
            gone = sorted(changed - {row.id for row in rows})
            comments = comment_counts(session, remarked) if remarked else {}
            return DraftNews(newest, rows, gone, comments, complete=False, types=types)

    def attribute_set(self) -> AttributeSet:
        """Return the draft as one set, rejected attributes included."""
        with self._database.reading() as session:
            return draft_set(session)

    def add(self, distortion: str, attribute: Attribute, *, author: str) -> DraftRow:
        """Append an attribute to a distortion.

        Its identity follows from its words; while another attribute of the draft has that one, it
        gets the next.

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
            refuse_duplicate(session, distortion, attribute.phrase)
            taken = set(session.connection().execute(select(DRAFT.c.identity)).scalars())
            identity = free_identity(distortion, attribute, taken)
            position = _next_position(session, distortion)
            row = new_row(distortion, position, attribute, identity, author)
            return _write(session, Change("add", None, row), author)

    def edit(self, id: int, phrase: str, *, based_on: int, author: str) -> DraftRow:
        """Reword an attribute; its origin becomes "expert" if the words change.

        It stays the same attribute: its identity stays, and the call that made the first wording
        stays named, for it is where the sentence comes from.
        """
        words = usable_phrase(phrase)

        def reworded(session: Session, row: DraftRecord) -> DraftRecord:
            if row.phrase in (phrase, words):
                return row
            refuse_duplicate(session, row.distortion, words, except_id=row.id)
            return revised(row, author, phrase=words, phrase_key=words.casefold(), origin="expert")

        return self._change(id, reworded, "edit", based_on=based_on, author=author)

    def set_status(self, id: int, status: Status, *, based_on: int, author: str) -> DraftRow:
        """Say where an attribute stands in review; the author becomes the one who decided.

        The status that it has changes nothing.
        """
        require_status(status)

        def decided(_session: Session, row: DraftRecord) -> DraftRecord:
            if row.status == status:
                return row
            return revised(row, author, status=status, decided_by=author)

        return self._change(id, decided, "set status", based_on=based_on, author=author)

    def set_status_of_many(
        self, based_on: Mapping[int, int], status: Status, *, author: str
    ) -> list[int]:
        """Decide on several attributes in one change.

        Args:
            based_on: Number of each attribute to the `row_version` that the author has read.
            status: Where they stand in review from now on.
            author: Who decides.

        Returns:
            Those left as they are because somebody else has changed or removed them since.
        """
        require_status(status)

        def decided(rows: list[DraftRecord], _session: Session) -> list[Change]:
            return [
                Change("set status", r, revised(r, author, status=status, decided_by=author))
                for r in rows
                if r.status != status
            ]

        return self._change_many(based_on, decided, author)

    def change_type(
        self, based_on: Mapping[int, int], distortion: str, *, author: str
    ) -> list[int]:
        """Give attributes to another distortion, behind those that it has, in one change.

        They stay the same attributes. Takes and returns what `set_status_of_many` does.

        Raises:
            StoreError: The distortion has one of the phrases already; nothing is changed.
        """

        def given(rows: list[DraftRecord], session: Session) -> list[Change]:
            moving = [row for row in rows if row.distortion != distortion]
            keys: set[str] = set()
            for row in moving:
                if row.phrase_key in keys:
                    raise StoreError(
                        f"'{row.phrase}' would stand in {distortion} twice. Nothing was changed."
                    )
                keys.add(row.phrase_key)
                refuse_duplicate(session, distortion, row.phrase)
            position = _next_position(session, distortion)
            return [
                Change(
                    "change type",
                    row,
                    revised(row, author, distortion=distortion, position=position + n),
                )
                for n, row in enumerate(moving)
            ]

        return self._change_many(based_on, given, author)

    def remove_many(self, based_on: Mapping[int, int], *, author: str) -> list[int]:
        """Take several attributes out in one change; as `set_status_of_many` otherwise."""

        def removed(rows: list[DraftRecord], _session: Session) -> list[Change]:
            return [Change("remove", row, None) for row in rows]

        return self._change_many(based_on, removed, author)

    def move(self, id: int, position: int, *, based_on: int, author: str) -> DraftRow:
        """Move an attribute among those of its distortion.

        Args:
            id: Which attribute.
            position: Its new position, counted from 0 in the order of `rows`; those behind make
                room.
            based_on: `row_version` that the author has read.
            author: Who moves it.
        """
        with self._database.writing() as session:
            row = _current(session, id, based_on)
            rows = read_rows(session, DRAFT.c.distortion == row.distortion)
            if not 0 <= position < len(rows):
                raise StoreError(
                    f"{row.distortion} has places 0 to {len(rows) - 1}, got {position}. "
                    "Nothing was changed."
                )
            write_changes(session, move_changes(rows, row, position, author), author=author)
            return row_value(_current(session, id, None))

    def remove(self, id: int, *, based_on: int, author: str) -> None:
        """Take an attribute out of the draft; the audit log keeps it."""
        with self._database.writing() as session:
            row = _current(session, id, based_on)
            write_changes(session, [Change("remove", row, None)], author=author)

    def replace(
        self,
        attributes: AttributeSet,
        *,
        author: str,
        distortions: Iterable[str] | None = None,
        action: str = "replace",
    ) -> None:
        """Make the draft of some distortions equal to a set: all of it, or nothing.

        An attribute of the set is the one of the draft that has its identity, or else its words;
        that one keeps its id, its identity and, if nothing else changes, its row version.

        Args:
            attributes: The new content; what belongs to other distortions is ignored.
            author: Who replaces.
            distortions: Which distortions to replace; one that the set lacks is emptied. Without
                it, those of the set.
            action: What the record calls it.
        """
        scope = set(attributes.distortions if distortions is None else distortions)
        content = attributes.restricted_to(scope)
        with self._database.writing() as session:
            named = (a.call_id for listed in content.by_distortion.values() for a in listed)
            require_calls(session, named)
            rows = read_rows(session)
            changes = replacement_changes(
                [row for row in rows if row.distortion in scope],
                content,
                action=action,
                author=author,
                taken={row.identity for row in rows if row.distortion not in scope},
                by_words=True,
            )
            write_changes(session, changes, author=author)

    def base(self) -> str | None:
        """Return the hash of the version that the draft was last frozen as or restored from.

        Freezing the draft makes the new version its base.
        """
        with self._database.reading() as session:
            return base_hash(session)

    def set_base(self, ref: str, *, author: str) -> Version:
        """Name the version that the draft goes on from, and leave the draft as it is."""
        with self._database.writing("restore a version", needs="reviewer") as session:
            row = find_version(session, ref)
            set_base(session, row, author=author)
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
            StoreError: Changes would be lost without `discard`.
        """
        with self._database.writing("restore a version", needs="reviewer") as session:
            return restore_rows(session, ref, author=author, discard=discard)

    def _change_many(
        self,
        based_on: Mapping[int, int],
        change: Callable[[list[DraftRecord], Session], list[Change]],
        author: str,
    ) -> list[int]:
        """Write what a function makes of the rows that still are what the author has read."""
        with self._database.writing() as session:
            rows = read_rows(session, DRAFT.c.id.in_(based_on))
            current = [row for row in rows if row.id and based_on[row.id] == row.row_version]
            write_changes(session, change(current, session), author=author)
            return sorted(based_on.keys() - {row.id for row in current if row.id})

    def _change(
        self,
        id: int,
        change: Callable[[Session, DraftRecord], DraftRecord],
        action: str,
        *,
        based_on: int,
        author: str,
    ) -> DraftRow:
        with self._database.writing() as session:
            row = _current(session, id, based_on)
            after = change(session, row)
            if after == row:
                return row_value(row)
            return _write(session, Change(action, row, after), author)


def _write(session: Session, change: Change, author: str) -> DraftRow:
    (written,), _ = write_changes(session, [change], author=author)
    if written.after is None:
        raise StoreError("A removed attribute has no row.")
    return row_value(written.after)


def _next_position(session: Session, distortion: str) -> int:
    query = select(func.max(DRAFT.c.position)).where(DRAFT.c.distortion == distortion)
    last: int | None = session.connection().execute(query).scalar()
    return 0 if last is None else last + 1


def _current(session: Session, id: int, based_on: int | None) -> DraftRecord:
    """Return the row if it still is what the author has read."""
    rows = read_rows(session, DRAFT.c.id == id)
    if not rows:
        removal = last_event(session, f"attribute:{id}")
        if removal is None or removal.after is not None:
            raise StoreError(f"The draft has no attribute {id}. Nothing was changed.")
        raise EditConflictError(
            f"Attribute {id} was removed by {removal.author} after you read it. Add it again if it "
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
