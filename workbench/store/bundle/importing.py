"""Taking a bundle into a store: all of it in one transaction, or none.

What comes in keeps its authors and times, in the record too, since `Store.verify` holds every row
against its event. The first event of the change says who imported what, and keeps the history of
the attributes for reading.
"""

from pathlib import Path

from sqlalchemy import insert
from sqlmodel import Session, col, func, select

from workbench.distortions import parse_recipe
from workbench.domain.canonical import Frozen, canonical_json
from workbench.domain.distortion import Recipe
from workbench.errors import IntegrityError, StoreError
from workbench.store.audit import Deed, record, record_all
from workbench.store.bundle.archive import unpack
from workbench.store.bundle.checking import check_bundle, sealed_rows, version_row
from workbench.store.bundle.contents import Bundle, KeptComment, KeptRecipe, KeptRun, KeptVersion
from workbench.store.bundle.exporting import TOLD
from workbench.store.bundle.members import bundle_of
from workbench.store.call_log import log_calls
from workbench.store.frozen_versions import KEPT, hashes_by_id
from workbench.store.mapping import call_row
from workbench.store.store import Store
from workbench.store.tables import (
    AliasRow,
    CallRow,
    CommentRow,
    RecipeRow,
    ResultRow,
    RunRow,
    VersionRow,
    utc_now,
)


def read_bundle(path: Path) -> Bundle:
    """Return what a bundle holds, once every hash, seal and digest in it has been checked.

    Args:
        path: The file.

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
    """Check a bundle and add to a store what it does not have.

    Args:
        store: The store.
        path: The bundle.
        author: Who imports it.
        dry_run: Change nothing; only say what would be added.

    Raises:
        StoreError: It cannot be read, or has another recipe of the same id than the store.
        IntegrityError: It does not hold together.
        InvalidConfigError: A recipe of it cannot be used here.
    """
    bundle = read_bundle(path)
    done: list[Imported] = []
    try:
        with store._database.writing() as session:
            done.append(_add(session, bundle, author))
            if dry_run:
                raise _DryRun
    except _DryRun:
        pass
    return done[0]


def _add(session: Session, bundle: Bundle, author: str) -> Imported:
    _announce(session, bundle, author)
    logged = _count(session)
    numbers = log_calls(session, bundle.calls)
    calls = _count(session) - logged
    ids = dict(zip([call_row(call).digest for call in bundle.calls], numbers, strict=True))
    recipes = [kept for kept in bundle.recipes if _add_recipe(session, kept)]
    known = set(hashes_by_id(session).values())
    new = [one for one in bundle.versions if one.hash not in known]
    for one in new:
        _add_version(session, one, ids)
    aliases, kept = _add_aliases(session, bundle, author)
    comments = [one for one in bundle.comments if _add_comment(session, one)]
    runs = [run for run in bundle.runs if _add_run(session, run, bundle.results[run.result])]
    return Imported(
        versions=tuple(one.hash for one in new),
        known=len(bundle.versions) - len(new),
        calls=calls,
        recipes=len(recipes),
        comments=len(comments),
        runs=len(runs),
        aliases=aliases,
        kept_aliases=kept,
    )


def _announce(session: Session, bundle: Bundle, author: str) -> None:
    after = {
        "asked": list(bundle.asked),
        "versions": [one.hash for one in bundle.versions],
        "history": [event.model_dump(mode="json") for event in bundle.history],
    }
    record(session, TOLD, f"bundle:{bundle.asked[0]}", author=author, after=after)


def _count(session: Session) -> int:
    return session.exec(select(func.count()).select_from(CallRow)).one()


def _add_recipe(session: Session, kept: KeptRecipe) -> bool:
    """Add a recipe unless it is there; `RecipeRepository.add` says the same to other callers."""
    recipe, row = kept.recipe, session.get(RecipeRow, kept.recipe.id)
    if row is not None and row.hash != recipe.hash:
        raise StoreError(
            f"The bundle's recipe '{recipe.id}' is another than the one that {row.author} added "
            "here, and what an id means must not change. Nothing was imported."
        )
    if row is not None:
        return False
    others = tuple(
        Recipe.model_validate_json(one.document) for one in session.exec(select(RecipeRow))
    )
    fields = recipe.model_dump(mode="json")
    parse_recipe(fields, f"The bundle's recipe '{recipe.id}'", others)
    session.add(
        RecipeRow(
            id=recipe.id,
            document=canonical_json(fields),
            hash=recipe.hash,
            author=kept.author,
            created_at=kept.created_at,
        )
    )
    deed = Deed("add", f"recipe:{recipe.id}", None, fields)
    record_all(session, [deed], author=kept.author, at=kept.created_at)
    return True


def _add_version(session: Session, one: KeptVersion, ids: dict[str, int]) -> None:
    """Write the attributes, then the row that seals them."""
    last = session.exec(select(func.max(VersionRow.id))).one()
    row = version_row(one, 1 if last is None else last + 1)
    numbers = {hash: id for id, hash in hashes_by_id(session).items()}
    row.parent_id = numbers[one.parent] if one.parent else None
    row.merged_id = numbers[one.merged] if one.merged else None
    values = [kept._asdict() | {"version_id": row.id} for kept in sealed_rows(one, ids)]
    session.connection().execute(insert(KEPT), values)
    session.add(row)
    after = {"message": one.message, "parent": one.parent, "merged": one.merged}
    deed = Deed("freeze", f"version:{one.hash}", None, after)
    record_all(session, [deed], author=one.author, at=one.created_at)


def _add_aliases(
    session: Session, bundle: Bundle, author: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the aliases that were set, and those that point elsewhere here and stay."""
    numbers = {hash: id for id, hash in hashes_by_id(session).items()}
    made, kept = [], []
    for name, hash in sorted((name, one.hash) for one in bundle.versions for name in one.aliases):
        row, number = session.get(AliasRow, name), numbers[hash] or 0
        if row is None:
            made.append(name)
            session.add(
                AliasRow(name=name, version_id=number, updated_at=utc_now(), updated_by=author)
            )
            record(session, "set alias", f"alias:{name}", author=author, after={"version": hash})
        elif row.version_id != number:
            kept.append(name)
    return tuple(made), tuple(kept)


def _add_comment(session: Session, kept: KeptComment) -> bool:
    row = CommentRow(**kept.model_dump())
    known = select(CommentRow).where(CommentRow.identity == row.identity, CommentRow.at == row.at)
    if any((one.text, one.author) == (row.text, row.author) for one in session.exec(known)):
        return False
    session.add(row)
    session.flush()
    said = {"identity": row.identity, "text": row.text}
    deed = Deed("comment", f"comment:{row.id}", None, said)
    record_all(session, [deed], author=row.author, at=row.at)
    return True


def _add_run(session: Session, run: KeptRun, document: str) -> bool:
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
        config=run.config,
        config_hash=run.config_hash,
        status="done",
        progress=1.0,
        created_at=run.created_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
    )
    session.add(row)
    session.flush()
    session.add(ResultRow(run_id=row.id or 0, document=document, digest=run.result))
    return True
