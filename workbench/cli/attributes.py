"""Drafts, the working set and its versions on the command line."""

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.console import Author, Db, Json, emit, progress_bar, table, workplace
from workbench.domain.attributes import AttributeSet
from workbench.domain.difference import difference
from workbench.drafting.local_server import open_language_model
from workbench.drafting.templates import load_template, render
from workbench.pipeline import draft_distortion, freeze_version, part
from workbench.store.text import read_attributes, write_attributes

attributes = typer.Typer(help="The working draft.", no_args_is_help=True, add_completion=False)
versions = typer.Typer(help="Frozen attribute sets.", no_args_is_help=True, add_completion=False)


def draft(
    ids: Annotated[list[str], typer.Argument(metavar="ID...")],
    k: Annotated[int, typer.Option(min=1, max=20, help="Attributes per distortion.")] = 5,
    template: Annotated[str, typer.Option(help="Prompt template.")] = "few_shot",
    model: Annotated[str | None, typer.Option(help="Model to ask.")] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the prompt only.")] = False,
    json: Json = False,
    db: Db = None,
) -> None:
    """Ask a language model for attributes and put them into the working draft."""
    with workplace(db) as (_, store):
        known = store.recipes.catalogue()
    specs = [known[id] for id in ids]
    if dry_run:
        chosen = load_template(template)
        prompts = {spec.id: list(render(chosen, spec, k)) for spec in specs}
        document = [{"distortion": id, "messages": some} for id, some in prompts.items()]
        text = "\n\n".join(m["content"] for some in prompts.values() for m in some)
        emit(json, document, lambda: text)
        return
    rows: list[dict[str, object]] = []
    with workplace(db) as (settings, store), progress_bar("draft") as progress:
        settings = settings.model_copy(update={"model": model or settings.model})
        with open_language_model(settings, progress=part(progress, 0.0, 0.1)) as llm:
            for done, spec in enumerate(specs):
                progress(0.1 + 0.9 * done / len(specs), spec.name)
                drafted = draft_distortion(store, spec.id, llm, template=template, k=k, seed=seed)
                store.draft.replace(
                    AttributeSet(by_distortion={spec.id: drafted}),
                    author=settings.author,
                    distortions=[spec.id],
                )
                rows += [
                    {"distortion": spec.id, "phrase": a.phrase, "call_id": a.call_id}
                    for a in drafted
                ]
            progress(1.0, "done")
    emit(
        json,
        rows,
        lambda: table(("distortion", "phrase"), [(r["distortion"], r["phrase"]) for r in rows]),
    )


@attributes.command("list")
def list_attributes(json: Json = False, db: Db = None) -> None:
    """List the working draft."""
    with workplace(db) as (_, store):
        rows = [
            {
                "id": row.id,
                "distortion": row.distortion,
                "phrase": row.attribute.phrase,
                "origin": row.attribute.origin,
                "call_id": row.attribute.call_id,
                "status": row.attribute.status,
            }
            for row in store.draft.rows()
        ]
    columns = ("id", "distortion", "phrase", "origin", "status")
    emit(json, rows, lambda: table(columns, [[row[name] for name in columns] for row in rows]))


@attributes.command("import")
def import_attributes(path: Path, author: Author = None, json: Json = False, db: Db = None) -> None:
    """Replace the draft of the distortions that a YAML file (or folder of them) holds."""
    read = read_attributes(path)
    with workplace(db) as (settings, store):
        known = store.recipes.catalogue()
        for distortion in read.distortions:
            known[distortion]  # raises with the name that was meant
        store.draft.replace(read, author=author or settings.author, distortions=read.distortions)
    document = {"distortions": list(read.distortions), "attributes": read.size}
    emit(json, document, lambda: f"{read.size} attributes of {len(read.distortions)} distortions")


@attributes.command("export")
def export_attributes(
    path: Path,
    ref: Annotated[str | None, typer.Option(help="A version; without, the working draft.")] = None,
    json: Json = False,
    db: Db = None,
) -> None:
    """Write one YAML file per distortion into a folder."""
    with workplace(db) as (_, store):
        chosen = store.versions.get(ref).attributes if ref else store.draft.attribute_set()
    files = write_attributes(chosen, path)
    emit(json, [str(file) for file in files], lambda: f"{len(files)} files in {path}")


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
