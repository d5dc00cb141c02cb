"""What every domain value shares: frozen, no unknown fields, one canonical form."""

import hashlib
import json
import unicodedata
from typing import Any

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """An immutable value; an unknown field is a fault, not a surprise."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


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
