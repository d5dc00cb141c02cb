"""Column types that give back exactly what was put in, on every database."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from workbench.errors import StoreError


def utc_now() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC; SQLite forgets the zone, so it is put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _: Dialect) -> datetime | None:
        """Convert to UTC before the zone is lost."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: Any | None, _: Dialect) -> datetime | None:
        """Return an aware moment in UTC."""
        if value is None:
            return None
        moment: datetime = value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


class PlainText(TypeDecorator[str]):
    """Unicode text that every database can hold.

    PostgreSQL refuses a NUL character and no driver can encode half a surrogate pair; both are
    refused here, so that a set that fits one database fits the other.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, _: Dialect) -> str | None:
        """Refuse what cannot be stored."""
        if value is not None and ("\x00" in value or not _is_unicode(value)):
            raise StoreError(
                f"The text {value[:40]!r} holds a character that cannot be stored (NUL or half a "
                "surrogate pair); remove it. Nothing was changed."
            )
        return value


def _is_unicode(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
