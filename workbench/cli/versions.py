"""Frozen versions on the command line."""

from typing import Annotated

import typer

from workbench.cli.console import Author, Db, Json, emit, table, workplace
from workbench.domain.difference import difference
from workbench.pipeline import freeze_version

versions = typer.Typer(help="Frozen attribute sets.", no_args_is_help=True, add_completion=False)


def freeze(
    message: Annotated[str, typer.Option("-m", "--message", help="Why.")],
    alias: Annotated[str | None, typer.Option(help="A name for the version.")] = None,
    author: Author = None,
    json: Json = False,
    db: Db = None,
) -> None:
    """Freeze the working draft as an immutable version."""
    with workplace(db) as (settings, store):
        existing = store.versions.list()
        frozen = freeze_version(
            store,
            store.draft.attribute_set(),
            message=message,
            author=author or settings.author,
            parent=existing[0].hash if existing else None,
            alias=alias,
        )
    document = {
        "version": frozen.hash,
        "parent": frozen.parent,
        "attributes": frozen.attributes.size,
    }
    emit(json, document, lambda: f"{frozen.hash}  {frozen.attributes.size} attributes")


@versions.command("list")
def list_versions(json: Json = False, db: Db = None) -> None:
    """List the versions, newest first."""
    with workplace(db) as (_, store):
        found = store.versions.list()
    document = [
        version.model_dump(mode="json", exclude={"attributes"})
        | {"attributes": version.attributes.size}
        for version in found
    ]
    columns = ("version", "aliases", "attributes", "author", "message")
    rows = [
        (v.hash[:10], " ".join(v.aliases), v.attributes.size, v.author, v.message) for v in found
    ]
    emit(json, document, lambda: table(columns, rows))


@versions.command("show")
def show_version(ref: str, json: Json = False, db: Db = None) -> None:
    """Show one version with its attributes."""
    with workplace(db) as (_, store):
        version = store.versions.get(ref)
    rows = [
        (distortion, attribute.phrase, attribute.origin)
        for distortion, some in version.attributes.by_distortion.items()
        for attribute in some
    ]
    columns = ("distortion", "phrase", "origin")
    emit(json, version.model_dump(mode="json"), lambda: table(columns, rows))


@versions.command("diff")
def diff_versions(a: str, b: str, json: Json = False, db: Db = None) -> None:
    """Show what B added to and removed from A."""
    with workplace(db) as (_, store):
        before, after = store.versions.get(a).attributes, store.versions.get(b).attributes
    changes = difference(before, after)
    lines = [
        f"{sign} {distortion}: {phrase}"
        for distortion, change in changes.items()
        for sign, phrases in (
            ("-", change.removed),
            ("+", change.added),
            ("~", [f"{old} -> {new}" for old, new in change.reworded]),
        )
        for phrase in phrases
    ]
    document = {distortion: change.model_dump() for distortion, change in changes.items()}
    emit(json, document, lambda: "\n".join(lines) or "No difference.")


@versions.command("alias")
def alias_version(name: str, ref: str, json: Json = False, db: Db = None) -> None:
    """Let a name point at a version."""
    with workplace(db) as (_, store):
        store.versions.set_alias(name, ref)
        version = store.versions.get(name)
    emit(json, {"alias": name, "version": version.hash}, lambda: f"{name} -> {version.hash[:10]}")


@versions.command("verify")
def verify_versions(json: Json = False, db: Db = None) -> None:
    """Re-hash every version and name those that were tampered with."""
    with workplace(db) as (_, store):
        problems = store.versions.verify()
    emit(json, {"problems": problems}, lambda: "\n".join(problems) or "All versions are intact.")
    if problems:
        raise typer.Exit(1)
