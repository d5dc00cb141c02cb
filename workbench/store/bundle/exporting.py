"""Putting a bundle together from one snapshot of a store."""

import json
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from sqlmodel import Session, col, select

from workbench.domain.llm_call import LLMCall
from workbench.errors import StoreError
from workbench.store.audit import EVENTS, read_events, state_of
from workbench.store.bundle.contents import (
    Bundle,
    BundledAttribute,
    BundledComment,
    BundledEvent,
    BundledRecipe,
    BundledRun,
    BundledVersion,
    check_bundle,
    lineage_order,
)
from workbench.store.bundle.members import members_of, pack
from workbench.store.call_log import call_digests, call_value
from workbench.store.digest import SECOND_FORM
from workbench.store.frozen_versions import aliases_by_id, attributes_of, hashes_by_id, version_of
from workbench.store.store import Store
from workbench.store.tables import CallRow, CommentRow, RecipeRow, ResultRow, RunRow, VersionRow
from workbench.store.versions import find_version

IMPORT_ACTION = "import bundle"  # under which the audit log keeps imported bundles' histories


def export_bundle(
    store: Store, path: Path, refs: Sequence[str], *, with_runs: bool = True
) -> Bundle:
    """Write versions, with the evidence behind them, to one file, and return what was written.

    Args:
        store: Where they are.
        path: A .zip file; its folder exists.
        refs: The versions; their entire lineage goes with them.
        with_runs: Whether their done runs go with them.

    Raises:
        VersionNotFoundError: There is no such version.
        IntegrityError: One of them is no longer what was frozen.
        StoreError: The name is not .zip, a digest holds in this store only, or the file cannot be
            written.
    """
    if path.suffix != ".zip":
        raise StoreError(f"A bundle is a .zip file; name it {path.with_suffix('.zip').name}.")
    with store.database.reading() as session:
        bundle = _collected(session, refs, with_runs)
    check_bundle(bundle)
    pack(path, members_of(bundle))
    return bundle


def _collected(session: Session, refs: Sequence[str], with_runs: bool) -> Bundle:
    asked = [find_version(session, ref) for ref in refs]
    versions = lineage_order(_lineage(session, asked))
    attributes = [attribute for version in versions for attribute in version.attributes]
    identities = {attribute.identity for attribute in attributes}
    runs = _runs(session, {version.hash for version in versions}) if with_runs else {}
    distortions = {attribute.distortion for attribute in attributes}
    for run, _ in runs.values():
        distortions.update(*(data["distortions"] for data in run.data))
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


def _lineage(session: Session, asked: Iterable[VersionRow]) -> dict[str, BundledVersion]:
    """Return hash to version of these versions and all their ancestors."""
    hashes, aliases = hashes_by_id(session), aliases_by_id(session)
    waiting, done, lineage = {row.id for row in asked}, set(), {}
    while waiting:
        row = session.exec(select(VersionRow).where(VersionRow.id == waiting.pop())).one()
        version_of(session, row)  # raises if it is no longer what was frozen
        lineage[row.hash] = _bundled(session, row, hashes, aliases.get(row.id, ()))
        done.add(row.id)
        waiting |= {id for id in (row.parent_id, row.merged_id) if id is not None} - done
    return lineage


def _bundled(
    session: Session, row: VersionRow, hashes: dict[int | None, str], aliases: Iterable[str]
) -> BundledVersion:
    rows = attributes_of(session, row)
    call_ids = {attribute.call_id for attribute in rows if attribute.call_id is not None}
    if call_ids and not row.seal.startswith(SECOND_FORM):
        raise StoreError(
            f"Version {row.hash[:10]} was sealed by an earlier program, which named calls by their "
            "number in this store alone; take 'calls export' and 'attributes export' to the other "
            "store and freeze again there. Nothing was written."
        )
    digests = call_digests(session, call_ids)
    attributes = []
    for attribute in rows:
        fields = attribute._asdict()
        id = fields.pop("call_id")
        attributes.append(BundledAttribute(**fields, call=None if id is None else digests[id]))
    return BundledVersion(
        **row.model_dump(include={"hash", "seal", "message", "author", "created_at"}),
        parent=hashes.get(row.parent_id),
        merged=hashes.get(row.merged_id),
        aliases=tuple(sorted(aliases)),
        attributes=tuple(attributes),
    )


def _calls(session: Session, digests: Collection[str]) -> tuple[LLMCall, ...]:
    rows = session.exec(select(CallRow).order_by(col(CallRow.id)))
    by_digest = {row.digest: row for row in rows if row.digest in digests}
    ordered = sorted(by_digest.values(), key=lambda row: (row.created_at, row.digest))
    return tuple(call_value(row).model_copy(update={"id": None}) for row in ordered)


def _recipes(session: Session, distortions: Collection[str]) -> tuple[BundledRecipe, ...]:
    return tuple(
        BundledRecipe(recipe=json.loads(row.document), author=row.author, created_at=row.created_at)
        for row in sorted(session.exec(select(RecipeRow)), key=lambda row: row.id)
        if row.id in distortions
    )


def _comments(session: Session, identities: Collection[str]) -> tuple[BundledComment, ...]:
    comments = [
        BundledComment(**row.model_dump(exclude={"id"}))
        for row in session.exec(select(CommentRow))
        if row.identity in identities
    ]
    return tuple(sorted(comments, key=lambda comment: (comment.at, comment.model_dump_json())))


def _history(session: Session, identities: Collection[str]) -> tuple[BundledEvent, ...]:
    """Return what was done to the attributes here, and in the stores of earlier bundles."""
    history = []
    calls = call_digests(session)
    for event in read_events(session, EVENTS.c.identity != "", many=True):
        if event.identity in identities and event.subject.startswith("attribute:"):
            history.append(
                BundledEvent(
                    identity=event.identity,
                    at=event.at,
                    author=event.author,
                    action=event.action,
                    before=_portable(event.before, calls),
                    after=_portable(event.after, calls),
                )
            )
    for event in read_events(session, EVENTS.c.action == IMPORT_ACTION, many=True):
        imported = map(BundledEvent.model_validate, state_of(event.after)["history"])
        history += [earlier for earlier in imported if earlier.identity in identities]
    # An event that came home in a bundle has the same text, in whatever order its fields are.
    by_text = {json.dumps(e.model_dump(mode="json"), sort_keys=True): e for e in history}
    return tuple(by_text[text] for text in sorted(by_text, key=lambda t: (by_text[t].at, t)))


def _portable(state: str | None, calls: dict[int, str]) -> dict[str, Any] | None:
    """Return a state with the digest of its call in place of a number that holds here alone."""
    if state is None:
        return None
    fields = state_of(state)
    number = fields.pop("call_id", None)
    return {**fields, "call": calls.get(number)} if number is not None else fields


def _runs(session: Session, hashes: Collection[str]) -> dict[str, tuple[BundledRun, str]]:
    """Return digest of the result to run and result; of runs alike in all, the first."""
    runs: dict[str, tuple[BundledRun, str]] = {}
    query = select(RunRow, ResultRow).join(ResultRow, col(ResultRow.run_id) == RunRow.id)
    query = query.where(RunRow.status == "done", col(RunRow.version_hash).in_(hashes))
    for row, result in session.exec(query.order_by(col(RunRow.id))):
        run = BundledRun(
            version=row.version_hash,
            config=row.config,
            config_hash=row.config_hash,
            result=result.digest,
            created_at=row.created_at,
            started_at=row.started_at,
            finished_at=row.finished_at,
        )
        runs.setdefault(result.digest, (run, result.document))
    return runs
