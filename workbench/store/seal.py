"""What a frozen version's rows must still be: the content by its hash, all the rest by a seal.

The hash covers the phrases (`AttributeSet.hash`) and names the version. The seal covers every
stored byte besides: message, author, time, parent, and each attribute's provenance. Content hashes
are taken of normalised Unicode; the seal is not, so no changed letter slips through.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence

from workbench.domain.base import content_hash
from workbench.store.tables import VersionAttributeRow, VersionRow


def seal_of(version: VersionRow, parent: str | None, rows: Iterable[VersionAttributeRow]) -> str:
    """Return the SHA-256 over a version's rows, 64 hexadecimal digits.

    Args:
        version: The version's own row; its `seal` is not read.
        parent: Hash of the parent version.
        rows: Its attributes.
    """
    record = {
        "format": "version-seal/1",
        "hash": version.hash,
        "message": version.message,
        "author": version.author,
        "created_at": version.created_at.isoformat(),
        "parent": parent,
        "attributes": sorted(
            [row.distortion, row.position, row.phrase, row.origin, row.call_id or 0, row.status]
            for row in rows
        ),
    }
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def is_intact(version: VersionRow, parent: str | None, rows: Sequence[VersionAttributeRow]) -> bool:
    """Tell whether the rows are still those that were frozen.

    The phrases are hashed as they lie in the table, without the domain's normalisation, which
    could put right what somebody has changed.

    Args:
        version: The version's own row.
        parent: Hash of the parent version.
        rows: Its attributes by position.
    """
    phrases: dict[str, list[str]] = {}
    for row in rows:
        phrases.setdefault(row.distortion, []).append(row.phrase)
    content = content_hash({"format": "attribute-set/1", "distortions": phrases})
    return content == version.hash and seal_of(version, parent, rows) == version.seal
