"""Adding a bundle to a store: all of it in one transaction, or nothing.

What comes in keeps its authors and times, in the audit log too, since `Store.verify` compares every
row with its event. The first event of the change says who imported what, and keeps the history of
the attributes for reading.
"""

from pathlib import Path

from sqlmodel import Session, col, select

from workbench.distortions import parse_recipe
from workbench.domain.canonical import Frozen
from workbench.domain.distortion import Recipe
from workbench.errors import IntegrityError, StoreError
from workbench.roles import ANYBODY
from workbench.store.audit import record
from workbench.store.bundle.contents import (
    Bundle,
    BundledComment,
    BundledRecipe,
    BundledRun,
    BundledVersion,
    attribute_rows,
    check_bundle,
    version_row,
)
from workbench.store.bundle.exporting import IMPORT_ACTION
from workbench.store.bundle.members import bundle_of, unpack
from workbench.store.call_log import call_row, count_calls, log_calls
from workbench.store.database import ACTOR
from workbench.store.frozen_versions import hashes_by_id
from workbench.store.history import insert_comment
from workbench.store.recipes import add_recipe
from workbench.store.store import Store
from workbench.store.tables import AliasRow, CommentRow, RecipeRow, ResultRow, RunRow, utc_now
from workbench.store.versions import insert_version, next_version_id


def read_bundle(path: Path) -> Bundle:
    """Return what a bundle holds, once every hash and digest in it has been checked.

    Raises:
        StoreError: It cannot be read or is no zip.
        IntegrityError: It is damaged, unsafe, of another format, or does not hold together.
    """
    try:
        bundle = bundle_of(unpack(path))
        check_bundle(bundle)
    except StoreError as fault:
        kind = IntegrityError if isinstance(fault, IntegrityError) else StoreError
        raise kind(f"The bundle {path} cannot be used: {fault}. None of it was used.") from fault
    return bundle


class Imported(Frozen):
    """What an import added, or would add.

    Attributes:
        versions: Hashes of the new versions, parents first.
        known: Number of versions that were here before.
        calls, recipes, comments, runs: Numbers of new ones.
        aliases: Names that now point at a version and did not before.
        kept_aliases: Names that point at another version here, and stay.
    """

    versions: tuple[str, ...]
    known: int
    calls: int
    recipes: int
    comments: int
    runs: int
    aliases: tuple[str, ...]
    kept_aliases: tuple[str, ...]


class _DryRun(Exception):
    """Ends an import that is only to be reported on; the transaction is rolled back."""


def import_bundle(store: Store, path: Path, *, author: str, dry_run: bool = False) -> Imported:
    """Check a bundle and add to a store what it lacks; a dry run only says what that would be.

    Raises:
        StoreError: It cannot be read, or has another recipe of the same id than the store.
        IntegrityError: It does not hold together.
        InvalidConfigError: A recipe of it cannot be used here.
    """
    bundle = read_bundle(path)
    try:
        with store.database.writing("take in a bundle", needs="reviewer") as session:
            imported = _add(session, bundle, author)
            if dry_run:
                raise _DryRun
    except _DryRun:
        pass
    return imported


def _add(session: Session, bundle: Bundle, author: str) -> Imported:
    after = {
        "asked": list(bundle.asked),
        "versions": [version.hash for version in bundle.versions],
        "history": [event.model_dump(mode="json") for event in bundle.history],
    }
    record(session, IMPORT_ACTION, f"bundle:{bundle.asked[0]}", author=author, after=after)
    session.info[ACTOR] = ANYBODY  # what the bundle brings keeps the names that it was made under
    calls_before = count_calls(session)
    numbers = log_calls(session, bundle.calls)
    call_ids = dict(zip([call_row(call).digest for call in bundle.calls], numbers, strict=True))
    recipes = sum(_add_recipe(session, bundled) for bundled in bundle.recipes)
    known = set(hashes_by_id(session).values())
    new = [version for version in bundle.versions if version.hash not in known]
    for version in new:
        _add_version(session, version, call_ids)
    aliases, kept_aliases = _add_aliases(session, bundle, author)
    comments = sum(_add_comment(session, comment) for comment in bundle.comments)
    runs = sum(_add_run(session, run, bundle.results[run.result]) for run in bundle.runs)
    return Imported(
        versions=tuple(version.hash for version in new),
        known=len(bundle.versions) - len(new),
        calls=count_calls(session) - calls_before,
        recipes=recipes,
        comments=comments,
        runs=runs,
        aliases=aliases,
        kept_aliases=kept_aliases,
    )


def _add_recipe(session: Session, bundled: BundledRecipe) -> bool:
    """Add a recipe unless it is there; `RecipeRepository.add` says the same to other callers."""
    recipe, row = bundled.recipe, session.get(RecipeRow, bundled.recipe.id)
    if row is not None and row.hash != recipe.hash:
        raise StoreError(
            f"The bundle's recipe '{recipe.id}' is another than the one that {row.author} added "
            "here, and what an id means must not change. Nothing was imported."
        )
    if row is not None:
        return False
    rows = session.exec(select(RecipeRow))
    others = tuple(Recipe.model_validate_json(other.document) for other in rows)
    parse_recipe(recipe.model_dump(mode="json"), f"The bundle's recipe '{recipe.id}'", others)
    add_recipe(session, recipe, author=bundled.author, at=bundled.created_at)
    return True


def _add_version(session: Session, version: BundledVersion, call_ids: dict[str, int]) -> None:
    row = version_row(version, next_version_id(session))
    ids = {hash: id for id, hash in hashes_by_id(session).items()}
    row.parent_id = ids[version.parent] if version.parent else None
    row.merged_id = ids[version.merged] if version.merged else None
    rows = attribute_rows(version, call_ids)
    insert_version(session, row, rows, version.parent, version.merged)


def _add_aliases(
    session: Session, bundle: Bundle, author: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the aliases that were set, and those that point elsewhere here and stay."""
    ids = {hash: id for id, hash in hashes_by_id(session).items()}
    aliases = sorted(
        (name, version.hash) for version in bundle.versions for name in version.aliases
    )
    added, kept = [], []
    for name, hash in aliases:
        row, id = session.get(AliasRow, name), ids[hash] or 0
        if row is None:
            added.append(name)
            session.add(AliasRow(name=name, version_id=id, updated_at=utc_now(), updated_by=author))
            record(session, "set alias", f"alias:{name}", author=author, after={"version": hash})
        elif row.version_id != id:
            kept.append(name)
    return tuple(added), tuple(kept)


def _add_comment(session: Session, comment: BundledComment) -> bool:
    row = CommentRow(**comment.model_dump())
    query = select(CommentRow).where(CommentRow.identity == row.identity, CommentRow.at == row.at)
    if any((old.text, old.author) == (row.text, row.author) for old in session.exec(query)):
        return False
    insert_comment(session, row)
    return True


def _add_run(session: Session, run: BundledRun, document: str) -> bool:
    """Add a run as done unless the same is there: a result's text names version and config."""
    known = (
        select(ResultRow.run_id)
        .join(RunRow, col(RunRow.id) == ResultRow.run_id)
        .where(ResultRow.digest == run.result, RunRow.version_hash == run.version)
        .where(RunRow.config_hash == run.config_hash)
    )
    if session.exec(known.limit(1)).first() is not None:
        return False
    row = RunRow(
        version_hash=run.version,
        status="done",
        progress=1.0,
        **run.model_dump(exclude={"version", "result"}),
    )
    session.add(row)
    session.flush()
    session.add(ResultRow(run_id=row.id or 0, document=document, digest=run.result))
    return True
