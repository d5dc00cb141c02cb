"""Frozen versions: written once, named by their content, and checked whenever they are read."""

import builtins
import re
from collections.abc import Callable

from sqlalchemy import insert as insert_rows
from sqlmodel import Session, col, func, select

from workbench.domain.attributes import AttributeSet, Version
from workbench.domain.lineage import VersionSummary
from workbench.errors import StoreError, UnknownNameError, VersionNotFoundError
from workbench.store.audit import record
from workbench.store.call_log import require_calls
from workbench.store.database import Repository
from workbench.store.digest import VersionAttribute, version_digest
from workbench.store.draft_rows import base_hash, draft_set, frozen_phrases, set_base
from workbench.store.frozen_versions import (
    VERSION_ATTRIBUTES,
    aliases_by_id,
    broken_versions,
    hashes_by_id,
    version_of,
    version_value,
    versions_of,
)
from workbench.store.tables import AliasRow, AuditRow, VersionAttributeRow, VersionRow, utc_now

SHORTEST_PREFIX = 4  # hexadecimal digits; fewer would soon be ambiguous

_ALIAS = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,63}")
_PREFIX = re.compile(rf"[0-9a-f]{{{SHORTEST_PREFIX},64}}")
_DIGITS = re.compile(r"[0-9a-fA-F]+")


def check_alias(name: str) -> None:
    """Refuse an alias that could be taken for a hash, or that nobody could type.

    Raises:
        StoreError: It is not letters, digits, ".", "_" and "-", or reads as a hash prefix.

    Example:
        >>> check_alias("baseline")
        >>> check_alias("decade")
        Traceback (most recent call last):
        workbench.errors.StoreError: 'decade' reads as a hash; add a dash or a letter after f.
    """
    if not _ALIAS.fullmatch(name):
        raise StoreError(
            f"The alias '{name}' cannot be used: start with a letter and go on with at most 63 "
            "letters, digits, '.', '_' or '-'."
        )
    if _DIGITS.fullmatch(name):
        raise StoreError(f"'{name}' reads as a hash; add a dash or a letter after f.")


def find_version(session: Session, ref: str) -> VersionRow:
    """Return the version that a reference names.

    A reference is an alias, or the first four or more digits of a hash, in either case.

    Raises:
        VersionNotFoundError: No version or several answer; the message names the nearest.
    """
    alias = session.get(AliasRow, ref)
    if alias is not None:
        return session.exec(select(VersionRow).where(VersionRow.id == alias.version_id)).one()
    prefix = ref.lower()
    if _PREFIX.fullmatch(prefix):
        matches = session.exec(
            select(VersionRow).where(col(VersionRow.hash).startswith(prefix)).limit(3)
        ).all()
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise VersionNotFoundError(
                f"'{ref}' names more than one version: "
                f"{', '.join(row.hash[: len(ref) + 8] for row in matches)}. Give more digits."
            )
    raise VersionNotFoundError(_nothing_answers(session, ref))


def _nothing_answers(session: Session, ref: str) -> str:
    if _DIGITS.fullmatch(ref) and len(ref) < SHORTEST_PREFIX:
        return (
            f"'{ref}' is too short; give an alias or at least {SHORTEST_PREFIX} digits of a hash."
        )
    known = [*session.exec(select(AliasRow.name))]
    known += [hash[: max(len(ref), 10)] for hash in session.exec(select(VersionRow.hash))]
    return str(UnknownNameError("version", ref, known))


class VersionRepository(Repository):
    """Immutable versions and the aliases that point at them.

    The database itself refuses to change one (triggers in the migrations); what nevertheless got
    changed, by other means, is noticed by hash and digest.
    """

    def freeze(
        self,
        attributes: AttributeSet,
        *,
        message: str,
        author: str,
        parent: str | None = None,
        alias: str | None = None,
        merged: str | None = None,
    ) -> Version:
        """Freeze a set, without its rejected attributes.

        A set whose content is frozen already gives that version, untouched: its own message,
        author and parents stay. The alias moves to it in either case. If the draft has just this
        content, the version becomes the draft's base.

        Args:
            attributes: What to freeze.
            message: Why.
            author: Who.
            parent: Reference of the version it was edited from.
            alias: A name to point at it.
            merged: Reference of the version that was merged into the parent's line.

        Raises:
            StoreError: No message, nothing to freeze, an unusable alias, a merge without a
                parent, or an LLM call that is not in the log.
            VersionNotFoundError: There is no such parent.
        """
        content = attributes.without_rejected()
        _refuse_unfit(content, message, parent, merged)
        if alias is not None:
            check_alias(alias)
        with self._database.writing("freeze a version", needs="reviewer") as session:
            return _freeze(session, content, message, author, parent, alias, merged)[0]

    def freeze_draft(
        self,
        *,
        message: str,
        author: str,
        parent: str | None = None,
        alias: str | None = None,
        check: Callable[[AttributeSet], None] | None = None,
    ) -> tuple[Version, bool]:
        """Freeze the working draft as it stands at this moment, as `freeze` does a set.

        Args:
            message: Why.
            author: Who.
            parent: Reference of the version it was edited from; without, the draft's base at this
                very moment, whatever was its base when a form was opened.
            alias: A name to point at it.
            check: Raises if the content may not be frozen; nothing is changed then.

        Returns:
            The version, and whether no version had this content before.

        Raises:
            StoreError: As of `freeze`.
        """
        if alias is not None:
            check_alias(alias)
        with self._database.writing("freeze a version", needs="reviewer") as session:
            content = draft_set(session).without_rejected()
            _refuse_unfit(content, message, None, None)
            if check is not None:
                check(content)
            return _freeze(session, content, message, author, parent or base_hash(session), alias)

    def get(self, ref: str) -> Version:
        """Return the version that a reference names; see `find_version`.

        Raises:
            VersionNotFoundError: No version or several answer; the message names the nearest.
            IntegrityError: It is no longer what was frozen.
        """
        with self._database.reading() as session:
            return version_of(session, find_version(session, ref))

    def set_alias(self, name: str, ref: str, *, author: str = "unknown") -> Version:
        """Point an alias at a version, and return that; an alias that exists moves.

        Raises:
            StoreError: The name is unusable; see `check_alias`.
            VersionNotFoundError: There is no such version.
        """
        check_alias(name)
        with self._database.writing("name a version", needs="reviewer") as session:
            row = find_version(session, ref)
            _set_alias(session, name, row, author)
            session.flush()
            return version_of(session, row)

    def verify(self) -> builtins.list[str]:
        """Hash everything again and return the hash of every version that was tampered with.

        A version that is on record as frozen and is no longer there counts as well. `Store.verify`
        goes through all the other tables too.
        """
        with self._database.reading() as session:
            return [row.hash for row in broken_versions(session)] + missing_versions(session)

    def list(self) -> builtins.list[Version]:
        """Return all versions, newest first, with their attributes; see `summaries` for lists."""
        with self._database.reading() as session:
            rows = session.exec(select(VersionRow).order_by(col(VersionRow.id).desc())).all()
            return versions_of(session, rows)

    def summaries(self) -> builtins.list[VersionSummary]:
        """Return what a list of versions shows, newest first, without reading their attributes."""
        with self._database.reading() as session:
            rows = session.exec(select(VersionRow).order_by(col(VersionRow.id).desc())).all()
            hashes, aliases = hashes_by_id(session), aliases_by_id(session)
            counts = select(VersionAttributeRow.version_id, func.count()).group_by(
                col(VersionAttributeRow.version_id)
            )
            sizes = dict(session.exec(counts).all())
            return [
                VersionSummary(
                    hash=row.hash,
                    message=row.message,
                    author=row.author,
                    created_at=row.created_at,
                    parent=hashes.get(row.parent_id),
                    merged=hashes.get(row.merged_id),
                    aliases=aliases.get(row.id, ()),
                    size=sizes.get(row.id, 0),
                )
                for row in rows
            ]


def _freeze(
    session: Session,
    content: AttributeSet,
    message: str,
    author: str,
    parent: str | None,
    alias: str | None,
    merged: str | None = None,
) -> tuple[Version, bool]:
    """Freeze content that was checked, and say whether it is a new version."""
    row = session.exec(select(VersionRow).where(VersionRow.hash == content.hash)).first()
    is_new = row is None
    if row is None:
        row = _insert(session, content.hash, content, message, author, parent, merged)
    if alias is not None:
        _set_alias(session, alias, row, author)
    if frozen_phrases(session) == content.phrases():
        set_base(session, row, author=author)
    session.flush()
    if not is_new:
        return version_of(session, row), False
    value = version_value(row, content, hashes_by_id(session), aliases_by_id(session))
    return value, True


def missing_versions(session: Session) -> list[str]:
    """Return the hashes of versions that are on record as frozen and are not there."""
    frozen = session.exec(select(AuditRow.subject).where(AuditRow.action == "freeze"))
    present = set(hashes_by_id(session).values())
    hashes = [subject.removeprefix("version:") for subject in frozen]
    return [hash for hash in hashes if hash not in present]


def _refuse_unfit(
    content: AttributeSet, message: str, parent: str | None, merged: str | None
) -> None:
    if not message.strip():
        raise StoreError("A version needs a message that says why it is frozen.")
    if not content.size:
        raise StoreError("There is nothing to freeze: the set has no attribute but rejected ones.")
    if merged is not None and parent is None:
        raise StoreError(
            f"A merge has two parents; '{merged}' was merged into none. Name the parent too."
        )


def _insert(
    session: Session,
    hash: str,
    content: AttributeSet,
    message: str,
    author: str,
    parent: str | None,
    merged: str | None,
) -> VersionRow:
    rows = _rows(content)
    calls = require_calls(session, (row.call_id for row in rows))
    parents = [None if ref is None else find_version(session, ref) for ref in (parent, merged)]
    parent_id, merged_id = (None if row is None else row.id for row in parents)
    parent_hash, merged_hash = (None if row is None else row.hash for row in parents)
    version = VersionRow(
        id=next_version_id(session),
        hash=hash,
        seal="",
        message=message.strip(),
        author=author,
        created_at=utc_now(),
        parent_id=parent_id,
        merged_id=merged_id,
    )
    version.seal = version_digest(version, parent_hash, rows, merged=merged_hash, calls=calls)
    insert_version(session, version, rows, parent_hash, merged_hash)
    return version


def next_version_id(session: Session) -> int:
    """Return the number of a version that is about to be inserted."""
    last = session.exec(select(func.max(VersionRow.id))).one()
    return 1 if last is None else last + 1


def insert_version(
    session: Session,
    version: VersionRow,
    rows: list[VersionAttribute],
    parent: str | None,
    merged: str | None,
) -> None:
    """Insert and record a version: its attributes first, since nothing may join it afterwards."""
    values = [row._asdict() | {"version_id": version.id} for row in rows]
    session.connection().execute(insert_rows(VERSION_ATTRIBUTES), values)
    session.add(version)
    record(
        session,
        "freeze",
        f"version:{version.hash}",
        author=version.author,
        after={"message": version.message, "parent": parent, "merged": merged},
        at=version.created_at,
    )


def _rows(content: AttributeSet) -> list[VersionAttribute]:
    return [
        VersionAttribute(
            distortion=distortion,
            position=position,
            phrase=attribute.phrase,
            origin=attribute.origin,
            call_id=attribute.call_id,
            status=attribute.status,
            identity=attribute.identity or "",  # a set gives one to each
            decided_by=attribute.decided_by,
        )
        for distortion, listed in content.by_distortion.items()
        for position, attribute in enumerate(listed)
    ]


def _set_alias(session: Session, name: str, version: VersionRow, author: str) -> None:
    row = session.get(AliasRow, name)
    if row is None:
        row = AliasRow(name=name, version_id=0, updated_at=utc_now(), updated_by=author)
        before = None
    else:
        before = {"version": hashes_by_id(session).get(row.version_id)}
    if row.version_id == version.id:
        return
    row.version_id, row.updated_at, row.updated_by = version.id, utc_now(), author
    session.flush()  # the version first: an alias may only point at what is there
    session.add(row)
    after = {"version": version.hash}
    record(session, "set alias", f"alias:{name}", author=author, before=before, after=after)
