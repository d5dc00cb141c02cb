"""Merging two versions on the command line."""

import sys
from typing import Annotated, Any, get_args

import typer

from workbench.cli.changes import conflict_lines, taken_lines
from workbench.cli.console import Author, Db, Json, emit, workplace
from workbench.domain.attributes import Version
from workbench.domain.conflicts import Resolution, Side
from workbench.domain.merging import Merged
from workbench.errors import StoreError
from workbench.evaluation.wording import count_text
from workbench.pipeline import freeze_version, merge_versions

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
    message: Annotated[str, typer.Option("-m", "--message", help="Why.")] = "",
    base: Annotated[
        str | None, typer.Option(help="What both came from; without, the nearest ancestor.")
    ] = None,
    prefer: Annotated[Side | None, typer.Option(help="What holds in every conflict.")] = None,
    resolve: Annotated[
        list[str], typer.Option(metavar="ID=SIDE", help="What holds in one conflict.")
    ] = [],  # noqa: B006
    alias: Annotated[str | None, typer.Option(help="A name for the merged version.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Freeze nothing.")] = False,
    author: Author = None,
    json: Json = False,
    db: Db = None,
) -> None:
    """Merge what became of a version on two sides, and freeze it with both as parents."""
    stated = answers(resolve)
    if not (message or dry_run):
        raise typer.BadParameter("say why with -m MESSAGE, or use --dry-run.")
    with workplace(db) as (settings, store):
        a, b = store.versions.get(ours), store.versions.get(theirs)
        merged = merge_versions(store, a.hash, b.hash, base=base, resolve=stated, prefer=prefer)
        document, lines = _document(a, b, merged), [*taken_lines(merged.taken)]
        if merged.attributes is None:
            _show_conflicts(json, document, merged)
            raise StoreError(_unresolved(a, b, len(merged.conflicts)))
        if not dry_run:
            known = {one.hash for one in store.versions.summaries()}
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
        sys.stderr.writelines(f"{line}\n" for line in conflict_lines(merged.conflicts))


def _unresolved(ours: Version, theirs: Version, count: int) -> str:
    return (
        f"Merging {theirs.label} into {ours.label} leaves {count_text(count, 'conflict')}; nothing "
        "was frozen. Resolve each with --resolve ID=ours or ID=theirs, or all with --prefer."
    )
