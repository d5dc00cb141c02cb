"""Where things stand, and who did what when."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from workbench.cli.console import Db, Json, emit, open_workbench, table
from workbench.domain.number_format import count_text, figure_text

if TYPE_CHECKING:
    from workbench.workflow.overview import Overview


def status(json: Json = False, db: Db = None) -> None:
    """Show where things stand: attributes, changes that are not frozen, runs, best versions."""
    from workbench.workflow.overview import overview

    with open_workbench(db) as (_, store):
        stands = overview(store)
    emit(json, _document(stands), lambda: "\n".join(_lines(stands)))


def _document(stands: "Overview") -> dict[str, Any]:
    runs = [*stands.active, *stands.ended]
    return {
        "types": stands.types,
        "without_attributes": list(stands.without_attributes),
        "attributes": dict(stands.attributes),
        "changed": stands.changed,
        "base": stands.base,
        "versions": stands.versions,
        "runs": dict(stands.runs),
        "newest_runs": [
            {"id": r.id, "version": r.version, "status": r.status, "progress": r.progress}
            for r in runs
        ],
        "best": [
            {"dataset": f.protocol.dataset, "target": f.protocol.target, "version": f.version,
             "run": f.run, "srcc": f.srcc}
            for f in stands.best
        ],
        "accesses": stands.accesses,
        "test_sets": stands.test_sets,
    }  # fmt: skip


def _lines(stands: "Overview") -> list[str]:
    attributes = ", ".join(f"{n:,} {name}" for name, n in stands.attributes.items()) or "none"
    runs = ", ".join(f"{n:,} {name}" for name, n in stands.runs.items()) or "none"
    lacking = len(stands.without_attributes)
    return [
        f"attributes   {attributes}; {lacking} of {stands.types} types without",
        f"draft        {'has changes that are not frozen' if stands.changed else 'as frozen'}",
        f"versions     {stands.versions:,}",
        f"runs         {runs}",
        f"accesses     {stands.accesses:,} to {count_text(stands.test_sets, 'test set')}",
        *(
            f"best         {stands.labels.get(f.version, f.version[:10])}: SRCC "
            f"{figure_text(f.srcc)} on {f.protocol.dataset} (run {f.run})"
            for f in stands.best
        ),
    ]


Kind = Literal["attribute", "version", "alias", "comment", "look", "recipe", "bundle", "draft"]


def audit(
    person: Annotated[str, typer.Option(help="Only what this person did.")] = "",
    action: Annotated[str, typer.Option(help='Only this action, such as "edit".')] = "",
    kind: Annotated[Kind | None, typer.Option(help="Only events about this kind.")] = None,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day, in UTC.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day, in UTC.")
    ] = None,
    text: Annotated[str, typer.Option(help="Only what contains these words.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="Show at most so many, the newest.")] = 50,
    out: Annotated[
        Path | None, typer.Option(help="Write all of them to this file, .csv or .json.")
    ] = None,
    json: Json = False,
    db: Db = None,
) -> None:
    """Show who did what when, newest first."""
    from workbench.store.audit_log import AuditFilter
    from workbench.workflow.audit import audit_rows, write_audit

    wanted = AuditFilter(
        person, action, kind or "", since and since.date(), until and until.date(), text
    )
    with open_workbench(db) as (_, store):
        if out is not None:
            write_audit(store, wanted, out)
            count = store.audit.count(wanted)
            document = {"file": str(out), "events": count}
            emit(json, document, lambda: f"{out}: {count_text(count, 'event')}")
            return
        events = store.audit.page(wanted, limit=limit)
        total = store.audit.count(wanted)
    shown = [event.model_dump(mode="json") for event in events]
    emit(json, {"total": total, "events": shown}, lambda: table(*audit_rows(events)))
