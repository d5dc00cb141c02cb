"""Remarks on attributes; they stay with an attribute's identity, whatever its words become."""

import builtins

from sqlmodel import Session, col, func, select

from workbench.domain.review import Comment
from workbench.errors import StoreError
from workbench.store.audit import Deed, record_all
from workbench.store.columns import utc_now
from workbench.store.database import Database
from workbench.store.tables import (
    AuditRow,
    CommentRow,
    DraftAttributeRow,
    VersionAttributeRow,
    VersionRow,
)


class CommentRepository:
    """Comments as they were made; nothing changes or removes one.

    Args:
        database: The open database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, identity: str, text: str, *, author: str) -> Comment:
        """Comment on an attribute, also on one that is no longer in the draft.

        Args:
            identity: Which attribute.
            text: The remark; blanks around it go.
            author: Who makes it.

        Raises:
            StoreError: There is nothing to say, nobody who says it, or no such attribute.
        """
        if not text.strip():
            raise StoreError("A comment needs words. Nothing was changed.")
        with self._database.writing() as session:
            if not is_known(session, identity):
                raise StoreError(
                    f"No attribute of the draft, the versions or the record has the identity "
                    f"'{identity}'. Nothing was changed."
                )
            row = CommentRow(identity=identity, text=text.strip(), author=author, at=utc_now())
            session.add(row)
            session.flush()
            said = {"identity": identity, "text": row.text}
            deed = Deed("comment", f"comment:{row.id}", None, said)
            record_all(session, [deed], author=author, at=row.at)
            return _value(row)

    def list(self, identity: str) -> builtins.list[Comment]:
        """Return the comments on an attribute, oldest first."""
        wanted = select(CommentRow).where(CommentRow.identity == identity)
        with self._database.reading() as session:
            return [_value(row) for row in session.exec(wanted.order_by(col(CommentRow.id)))]

    def counts(self) -> dict[str, int]:
        """Return identity to number of comments, of the attributes that have any."""
        with self._database.reading() as session:
            counted = select(CommentRow.identity, func.count()).group_by(CommentRow.identity)
            return dict(session.exec(counted).all())


def is_known(session: Session, identity: str) -> bool:
    """Tell whether an attribute of this identity is or ever was in the store."""
    drafted = select(DraftAttributeRow.id).where(DraftAttributeRow.identity == identity)
    told = select(AuditRow.id).where(AuditRow.identity == identity)
    frozen = (
        select(VersionRow.id)
        .join(VersionAttributeRow, col(VersionAttributeRow.version_id) == VersionRow.id)
        .where(VersionAttributeRow.identity == identity)
    )
    return any(session.exec(asked.limit(1)).first() for asked in (drafted, told, frozen))


def _value(row: CommentRow) -> Comment:
    return Comment(
        id=row.id or 0, identity=row.identity, text=row.text, author=row.author, at=row.at
    )
