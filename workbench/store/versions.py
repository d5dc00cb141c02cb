"""Frozen versions: written once, named by their content, and checked whenever they are read."""

import builtins
from collections.abc import Sequence

from sqlmodel import Session, col, func, insert, select

from workbench.domain.attributes import AttributeSet, Version
from workbench.errors import IntegrityError, StoreError
from workbench.store.audit import record
from workbench.store.columns import utc_now
from workbench.store.database import Database
from workbench.store.mapping import attribute_set
from workbench.store.names import check_alias, find_version
from workbench.store.provenance import call_digests, require_calls
from workbench.store.seal import is_intact, seal_of
from workbench.store.tables import AliasRow, AuditRow, VersionAttributeRow, VersionRow


class VersionRepository:
    """Immutable versions and the aliases that point at them.

    The database itself refuses to change one (triggers in the migrations); what nevertheless got
    changed, by other means, is found by hash and seal.

    Args:
        database: The open database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def freeze(
        self,
        attributes: AttributeSet,
        *,
        message: str,
        author: str,
        parent: str | None = None,
        alias: str | None = None,
    ) -> Version:
        """Freeze a set, without its rejected attributes.

        A set whose content is frozen already gives that version, untouched: its own message,
        author and parent stay. The alias moves to it in either case.

        Args:
            attributes: What to freeze.
            message: Why.
            author: Who.
            parent: Reference of the version it was edited from.
            alias: A name to point at it.

        Raises:
            StoreError: No message, nothing to freeze, an unusable alias, or an LLM call that is
                not in the log.
            VersionNotFoundError: There is no such parent.
        """
        content = attributes.without_rejected()
        if not message.strip():
            raise StoreError("A version needs a message that says why it is frozen.")
        if not content.size:
            raise StoreError(
                "There is nothing to freeze: the set has no attribute but rejected ones."
            )
        if alias is not None:
            check_alias(alias)
        with self._database.writing() as session:
            row = session.exec(select(VersionRow).where(VersionRow.hash == content.hash)).first()
            if row is None:
                row = _insert(session, content, message, author, parent)
            if alias is not None:
                _point(session, alias, row, author)
            session.flush()
            return _versions(session, [row])[0]

    def get(self, ref: str) -> Version:
        """Return the version that a reference names.

        Args:
            ref: An alias, or four or more digits of a hash that no other version begins with.

        Raises:
            VersionNotFoundError: No version or several answer; the message names the nearest.
            IntegrityError: It is no longer what was frozen.
        """
        with self._database.reading() as session:
            return _versions(session, [find_version(session, ref)])[0]

    def set_alias(self, name: str, ref: str, *, author: str = "unknown") -> Version:
        """Point an alias at a version; one that exists moves.

        Args:
            name: The alias: a letter, then letters, digits, ".", "_" or "-"; no hash prefix.
            ref: The version.
            author: Who moves it.

        Returns:
            The version it now points at.

        Raises:
            StoreError: The name is unusable.
            VersionNotFoundError: There is no such version.
        """
        check_alias(name)
        with self._database.writing() as session:
            row = find_version(session, ref)
            _point(session, name, row, author)
            session.flush()
            return _versions(session, [row])[0]

    def verify(self) -> builtins.list[str]:
        """Hash everything again and return the hash of every version that was tampered with.

        A version that is on record as frozen and is no longer there counts as well.
        """
        with self._database.reading() as session:
            rows = session.exec(select(VersionRow).order_by(col(VersionRow.id))).all()
            parents = _hashes(session)
            broken = [
                row.hash
                for row in rows
                if not _is_intact(session, row, parents, _attributes(session, row))
            ]
            frozen = session.exec(select(AuditRow.subject).where(AuditRow.action == "freeze"))
            named = [subject.removeprefix("version:") for subject in frozen]
            present = {row.hash for row in rows}
            return broken + [hash for hash in named if hash not in present]

    def list(self) -> builtins.list[Version]:
        """Return all versions, newest first.

        Raises:
            IntegrityError: One of them is no longer what was frozen.
        """
        with self._database.reading() as session:
            rows = session.exec(select(VersionRow).order_by(col(VersionRow.id).desc())).all()
            return _versions(session, rows)


def _insert(
    session: Session, content: AttributeSet, message: str, author: str, parent: str | None
) -> VersionRow:
    """Write the attributes, then the row that seals them."""
    calls = require_calls(session, (a for some in content.by_distortion.values() for a in some))
    above = None if parent is None else find_version(session, parent)
    last = session.exec(select(func.max(VersionRow.id))).one()
    version = VersionRow(
        id=1 if last is None else last + 1,
        hash=content.hash,
        seal="",
        message=message.strip(),
        author=author,
        created_at=utc_now(),
        parent_id=None if above is None else above.id,
    )
    rows = _attribute_rows(version.id, content)
    version.seal = seal_of(version, None if above is None else above.hash, rows, calls=calls)
    session.exec(insert(VersionAttributeRow), params=[row.model_dump() for row in rows])
    session.add(version)
    after = {"message": version.message, "parent": above.hash if above else None}
    record(session, "freeze", f"version:{version.hash}", author=author, after=after)
    return version


def _attribute_rows(version_id: int, content: AttributeSet) -> list[VersionAttributeRow]:
    return [
        VersionAttributeRow(
            version_id=version_id,
            distortion=distortion,
            position=position,
            phrase=attribute.phrase,
            origin=attribute.origin,
            call_id=attribute.call_id,
            status=attribute.status,
            identity=attribute.identity or "",  # a set gives one to each
            decided_by=attribute.decided_by,
        )
        for distortion, some in content.by_distortion.items()
        for position, attribute in enumerate(some)
    ]


def _point(session: Session, name: str, version: VersionRow, author: str) -> None:
    row = session.get(AliasRow, name)
    if row is None:
        row = AliasRow(name=name, version_id=0, updated_at=utc_now(), updated_by=author)
        before = None
    else:
        before = {"version": _hashes(session).get(row.version_id)}
    if row.version_id == version.id:
        return
    row.version_id, row.updated_at, row.updated_by = version.id, utc_now(), author
    session.flush()  # the version first: an alias may only point at what is there
    session.add(row)
    after = {"version": version.hash}
    record(session, "set alias", f"alias:{name}", author=author, before=before, after=after)


def _versions(session: Session, rows: Sequence[VersionRow]) -> list[Version]:
    """Return the values of some rows, each checked against its hash and seal."""
    hashes, aliases = _hashes(session), _aliases(session)
    found = []
    for row in rows:
        attributes = _attributes(session, row)
        if not _is_intact(session, row, hashes, attributes):
            raise IntegrityError(
                f"Version {row.hash[:10]} is no longer what was frozen: its rows do not match its "
                "hash. Restore the database from a copy; 'workbench versions verify' names all."
            )
        found.append(
            Version(
                hash=row.hash,
                attributes=attribute_set(attributes),
                message=row.message,
                author=row.author,
                created_at=row.created_at,
                parent=hashes.get(row.parent_id),
                merged=hashes.get(row.merged_id),
                aliases=aliases.get(row.id, ()),
            )
        )
    return found


def _is_intact(
    session: Session,
    row: VersionRow,
    hashes: dict[int | None, str],
    attributes: Sequence[VersionAttributeRow],
) -> bool:
    calls = call_digests(session, {a.call_id for a in attributes if a.call_id is not None})
    parent, merged = hashes.get(row.parent_id), hashes.get(row.merged_id)
    return is_intact(row, parent, attributes, merged=merged, calls=calls)


def _attributes(session: Session, row: VersionRow) -> list[VersionAttributeRow]:
    return list(
        session.exec(
            select(VersionAttributeRow)
            .where(VersionAttributeRow.version_id == row.id)
            .order_by(col(VersionAttributeRow.distortion), col(VersionAttributeRow.position))
        )
    )


def _hashes(session: Session) -> dict[int | None, str]:
    return dict(session.exec(select(VersionRow.id, VersionRow.hash)).all())


def _aliases(session: Session) -> dict[int, tuple[str, ...]]:
    """Version id to its aliases, the oldest first."""
    found: dict[int, tuple[str, ...]] = {}
    for alias in session.exec(select(AliasRow).order_by(col(AliasRow.updated_at), AliasRow.name)):
        found[alias.version_id] = (*found.get(alias.version_id, ()), alias.name)
    return found
