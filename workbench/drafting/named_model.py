"""What of a language model enters a request: enough to find its answers in a log."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class NamedModel:
    """A model by name; it cannot be asked, but what it answered before can be recalled.

    Attributes:
        name: The model asked for.
        extra_body: Fields of its service that belong into every request.
        at_once: How many requests it takes at once, unless told.
    """

    name: str
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    at_once: int = 1
