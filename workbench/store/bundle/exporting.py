"""Putting a bundle together from one snapshot of a store."""

import json
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from sqlmodel import Session, col, select

from workbench.errors import StoreError
from workbench.store.audit import EVENTS, read_events
from workbench.store.bundle.archive import pack
from workbench.store.bundle.checking import check_bundle
from workbench.store.bundle.contents import (
    Bundle,
    KeptAttribute,
    KeptComment,
    KeptEvent,
    KeptRecipe,
    KeptRun,
    KeptVersion,
    lineage_order,
)
from workbench.store.bundle.members import members_of
from workbench.store.call_log import call_digests
from workbench.store.frozen_versions import aliases_by_id, attributes_of, hashes_by_id, version_of
from workbench.store.mapping import call_value
from workbench.store.store import Store
from workbench.store.tables import CallRow, CommentRow, RecipeRow, ResultRow, RunRow, VersionRow
from workbench.store.versions import find_version

TOLD = "import bundle"  # the action under which the record keeps the history of imported bundles


def export_bundle(
    store: Store, path: Path, refs: Sequence[str], *, with_runs: bool = True
) -> Bundle:
    """Write versions, with all that bears them out, to one file.

    Args:
        store: Where they are.
        path: A .zip file; its folder exists.
        refs: The versions; their whole lineage goes with them.
        with_runs: Whether their done runs go with them.

    Returns:
        What was written.

    Raises:
        VersionNotFoundError: There is no such version.
        IntegrityError: One of them is no longer what was frozen.
        StoreError: The name is not .zip, a seal cannot travel, or the file cannot be written.
    """
    if path.suffix != ".zip":
        raise StoreError(f"A bundle is a .zip file; name it {path.with_suffix('.zip').name}.")
    with store._database.reading() as session:
        bundle = _collected(session, refs, with_runs)
    check_bundle(bundle)
    pack(path, members_of(bundle))
    return bundle


def _collected(session: Session, refs: Sequence[str], with_runs: bool) -> Bundle:
    asked = [find_version(session, ref) for ref in refs]
    versions = lineage_order({one.hash: one for one in _lineage(session, asked)})
    attributes = [a for one in versions for a in one.attributes]
    identities = {a.identity for a in attributes}
    runs = _runs(session, {one.hash for one in versions}) if with_runs else {}
    distortions = {a.distortion for a in attributes}
    for run, _ in runs.values():
        distortions.update(json.loads(run.config)["data"]["distortions"])
    return Bundle(
        asked=tuple(sorted({row.hash for row in asked})),
        versions=versions,
        calls=_calls(session, {a.call for a in attributes if a.call is not None}),
        recipes=_recipes(session, distortions),
        comments=_comments(session, identities),
        history=_history(session, identities),
        runs=tuple(runs[digest][0] for digest in sorted(runs)),
        results={digest: runs[digest][1] for digest in sorted(runs)},
    )


def _lineage(session: Session, asked: Iterable[VersionRow]) -> list[KeptVersion]:
    hashes, aliases = hashes_by_id(session), aliases_by_id(session)
    waiting, found = {row.id for row in asked}, {}
    while waiting:
        row = session.exec(select(VersionRow).where(VersionRow.id == waiting.pop())).one()
        version_of(session, row)  # raises if it is no longer what was frozen
        found[row.id] = _kept(session, row, hashes, aliases.get(row.id, ()))
        above = {id for id in (row.parent_id, row.merged_id) if id is not None}
        waiting |= above - found.keys()
    return list(found.values())


def _kept(
    session: Session, row: VersionRow, hashes: dict[int | None, str], aliases: Iterable[str]
) -> KeptVersion:
    rows = attributes_of(session, row)
    named = {one.call_id for one in rows if one.call_id is not None}
    if named and not row.seal.startswith("2:"):
        raise StoreError(
            f"Version {row.hash[:10]} was sealed by an earlier program, which named calls by their "
            "number in this store alone; take 'calls export' and 'attributes export' to the other "
            "store and freeze again there. Nothing was written."
        )
    digests = call_digests(session, named)
    attributes = []
    for one in rows:
        fields = one._asdict()
        number = fields.pop("call_id")
        call = None if number is None else digests[number]
        attributes.append(KeptAttribute(**fields, call=call))
    return KeptVersion(
        **row.model_dump(include={"hash", "seal", "message", "author", "created_at"}),
        parent=hashes.get(row.parent_id),
        merged=hashes.get(row.merged_id),
        aliases=tuple(sorted(aliases)),
        attributes=tuple(attributes),
    )


def _calls(session: Session, digests: Collection[str]) -> tuple[Any, ...]:
    rows = session.exec(select(CallRow).order_by(col(CallRow.id)))
    named = {row.digest: row for row in rows if row.digest in digests}
    ordered = sorted(named.values(), key=lambda row: (row.created_at, row.digest))
    return tuple(call_value(row).model_copy(update={"id": None}) for row in ordered)


def _recipes(session: Session, distortions: Collection[str]) -> tuple[KeptRecipe, ...]:
    rows = session.exec(select(RecipeRow))
    kept = (
        KeptRecipe(recipe=json.loads(row.document), author=row.author, created_at=row.created_at)
        for row in rows
        if row.id in distortions
    )
    return tuple(sorted(kept, key=lambda one: one.recipe.id))


def _comments(session: Session, identities: Collection[str]) -> tuple[KeptComment, ...]:
    kept = [
        KeptComment(identity=row.identity, text=row.text, author=row.author, at=row.at)
        for row in session.exec(select(CommentRow))
        if row.identity in identities
    ]
    return tuple(sorted(kept, key=lambda one: (one.at, one.model_dump_json())))


def _history(session: Session, identities: Collection[str]) -> tuple[KeptEvent, ...]:
    """Return what was done to the attributes here, and what earlier bundles told of them."""
    found = {}
    calls = call_digests(session, range(1 << 31))
    for event in read_events(session, EVENTS.c.identity != ""):
        if event.identity in identities and event.subject.startswith("attribute:"):
            states = [_anywhere(state, calls) for state in (event.before, event.after)]
            kept = KeptEvent(
                identity=event.identity,
                at=event.at,
                author=event.author,
                action=event.action,
                before=states[0],
                after=states[1],
            )
            found[_key(kept)] = kept
    for event in read_events(session, EVENTS.c.action == TOLD):
        for told in json.loads(event.after or "{}")["history"]:
            kept = KeptEvent.model_validate(told)
            if kept.identity in identities:
                found[_key(kept)] = kept
    return tuple(found[key] for key in sorted(found, key=lambda key: (found[key].at, key)))


def _key(event: KeptEvent) -> str:
    """Return what two tellings of one event share, in whatever order they name its fields."""
    return json.dumps(event.model_dump(mode="json"), sort_keys=True)


def _anywhere(state: str | None, calls: dict[int, str]) -> dict[str, Any] | None:
    """Return a state with the digest of its call in place of a number that holds here alone."""
    if state is None:
        return None
    fields: dict[str, Any] = json.loads(state)
    number = fields.pop("call_id", None)
    return {**fields, "call": calls.get(number)} if number is not None else fields


def _runs(session: Session, hashes: Collection[str]) -> dict[str, tuple[KeptRun, str]]:
    """Return digest of the result to run and result; of runs alike in all, the first."""
    found: dict[str, tuple[KeptRun, str]] = {}
    done = select(RunRow, ResultRow).join(ResultRow, col(ResultRow.run_id) == RunRow.id)
    wanted = done.where(RunRow.status == "done", col(RunRow.version_hash).in_(hashes))
    for run, result in session.exec(wanted.order_by(col(RunRow.id))):
        kept = KeptRun(
            version=run.version_hash,
            config=run.config,
            config_hash=run.config_hash,
            result=result.digest,
            created_at=run.created_at,
            started_at=run.started_at,
            finished_at=run.finished_at,
        )
        found.setdefault(result.digest, (kept, result.document))
    return found
