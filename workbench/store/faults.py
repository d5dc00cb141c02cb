"""What a database says when it fails, put into one plain line that says what to do."""

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from workbench.errors import FrozenVersionError, StoreError, WorkbenchError

# Opens every message of the triggers in the migrations.
FROZEN_MARK = "frozen:"
_FROZEN = (
    "What is recorded (a frozen version, a call, a result, a comment, an event) cannot be changed; "
    "freeze a new version."
)
_RECIPE = "A recipe cannot be changed, nor removed while attributes name it; add one of a new id."

# A fragment of the driver's message, lower case, and what it means to a user.
_MEANINGS = (
    ("disk is full", "the disk is full. Free some space and repeat the command"),
    ("no space left", "the disk is full. Free some space and repeat the command"),
    ("disk i/o error", "the disk refuses to be written; it may be full or over a quota. Free some "
     "space and repeat the command"),
    ("readonly database", "it is read-only. Make the file and its folder writable, or name "
     "another database with --db"),
    ("read-only transaction", "it is read-only. Name another database with --db"),
    ("unable to open database file", "it cannot be opened or created. Make its folder writable, "
     "or name another database with --db"),
    ("file is not a database", "this file is no SQLite database. Move it away, or name another "
     "one with --db"),
    ("malformed", "the file is damaged. Restore it from a copy, or name another one with --db"),
    ("locked", "another program keeps it locked. Close that program, or try again"),
    ("can't create a connection", "the server does not answer. Start it, or name another "
     "database with --db"),
    ("password authentication failed", "the server refuses this user or password. Correct the URL"),
)  # fmt: skip


def plain_fault(error: SQLAlchemyError, place: str) -> WorkbenchError:
    """Return the error that a user gets for one that the database raised.

    Args:
        error: What SQLAlchemy raised.
        place: Path or URL of the store, without a password.

    Example:
        >>> from sqlite3 import OperationalError as Full
        >>> full = DBAPIError("INSERT", {}, Full("database or disk is full"))
        >>> print(plain_fault(full, "w.sqlite"))
        Cannot use the store w.sqlite: the disk is full. Free some space and repeat the command.
    """
    original = getattr(error, "orig", None)
    if isinstance(original, WorkbenchError):
        return original
    said = _said(error)
    if FROZEN_MARK in said:
        return FrozenVersionError(_RECIPE if "recipe" in said else _FROZEN)
    for fragment, meaning in _MEANINGS:
        if fragment in said.casefold():
            return StoreError(f"Cannot use the store {place}: {meaning}.")
    return StoreError(f"The store {place} refused: {said}. Nothing was changed.")


def _said(error: SQLAlchemyError) -> str:
    """Return the driver's own words on one line; pg8000 wraps them in a dictionary."""
    original: object = error.orig if isinstance(error, DBAPIError) else error
    first = original.args[0] if isinstance(original, BaseException) and original.args else original
    words = first.get("M", first) if isinstance(first, dict) else first
    return " ".join(str(words).split()).rstrip(".")
