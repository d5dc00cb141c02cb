"""Proposals to replace sentences of the draft; a person takes or rejects each.

A proposal is for one state of one attribute. Once the attribute has changed, it can be rejected,
and no longer taken.
"""

import builtins
import json
from collections.abc import Sequence

from sqlmodel import Session, col, select

from workbench.domain.attributes import DraftRow, Origin
from workbench.domain.canonical import canonical_json
from workbench.domain.proposal import Proposal, ProposalState
from workbench.errors import EditConflictError, StoreError
from workbench.store.call_log import require_calls
from workbench.store.database import Repository
from workbench.store.draft_rows import (
    DRAFT,
    Change,
    read_rows,
    refuse_duplicate,
    revised,
    row_value,
    usable_phrase,
    write_changes,
)
from workbench.store.tables import ProposalRow, utc_now

_FIGURES = ("old", "before", "after", "validation_gain", "facts", "others")  # kept as one document


class ProposalRepository(Repository):
    """Proposals as they were made, and what was decided."""

    def add_all(self, proposals: Sequence[Proposal], *, author: str) -> builtins.list[Proposal]:
        """Store proposals, all or none, and return them with their numbers.

        One that is there already, open, for the same state of the same attribute gives that one.

        Raises:
            StoreError: A proposal names a call that is not in the log.
        """
        with self._database.writing(author=author) as session:
            require_calls(session, [proposal.call_id for proposal in proposals])
            return [_value(_stored(session, each, author)) for each in proposals]

    def list(
        self, state: ProposalState | None = None, *, row: int | None = None
    ) -> builtins.list[Proposal]:
        """Return proposals, oldest first: of one state or all, for one attribute or any."""
        query = select(ProposalRow).order_by(col(ProposalRow.id))
        if state is not None:
            query = query.where(ProposalRow.state == state)
        if row is not None:
            query = query.where(ProposalRow.row_id == row)
        with self._database.reading() as session:
            return [_value(found) for found in session.exec(query)]

    def get(self, id: int) -> Proposal:
        """Return one proposal.

        Raises:
            StoreError: There is none of this number.
        """
        with self._database.reading() as session:
            return _value(_row(session, id))

    def take(
        self,
        ids: Sequence[int],
        *,
        author: str,
        words: str | None = None,
        other: int | None = None,
        note: str = "",
    ) -> builtins.list[DraftRow]:
        """Put proposed words in place of those of the draft, all or none; the origin is "improved".

        It is an edit as any other: on record, and undone as one. The attribute stays the same one,
        and its status stays. Other open proposals for it no longer fit and stay open.

        Args:
            ids: Numbers of proposals.
            author: Who takes them.
            words: Other words than the proposed ones, for a single proposal; the origin is then
                "expert", as of any sentence that a person has worded.
            other: Number of another sentence of its front to take instead, from 1, for a single
                proposal.
            note: Why, in the author's words.

        Raises:
            EditConflictError: An attribute has changed since the proposal was made.
            StoreError: There is no such open proposal, or the type has these words already, or
                they cannot be used.
        """
        if (words is not None or other is not None) and len(ids) != 1:
            raise StoreError(
                f"Other words are for one proposal, and {len(ids)} were named. Nothing was changed."
            )
        if words is not None and other is not None:
            raise StoreError(
                "Own words and another sentence cannot both be taken. Nothing was changed."
            )
        new = None if words is None else usable_phrase(words)
        with self._database.writing(author=author) as session:
            taken = [_open(session, id) for id in ids]
            changes = [_exchange(session, row, *_chosen(row, new, other), author) for row in taken]
            write_changes(session, changes, author=author)
            for row in taken:
                _decide(session, row, "taken", author, note)
            written = {change.after.id for change in changes if change.after}
            return [row_value(row) for row in read_rows(session, DRAFT.c.id.in_(written))]

    def reject(self, ids: Sequence[int], *, author: str, note: str = "") -> builtins.list[Proposal]:
        """Decide against proposals, all or none; the draft stays as it is.

        Args:
            ids: Numbers of proposals.
            author: Who decides.
            note: Why, in the author's words.

        Raises:
            StoreError: There is no such open proposal.
        """
        with self._database.writing(author=author) as session:
            rejected = [_open(session, id) for id in ids]
            for row in rejected:
                _decide(session, row, "rejected", author, note)
            return [_value(row) for row in rejected]


def _stored(session: Session, proposal: Proposal, author: str) -> ProposalRow:
    same = select(ProposalRow).where(
        ProposalRow.row_id == proposal.row,
        ProposalRow.row_version == proposal.row_version,
        ProposalRow.phrase == proposal.new,
        ProposalRow.state == "open",
    )
    row = session.exec(same).first()
    if row is None:
        figures = proposal.model_dump(mode="json", include={*_FIGURES})
        row = ProposalRow(
            row_id=proposal.row,
            row_version=proposal.row_version,
            identity=proposal.identity,
            distortion=proposal.distortion,
            phrase=proposal.new,
            why=proposal.reason,
            figures=canonical_json(figures),
            call_id=proposal.call_id,
            state="open",
            author=author,
            created_at=utc_now(),
        )
        session.add(row)
        session.flush()
    return row


def _row(session: Session, id: int) -> ProposalRow:
    row = session.get(ProposalRow, id)
    if row is None:
        raise StoreError(f"There is no proposal {id}. Nothing was changed.")
    return row


def _open(session: Session, id: int) -> ProposalRow:
    row = _row(session, id)
    if row.state != "open":
        raise StoreError(
            f"Proposal {id} ('{row.phrase}') was {row.state} by {row.decided_by} already. Nothing "
            "was changed."
        )
    return row


def _chosen(
    row: ProposalRow, words: str | None, other: int | None
) -> tuple[str, Origin, int | None]:
    """Return the words that are taken, their origin and the call that wrote them."""
    if other is None:
        own = words is not None and words != row.phrase
        return words or row.phrase, "expert" if own else "improved", row.call_id
    others = _value(row).others
    if not 1 <= other <= len(others):
        raise StoreError(
            f"Proposal {row.id} has {len(others)} other sentences, and number {other} was asked "
            "for. Nothing was changed."
        )
    chosen = others[other - 1]
    return chosen.new, "improved", chosen.call_id


def _exchange(
    session: Session,
    proposal: ProposalRow,
    words: str,
    origin: Origin,
    call_id: int | None,
    author: str,
) -> Change:
    """Return the change of the draft that puts words in place of those that a proposal is for."""
    old = _value(proposal).old
    rows = read_rows(session, DRAFT.c.id == proposal.row_id)
    if not rows:
        raise EditConflictError(
            f"Proposal {proposal.id} cannot be taken: attribute {proposal.row_id} of "
            f"{proposal.distortion} ('{old}') is no longer in the draft. Reject the proposal; "
            "nothing was changed."
        )
    (row,) = rows
    if row.row_version != proposal.row_version:
        raise EditConflictError(
            f"Proposal {proposal.id} cannot be taken: it is for '{old}', and attribute {row.id} of "
            f"{row.distortion} was changed by {row.updated_by} to '{row.phrase}' ({row.status}) "
            "since. Reject the proposal, and improve again; nothing was changed."
        )
    refuse_duplicate(session, row.distortion, words, except_id=row.id)
    new = {
        "phrase": words,
        "phrase_key": words.casefold(),
        "call_id": call_id,
        "origin": origin,
    }
    return Change("edit", row, revised(row, author, **new))


def _decide(
    session: Session, row: ProposalRow, state: ProposalState, author: str, note: str
) -> None:
    row.state, row.decided_by, row.decided_at = state, author, utc_now()
    row.note = note.strip()
    session.add(row)
    session.flush()


def _value(row: ProposalRow) -> Proposal:
    fields = row.model_dump(exclude={"row_id", "phrase", "why", "figures"})
    return Proposal(
        row=row.row_id, new=row.phrase, reason=row.why, **fields, **json.loads(row.figures)
    )
