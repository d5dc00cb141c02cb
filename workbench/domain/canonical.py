"""What every domain value shares: frozen, no unknown fields, one canonical form."""

import hashlib
import json
import reprlib
import unicodedata
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError


class Frozen(BaseModel):
    """An immutable value; an unknown field is a fault, not a surprise."""

    # Validators are built when a model is first used: most commands use a few of a hundred.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)


def canonical_json(value: Any) -> str:
    """Return the one JSON text of a value: sorted keys, no blanks, NFC Unicode, no NaN.

    Args:
        value: Anything `json.dumps` takes.

    Example:
        >>> canonical_json({"b": 1, "a": ["é"]})
        '{"a":["é"],"b":1}'
    """
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return unicodedata.normalize("NFC", text)


def content_hash(value: Any) -> str:
    """Return the SHA-256 of a value's canonical JSON, 64 hexadecimal digits.

    Example:
        >>> content_hash({}) == hashlib.sha256(b"{}").hexdigest()
        True
    """
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def fault_words(fault: ValidationError) -> list[str]:
    """Return one line for each fault of a value, opening with the field's path where it has one.

    Example:
        >>> class Point(Frozen):
        ...     x: int
        >>> try:
        ...     Point.model_validate({"x": "a", "y": 1})
        ... except ValidationError as fault:
        ...     fault_words(fault)[1]
        'y: no such field'
    """
    fields = [".".join(map(str, error["loc"])) for error in fault.errors()]
    return [
        f"{field}: {_words(error)}" if field else _words(error)
        for field, error in zip(fields, fault.errors(), strict=True)
    ]


def _words(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return "no such field"
    if error["type"] == "missing":
        return "is missing"
    if error["type"] == "value_error":  # in this program's own words
        return str(error["msg"]).removeprefix("Value error, ")
    return f"{error['msg'][0].lower()}{error['msg'][1:]}, got {short_repr(error['input'])}"


_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 60  # characters


def short_repr(value: object) -> str:
    """Return a value as a message can hold it: short, however large it is.

    Example:
        >>> short_repr([1, 2, 3, 4, 5, 6, 7, 8])
        '[1, 2, 3, 4, 5, 6, ...]'
    """
    try:
        return _SHORT.repr(value)
    except ValueError:  # Python writes no integer of more than 4,300 digits
        return "a huge number"


Progress = Callable[[float, str], None]  # the share done, in [0, 1], and what is being done


# A stage of a training, a step of it counted from 1, and the loss there.
Losses = Callable[[str, int, float], None]


def no_losses(_stage: str, _step: int, _loss: float) -> None:
    """Take losses that nobody wants to see."""


def part(progress: Progress, start: float, end: float) -> Progress:
    """Return a progress function whose 0..1 is a part of the whole's."""
    return lambda share, text: progress(start + (end - start) * share, text)
