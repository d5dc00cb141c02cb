"""What happens, one JSON line each on stderr: acts and requests, and nothing secret.

A line says who did what to how many things, never their content: no words, addresses or headers
that could hold a key. `WORKBENCH_LOG=json` turns it on.
"""

import json
import logging
import sys
from datetime import UTC, datetime

from workbench.text_files import one_line

_LOGGER = logging.getLogger("workbench_events")
_LOGGER.propagate = False
_LOGGER.addHandler(logging.NullHandler())
LONGEST = 200  # characters of a value


def log_event(event: str, **facts: str | float | None) -> None:
    """Write one line, if lines are written at all.

    Args:
        event: Its kind ("act").
        facts: What is said of it, in JSON's plain types; texts are cut and put on one line.
    """
    if _LOGGER.isEnabledFor(logging.INFO):
        _LOGGER.info(event_line(event, datetime.now(UTC), facts))


def event_line(event: str, at: datetime, facts: "dict[str, str | float | None]") -> str:
    """Return the line of an event.

    Example:
        >>> event_line("act", datetime(2026, 3, 1, tzinfo=UTC), {"who": "eva", "events": 2})
        '{"at": "2026-03-01T00:00:00+00:00", "event": "act", "who": "eva", "events": 2}'
    """
    plain = {
        name: one_line(fact)[:LONGEST] if isinstance(fact, str) else fact
        for name, fact in facts.items()
    }
    return json.dumps({"at": at.isoformat(), "event": event, **plain}, ensure_ascii=False)


def write_events() -> None:
    """Write events of this process to stderr from now on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    _LOGGER.addHandler(handler)
    _LOGGER.setLevel(logging.INFO)
