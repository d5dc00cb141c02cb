"""Reading frozen versions: their rows, whether these are what was sealed, and their values."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from workbench.domain.attributes import Version
from workbench.errors import IntegrityError
from workbench.store.call_log import call_digests
from workbench.store.digest import Sealed, is_intact
from workbench.store.mapping import set_of
from workbench.store.tables import METADATA, AliasRow, VersionRow

KEPT = METADATA.tables["version_attribute"]
_COLUMNS = [KEPT.c[name] for name in Sealed._fields]
_ORDER = (KEPT.c.distortion, KEPT.c.position)
_AT_ONCE = 10_000  # rows in memory while all versions are read


def version_of(session: Session, row: VersionRow) -> Version:
    """Return the version of a row, checked against its hash and seal.

    Raises:
        IntegrityError: It is no longer what was frozen.
    """
    return versions_of(session, [row])[0]


def versions_of(session: Session, rows: Sequence[VersionRow]) -> list[Version]:
    """Return the versions of some rows, each checked against its hash and seal.

    Raises:
        IntegrityError: One of them is no longer what was frozen.
    """
    hashes, aliases = hashes_by_id(session), aliases_by_id(session)
    found = []
    for row in rows:
        kept = attributes_of(session, row)
        calls = call_digests(session, {a.call_id for a in kept if a.call_id is not None})
        parent, merged = hashes.get(row.parent_id), hashes.get(row.merged_id)
        if not is_intact(row, parent, kept, merged=merged, calls=calls):
            raise IntegrityError(
                f"Version {row.hash[:10]} is no longer what was frozen: its rows do not match its "
                "hash. Restore the database from a copy; 'workbench versions verify' names all."
            )
        found.append(
            Version(
                hash=row.hash,
                attributes=set_of(kept),
                message=row.message,
                author=row.author,
                created_at=row.created_at,
                parent=parent,
                merged=merged,
                aliases=aliases.get(row.id, ()),
            )
        )
    return found


def broken_versions(session: Session) -> Iterator[VersionRow]:
    """Go through all versions once and give those that are no longer what was frozen."""
    hashes = hashes_by_id(session)
    calls = call_digests(session, range(1 << 31))  # of the whole log
    rows = {row.id: row for row in session.exec(select(VersionRow).order_by(col(VersionRow.id)))}
    seen = set()
    for id, kept in _all_attributes(session):
        row = rows.get(id)
        if row is None:
            continue
        seen.add(id)
        parent, merged = hashes.get(row.parent_id), hashes.get(row.merged_id)
        if not is_intact(row, parent, kept, merged=merged, calls=calls):
            yield row
    yield from (row for id, row in rows.items() if id not in seen)


def attributes_of(session: Session, row: VersionRow) -> list[Sealed]:
    """Return the attributes of a version by distortion and position, as they lie in the table."""
    wanted = select_columns(*_COLUMNS).where(KEPT.c.version_id == row.id).order_by(*_ORDER)
    return [Sealed._make(found) for found in session.connection().execute(wanted).all()]


def hashes_by_id(session: Session) -> dict[int | None, str]:
    """Return id to hash of every version."""
    return dict(session.exec(select(VersionRow.id, VersionRow.hash)).all())


def aliases_by_id(session: Session) -> dict[int, tuple[str, ...]]:
    """Return version id to its aliases, the oldest first."""
    found: dict[int, tuple[str, ...]] = {}
    for alias in session.exec(select(AliasRow).order_by(col(AliasRow.updated_at), AliasRow.name)):
        found[alias.version_id] = (*found.get(alias.version_id, ()), alias.name)
    return found


def _all_attributes(session: Session) -> Iterator[tuple[int, list[Sealed]]]:
    """Version id to its attributes, a version at a time."""
    wanted = select_columns(KEPT.c.version_id, *_COLUMNS).order_by(KEPT.c.version_id, *_ORDER)
    streamed: Iterable[Sequence[object]] = session.connection().execute(
        wanted, execution_options={"yield_per": _AT_ONCE}
    )
    for id, group in groupby(streamed, key=lambda row: row[0]):
        yield int(str(id)), [Sealed._make(row[1:]) for row in group]
