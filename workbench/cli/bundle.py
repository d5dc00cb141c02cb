"""Bundles on the command line: versions with all that bears them out, in one file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.console import Author, Db, Json, emit, open_workbench

if TYPE_CHECKING:
    from workbench.store.bundle import Bundle, Imported

bundle = typer.Typer(
    help="Versions with lineage, runs and licences, in one file.",
    no_args_is_help=True,
    add_completion=False,
)

File = Annotated[Path, typer.Argument(help="A .zip file.")]


@bundle.command("export")
def export(
    path: File,
    refs: Annotated[list[str], typer.Argument(help="The versions; their lineage goes along.")],
    without_runs: Annotated[
        bool, typer.Option("--without-runs", help="Leave out the results of runs.")
    ] = False,
    json: Json = False,
    db: Db = None,
) -> None:
    """Write versions, with the evidence behind them, to one file."""
    from workbench.store.bundle import export_bundle

    with open_workbench(db) as (_, store):
        written = export_bundle(store, path, refs, with_runs=not without_runs)
    emit(json, _counts(path, written), lambda: f"{path}: {_size_text(written)}")


@bundle.command("verify")
def verify(path: File, json: Json = False) -> None:
    """Check every hash and digest of a bundle; no store is touched."""
    from workbench.store.bundle import read_bundle

    read = read_bundle(path)
    emit(json, _counts(path, read), lambda: f"{path} holds: {_size_text(read)}")


@bundle.command("import")
def import_(
    path: File,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Report what would be added.")] = False,
    author: Author = None,
    json: Json = False,
    db: Db = None,
) -> None:
    """Add what the store lacks from a bundle: all of it, or nothing on any fault."""
    from workbench.store.bundle import import_bundle

    with open_workbench(db) as (settings, store):
        done = import_bundle(store, path, author=author or settings.author, dry_run=dry_run)
    emit(
        json,
        {**done.model_dump(mode="json"), "dry_run": dry_run},
        lambda: _import_text(done, dry_run),
    )


def _counts(path: Path, bundle: "Bundle") -> dict[str, Any]:
    names = ("calls", "recipes", "comments", "history", "runs")
    return {
        "file": str(path),
        "asked": list(bundle.asked),
        "versions": [version.hash for version in bundle.versions],
        **{name: len(getattr(bundle, name)) for name in names},
    }


def _size_text(bundle: "Bundle") -> str:
    return (
        f"{len(bundle.versions)} versions, {len(bundle.calls)} calls, "
        f"{len(bundle.recipes)} recipes, {len(bundle.comments)} comments, {len(bundle.runs)} runs"
    )


def _import_text(done: "Imported", dry_run: bool) -> str:
    lines = [
        f"{'would be new' if dry_run else 'new'}: {len(done.versions)} versions, {done.calls} "
        f"calls, {done.recipes} recipes, {done.comments} comments, {done.runs} runs; "
        f"{done.known} versions were here before"
    ]
    lines += [f"alias {name}: set" for name in done.aliases]
    lines += [
        f"alias {name}: points at another version here, and stays" for name in done.kept_aliases
    ]
    return "\n".join(lines)
