"""Whether the calls that attributes name are in the log, and their digests."""

from collections.abc import Collection, Iterable

from sqlmodel import Session, col, select

from workbench.errors import StoreError
from workbench.store.tables import CallRow

_MANY = 500  # from here on the whole log is read at once: a database takes only so many names


def require_calls(session: Session, named: Iterable[int | None]) -> dict[int, str]:
    """Refuse attributes whose LLM call is not in the log: their origin could not be shown.

    Args:
        session: The writer's session.
        named: The calls that attributes name which are about to be stored.

    Returns:
        Id to digest of the calls that the attributes name.

    Raises:
        StoreError: Some calls are missing; their numbers are named.
    """
    ids = {id for id in named if id is not None}
    known = call_digests(session, ids)
    if missing := sorted(ids - set(known)):
        raise StoreError(
            f"Attributes name LLM calls that are not in this store's log: "
            f"{', '.join(map(str, missing[:5]))}. Log the calls first, or leave call_id out. "
            "Nothing was changed."
        )
    return known


def call_digests(session: Session, ids: Collection[int]) -> dict[int, str]:
    """Return id to stored digest of those of these calls that are in the log."""
    if not ids:
        return {}
    wanted = select(CallRow.id, CallRow.digest)
    if len(ids) < _MANY:
        wanted = wanted.where(col(CallRow.id).in_(ids))
    return {id: digest for id, digest in session.exec(wanted) if id is not None}
