"""What recorded rows must still be: digests of every stored byte, and what they are taken over.

A version's content hash covers the phrases (`AttributeSet.hash`) and names the version. Its digest
(column `seal`) covers every stored byte besides: message, author, time, parents, and each
attribute's provenance, down to the words of the LLM call behind it. Content hashes are taken of
normalised Unicode; the digests are not, so no changed letter slips through. None of them names a
row by its number, so that they are the same in every store that holds the same things.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from workbench.domain.attributes import birth_identity
from workbench.domain.canonical import content_hash
from workbench.store.tables import CallRow, VersionRow

SECOND_FORM = "2:"  # how a version digest of the second form opens; the first form is bare
_NO_CALL = "not in the log"  # no digest, so that the digest over a vanished call fails


class VersionAttribute(NamedTuple):
    """One attribute of a version as it lies in the table."""

    distortion: str
    position: int
    phrase: str
    origin: str
    call_id: int | None
    status: str
    identity: str
    decided_by: str | None


def version_digest(
    version: VersionRow,
    parent: str | None,
    rows: Iterable[VersionAttribute],
    *,
    merged: str | None,
    calls: Mapping[int, str],
) -> str:
    """Return the digest of a version's rows.

    Args:
        version: The version's own row; its `seal` is not read.
        parent: Hash of the parent version.
        rows: Its attributes.
        merged: Hash of the version that was merged in.
        calls: Id to digest of the LLM calls that its attributes name.
    """
    attributes = sorted(
        [
            *row[:4],  # distortion to origin
            "" if row.call_id is None else calls.get(row.call_id, _NO_CALL),
            row.status,
            row.identity,
            row.decided_by or "",
        ]
        for row in rows
    )
    fields = {"format": "version-seal/2", "merged": merged, "attributes": attributes}
    return SECOND_FORM + _digest(_version_fields(version, parent) | fields)


def is_intact(
    version: VersionRow,
    parent: str | None,
    rows: Sequence[VersionAttribute],
    *,
    merged: str | None,
    calls: Mapping[int, str],
) -> bool:
    """Tell whether the rows are still those that were frozen; arguments as of `version_digest`.

    The phrases are hashed as they lie in the table, without the domain's normalisation, which
    could put right what somebody has changed.
    """
    phrases: dict[str, list[str]] = {}
    for row in rows:
        phrases.setdefault(row.distortion, []).append(row.phrase)
    if content_hash({"format": "attribute-set/1", "distortions": phrases}) != version.hash:
        return False
    if version.seal.startswith(SECOND_FORM):
        digest = version_digest(version, parent, rows, merged=merged, calls=calls)
        return digest == version.seal
    return _is_intact_first_form(version, parent, rows)


def call_digest(row: CallRow) -> str:
    """Return the digest of a call: of all its row holds but number and digest.

    A call without details has the digest that it had before there were any.
    """
    without = {"id", "digest"} if row.details else {"id", "digest", "details"}
    fields = row.model_dump(exclude=without)
    moment = fields["created_at"].isoformat()
    return _digest({"format": "llm-call/1", **fields, "created_at": moment})


def event_digest(event: Mapping[str, Any], before: str) -> str:
    """Return the digest that chains an event to the one before it.

    Args:
        event: All columns of its row; the digest that it may have is not read. One that came
            from no browser has the digest that it had before browsers were recorded.
        before: Digest of the event before it, "" for the first.
    """
    fields = {**event, "at": event["at"].isoformat()}
    fields.pop("digest", None)
    if fields.get("client") is None:
        fields.pop("client", None)
    return _digest({"format": "audit/1", "previous": before, **fields})


def document_digest(document: str) -> str:
    """Return the digest of a stored document."""
    return hashlib.sha256(document.encode()).hexdigest()


def _is_intact_first_form(
    version: VersionRow, parent: str | None, rows: Sequence[VersionAttribute]
) -> bool:
    """Check a digest from before identities were stored; the migration derived them from words."""
    attributes = sorted(
        [row.distortion, row.position, row.phrase, row.origin, row.call_id or 0, row.status]
        for row in rows
    )
    as_migrated = all(
        row.identity == birth_identity(row.distortion, row.phrase) and row.decided_by is None
        for row in rows
    )
    fields = {"format": "version-seal/1", "attributes": attributes}
    digest = _digest(_version_fields(version, parent) | fields)
    return as_migrated and version.merged_id is None and digest == version.seal


def _version_fields(version: VersionRow, parent: str | None) -> dict[str, Any]:
    return {
        "hash": version.hash,
        "message": version.message,
        "author": version.author,
        "created_at": version.created_at.isoformat(),
        "parent": parent,
    }


def _digest(fields: dict[str, Any]) -> str:
    return document_digest(json.dumps(fields, sort_keys=True))
