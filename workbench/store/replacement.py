"""Exchange the draft of some distortions while keeping the identity of what stays."""

from collections.abc import Iterator
from typing import Any

from sqlmodel import Session, col, select

from workbench.domain.attributes import Attribute, AttributeSet
from workbench.store.audit import attribute_state, record
from workbench.store.columns import utc_now
from workbench.store.mapping import draft_row
from workbench.store.provenance import require_calls
from workbench.store.tables import DraftAttributeRow


def replace_rows(
    session: Session, attributes: AttributeSet, scope: set[str], *, author: str
) -> None:
    """Make the rows of the distortions in scope equal to a set, and record every difference.

    Args:
        session: The writer's session; all of it is committed together.
        attributes: The new content, of no distortion outside the scope.
        scope: Ids of the distortions to replace.
        author: Who replaces.
    """
    require_calls(session, (a for some in attributes.by_distortion.values() for a in some))
    present = session.exec(
        select(DraftAttributeRow).where(col(DraftAttributeRow.distortion).in_(scope))
    )
    old = {(row.distortion, row.phrase_key): row for row in present}
    added = []
    for distortion, position, attribute in _placed(attributes):
        row = old.pop((distortion, attribute.phrase.casefold()), None)
        if row is None:
            added.append(draft_row(distortion, position, attribute, author))
        else:
            _update(session, row, position, attribute, author)
    for row in old.values():
        _record(session, row, author, before=attribute_state(row))
        session.delete(row)
    session.add_all(added)
    session.flush()  # gives the new rows their ids
    for row in added:
        _record(session, row, author, after=attribute_state(row))


def _placed(attributes: AttributeSet) -> Iterator[tuple[str, int, Attribute]]:
    for distortion, some in attributes.by_distortion.items():
        for position, attribute in enumerate(some):
            yield distortion, position, attribute


def _update(
    session: Session, row: DraftAttributeRow, position: int, attribute: Attribute, author: str
) -> None:
    before = attribute_state(row)
    row.phrase, row.origin = attribute.phrase, attribute.origin
    row.call_id, row.status, row.position = attribute.call_id, attribute.status, position
    row.decided_by = attribute.decided_by
    after = attribute_state(row)
    if after == before:
        return
    _record(session, row, author, before=before, after=after)
    # Another place in the list contradicts nobody's edit of the words.
    if {**before, "position": 0} != {**after, "position": 0}:
        row.row_version += 1
        row.updated_at, row.updated_by = utc_now(), author


def _record(
    session: Session, row: DraftAttributeRow, author: str, **states: dict[str, Any]
) -> None:
    record(session, "replace", f"attribute:{row.id}", author=author, **states)
