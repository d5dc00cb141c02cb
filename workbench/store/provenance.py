"""Whether the calls that attributes name are in the log."""

from collections.abc import Iterable

from sqlmodel import Session, col, select

from workbench.domain.attributes import Attribute
from workbench.errors import StoreError
from workbench.store.tables import CallRow


def require_calls(session: Session, attributes: Iterable[Attribute]) -> None:
    """Refuse attributes whose LLM call is not in the log: their origin could not be shown.

    Args:
        session: The writer's session.
        attributes: What is about to be stored.

    Raises:
        StoreError: Some calls are missing; their numbers are named.
    """
    named = {attribute.call_id for attribute in attributes if attribute.call_id is not None}
    if not named:
        return
    known = set(session.exec(select(CallRow.id).where(col(CallRow.id).in_(named))))
    if missing := sorted(named - known):
        raise StoreError(
            f"Attributes name LLM calls that are not in this store's log: "
            f"{', '.join(map(str, missing[:5]))}. Log the calls first, or leave call_id out. "
            "Nothing was changed."
        )
