"""Runs and the worker on the command line."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.console import Author, Db, Json, emit, open_workbench, progress_bar, table
from workbench.domain.comparison import AccessCount
from workbench.domain.number_format import count_text, figure_text
from workbench.domain.run import Run

if TYPE_CHECKING:
    from workbench.store import Store

RunId = Annotated[int, typer.Argument(help="Number of a run.")]
runs = typer.Typer(help="The queue of runs.", no_args_is_help=True, add_completion=False)


def run(
    ref: Annotated[str, typer.Argument(help="Hash prefix or alias of a version.")],
    config: Annotated[Path, typer.Option(help="Experiment YAML.")],
    set_: Annotated[
        list[str], typer.Option("--set", metavar="A.B=V", help="Override a field; repeatable.")
    ] = [],  # noqa: B006
    stand_in: Annotated[
        bool, typer.Option("--stand-in", help="Small, on available images; proves nothing.")
    ] = False,
    elsewhere: Annotated[
        str | None,
        typer.Option(help="With --stand-in: a folder of photographs that replaces transfer data."),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Even if a result exists.")] = False,
    author: Author = None,
    json: Json = False,
    db: Db = None,
) -> None:
    """Tune, regress and evaluate one version; showing its figures is a test-set access."""
    from workbench.experiment.config_files import load_experiment
    from workbench.experiment.config_files import stand_in as standing_in
    from workbench.workflow.runs import run_now

    experiment = load_experiment(config, set_)
    experiment = standing_in(experiment, elsewhere=elsewhere) if stand_in else experiment
    with open_workbench(db) as (settings, store), progress_bar("run") as progress:
        finished = run_now(
            store, ref, experiment, settings=settings, progress=progress, again=again
        )
        accesses = _record_access(store, finished, f"run {ref}", author or settings.author)
    emit(json, _figures(finished, accesses), lambda: _figures_table(finished, accesses))


@runs.command("list")
def list_runs(json: Json = False, db: Db = None) -> None:
    """List the queue, newest first; `runs show` shows figures, and records the access."""
    with open_workbench(db) as (_, store):
        queue = store.runs.list()
    document = [_summary(run) for run in queue]
    columns = ("run", "version", "status", "experiment", "stage")
    rows = [
        (run.id, run.version[:10], "stopping" if run.is_stopping else run.status,
         run.config.name, run.error or run.stage)
        for run in queue
    ]  # fmt: skip
    emit(json, document, lambda: table(columns, rows))


@runs.command("show")
def show_run(id: RunId, author: Author = None, json: Json = False, db: Db = None) -> None:
    """Show one run with its figures, which is a test-set access."""
    with open_workbench(db) as (settings, store):
        run = store.runs.get(id)
        accesses = _record_access(store, run, f"runs show {id}", author or settings.author)
    # The locked part is shown by `compare --locked` alone.
    document = run.model_dump(mode="json", exclude={"result": {"locked"}})
    document["looks"] = _accesses_document(accesses)
    emit(json, document, lambda: _figures_table(run, accesses))


@runs.command("logs")
def show_log(id: RunId, json: Json = False, db: Db = None) -> None:
    """Print a run's log: the file, or where another machine has it its newest 2,000 lines."""
    from workbench.queue.processes import run_log

    with open_workbench(db) as (settings, store):
        store.runs.get(id)
        log, newest = run_log(settings, id), store.traces.lines(id)
    text = log.read_text(encoding="utf-8") if log.is_file() else "\n".join(newest)
    emit(json, {"run": id, "path": str(log), "log": text}, lambda: text or f"{log} is empty.")


@runs.command("cancel")
def cancel_run(id: RunId, json: Json = False, db: Db = None) -> None:
    """Cancel a run that is queued, running or interrupted; a running one stops soon after."""
    with open_workbench(db) as (_, store):
        store.runs.cancel(id)
        run = store.runs.get(id)
    emit(json, _summary(run), lambda: f"Run {id}: {run.status}")


@runs.command("resume")
def resume_run(
    id: RunId,
    afresh: Annotated[
        bool, typer.Option("--afresh", help="Discard what it has trained so far.")
    ] = False,
    author: Author = None,
    json: Json = False,
    db: Db = None,
) -> None:
    """Resume a run that was interrupted, failed or cancelled; finished trainings are kept."""
    from workbench.workflow.runs import resume_now

    with open_workbench(db) as (settings, store), progress_bar("run") as progress:
        finished = resume_now(store, id, settings=settings, progress=progress, afresh=afresh)
        accesses = _record_access(store, finished, f"runs resume {id}", author or settings.author)
    emit(json, _figures(finished, accesses), lambda: _figures_table(finished, accesses))


def worker(
    until_idle: Annotated[
        bool, typer.Option("--until-idle", help="Stop when nothing is queued.")
    ] = False,
    json: Json = False,
    db: Db = None,
) -> None:
    """Process queued runs."""
    from workbench.queue.worker import process_queue

    with open_workbench(db) as (settings, store):
        done = process_queue(store, settings, until_idle=until_idle)
    emit(json, {"done": done}, lambda: f"{count_text(done, 'run')} done.")


def _record_access(store: "Store", run: Run, purpose: str, author: str) -> AccessCount | None:
    """Record that the figures of a run are shown; None for a run that has none."""
    from workbench.evaluation.comparable import ComparedRuns
    from workbench.workflow.access import record_run_access

    if run.result is None:
        return None
    runs = ComparedRuns.of([run], [f"run {run.id}"])
    return record_run_access(store, runs, purpose=purpose, author=author)


def _accesses_document(accesses: AccessCount | None) -> dict[str, object] | None:
    return accesses.model_dump(mode="json", exclude={"choice"}) if accesses else None


def _summary(run: Run) -> dict[str, object]:
    """Return what may be said of a run without showing a figure."""
    result = run.result
    return {
        "run": run.id,
        "version": run.version,
        "status": run.status,
        "stopping": run.is_stopping,
        "error": run.error,
        "protocol": result.protocol.model_dump(mode="json") if result else None,
        "encoder": result.encoder.model_dump(mode="json") if result else None,
    }


def _figures(run: Run, accesses: AccessCount | None) -> dict[str, object]:
    from workbench.evaluation.paired_comparison import words_worth

    result = run.result
    metrics = None
    if result is not None:
        metrics = result.quality.model_dump(mode="json")
        metrics["identification"] = result.identification.model_dump(mode="json")
        metrics["all_clean"] = result.all_clean.model_dump(mode="json")
        metrics["controls"] = words_worth(result).model_dump(mode="json")
        metrics["baselines"] = {
            name: figures.model_dump(mode="json") for name, figures in result.baselines.items()
        }
    return {**_summary(run), "metrics": metrics, "looks": _accesses_document(accesses)}


def _figures_table(run: Run, accesses: AccessCount | None) -> object:
    from rich.console import Group

    from workbench.domain.run import BASELINE_TITLES
    from workbench.evaluation.paired_comparison import words_worth
    from workbench.report.wording import access_sentences, words_worth_text

    if run.result is None or accesses is None:
        return f"Run {run.id}: {run.status}. {run.error or run.stage}"
    result = run.result
    figures = table(("figure", "value", "all clean"), [
        *((f"{name.upper()}", figure_text(value), "") for name, value in result.quality),
        *((name, figure_text(value), figure_text(getattr(result.all_clean, name)))
          for name, value in result.identification),
        *((f"SRCC: {BASELINE_TITLES.get(name, name)}", figure_text(figures.srcc), "")
          for name, figures in result.baselines.items()),
    ])  # fmt: skip
    worth = words_worth_text(words_worth(result), result.attribute_count)
    return Group(figures, *(f"· {line}" for line in (worth, *access_sentences(accesses))))
