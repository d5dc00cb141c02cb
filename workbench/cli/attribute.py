"""What each edit between two versions contributed, on the command line."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.console import Author, Db, Json, emit, open_workbench, progress_bar
from workbench.domain.comparison import AccessCount
from workbench.domain.data_table import Column, DataTable
from workbench.domain.edit_effects import Attribution, EditEffect, Effect, RefitName
from workbench.domain.number_format import count_text, figure_text, signed_text

if TYPE_CHECKING:
    from rich.console import Group

_EFFECT = (
    Column("delta_srcc", "ΔSRCC", "signed"),
    Column("ci", "95 % interval", "signed interval"),
    Column("p_holm", "p (Holm)", "p"),
    Column("verdict", "verdict", "text"),
)


def attribute(
    a: Annotated[str, typer.Argument(help="The version that was edited.")],
    b: Annotated[str, typer.Argument(help="The edited version.")],
    config: Annotated[
        Path | None, typer.Option(help="Experiment YAML; default the newest that both have run.")
    ] = None,
    shapley: Annotated[
        int,
        typer.Option(metavar="N", min=0, help="Shapley shares of the gain, by N random orders."),
    ] = 0,
    refit: Annotated[
        RefitName, typer.Option(help="ridge: milliseconds a refit; mlp: as in the runs, seconds.")
    ] = "ridge",
    retune: Annotated[
        int,
        typer.Option(metavar="N", min=0, help="Also retune with each of the N strongest edits."),
    ] = 0,
    author: Author = None,
    json: Json = False,
    db: Db = None,
) -> None:
    """Show what each edit between two versions contributed; a test-set access.

    Nothing is tuned unless --retune asks for it; that takes as long as N runs.
    """
    from workbench.experiment.config_files import load_experiment
    from workbench.workflow.access import record_run_access
    from workbench.workflow.attribution import attribute_runs
    from workbench.workflow.compare import comparable_runs

    with open_workbench(db) as (settings, store), progress_bar("attribute") as progress:
        experiment = load_experiment(config) if config else None
        runs = comparable_runs(store, (a, b), config=experiment)
        attribution = attribute_runs(
            runs,
            settings=settings,
            refit=refit,
            permutations=shapley,
            retune=retune,
            recipes=tuple(store.recipes.list()),
            progress=progress,
        )
        access = record_run_access(
            store, runs, purpose=f"attribute {a}, {b}", author=author or settings.author
        )
    document = attribution.model_dump(mode="json") | {
        "looks": access.model_dump(mode="json", exclude={"choice"})
    }
    emit(json, document, lambda: _text(attribution, access))


def _text(attribution: Attribution, access: AccessCount) -> "Group":
    from rich.console import Group

    from workbench.report.render import terminal_table
    from workbench.report.wording import access_sentences

    terms = (
        f"{count_text(attribution.images, 'image')} of "
        f"{count_text(attribution.photographs, 'photograph')}, {attribution.refit} refitted, "
        f"{attribution.resamples:,} resamples of photographs"
    )
    tables = (
        _edits(attribution),
        *([_retuned(attribution)] if any(edit.retuned for edit in attribution.edits) else []),
        _distortions(attribution),
        _totals(attribution),
        _attributes(attribution),
    )
    return Group(
        f"{attribution.a_label} → {attribution.b_label}: {terms}\n",
        *(part for table in tables for part in (terminal_table(table, framed=False), "")),
        *(f"· {note}" for note in (*access_sentences(access), *attribution.notes)),
    )


def _edits(attribution: Attribution) -> DataTable:
    shares = [_texts("share")] if attribution.permutations else []
    records = (_edit(edit, edit.effect) | {"share": _share(edit)} for edit in attribution.edits)
    return _table((*_edit_columns("each edit alone"), *_EFFECT, *shares), records)


def _retuned(attribution: Attribution) -> DataTable:
    records = (_edit(edit, edit.retuned) for edit in attribution.edits if edit.retuned is not None)
    return _table((*_edit_columns("made for real, tuned anew"), *_EFFECT), records)


def _distortions(attribution: Attribution) -> DataTable:
    columns = (_texts("distortion", "a distortion's edits together"), _texts("edits", ""))
    records = (
        _effect(group.effect)
        | {"distortion": group.distortion, "edits": count_text(group.edits, "edit")}
        for group in attribution.by_distortion
    )
    return _table((*columns, *_EFFECT), records)


def _totals(attribution: Attribution) -> DataTable:
    before, after = map(figure_text, attribution.srcc)
    in_runs = " and ".join(map(figure_text, attribution.run_srcc))
    edits = f"all {count_text(len(attribution.edits), 'edit')} together"
    unchanged = f"unchanged attributes, tuned anew in {attribution.b_label}"
    figures = f"SRCC {before} to {after}; in the runs {in_runs}"
    records = (
        _effect(attribution.together) | {"total": edits},
        _effect(attribution.retuned) | {"total": unchanged},
        {"total": figures} | {column.key: "" for column in _EFFECT},
    )
    return _table((_texts("total", "in all"), *_EFFECT), records)


def _attributes(attribution: Attribution) -> DataTable:
    heading = f"{attribution.b_label} with it, against without"
    columns = (_texts("distortion"), _texts("phrase", heading))
    records = (dict(worth) | _effect(worth.effect) for worth in attribution.attributes)
    return _table((*columns, *_EFFECT), records)


def _table(columns: Sequence[Column], records: Iterable[dict[str, Any]]) -> DataTable:
    return DataTable.of("", "", columns, records)


def _texts(key: str, heading: str | None = None) -> Column:
    return Column(key, key if heading is None else heading, "text")


def _edit_columns(heading: str) -> tuple[Column, Column, Column]:
    return _texts("sign", ""), _texts("distortion"), _texts("phrases", heading)


def _edit(edit: EditEffect, effect: Effect) -> dict[str, Any]:
    names = {"sign": edit.sign, "distortion": edit.distortion}
    return names | {"phrases": edit.phrases} | _effect(effect)


def _effect(effect: Effect) -> dict[str, Any]:
    reason = f" ({effect.reason})" if effect.reason else ""
    return dict(effect) | {"verdict": f"{effect.verdict}{reason}"}


def _share(edit: EditEffect) -> str:
    if edit.shapley is None or edit.shapley_error is None:
        return ""
    return f"{signed_text(edit.shapley)} ± {figure_text(edit.shapley_error)}"
