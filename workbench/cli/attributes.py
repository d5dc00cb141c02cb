"""The working draft on the command line."""

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.console import Author, Db, Json, emit, table, workplace
from workbench.store.text import read_attributes, write_attributes

attributes = typer.Typer(help="The working draft.", no_args_is_help=True, add_completion=False)


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
