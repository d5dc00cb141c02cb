"""The version that the draft was last frozen as or restored from, and what has changed since."""

from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from workbench.domain.attributes import Attribute, AttributeSet
from workbench.store.audit import Deed, record_all
from workbench.store.drafted import DRAFT
from workbench.store.tables import DraftBaseRow, VersionRow

_ONLY = 1  # there is one draft, so one base


def base_hash(session: Session) -> str | None:
    """Return the hash of the draft's base, if it has one."""
    return session.exec(
        select(VersionRow.hash)
        .join(DraftBaseRow, col(DraftBaseRow.version_id) == VersionRow.id)
        .where(DraftBaseRow.id == _ONLY)
    ).first()


def point_base(
    session: Session, version: VersionRow, *, author: str, action: str = "set base"
) -> None:
    """Make a version the draft's base and record it; one that is it already changes nothing.

    Args:
        session: The writer's session.
        version: The version.
        author: Who does it.
        action: What the record calls it.
    """
    if base_hash(session) != version.hash:
        record_all(session, [set_base(session, version, action)], author=author)


def set_base(session: Session, version: VersionRow | None, action: str) -> Deed:
    """Make a version the draft's base, or none, and return what is to be recorded."""
    before = base_hash(session)
    row = session.get(DraftBaseRow, _ONLY)
    if version is None:
        session.delete(row)
    elif row is None:
        session.add(DraftBaseRow(id=_ONLY, version_id=version.id))
    else:
        row.version_id = version.id
    after = None if version is None else version.hash
    return Deed(action, "draft", {"version": before}, {"version": after})


def kept_phrases(session: Session) -> dict[str, tuple[str, ...]]:
    """Return distortion id to the phrases that freezing the draft would keep."""
    wanted = (
        select_columns(DRAFT.c.distortion, DRAFT.c.phrase)
        .where(DRAFT.c.status != "rejected")
        .order_by(DRAFT.c.distortion, DRAFT.c.position, DRAFT.c.id)
    )
    found: dict[str, list[str]] = {}
    for distortion, phrase in session.connection().execute(wanted).all():
        found.setdefault(distortion, []).append(phrase)
    return {distortion: tuple(phrases) for distortion, phrases in found.items()}


def changes_between(base: AttributeSet | None, draft: AttributeSet) -> int:
    """Count the attributes that differ: joined, left, reworded, judged, or in another order.

    Args:
        base: What is frozen; None for nothing.
        draft: The draft; attributes that it rejects, and that are not frozen, are no change.
    """
    before = {} if base is None else _by_identity(base)
    after = _by_identity(draft.without_rejected())
    changed = sum(before.get(identity) != place for identity, place in after.items())
    left = before.keys() - after.keys()
    common = [[i for i in order if i in before and i in after] for order in (before, after)]
    moved = sum(
        1 for old, new in zip(*common, strict=True) if old != new and before[new] == after[new]
    )
    return changed + len(left) + moved


def _by_identity(attributes: AttributeSet) -> dict[str | None, tuple[str, Attribute]]:
    return {
        attribute.identity: (distortion, attribute)
        for distortion, some in attributes.by_distortion.items()
        for attribute in some
    }
