"""The audit log as people read it and as files hold it."""

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from workbench.atomic_files import atomic_write
from workbench.domain.audit_events import Event
from workbench.domain.data_table import DataTable, text_columns
from workbench.errors import ConfigError
from workbench.report.render import csv_table
from workbench.store import Store
from workbench.store.audit_log import AuditFilter

AuditForm = Literal["csv", "json"]
FORMS: tuple[AuditForm, ...] = ("csv", "json")
_HASH = re.compile(r"\b[0-9a-f]{64}\b")
COLUMNS = ("when (UTC)", "who", "action", "what", "change")


def audit_rows(events: Iterable[Event]) -> tuple[Sequence[str], list[tuple[str, ...]]]:
    """Return headings and rows of events as people read them."""
    return COLUMNS, [
        (f"{event.at:%Y-%m-%d %H:%M:%S}", event.author, event.action, what(event), change(event))
        for event in events
    ]


def what(event: Event) -> str:
    """Say what an event is about: the thing, and the distortion where it has one.

    Example:
        >>> from datetime import UTC, datetime
        >>> event = Event(id=1, at=datetime.now(UTC), author="ann", action="edit", change=1,
        ...               subject="attribute:7", before={"distortion": "jpeg"}, after=None)
        >>> what(event)
        'attribute 7 of jpeg'
    """
    kind, _, name = event.subject.partition(":")
    name = name[:10] if kind in ("version", "bundle") else name
    words = "test-set access" if kind == "look" else kind
    state = event.after or event.before or {}
    of = f" of {state['distortion']}" if state.get("distortion") else ""
    return " ".join((words, name)).strip() + of


def change(event: Event) -> str:
    """Say what became of what: the fields that differ, or what is new or gone.

    Hashes are shortened as they are everywhere.
    """
    before, after = event.before or {}, event.after or {}
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    names = [name for name in names if name not in ("identity", "distortion")]
    if event.before and event.after:
        return "; ".join(f"{name}: {_text(before, name)} → {_text(after, name)}" for name in names)
    state = after or before
    shown = state.get("phrase") or state.get("text") or state.get("message") or state.get("purpose")
    return str(shown or (state.get("version") or "")[:10])


def _text(state: dict[str, Any], name: str) -> str:
    value = state.get(name)
    return "none" if value is None else _HASH.sub(lambda hash: hash[0][:10], str(value))


def audit_file(store: Store, wanted: AuditFilter, form: AuditForm) -> str:
    """Return events, oldest first, as a CSV or JSON file; a state is JSON in a CSV cell."""
    events = [event.model_dump(mode="json") for event in store.audit.all(wanted)]
    if form == "json":
        return json.dumps(events, ensure_ascii=False, indent=1) + "\n"
    states = ("before", "after")
    records = [
        event
        | {name: event[name] and json.dumps(event[name], ensure_ascii=False) for name in states}
        for event in events
    ]
    columns = text_columns("id", "at", "author", "action", "subject", *states, "change")
    return csv_table(DataTable.of("audit", "Audit log", columns, records))


def write_audit(store: Store, wanted: AuditFilter, file: Path) -> None:
    """Write events to a .csv or .json file.

    Raises:
        ConfigError: The file has another ending, or cannot be written.
    """
    form = next((form for form in FORMS if file.suffix == f".{form}"), None)
    if form is None:
        raise ConfigError(f"'{file.name}' ends neither with .csv nor with .json; name it so.")
    try:
        with atomic_write(file) as partial:
            partial.write_text(audit_file(store, wanted, form), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror}.") from error
