"""Making the draft what a version holds, and knowing what that would cost."""

from sqlmodel import Session, col, select

from workbench.domain.attributes import AttributeSet, Version
from workbench.errors import StoreError
from workbench.store import drafted
from workbench.store.draft_base import base_hash, changes_between, point_base
from workbench.store.frozen import version_of
from workbench.store.names import find_version
from workbench.store.replacement import replaced
from workbench.store.tables import VersionRow


def differs_from_base(session: Session) -> bool:
    """Tell whether freezing the draft would give another version than its base."""
    kept, base = drafted.content(session).without_rejected(), base_hash(session)
    return kept.size > 0 if base is None else kept.hash != base


def restore_rows(session: Session, ref: str, *, author: str, discard: bool) -> Version:
    """Make the draft what a version holds; see `DraftRepository.restore`."""
    row = find_version(session, ref)
    version = version_of(session, row)
    if not discard:
        _refuse_loss(session, version)
    changes = replaced(
        drafted.read(session),
        version.attributes,
        action="restore",
        author=author,
        elsewhere=set(),
        by_words=False,  # each attribute is the very one that was frozen
    )
    drafted.write(session, changes, author=author)
    point_base(session, row, author=author, action="restore")
    return version


def _refuse_loss(session: Session, version: Version) -> None:
    draft = drafted.content(session)
    lost = changes_between(_held(session, draft), draft)
    if lost and changes_between(version.attributes, draft):
        changes = (
            "1 change of the draft that no version holds"
            if lost == 1
            else (f"{lost} changes of the draft that no version holds")
        )
        raise StoreError(
            f"Restoring {version.label} would lose {changes}. Freeze the draft first, or say that "
            "they may be discarded; nothing was changed."
        )


def _held(session: Session, draft: AttributeSet) -> AttributeSet | None:
    """Return what is frozen of the draft: the version of this very content, or else its base."""
    wanted = (draft.without_rejected().hash, base_hash(session))
    rows = session.exec(select(VersionRow).where(col(VersionRow.hash).in_(wanted))).all()
    found = {row.hash: row for row in rows}
    held = next((found[hash] for hash in wanted if hash in found), None)
    return None if held is None else version_of(session, held).attributes
