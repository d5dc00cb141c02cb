"""The log of LLM calls: in the database, and as a file of JSON lines.

A line holds all that the store holds of a call but its number, and its digest; so a log that is
read into another store answers there byte for byte, and attributes that name a call by digest find
it.
"""

import builtins
import json
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlmodel import Session, col, func, select

from workbench.atomic_files import atomic_write
from workbench.domain.canonical import Frozen, fault_words
from workbench.domain.llm_call import OCCASIONAL, LLMCall, LLMRequest
from workbench.errors import IntegrityError, InvalidConfigError, StoreError
from workbench.store.database import Repository
from workbench.store.digest import call_digest
from workbench.store.tables import CallRow

_MANY = 500  # from here on the whole log is read at once: a database takes only so many names
_CHUNK = 200  # rows in memory while the log is gone through; a reply may be megabytes
_MOST_TOKENS = 2**31 - 1  # what a database's integer holds


def require_calls(session: Session, call_ids: Iterable[int | None]) -> dict[int, str]:
    """Return id to digest of the calls that attributes name.

    Raises:
        StoreError: Some calls are not in the log, so that the attributes' origin could not be
            shown; their numbers are named.
    """
    ids = {id for id in call_ids if id is not None}
    known = call_digests(session, ids)
    if missing := sorted(ids - set(known)):
        raise StoreError(
            f"Attributes name LLM calls that are not in this store's log: "
            f"{', '.join(map(str, missing[:5]))}. Log the calls first, or leave call_id out. "
            "Nothing was changed."
        )
    return known


def call_digests(session: Session, ids: Collection[int] | None = None) -> dict[int, str]:
    """Return id to stored digest of those of these calls that are in the log, or of all calls."""
    if ids is not None and not ids:
        return {}
    query = select(CallRow.id, CallRow.digest)
    if ids is not None and len(ids) < _MANY:
        query = query.where(col(CallRow.id).in_(ids))
    return {id: digest for id, digest in session.exec(query) if id is not None}


def call_row(call: LLMCall) -> CallRow:
    """Return the row of a call; the reply as JSON, since it may hold any character."""
    row = CallRow(
        key=call.request.key,
        request=json.dumps(call.request.model_dump(mode="json")),
        reply=json.dumps(call.reply),
        digest="",
        details=json.dumps(details) if (details := _details(call)) else None,
        **call.model_dump(exclude={"id", "request", "reply", *OCCASIONAL}),
    )
    row.digest = call_digest(row)
    return row


def call_value(row: CallRow) -> LLMCall:
    """Return the call of a row."""
    fields = row.model_dump(exclude={"key", "digest", "request", "reply", "details"})
    return LLMCall(
        request=LLMRequest.model_validate_json(row.request),
        reply=json.loads(row.reply),
        **fields,
        **json.loads(row.details or "{}"),
    )


def _details(call: LLMCall) -> dict[str, Any]:
    """Return the fields that only some calls have, of those that this one has."""
    return call.model_dump(mode="json", include={*OCCASIONAL}, exclude_none=True)


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


class CallRepository(Repository):
    """Calls as they were made; nothing changes or removes one."""

    def add(self, call: LLMCall) -> LLMCall:
        """Log a call, successful or not, and return it with its number.

        An `id` that it carries is not used. A call that is in the log already, to the microsecond,
        gives that one.
        """
        return self.add_all([call])[0]

    def add_all(self, calls: Iterable[LLMCall]) -> builtins.list[LLMCall]:
        """Log several calls in their order, all or none, as `add` does one."""
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
                raise StoreError(f"There is no call {id} in the log of {self._database.location}.")
            return call_value(row)

    def find(self, key: str) -> LLMCall | None:
        """Return the first successful call with this `LLMRequest.key`; an error never answers."""
        query = select(CallRow).where(CallRow.key == key, col(CallRow.error).is_(None))
        with self._database.reading() as session:
            row = session.exec(query.order_by(col(CallRow.id)).limit(1)).first()
            return None if row is None else call_value(row)

    def known(self, keys: Collection[str]) -> set[str]:
        """Return those of these `LLMRequest.key`s that the log has a usable answer to."""
        listed = sorted(keys)
        with self._database.reading() as session:
            return {
                key
                for start in range(0, len(listed), _MANY)
                for key in session.exec(
                    select(CallRow.key).where(
                        col(CallRow.key).in_(listed[start : start + _MANY]),
                        col(CallRow.error).is_(None),
                    )
                )
            }

    def newest(self) -> dict[str, int]:
        """Return distortion to the number of the last call about it."""
        query = select(CallRow.distortion, func.max(CallRow.id)).group_by(CallRow.distortion)
        with self._database.reading() as session:
            return {id: newest for id, newest in session.exec(query) if newest is not None}

    def digests(self, ids: Collection[int]) -> dict[int, str]:
        """Return id to digest of those of these calls that are in the log."""
        with self._database.reading() as session:
            return call_digests(session, ids)

    def ids(self, digests: Collection[str]) -> dict[str, int]:
        """Return digest to id of those of these calls that are in the log."""
        query = select(CallRow.digest, func.min(CallRow.id))
        query = query.where(col(CallRow.digest).in_(digests)).group_by(CallRow.digest)
        with self._database.reading() as session:
            return {digest: id for digest, id in session.exec(query) if id is not None}

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
        query = select(CallRow).order_by(col(CallRow.id).desc())
        if distortion is not None:
            query = query.where(CallRow.distortion == distortion)
        if since is not None:
            query = query.where(col(CallRow.created_at) >= since)
        if not with_errors:
            query = query.where(col(CallRow.error).is_(None))
        with self._database.reading() as session:
            rows = session.exec(query.execution_options(yield_per=_CHUNK))
            calls = (
                call_value(row)
                for row in rows
                if template is None or json.loads(row.request)["template"] == template
            )
            return [*islice(calls, limit)]

    def count(self) -> int:
        """Return how many calls are in the log."""
        with self._database.reading() as session:
            return count_calls(session)

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


def count_calls(session: Session) -> int:
    """Return how many calls are in the log."""
    return session.exec(select(func.count()).select_from(CallRow)).one()


def log_calls(session: Session, calls: Iterable[LLMCall]) -> list[int]:
    """Log the calls that are not in the log yet, in their order, and return the number of each."""
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


def write_log(path: Path, calls: Iterable[LLMCall]) -> int:
    """Write calls to a file in an existing folder, all or none, and return their number.

    Raises:
        StoreError: The file cannot be written.
    """
    lines = [call_line(call) for call in calls]
    try:
        with atomic_write(path) as passing:
            passing.write_text("".join(lines), encoding="utf-8", newline="\n")
    except OSError as fault:
        raise StoreError(f"Cannot write the log {path}: {fault.strerror}.") from fault
    return len(lines)


def read_log(path: Path) -> list[LLMCall]:
    """Return the calls of a file, in order.

    Raises:
        StoreError: The file cannot be read.
        InvalidConfigError: Names every line that is no call, or does not match its digest.
    """
    try:
        data = path.read_bytes()
    except OSError as fault:
        raise StoreError(f"Cannot read the log {path}: {fault.strerror}.") from fault
    return calls_of(data, str(path))


def call_line(call: LLMCall) -> str:
    """Return the line of a call; its number stays behind."""
    fields = call.model_dump(mode="json", exclude={"id", *OCCASIONAL}) | _details(call)
    # The order of the fields stays as it is: the digest is taken of the request's very text.
    return json.dumps({"digest": call_row(call).digest, **fields}) + "\n"


def calls_of(data: bytes, where: str) -> list[LLMCall]:
    """Return the calls that the bytes of a log hold, UTF-8 text with one call a line."""
    calls, faults = [], []
    for number, line in enumerate(data.splitlines(), start=1):
        try:
            calls.append(_call(line))
        except ValidationError as fault:
            faults += [f"line {number}: {words}" for words in fault_words(fault)]
        except IntegrityError as fault:
            faults.append(f"line {number}: {fault}")
        except (ValueError, RecursionError):
            faults.append(f"line {number}: it is no JSON object of a call")
    if faults:
        raise InvalidConfigError(where, faults)
    return calls


def _call(line: bytes) -> LLMCall:
    fields: Any = json.loads(line.decode(), parse_constant=_refuse)
    if not isinstance(fields, dict):
        raise ValueError("no object")
    digest = fields.pop("digest", None)
    call = LLMCall.model_validate({**fields, "id": None})
    if call.created_at.utcoffset() != timedelta(0):
        raise IntegrityError("its moment is not in UTC")
    if call_row(call).digest != digest:
        raise IntegrityError("it is not what was logged: it does not match its digest")
    for count in (call.prompt_tokens, call.completion_tokens):
        if count is not None and not 0 <= count <= _MOST_TOKENS:
            raise IntegrityError(f"{count} is no number of tokens")
    return call


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON")
