"""Frozen versions on the command line."""

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from workbench.cli.changes import difference_lines
from workbench.cli.console import Author, Db, Json, emit, table, workplace
from workbench.cli.merge import merge
from workbench.domain.attributes import AttributeSet
from workbench.domain.attribution import EditEffect
from workbench.domain.difference import Change, difference, word_changes
from workbench.domain.evidence import Evidence, gather_evidence
from workbench.errors import ConfigError, VersionNotFoundError
from workbench.evaluation.wording import count_text
from workbench.pipeline import comparable_runs, freeze_version
from workbench.runs.attribution import attribute_runs
from workbench.settings import Settings
from workbench.store import Store

versions = typer.Typer(help="Frozen attribute sets.", no_args_is_help=True, add_completion=False)
versions.command("merge")(merge)

DRAFT, WORKING = "draft", "@draft"  # no alias can be the second


def freeze(
    message: Annotated[str, typer.Option("-m", "--message", help="Why.")],
    alias: Annotated[str | None, typer.Option(help="A name for the version.")] = None,
    parent: Annotated[
        str | None, typer.Option(help="What it was edited from; without, the draft's base.")
    ] = None,
    author: Author = None,
    json: Json = False,
    db: Db = None,
) -> None:
    """Freeze the working draft as an immutable version."""
    with workplace(db) as (settings, store):
        known = {one.hash for one in store.versions.summaries()}
        frozen = freeze_version(
            store,
            store.draft.attribute_set(),
            message=message,
            author=author or settings.author,
            parent=parent or store.draft.base(),
            alias=alias,
        )
    new = frozen.hash not in known
    document = {
        "version": frozen.hash,
        "parent": frozen.parent,
        "attributes": frozen.attributes.size,
        "merged": frozen.merged,
        "new": new,
    }
    text = f"{frozen.hash}  {frozen.attributes.size} attributes"
    emit(json, document, lambda: text if new else f"{text}, as frozen before: {frozen.message}")


@versions.command("list")
def list_versions(json: Json = False, db: Db = None) -> None:
    """List the versions, newest first."""
    with workplace(db) as (_, store):
        found = store.versions.summaries()
    document = [
        version.model_dump(mode="json", exclude={"size"}) | {"attributes": version.size}
        for version in found
    ]
    columns = ("version", "aliases", "from", "attributes", "author", "message")
    rows = [
        (v.hash[:10], " ".join(v.aliases), _from(v.parent, v.merged), v.size, v.author, v.message)
        for v in found
    ]
    emit(json, document, lambda: table(columns, rows))


@versions.command("show")
def show_version(ref: str, json: Json = False, db: Db = None) -> None:
    """Show one version with its attributes."""
    with workplace(db) as (_, store):
        version = store.versions.get(ref)
    rows = [
        (distortion, attribute.phrase, attribute.origin, attribute.status, attribute.decided_by)
        for distortion, some in version.attributes.by_distortion.items()
        for attribute in some
    ]
    columns = ("distortion", "phrase", "origin", "status", "decided by")
    emit(json, version.model_dump(mode="json"), lambda: table(columns, rows))


@versions.command("diff")
def diff_versions(
    a: Annotated[str, typer.Argument(help="A version, or draft: the working draft.")],
    b: Annotated[str, typer.Argument(help="What became of it; likewise.")],
    words: Annotated[bool, typer.Option("--words", help="Mark what changed word by word.")] = False,
    evidence: Annotated[
        bool, typer.Option("--evidence", help="Say what speaks for each wording.")
    ] = False,
    effects: Annotated[
        bool, typer.Option("--effects", help="Say what each edit contributed in the runs.")
    ] = False,
    json: Json = False,
    db: Db = None,
) -> None:
    """Show what B added to, removed from and changed in A."""
    with workplace(db) as (settings, store):
        before, after = _content(store, a), _content(store, b)
        changes = difference(before, after)
        behind = _evidence(store, before, after, changes) if evidence else ()
        worth = _effects(store, settings, a, b) if effects and changes else ()
    document: dict[str, Any] = {name: change.model_dump() for name, change in changes.items()}
    for name, change in changes.items():
        if words:
            document[name]["words"] = [word_changes(*pair) for pair in change.reworded]
        if evidence:
            document[name]["evidence"] = _dumped(behind, name)
        if effects:
            document[name]["effects"] = _dumped(worth, name)
    lines = difference_lines(changes, words=words, evidence=behind, effects=worth)
    emit(json, document, lambda: "\n".join(lines) or "No difference.")


@versions.command("restore")
def restore_version(
    ref: str,
    discard: Annotated[
        bool, typer.Option("--discard", help="Give up changes of the draft that are not frozen.")
    ] = False,
    author: Author = None,
    json: Json = False,
    db: Db = None,
) -> None:
    """Make the working draft what a version holds; to go on from there is to branch."""
    with workplace(db) as (settings, store):
        version = store.draft.restore(ref, author=author or settings.author, discard=discard)
    document = {"version": version.hash, "attributes": version.attributes.size}
    size = count_text(version.attributes.size, "attribute")
    emit(json, document, lambda: f"The draft is {version.label} again: {size}.")


@versions.command("alias")
def alias_version(
    name: str, ref: str, author: Author = None, json: Json = False, db: Db = None
) -> None:
    """Let a name point at a version."""
    with workplace(db) as (settings, store):
        version = store.versions.set_alias(name, ref, author=author or settings.author)
    emit(json, {"alias": name, "version": version.hash}, lambda: f"{name} -> {version.hash[:10]}")


@versions.command("verify")
def verify_versions(json: Json = False, db: Db = None) -> None:
    """Hash everything again and say what is no longer what was recorded."""
    with workplace(db) as (_, store):
        problems = store.verify()
    emit(json, {"problems": problems}, lambda: "\n".join(problems) or "The store is intact.")
    if problems:
        raise typer.Exit(1)


def _from(parent: str | None, merged: str | None) -> str:
    return " + ".join(hash[:10] for hash in (parent, merged) if hash)


def _content(store: Store, ref: str) -> AttributeSet:
    """Return what a version holds, or what the working draft would be frozen as."""
    if ref != WORKING:
        try:
            return store.versions.get(ref).attributes
        except VersionNotFoundError:
            if ref != DRAFT:
                raise
    return store.draft.attribute_set().without_rejected()


def _evidence(
    store: Store, before: AttributeSet, after: AttributeSet, changes: Mapping[str, Change]
) -> tuple[Evidence, ...]:
    """Return what speaks for each wording that came, went or changed."""
    wordings = []
    for name, change in changes.items():
        old = {*change.removed, *(pair[0] for pair in change.reworded)}
        new = {*change.added, *(pair[1] for pair in change.reworded)}
        for some, changed in ((before, old), (after, new)):
            attributes = some.by_distortion.get(name, ())
            wordings += [(name, a) for a in attributes if a.phrase in changed]
    return gather_evidence(
        wordings,
        versions=store.versions.list(),
        finished=Counter(run.version for run in store.runs.list() if run.status == "done"),
        comments=store.comments.counts(),
    )


def _effects(store: Store, settings: Settings, a: str, b: str) -> tuple[EditEffect, ...]:
    """Return what each edit contributed, from the probabilities that the runs kept."""
    try:
        runs = comparable_runs(store, (a, b))
    except VersionNotFoundError as fault:
        if not {a, b} & {DRAFT, WORKING}:
            raise
        raise ConfigError(
            "The working draft has no runs, and so its edits no effects: freeze it and run that "
            "version, or leave --effects out."
        ) from fault
    labels = [store.versions.get(run.version).label for run in runs]
    return attribute_runs(runs, labels, settings=settings).edits


def _dumped(some: tuple[Evidence, ...] | tuple[EditEffect, ...], name: str) -> list[Any]:
    return [one.model_dump(mode="json") for one in some if one.distortion == name]
