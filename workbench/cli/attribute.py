"""What each edit between two versions contributed, on the command line."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.console import Author, Db, Json, emit, open_workbench, progress_bar, table
from workbench.domain.comparison import AccessCount
from workbench.domain.edit_effects import Attribution, EditEffect, Effect, RefitName
from workbench.domain.number_format import (
    count_text,
    figure_text,
    interval_text,
    p_text,
    signed_text,
)

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

SIGNS = {"added": "+", "removed": "−", "reworded": "~"}
EFFECT = ("ΔSRCC", "95 % interval", "p (Holm)", "verdict")


def attribute(
    a: Annotated[str, typer.Argument(help="The version that was edited.")],
    b: Annotated[str, typer.Argument(help="What became of it.")],
    config: Annotated[
        Path | None, typer.Option(help="Experiment YAML; without, the newest that both have run.")
    ] = None,
    shapley: Annotated[
        int, typer.Option(metavar="N", min=0, help="Share the gain fairly, by N random orders.")
    ] = 0,
    refit: Annotated[
        RefitName, typer.Option(help="ridge: milliseconds a refit; mlp: as in the runs, seconds.")
    ] = "ridge",
    retune: Annotated[
        int, typer.Option(metavar="N", min=0, help="Make the N strongest edits for real too.")
    ] = 0,
    author: Author = None,
    json: Json = False,
    db: Db = None,
) -> None:
    """Say what each edit between two versions contributed; a test-set access.

    Nothing is tuned unless --retune asks for it; that takes as long as N runs.
    """
    from workbench.experiment.attribution import attribute_runs
    from workbench.experiment.config_files import load_experiment
    from workbench.workflow.access import record_run_access
    from workbench.workflow.compare import comparable_runs

    with open_workbench(db) as (settings, store), progress_bar("attribute") as progress:
        experiment = load_experiment(config) if config else None
        runs = comparable_runs(store, (a, b), config=experiment)
        found = attribute_runs(
            runs,
            settings=settings,
            refit=refit,
            permutations=shapley,
            retune=retune,
            recipes=tuple(store.recipes.list()),
            progress=progress,
        )
        looks = record_run_access(
            store, runs, purpose=f"attribute {a}, {b}", author=author or settings.author
        )
    document = found.model_dump(mode="json") | {
        "looks": looks.model_dump(mode="json", exclude={"choice"})
    }
    emit(json, document, lambda: _text(found, looks))


def _text(found: Attribution, looks: AccessCount) -> "Group":
    from rich.console import Group

    from workbench.report.wording import access_sentences

    sure = (
        f"{count_text(found.images, 'image')} of {count_text(found.photographs, 'photograph')}, "
        f"{found.refit} refitted, {found.resamples:,} resamples of photographs"
    )
    return Group(
        f"{found.a_label} → {found.b_label}: {sure}\n", _edits(found), "",
        *((_retuned(found), "") if any(edit.retuned for edit in found.edits) else ()),
        _distortions(found), "", _totals(found), "", _attributes(found), "",
        *(f"· {note}" for note in (*access_sentences(looks), *found.notes)),
    )  # fmt: skip


def _edits(found: Attribution) -> "Table":
    shares = bool(found.permutations)
    rows = [
        (SIGNS[edit.kind], edit.distortion, _phrase(edit), *_cells(edit.effect),
         *([_share(edit)] if shares else []))
        for edit in found.edits
    ]  # fmt: skip
    columns = ("", "distortion", "each edit alone", *EFFECT, *(["share"] if shares else []))
    return table(columns, rows)


def _retuned(found: Attribution) -> "Table":
    rows = [
        (SIGNS[edit.kind], edit.distortion, _phrase(edit), *_cells(edit.retuned))
        for edit in found.edits
        if edit.retuned is not None
    ]
    return table(("", "distortion", "made for real, tuned anew", *EFFECT), rows)


def _distortions(found: Attribution) -> "Table":
    rows = [
        (some.distortion, count_text(some.edits, "edit"), *_cells(some.effect))
        for some in found.by_distortion
    ]
    return table(("a distortion's edits together", "", *EFFECT), rows)


def _totals(found: Attribution) -> "Table":
    before, after = (figure_text(value) for value in found.srcc)
    own = " and ".join(figure_text(value) for value in found.run_srcc)
    return table(("in all", *EFFECT), [
        (f"all {count_text(len(found.edits), 'edit')} together", *_cells(found.together)),
        (f"unchanged attributes, tuned anew in {found.b_label}", *_cells(found.retuned)),
        (f"SRCC {before} to {after}; in the runs {own}", *[""] * 4),
    ])  # fmt: skip


def _attributes(found: Attribution) -> "Table":
    rows = [(some.distortion, some.phrase, *_cells(some.effect)) for some in found.attributes]
    return table(("distortion", f"{found.b_label} with it, against without", *EFFECT), rows)


def _phrase(edit: EditEffect) -> str:
    return " → ".join(phrase for phrase in (edit.before, edit.after) if phrase is not None)


def _share(edit: EditEffect) -> str:
    if edit.shapley is None or edit.shapley_error is None:
        return ""
    return f"{signed_text(edit.shapley)} ± {figure_text(edit.shapley_error)}"


def _cells(effect: Effect) -> tuple[str, str, str, str]:
    verdict = f"{effect.verdict} ({effect.reason})" if effect.reason else effect.verdict
    return (
        signed_text(effect.delta_srcc), interval_text(effect.ci, signed=True),
        p_text(effect.p_holm), verdict,
    )  # fmt: skip
