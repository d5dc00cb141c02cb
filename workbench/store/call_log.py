"""The log of calls as a file: JSON lines, each a whole call and its digest.

A line holds all that the store holds of a call but its number, so that a log that is read into
another store answers there byte for byte, and attributes that name a call by digest find it.
"""

import json
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from workbench.domain.base import fault_words
from workbench.domain.calls import LLMCall
from workbench.errors import IntegrityError, InvalidConfigError, StoreError
from workbench.files import written_whole
from workbench.store.mapping import call_row

_MOST_TOKENS = 2**31 - 1  # what a database's integer holds


def write_log(path: Path, calls: Iterable[LLMCall]) -> int:
    """Write calls to a file, whole or not at all.

    Args:
        path: The file; its folder exists.
        calls: The calls, in the order in which they are to be read again.

    Returns:
        Number of calls.

    Raises:
        StoreError: The file cannot be written.
    """
    lines = [call_line(call) for call in calls]
    try:
        with written_whole(path) as passing:
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
    fields = call.model_dump(mode="json", exclude={"id"})
    # The order of the fields stays as it is: the digest is taken of the request's very text.
    return json.dumps({"digest": call_row(call).digest, **fields}) + "\n"


def calls_of(data: bytes, where: str) -> list[LLMCall]:
    """Return the calls that the bytes of a log hold.

    Args:
        data: UTF-8 text, one call a line.
        where: Opens the message of faults.

    Raises:
        InvalidConfigError: Names every faulty line.
    """
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
