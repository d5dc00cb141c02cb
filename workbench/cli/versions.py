"""Frozen versions on the command line."""

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from workbench.cli.console import Author, Db, Json, Ref, emit, open_workbench, table, warn
from workbench.cli.difference_text import conflict_lines, difference_lines, taken_lines
from workbench.domain.attributes import AttributeSet, Version
from workbench.domain.difference import Change, difference, word_changes
from workbench.domain.edit_effects import EditEffect
from workbench.domain.lineage import Evidence, gather_evidence
from workbench.domain.merge_conflicts import Resolution, Side
from workbench.domain.merging import Merged
from workbench.domain.number_format import count_text
from workbench.errors import ConfigError, StoreError, VersionNotFoundError
from workbench.settings import Settings

if TYPE_CHECKING:
    from workbench.store import Store

_ANSWERS: dict[str, Resolution] = {answer: answer for answer in get_args(Resolution)}


def answers(stated: list[str]) -> dict[str, Resolution]:
    """Return what `--resolve ID=SIDE` says, by id.

    Raises:
        typer.BadParameter: One is not of that form.

    Example:
        >>> answers(["3fa2b1=ours", "07c4e2=both"])
        {'3fa2b1': 'ours', '07c4e2': 'both'}
    """
    parts = [(text, *text.partition("=")[::2]) for text in stated]
    for text, id, side in parts:
        if not id or side not in _ANSWERS:
            raise typer.BadParameter(f"'{text}': write ID=ours, ID=theirs or ID=both.")
    return {id: _ANSWERS[side] for _, id, side in parts}


def merge(
    ours: Annotated[str, typer.Argument(help="The version that is merged into.")],
    theirs: Annotated[str, typer.Argument(help="The version that is merged in.")],
    message: Annotated[str, typer.Option("-m", "--message", help="Reason for this version.")] = "",
    base: Annotated[
        str | None,
        typer.Option(help="Common ancestor; default the nearest one."),
    ] = None,
    prefer: Annotated[Side | None, typer.Option(help="Side that wins every conflict.")] = None,
    resolve: Annotated[
        list[str], typer.Option(metavar="ID=SIDE", help="Side that wins one conflict.")
    ] = [],  # noqa: B006
    alias: Annotated[str | None, typer.Option(help="A name for the merged version.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Freeze nothing.")] = False,
    author: Author = None,
    json: Json = False,
    db: Db = None,
) -> None:
    """Merge two versions that come from a common one, and freeze the result with both parents."""
    from workbench.workflow.versions import freeze_version, merge_versions

    stated = answers(resolve)
    if not (message or dry_run):
        raise typer.BadParameter("say why with -m MESSAGE, or use --dry-run.")
    with open_workbench(db) as (settings, store):
        a, b = store.versions.get(ours), store.versions.get(theirs)
        merged = merge_versions(store, a.hash, b.hash, base=base, resolve=stated, prefer=prefer)
        document, lines = _document(a, b, merged), [*taken_lines(merged.taken)]
        if merged.attributes is None:
            _show_conflicts(json, document, merged)
            raise StoreError(_unresolved(a, b, len(merged.conflicts)))
        if not dry_run:
            known = {version.hash for version in store.versions.summaries()}
            frozen = freeze_version(
                store, merged.attributes, message=message, author=author or settings.author,
                parent=a.hash, merged=b.hash, alias=alias,
            )  # fmt: skip
            document |= {"version": frozen.hash, "new": frozen.hash not in known}
            lines.append(_frozen(frozen, frozen.hash not in known))
    emit(json, document, lambda: "\n".join(lines) or "There is nothing to merge.")


def _document(ours: Version, theirs: Version, merged: Merged) -> dict[str, Any]:
    return {
        "version": None,
        "new": False,
        "parent": ours.hash,
        "merged": theirs.hash,
        "attributes": merged.attributes.size if merged.attributes else None,
        "conflicts": [conflict.model_dump() for conflict in merged.conflicts],
        "taken": [taken.model_dump() for taken in merged.taken],
    }


def _frozen(version: Version, new: bool) -> str:
    if new:
        return f"{version.hash}  {count_text(version.attributes.size, 'attribute')}"
    return f"{version.hash}  holds just this already; no new version was needed."


def _show_conflicts(json: bool, document: dict[str, Any], merged: Merged) -> None:
    """Show the conflicts: in the document, or for people on stderr."""
    if json:
        emit(True, document, str)
    else:
        for line in conflict_lines(merged.conflicts):
            warn(line)


def _unresolved(ours: Version, theirs: Version, count: int) -> str:
    return (
        f"Merging {theirs.label} into {ours.label} leaves {count_text(count, 'conflict')}; nothing "
        "was frozen. Resolve each with --resolve ID=ours or ID=theirs, or all with --prefer."
    )


versions = typer.Typer(help="Frozen attribute sets.", no_args_is_help=True, add_completion=False)
versions.command("merge")(merge)

DRAFT, WORKING = "draft", "@draft"  # no alias can be the second


def freeze(
    message: Annotated[str, typer.Option("-m", "--message", help="Reason for this version.")],
    alias: Annotated[str | None, typer.Option(help="A name for the version.")] = None,
    parent: Annotated[
        str | None, typer.Option(help="The version it was edited from; default the draft's base.")
    ] = None,
    author: Author = None,
    json: Json = False,
    db: Db = None,
) -> None:
    """Freeze the working draft as an immutable version."""
    from workbench.workflow.versions import freeze_draft

    with open_workbench(db) as (settings, store):
        frozen, new = freeze_draft(
            store,
            message=message,
            author=author or settings.author,
            parent=parent or None,
            alias=alias,
        )
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
    with open_workbench(db) as (_, store):
        versions_found = store.versions.summaries()
    document = [
        version.model_dump(mode="json", exclude={"size"}) | {"attributes": version.size}
        for version in versions_found
    ]
    columns = ("version", "aliases", "from", "attributes", "author", "message")
    rows = [
        (v.hash[:10], " ".join(v.aliases), _from(v.parent, v.merged), v.size, v.author, v.message)
        for v in versions_found
    ]
    emit(json, document, lambda: table(columns, rows))


@versions.command("show")
def show_version(ref: Ref, json: Json = False, db: Db = None) -> None:
    """Show one version with its attributes."""
    with open_workbench(db) as (_, store):
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
    a: Annotated[str, typer.Argument(help="A version, or 'draft' for the working draft.")],
    b: Annotated[str, typer.Argument(help="A later version, or draft.")],
    words: Annotated[bool, typer.Option("--words", help="Mark changes word by word.")] = False,
    evidence: Annotated[
        bool, typer.Option("--evidence", help="Show the evidence for each wording.")
    ] = False,
    effects: Annotated[
        bool, typer.Option("--effects", help="Show what each edit contributed in the runs.")
    ] = False,
    json: Json = False,
    db: Db = None,
) -> None:
    """Show what B added, removed and changed compared with A."""
    with open_workbench(db) as (settings, store):
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
    ref: Ref,
    discard: Annotated[
        bool, typer.Option("--discard", help="Discard draft changes that are not frozen.")
    ] = False,
    author: Author = None,
    json: Json = False,
    db: Db = None,
) -> None:
    """Reset the working draft to a version; editing from there starts a branch."""
    with open_workbench(db) as (settings, store):
        version = store.draft.restore(ref, author=author or settings.author, discard=discard)
    document = {"version": version.hash, "attributes": version.attributes.size}
    size = count_text(version.attributes.size, "attribute")
    emit(json, document, lambda: f"The draft is {version.label} again: {size}.")


@versions.command("alias")
def alias_version(
    name: Annotated[str, typer.Argument(help="The alias.")],
    ref: Ref,
    author: Author = None,
    json: Json = False,
    db: Db = None,
) -> None:
    """Point an alias at a version."""
    with open_workbench(db) as (settings, store):
        version = store.versions.set_alias(name, ref, author=author or settings.author)
    emit(json, {"alias": name, "version": version.hash}, lambda: f"{name} -> {version.hash[:10]}")


@versions.command("verify")
def verify_versions(json: Json = False, db: Db = None) -> None:
    """Check every recorded hash and report whatever has changed since it was recorded."""
    with open_workbench(db) as (_, store):
        problems = store.verify()
    emit(json, {"problems": problems}, lambda: "\n".join(problems) or "The store is intact.")
    if problems:
        raise typer.Exit(1)


def _from(parent: str | None, merged: str | None) -> str:
    return " + ".join(hash[:10] for hash in (parent, merged) if hash)


def _content(store: "Store", ref: str) -> AttributeSet:
    """Return what a version holds, or what the working draft would be frozen as."""
    if ref != WORKING:
        try:
            return store.versions.get(ref).attributes
        except VersionNotFoundError:
            if ref != DRAFT:
                raise
    return store.draft.attribute_set().without_rejected()


def _evidence(
    store: "Store", before: AttributeSet, after: AttributeSet, changes: Mapping[str, Change]
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


def _effects(store: "Store", settings: Settings, a: str, b: str) -> tuple[EditEffect, ...]:
    """Return what each edit contributed, from the probabilities that the runs kept."""
    from workbench.workflow.attribution import attribute_runs
    from workbench.workflow.compare import comparable_runs

    try:
        runs = comparable_runs(store, (a, b))
    except VersionNotFoundError as fault:
        if not {a, b} & {DRAFT, WORKING}:
            raise
        raise ConfigError(
            "The working draft has no runs, and so its edits no effects: freeze it and run that "
            "version, or leave --effects out."
        ) from fault
    return attribute_runs(runs, settings=settings).edits


def _dumped(entries: tuple[Evidence, ...] | tuple[EditEffect, ...], name: str) -> list[Any]:
    return [entry.model_dump(mode="json") for entry in entries if entry.distortion == name]
