"""How a version is named: by a prefix of its hash, or by an alias that no hash could be."""

import re

from sqlmodel import Session, col, select

from workbench.errors import StoreError, UnknownNameError, VersionNotFoundError
from workbench.store.tables import AliasRow, VersionRow

SHORTEST_PREFIX = 4  # hexadecimal digits; fewer would soon be ambiguous

_ALIAS = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,63}")
_PREFIX = re.compile(rf"[0-9a-f]{{{SHORTEST_PREFIX},64}}")
_DIGITS = re.compile(r"[0-9a-fA-F]+")


def check_alias(name: str) -> None:
    """Refuse an alias that could not be told from a hash, or not be typed.

    Args:
        name: The alias.

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

    Args:
        session: An open session.
        ref: An alias, or the first four or more digits of a hash, in either case.

    Raises:
        VersionNotFoundError: Nothing answers to it, or more than one version does.
    """
    alias = session.get(AliasRow, ref)
    if alias is not None:
        return session.exec(select(VersionRow).where(VersionRow.id == alias.version_id)).one()
    prefix = ref.lower()
    if _PREFIX.fullmatch(prefix):
        found = session.exec(
            select(VersionRow).where(col(VersionRow.hash).startswith(prefix)).limit(3)
        ).all()
        if len(found) == 1:
            return found[0]
        if found:
            raise VersionNotFoundError(
                f"'{ref}' names more than one version: "
                f"{', '.join(row.hash[: len(ref) + 8] for row in found)}. Give more digits."
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
