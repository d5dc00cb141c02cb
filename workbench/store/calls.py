"""The log of language-model calls, and the cache that it doubles as."""

import builtins
from collections.abc import Collection

from sqlmodel import col, func, select

from workbench.domain.calls import LLMCall
from workbench.errors import StoreError
from workbench.store.database import Database
from workbench.store.mapping import call_row, call_value
from workbench.store.provenance import call_digests
from workbench.store.tables import CallRow


class CallRepository:
    """Calls as they were made; nothing changes or removes one.

    Args:
        database: The open database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, call: LLMCall) -> LLMCall:
        """Log a call, successful or not, and return it with its number.

        Args:
            call: The call; an `id` it may carry is not used.
        """
        row = call_row(call)
        with self._database.writing() as session:
            session.add(row)
        return call.model_copy(update={"id": row.id})

    def get(self, id: int) -> LLMCall:
        """Return one call.

        Raises:
            StoreError: There is no such call.
        """
        with self._database.reading() as session:
            row = session.get(CallRow, id)
            if row is None:
                raise StoreError(f"There is no call {id} in the log of {self._database.place}.")
            return call_value(row)

    def find(self, key: str) -> LLMCall | None:
        """Return the first successful call with this request key; an error never answers.

        Args:
            key: `LLMRequest.key`.
        """
        with self._database.reading() as session:
            row = session.exec(
                select(CallRow)
                .where(CallRow.key == key, col(CallRow.error).is_(None))
                .order_by(col(CallRow.id))
                .limit(1)
            ).first()
            return None if row is None else call_value(row)

    def digests(self, ids: Collection[int]) -> dict[int, str]:
        """Return id to digest of those of these calls that are in the log."""
        with self._database.reading() as session:
            return call_digests(session, ids)

    def ids(self, digests: Collection[str]) -> dict[str, int]:
        """Return digest to id of those of these calls that are in the log."""
        wanted = (CallRow.digest, func.min(CallRow.id))
        with self._database.reading() as session:
            rows = session.exec(
                select(*wanted).where(col(CallRow.digest).in_(digests)).group_by(CallRow.digest)
            )
            return {digest: id for digest, id in rows if id is not None}

    def list(self, limit: int = 100) -> builtins.list[LLMCall]:
        """Return the latest calls, newest first.

        Args:
            limit: Most calls to return.
        """
        with self._database.reading() as session:
            rows = session.exec(select(CallRow).order_by(col(CallRow.id).desc()).limit(limit))
            return [call_value(row) for row in rows]
