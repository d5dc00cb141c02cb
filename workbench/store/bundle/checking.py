"""Whether a bundle bears itself out: every seal, digest and hash, with no store at hand."""

import json
from collections.abc import Iterator

from workbench.domain.canonical import content_hash
from workbench.domain.config import RunConfig
from workbench.domain.run import RunResult
from workbench.errors import IntegrityError, StoreError
from workbench.store.bundle.contents import Bundle, KeptRun, KeptVersion
from workbench.store.digest import Sealed, document_digest, is_intact
from workbench.store.mapping import call_row
from workbench.store.tables import VersionRow
from workbench.store.versions import check_alias


def check_bundle(bundle: Bundle) -> None:
    """Refuse a bundle that does not hold together.

    Raises:
        IntegrityError: Names what does not hold.
    """
    if fault := next(_faults(bundle), None):
        raise IntegrityError(fault)


def sealed_rows(version: KeptVersion, ids: dict[str, int]) -> list[Sealed]:
    """Return a version's attributes as they lie in a store, in order.

    Args:
        version: The version.
        ids: Digest to number of the calls that it names.
    """
    rows = [
        Sealed(
            one.distortion,
            one.position,
            one.phrase,
            one.origin,
            None if one.call is None else ids[one.call],
            one.status,
            one.identity,
            one.decided_by,
        )
        for one in version.attributes
    ]
    return sorted(rows, key=lambda row: row[:2])


def version_row(version: KeptVersion, id: int = 0) -> VersionRow:
    """Return a version's own row, without the numbers of its parents."""
    fields = version.model_dump(include={"hash", "seal", "message", "author", "created_at"})
    return VersionRow(id=id, **fields)


def _faults(bundle: Bundle) -> Iterator[str]:
    present = {one.hash for one in bundle.versions}
    for hash in bundle.asked:
        if hash not in present:
            yield f"version {hash[:10]} was asked for and is missing"
    ids = {call_row(call).digest: number for number, call in enumerate(bundle.calls, start=1)}
    for one in bundle.versions:
        yield from _version_faults(one, present, ids)
    yield from _alias_faults(bundle)
    identities = {a.identity for one in bundle.versions for a in one.attributes}
    for comment in bundle.comments:
        if comment.identity not in identities:
            yield f"a comment of {comment.author} is on an attribute that no version has"
    for kept in bundle.recipes:
        if [other.recipe.id for other in bundle.recipes].count(kept.recipe.id) > 1:
            yield f"it holds two recipes '{kept.recipe.id}'"
    for run in bundle.runs:
        yield from _run_faults(run, bundle.results[run.result], present)


def _version_faults(one: KeptVersion, present: set[str], ids: dict[str, int]) -> Iterator[str]:
    name = f"version {one.hash[:10]}"
    for up in (one.parent, one.merged):
        if up is not None and up not in present:
            yield f"{name}: its parent {up[:10]} is missing"
    if one.merged is not None and one.parent is None:
        yield f"{name}: it was merged into no parent"
    for attribute in one.attributes:
        if attribute.call is not None and attribute.call not in ids:
            yield f"{name}: the call that '{attribute.phrase}' came from is missing"
            return
    rows, calls = sealed_rows(one, ids), {id: digest for digest, id in ids.items()}
    if not is_intact(version_row(one), one.parent, rows, merged=one.merged, calls=calls):
        yield f"{name}: it is not what {one.author} froze: its seal does not hold"
    yield from (f"{name}: {words}" for words in _row_faults(rows))


def _row_faults(rows: list[Sealed]) -> Iterator[str]:
    places: dict[str, int] = {}
    for row in rows:
        if row.position != places.setdefault(row.distortion, 0):
            yield f"the places of its attributes of {row.distortion} have a gap"
            return
        places[row.distortion] += 1
    if len({row.identity for row in rows}) < len(rows):
        yield "two of its attributes have one identity"
    if len({(row.distortion, row.phrase.casefold()) for row in rows}) < len(rows):
        yield "two of its attributes have the same words"


def _alias_faults(bundle: Bundle) -> Iterator[str]:
    seen: set[str] = set()
    for alias in (alias for one in bundle.versions for alias in one.aliases):
        try:
            check_alias(alias)
        except StoreError as fault:
            yield str(fault).rstrip(".")
        if alias in seen:
            yield f"its alias '{alias}' points at two versions"
        seen.add(alias)


def _run_faults(run: KeptRun, document: str, present: set[str]) -> Iterator[str]:
    name = f"the run with result {run.result[:10]}"
    try:
        config, result = json.loads(run.config), RunResult.model_validate_json(document)
        RunConfig.model_validate(config)
    except (ValueError, RecursionError):  # a ValidationError is a ValueError
        yield f"{name}: this program cannot read it"
        return
    config.pop("name", None)
    if content_hash(config) != run.config_hash or document_digest(document) != run.result:
        yield f"{name}: it does not match its hashes"
    if (result.version, result.config_hash) != (run.version, run.config_hash):
        yield f"{name}: its result belongs to another run"
    if run.version not in present:
        yield f"{name}: its version is missing"
