"""Reading frozen versions: their rows, whether these are what was frozen, and their values."""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Any

from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from workbench.domain.attributes import Attribute, AttributeSet, Version
from workbench.errors import IntegrityError
from workbench.store.call_log import call_digests
from workbench.store.digest import VersionAttribute, is_intact
from workbench.store.tables import METADATA, AliasRow, VersionRow

VERSION_ATTRIBUTES = METADATA.tables["version_attribute"]
_version_id = VERSION_ATTRIBUTES.c.version_id
_COLUMNS = [VERSION_ATTRIBUTES.c[name] for name in VersionAttribute._fields]
_ORDER = (VERSION_ATTRIBUTES.c.distortion, VERSION_ATTRIBUTES.c.position)
_CHUNK = 10_000  # rows in memory while all versions are read


@lru_cache(maxsize=1 << 15)
def attribute_of(
    phrase: str,
    origin: str,
    call_id: int | None,
    status: str,
    identity: str,
    decided_by: str | None,
) -> Attribute:
    """Return the attribute of a stored row, to the letter; versions share what they have in common.

    A phrase was normalised before it was stored, and its hash was taken of exactly that text; so
    it is not normalised again. Frozen values may be shared, and two versions of ten thousand
    attributes differ in a few.
    """
    stored: dict[str, Any] = {
        "phrase": phrase,
        "origin": origin,
        "call_id": call_id,
        "status": status,
        "identity": identity,
        "decided_by": decided_by,
    }
    return Attribute.model_construct(**stored)


def set_of(rows: Iterable[Any]) -> AttributeSet:
    """Return the set that rows make, without judging again what the database has accepted.

    Args:
        rows: (distortion, position, phrase, origin, call_id, status, identity, decided_by), in
            order; of one distortion no two with the same words, and no two of one identity.
    """
    by_distortion: dict[str, list[Attribute]] = {}
    for distortion, _, *stored in rows:
        by_distortion.setdefault(distortion, []).append(attribute_of(*stored))
    return AttributeSet.model_construct(
        by_distortion={d: tuple(by_distortion[d]) for d in sorted(by_distortion)}
    )


def version_of(session: Session, row: VersionRow) -> Version:
    """Return the version of a row, checked as `versions_of` does."""
    return versions_of(session, [row])[0]


def versions_of(session: Session, rows: Sequence[VersionRow]) -> list[Version]:
    """Return the versions of some rows, each checked against its hash and digest."""
    hashes, aliases = hashes_by_id(session), aliases_by_id(session)
    versions = []
    for row in rows:
        attributes = attributes_of(session, row)
        calls = call_digests(session, {a.call_id for a in attributes if a.call_id is not None})
        parent, merged = hashes.get(row.parent_id), hashes.get(row.merged_id)
        if not is_intact(row, parent, attributes, merged=merged, calls=calls):
            raise IntegrityError(
                f"Version {row.hash[:10]} is no longer what was frozen: its rows do not match its "
                "hash. Restore the database from a copy; 'workbench versions verify' names all."
            )
        versions.append(version_value(row, set_of(attributes), hashes, aliases))
    return versions


def version_value(
    row: VersionRow,
    attributes: AttributeSet,
    hashes: dict[int | None, str],
    aliases: dict[int, tuple[str, ...]],
) -> Version:
    """Return the version of a row; hashes and aliases as `hashes_by_id` and `aliases_by_id` do."""
    return Version(
        hash=row.hash,
        attributes=attributes,
        message=row.message,
        author=row.author,
        created_at=row.created_at,
        parent=hashes.get(row.parent_id),
        merged=hashes.get(row.merged_id),
        aliases=aliases.get(row.id, ()),
    )


def broken_versions(session: Session) -> Iterator[VersionRow]:
    """Go through all versions once and yield those that are no longer what was frozen."""
    hashes = hashes_by_id(session)
    calls = call_digests(session)
    rows = {row.id: row for row in session.exec(select(VersionRow).order_by(col(VersionRow.id)))}
    checked = set()
    for id, attributes in _all_attributes(session):
        row = rows.get(id)
        if row is None:
            continue
        checked.add(id)
        parent, merged = hashes.get(row.parent_id), hashes.get(row.merged_id)
        if not is_intact(row, parent, attributes, merged=merged, calls=calls):
            yield row
    yield from (row for id, row in rows.items() if id not in checked)


def attributes_of(session: Session, row: VersionRow) -> list[VersionAttribute]:
    """Return the attributes of a version by distortion and position, as they lie in the table."""
    query = select_columns(*_COLUMNS).where(_version_id == row.id).order_by(*_ORDER)
    return [VersionAttribute._make(fields) for fields in session.connection().execute(query).all()]


def hashes_by_id(session: Session) -> dict[int | None, str]:
    """Return id to hash of every version."""
    return dict(session.exec(select(VersionRow.id, VersionRow.hash)).all())


def aliases_by_id(session: Session) -> dict[int, tuple[str, ...]]:
    """Return version id to its aliases, the oldest first."""
    aliases: dict[int, tuple[str, ...]] = {}
    for row in session.exec(select(AliasRow).order_by(col(AliasRow.updated_at), AliasRow.name)):
        aliases[row.version_id] = (*aliases.get(row.version_id, ()), row.name)
    return aliases


def _all_attributes(session: Session) -> Iterator[tuple[int, list[VersionAttribute]]]:
    """Yield version id and attributes, a version at a time."""
    query = select_columns(_version_id, *_COLUMNS).order_by(_version_id, *_ORDER)
    rows: Iterable[Sequence[Any]] = session.connection().execute(
        query, execution_options={"yield_per": _CHUNK}
    )
    for id, group in groupby(rows, key=lambda row: row[0]):
        yield int(id), [VersionAttribute._make(row[1:]) for row in group]
