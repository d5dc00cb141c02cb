"""The working draft on the command line: what is in it, and in and out of files."""

from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from workbench.cli import editing
from workbench.cli.console import (
    Author,
    Db,
    Json,
    Pretrained,
    emit,
    open_workbench,
    progress_bar,
    table,
    warn,
    write_document,
)
from workbench.cli.difference_text import difference_lines
from workbench.domain.attributes import Attribute, AttributeSet, Form, Status
from workbench.domain.config import EncoderConfig
from workbench.domain.difference import difference
from workbench.domain.finding import Finding
from workbench.domain.number_format import count_text
from workbench.errors import UnknownNameError
from workbench.settings import Settings, resource

if TYPE_CHECKING:
    from workbench.drafting.lint import Probe
    from workbench.encoders import Encoder
    from workbench.store import Store


def lint(
    ref: Annotated[str | None, typer.Argument(help="A version; default the working draft.")] = None,
    images: Annotated[
        bool, typer.Option("--images/--no-images", help="Also measure on photographs.")
    ] = True,
    encoder: Annotated[str, typer.Option(help="Encoder to use.")] = "auto",
    pretrained: Pretrained = None,
    polarity: Annotated[
        str | None, typer.Option(help="Prompt pair; default the encoder's own.")
    ] = None,
    distortion: Annotated[
        list[str] | None, typer.Option("--distortion", help="Only this distortion; repeatable.")
    ] = None,
    rule: Annotated[list[str] | None, typer.Option(help="Only this rule; repeatable.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 if there are faults.")] = False,
    json: Json = False,
    db: Db = None,
) -> None:
    """Report doubtful attributes, with the reason and a remedy; nothing is changed.

    Rejected attributes are left out. The first time, photographs are distorted and encoded, some
    seconds for each distortion; after that they are read from the cache.
    """
    from rich.console import Group

    with open_workbench(db) as (settings, store):
        attribute_set = store.versions.get(ref).attributes if ref else store.draft.attribute_set()
        attributes = attribute_set.without_rejected()
        for name in distortion or ():
            store.recipes.catalogue()[name]  # raises with the name that was meant
        config = EncoderConfig(name=encoder, pretrained=pretrained)
        findings = _findings(
            attributes, store, settings, config, polarity, distortion or (), rule or (), images
        )
    counts = f"{count_text(len(findings), 'finding')} on {count_text(attributes.size, 'attribute')}"
    rows = [[f.severity, f.rule, f.distortion, f.phrase, f.reason, f.suggestion] for f in findings]
    columns = ("severity", "rule", "distortion", "phrase", "reason", "suggestion")
    document = [finding.model_dump(mode="json") for finding in findings]
    emit(json, document, lambda: Group(table(columns, rows), counts) if findings else counts)
    if strict and any(finding.severity == "fault" for finding in findings):
        raise typer.Exit(1)


def _findings(
    attributes: AttributeSet,
    store: "Store",
    settings: Settings,
    config: EncoderConfig,
    polarity: str | None,
    distortions: Collection[str],
    only: Collection[str],
    images: bool,
) -> list[Finding]:
    """Return the findings about these distortions; the encoder is loaded if a rule needs it."""
    from workbench.drafting.lint import RememberedTexts, rules
    from workbench.drafting.lint import lint as lint_set
    from workbench.encoders import load_encoder
    from workbench.encoders.protocol import computing_threads
    from workbench.training.prompt_pairs import POLARITIES, sentence_pairs

    needs = {rules()[name].needs for name in only or rules()} - (set() if images else {"images"})
    POLARITIES[polarity or "not"]  # raises with the name that was meant
    measured = bool(needs - {"words"}) and attributes.size > 0
    loaded = load_encoder(config, settings, seed=0) if measured else None
    with computing_threads(loaded.threads if loaded else None):
        probe = (
            _probe(loaded, attributes, store, settings) if loaded and "images" in needs else None
        )
        pair = polarity or (loaded.default_polarity if loaded else "not")
        findings = lint_set(
            attributes,
            store.recipes.catalogue(),
            text=RememberedTexts(loaded) if loaded else None,
            probe=probe,
            polarity=partial(sentence_pairs, polarity=pair),
            only=only,
        )
    return [finding for finding in findings if not distortions or finding.distortion in distortions]


def _probe(
    encoder: "Encoder", attributes: AttributeSet, store: "Store", settings: Settings
) -> "Probe":
    """Return the probe of the distortions of a set, with a progress bar if it takes time."""
    from workbench.drafting.lint import load_probe, missing_from_probe

    known, recipes = store.recipes.catalogue(), tuple(store.recipes.list())
    specs = [known[name] for name in attributes.distortions]
    if not missing_from_probe(encoder, specs, cache=settings.cache, recipes=recipes):
        return load_probe(encoder, specs, cache=settings.cache, recipes=recipes)
    warn("Photographs are distorted and encoded once; later this takes a moment.")
    with progress_bar("probe") as progress:
        return load_probe(encoder, specs, cache=settings.cache, recipes=recipes, progress=progress)


attributes = typer.Typer(help="The working draft.", no_args_is_help=True, add_completion=False)

As = Annotated[Form | None, typer.Option("--as", help="File format; default by file name.")]
STDOUT = Path("-")
PRINTED = 20  # warnings as text; JSON has them all


@attributes.command("list")
def list_attributes(
    distortion: Annotated[str | None, typer.Option(help="Only this distortion.")] = None,
    status: Annotated[str | None, typer.Option(help="Only this review status.")] = None,
    json: Json = False,
    db: Db = None,
) -> None:
    """List the working draft."""
    if status is not None and status not in get_args(Status):
        raise UnknownNameError("status", status, get_args(Status))
    with open_workbench(db) as (_, store):
        if distortion is not None:
            store.recipes.catalogue()[distortion]  # raises with the name that was meant
        comments = store.comments.counts()
        rows = [
            editing.row_document(row, comments.get(row.attribute.identity or "", 0))
            for row in store.draft.rows(distortion)
            if status in (None, row.attribute.status)
        ]
    columns = ("id", "distortion", "phrase", "origin", "status", "decided_by", "comments")
    emit(json, rows, lambda: table(columns, [[row[name] for name in columns] for row in rows]))


@attributes.command("import")
def import_attributes(
    path: Annotated[Path, typer.Argument(help="A file, a folder of YAML files, or: curated.")],
    form: As = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would change.")
    ] = False,
    author: Author = None,
    json: Json = False,
    db: Db = None,
) -> None:
    """Replace the draft of the distortions that a YAML, JSON or CSV file holds.

    A folder is read as its YAML files; "curated", where there is no such file, is the set that
    ships with the workbench. A fault anywhere refuses the whole, and every one is named.
    """
    from workbench.store.text import read_text
    from workbench.workflow.exchange import import_text, preview_import

    if str(path) == "curated" and not path.exists():
        path = resource("attribute_db/curated")
    text = read_text(path, form=form)
    _show_warnings(text.warnings)
    with open_workbench(db) as (settings, store):
        read, before, unlogged, _ = preview_import(store, text, name=str(path))
        if not dry_run:
            import_text(store, read, author=author or settings.author)
    if unlogged:
        warn(_unlogged(unlogged))
    changes, restated = difference(before, read), _restated(before, read)
    document = {
        "distortions": list(read.distortions),
        "attributes": read.size,
        "dry_run": dry_run,
        "calls_left_out": unlogged,
        "changes": {d: change.model_dump(mode="json") for d, change in changes.items()},
        "restated": restated,
        "warnings": list(text.warnings),
    }
    counts = f"{read.size} attributes of {len(read.distortions)} distortions"
    lines = [*difference_lines(changes), *(f"= {line}" for line in restated)] or ["No difference."]
    emit(json, document, lambda: "\n".join([*lines, f"would be {counts}"]) if dry_run else counts)


@attributes.command("export")
def export_attributes(
    path: Annotated[Path, typer.Argument(help="A folder for YAML, else a file; - for stdout.")],
    ref: Annotated[str | None, typer.Option(help="A version; default the working draft.")] = None,
    form: As = None,
    json: Json = False,
    db: Db = None,
) -> None:
    """Write a file per distortion into a folder (YAML), or one file of all (.json, .csv)."""
    from workbench.store.text import attribute_text, write_attributes

    with open_workbench(db) as (_, store):
        chosen = store.versions.get(ref).attributes if ref else store.draft.attribute_set()
        named = {a.call_id for attributes in chosen.by_distortion.values() for a in attributes}
        calls = store.calls.digests([id for id in named if id is not None])
    if path == STDOUT:
        if json and form not in (None, "json"):
            raise typer.BadParameter("--json prints JSON; leave it out for another form")
        form = form or ("json" if json else "yaml")
        write_document(attribute_text(chosen, form, calls=calls))
        return
    files = write_attributes(chosen, path, form=form, calls=calls)
    if path.is_dir() and (others := sorted({*path.glob("[!.]*.yaml")} - {*files})):
        warn(_others(path, [file.name for file in others]))
    emit(json, [str(file) for file in files], lambda: f"{len(files)} files in {path}")


attributes.command("add")(editing.add_attribute)
attributes.command("set")(editing.set_attribute)
attributes.command("prepare")(editing.prepare_photographs)
attributes.command("move")(editing.move_attribute)
attributes.command("remove")(editing.remove_attribute)
attributes.command("comment")(editing.add_comment)
attributes.command("comments")(editing.list_comments)
attributes.command("history")(editing.show_history)
attributes.command("undo")(editing.undo)
attributes.command("redo")(editing.redo)
attributes.command("lint")(lint)


def _restated(before: AttributeSet, after: AttributeSet) -> list[str]:
    """Return what changes around words that stay: who wrote them, where they stand in review."""
    lines = []
    for distortion, attributes in after.by_distortion.items():
        old = {a.phrase: a for a in before.by_distortion.get(distortion, ())}
        stay = [a for a in attributes if a.phrase in old]
        lines += [
            f"{distortion}: {a.phrase} ({differences})"
            for a in stay
            if (differences := _differences(old[a.phrase], a))
        ]
    return lines


def _differences(old: Attribute, new: Attribute) -> str:
    fields = ("status", "decided_by", "origin", "call_id")
    return ", ".join(
        f"{name}: {getattr(old, name)} -> {getattr(new, name)}"
        for name in fields
        if getattr(old, name) != getattr(new, name)
    )


def _unlogged(count: int) -> str:
    named = (
        "1 attribute names a call that is"
        if count == 1
        else f"{count} attributes name calls that are"
    )
    return (
        f"{named} not in this store's log, and left out; import the log or bundle first to keep "
        "them."
    )


def _show_warnings(warnings: Sequence[str]) -> None:
    for warning in warnings[:PRINTED]:
        warn(f"warning: {warning}")
    if (more := len(warnings) - PRINTED) > 0:
        warn(f"and {more} more warnings; --json has all")


def _others(path: Path, names: list[str]) -> str:
    listed = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return (
        f"{path} also holds {listed}, which this export did not write; remove what does not belong "
        "to the set."
    )
