"""What recorded rows must still be: digests of every stored byte, and what they are taken over.

A version's content hash covers the phrases (`AttributeSet.hash`) and names the version. Its seal
covers every stored byte besides: message, author, time, parents, and each attribute's provenance,
down to the words of the LLM call behind it. Content hashes are taken of normalised Unicode; the
other digests are not, so no changed letter slips through. None of them names a row by its number,
so that they are the same in every store that holds the same things.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from workbench.domain.attributes import birth_identity
from workbench.domain.canonical import content_hash
from workbench.store.tables import CallRow, VersionRow

_SECOND = "2:"  # how a seal of the second form opens; the first form is bare
_NO_CALL = "not in the log"  # no digest, so that a seal over a vanished call is broken


class Sealed(NamedTuple):
    """One attribute of a version as it lies in the table."""

    distortion: str
    position: int
    phrase: str
    origin: str
    call_id: int | None
    status: str
    identity: str
    decided_by: str | None


def seal_of(
    version: VersionRow,
    parent: str | None,
    rows: Iterable[Sealed],
    *,
    merged: str | None = None,
    calls: Mapping[int, str],
) -> str:
    """Return the seal of a version's rows.

    Args:
        version: The version's own row; its `seal` is not read.
        parent: Hash of the parent version.
        rows: Its attributes.
        merged: Hash of the version that was merged in.
        calls: Id to digest of the LLM calls that its attributes name.
    """
    record = {
        **_about(version, parent),
        "format": "version-seal/2",
        "merged": merged,
        "attributes": sorted(
            [
                distortion,
                position,
                phrase,
                origin,
                "" if call_id is None else calls.get(call_id, _NO_CALL),
                status,
                identity,
                decided_by or "",
            ]
            for distortion, position, phrase, origin, call_id, status, identity, decided_by in rows
        ),
    }
    return _SECOND + _digest(record)


def is_intact(
    version: VersionRow,
    parent: str | None,
    rows: Sequence[Sealed],
    *,
    merged: str | None = None,
    calls: Mapping[int, str],
) -> bool:
    """Tell whether the rows are still those that were frozen.

    The phrases are hashed as they lie in the table, without the domain's normalisation, which
    could put right what somebody has changed.

    Args:
        version: The version's own row.
        parent: Hash of the parent version.
        rows: Its attributes by position.
        merged: Hash of the version that was merged in.
        calls: Id to digest of the LLM calls that its attributes name.
    """
    phrases: dict[str, list[str]] = {}
    for row in rows:
        phrases.setdefault(row.distortion, []).append(row.phrase)
    if content_hash({"format": "attribute-set/1", "distortions": phrases}) != version.hash:
        return False
    if version.seal.startswith(_SECOND):
        return seal_of(version, parent, rows, merged=merged, calls=calls) == version.seal
    return _is_intact_first_form(version, parent, rows)


def call_digest(row: CallRow) -> str:
    """Return the digest of a call: of all its row holds but number and digest."""
    fields = row.model_dump(exclude={"id", "digest"})
    moment = fields["created_at"].isoformat()
    return _digest({"format": "llm-call/1", **fields, "created_at": moment})


def event_digest(event: Mapping[str, Any], before: str) -> str:
    """Return the digest that chains an event to the one before it.

    Args:
        event: All columns of its row; the digest that it may have is not read.
        before: Digest of the event before it, "" for the first.
    """
    fields = {**event, "at": event["at"].isoformat()}
    fields.pop("digest", None)
    return _digest({"format": "audit/1", "previous": before, **fields})


def document_digest(document: str) -> str:
    """Return the digest of a stored document."""
    return hashlib.sha256(document.encode()).hexdigest()


def _is_intact_first_form(version: VersionRow, parent: str | None, rows: Sequence[Sealed]) -> bool:
    """Check a seal from before identities were stored; the migration gave them as at birth."""
    record = {
        **_about(version, parent),
        "format": "version-seal/1",
        "attributes": sorted(
            [row.distortion, row.position, row.phrase, row.origin, row.call_id or 0, row.status]
            for row in rows
        ),
    }
    born = all(
        row.identity == birth_identity(row.distortion, row.phrase) and row.decided_by is None
        for row in rows
    )
    return born and version.merged_id is None and _digest(record) == version.seal


def _about(version: VersionRow, parent: str | None) -> dict[str, Any]:
    return {
        "hash": version.hash,
        "message": version.message,
        "author": version.author,
        "created_at": version.created_at.isoformat(),
        "parent": parent,
    }


def _digest(record: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
