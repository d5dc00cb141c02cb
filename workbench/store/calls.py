"""The log of language-model calls, and the cache that it doubles as."""

import builtins
import json
from collections.abc import Collection, Iterable
from datetime import datetime
from itertools import islice

from sqlmodel import Session, col, func, select

from workbench.domain.base import Frozen
from workbench.domain.calls import LLMCall
from workbench.errors import StoreError
from workbench.store.database import Database
from workbench.store.mapping import call_row, call_value
from workbench.store.provenance import call_digests
from workbench.store.tables import CallRow

_AT_ONCE = 200  # rows in memory while the log is gone through; a reply may be megabytes


class Usage(Frozen):
    """What one model was asked and what it took.

    Attributes:
        model: The model asked for.
        calls: Calls, failed ones included.
        errors: Calls that failed.
        prompt_tokens, completion_tokens: Sums over the calls whose tokens the server counted.
        cost_usd: Sum over the calls whose price was known, in US dollars.
        unpriced: Calls whose price was not known.
        latency_s: Sum of the seconds from request to reply.
    """

    model: str
    calls: int = 0
    errors: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float = 0.0
    unpriced: int = 0
    latency_s: float = 0.0


class CallRepository:
    """Calls as they were made; nothing changes or removes one.

    Args:
        database: The open database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, call: LLMCall) -> LLMCall:
        """Log a call, successful or not, and return it with its number.

        A call that is in the log already, to the microsecond, gives that one.

        Args:
            call: The call; an `id` it may carry is not used.
        """
        return self.add_all([call])[0]

    def add_all(self, calls: Iterable[LLMCall]) -> builtins.list[LLMCall]:
        """Log several calls in their order, all or none, as `add` does one.

        Args:
            calls: The calls.
        """
        calls = tuple(calls)
        with self._database.writing() as session:
            ids = log_calls(session, calls)
        return [call.model_copy(update={"id": id}) for call, id in zip(calls, ids, strict=True)]

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

    def list(
        self,
        *,
        distortion: str | None = None,
        template: str | None = None,
        since: datetime | None = None,
        with_errors: bool = True,
        limit: int | None = 100,
    ) -> builtins.list[LLMCall]:
        """Return the latest calls, newest first.

        Args:
            distortion: Only calls about this one.
            template: Only calls made with the template of this name.
            since: Only calls made at this moment or later.
            with_errors: Whether failed calls are among them.
            limit: Most calls to return; None for all.
        """
        wanted = select(CallRow).order_by(col(CallRow.id).desc())
        if distortion is not None:
            wanted = wanted.where(CallRow.distortion == distortion)
        if since is not None:
            wanted = wanted.where(col(CallRow.created_at) >= since)
        if not with_errors:
            wanted = wanted.where(col(CallRow.error).is_(None))
        with self._database.reading() as session:
            rows = session.exec(wanted.execution_options(yield_per=_AT_ONCE))
            calls = (
                call_value(row)
                for row in rows
                if template is None or json.loads(row.request)["template"] == template
            )
            return [*islice(calls, limit)]

    def count(self) -> int:
        """Return how many calls are in the log."""
        with self._database.reading() as session:
            return session.exec(select(func.count()).select_from(CallRow)).one()

    def usage(self) -> builtins.list[Usage]:
        """Return the totals of each model that was asked, by name."""
        totals: dict[str, Usage] = {}
        with self._database.reading() as session:
            rows = session.exec(select(CallRow)).all()
        for row in rows:
            model = json.loads(row.request)["model"]
            total = totals.get(model) or Usage(model=model)
            totals[model] = Usage(
                model=model,
                calls=total.calls + 1,
                errors=total.errors + (row.error is not None),
                prompt_tokens=total.prompt_tokens + (row.prompt_tokens or 0),
                completion_tokens=total.completion_tokens + (row.completion_tokens or 0),
                cost_usd=total.cost_usd + (row.cost_usd or 0.0),
                unpriced=total.unpriced + (row.cost_usd is None),
                latency_s=total.latency_s + row.latency_s,
            )
        return [totals[model] for model in sorted(totals)]


def log_calls(session: Session, calls: Iterable[LLMCall]) -> list[int]:
    """Log the calls that are not in the log yet and return the number of each.

    Args:
        session: The writer's session.
        calls: The calls, in the order in which new ones are numbered.
    """
    ids = []
    for call in calls:
        row = call_row(call)
        known = select(CallRow.id).where(CallRow.digest == row.digest).order_by(col(CallRow.id))
        id = session.exec(known.limit(1)).first()
        if id is None:
            session.add(row)
            session.flush()
            id = row.id
        ids.append(id or 0)
    return ids
