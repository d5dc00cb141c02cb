"""Runs and the worker on the command line."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import typer

from workbench.cli.console import Author, Db, Json, emit, open_workbench, progress_bar, table
from workbench.cli.run_output import (
    accesses_document,
    record_access,
    run_figures,
    run_figures_table,
    run_summary,
)
from workbench.domain.number_format import count_text, figure_text
from workbench.domain.run import Run, RunFilter, RunStatus
from workbench.errors import RunError
from workbench.settings import TRACKED_AS, TRACKING

if TYPE_CHECKING:
    from workbench.settings import Settings
    from workbench.store import Store
    from workbench.workflow.submission import Submission

RunId = Annotated[int, typer.Argument(help="Number of a run.")]
runs = typer.Typer(help="The queue of runs.", no_args_is_help=True, add_completion=False)


def run(
    ref: Annotated[list[str], typer.Argument(help="Hash prefix or alias of a version; several.")],
    config: Annotated[list[Path], typer.Option(help="Experiment YAML; repeatable.")],
    set_: Annotated[
        list[str], typer.Option("--set", metavar="A.B=V", help="Override a field; repeatable.")
    ] = [],  # noqa: B006
    seeds: Annotated[
        str | None, typer.Option(help="Seeds of training, such as 0,1,2: a run for each.")
    ] = None,
    stand_in: Annotated[
        bool, typer.Option("--stand-in", help="Small, on available images; proves nothing.")
    ] = False,
    elsewhere: Annotated[
        str | None,
        typer.Option(help="With --stand-in: a folder of photographs that replaces transfer data."),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Even if a result exists.")] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Say what would be run, and what it takes."),
    ] = False,
    background: Annotated[
        bool, typer.Option("--background", help="Queue and return; a worker is started if needed.")
    ] = False,
    author: Author = None,
    json: Json = False,
    db: Db = None,
) -> None:
    """Tune, regress and evaluate versions; showing their figures is a test-set access.

    Several versions, experiments and seeds give a run for each combination. None is done twice.
    """
    from workbench.experiment.config_files import load_experiment
    from workbench.experiment.config_files import stand_in as standing_in
    from workbench.workflow.runs import run_now
    from workbench.workflow.submission import (
        estimate_text,
        parse_seeds,
        plan_submission,
        start_submission,
    )

    experiments = [load_experiment(file, set_) for file in config]
    if stand_in:
        experiments = [standing_in(each, elsewhere=elsewhere) for each in experiments]
    chosen = parse_seeds(seeds) if seeds is not None else ()
    with open_workbench(db) as (settings, store):
        submission = plan_submission(
            store, ref, experiments, settings=settings, seeds=chosen, again=again
        )
        if dry_run:
            emit(json, _submission_document(submission), lambda: _submission_table(submission))
        elif background:
            queued = start_submission(store, submission, settings=settings, again=again)
            emit(
                json,
                {"runs": [run_summary(each) for each in queued]},
                lambda: table(("run", "status"), [(each.id, each.status) for each in queued]),
            )
        elif len(submission.runs) == 1:
            with progress_bar("run") as progress:
                finished = run_now(
                    store, ref[0], submission.runs[0].config,
                    settings=settings, progress=progress, again=again,
                )  # fmt: skip
            accesses = record_access(store, finished, f"run {ref[0]}", author or settings.author)
            emit(
                json, run_figures(finished, accesses), lambda: run_figures_table(finished, accesses)
            )
        else:
            sys.stderr.write(f"{estimate_text(submission)}\n")
            _finish_many(store, settings, submission, again, author, json)


def _finish_many(
    store: "Store",
    settings: "Settings",
    submission: "Submission",
    again: bool,
    author: str | None,
    json: bool,
) -> None:
    """Do one after another; one that fails doesn't stop the others, but is told at the end."""
    from workbench.workflow.runs import process_now
    from workbench.workflow.submission import submit

    documents, failed = [], []
    queued = list({run.id: run for run in submit(store, submission, again=again)}.values())
    for number, waiting in enumerate(queued, start=1):
        try:
            if waiting.status != "done":
                with progress_bar(f"run {number} of {len(queued)}") as progress:
                    process_now(store, waiting.id, settings, progress)
        except RunError as fault:
            if store.runs.get(waiting.id).status not in ("failed", "cancelled"):
                raise  # this process was asked to stop
            failed.append(str(fault))
        finished = store.runs.get(waiting.id)
        accesses = record_access(
            store, finished, f"run {waiting.id} of many", author or settings.author
        )
        documents.append((finished, accesses))
    rows = [_short_row(finished) for finished, _ in documents]
    columns = ("run", "version", "experiment", "seed", "status", "SRCC", "PLCC")
    document = {"runs": [run_figures(finished, accesses) for finished, accesses in documents]}
    emit(json, document, lambda: table(columns, rows))
    if failed:
        raise RunError(
            f"{count_text(len(failed), 'run')} of {len(queued)} did not finish: {failed[0]}"
        )


def _short_row(run: Run) -> tuple[object, ...]:
    quality = run.result.quality if run.result else None
    figures = (figure_text(quality.srcc), figure_text(quality.plcc)) if quality else ("", "")
    return (run.id, run.version[:10], run.config.name, run.config.seed, run.status, *figures)


def _submission_document(submission: "Submission") -> dict[str, object]:
    runs = [
        {
            "version": each.version, "label": each.label, "experiment": each.config.name,
            "seed": each.config.seed, "config_hash": each.config.hash, "state": each.state,
            "run": each.run, "time_s": each.time_s, "disk_bytes": each.disk_bytes,
            "measured": each.measured,
        }
        for each in submission.runs
    ]  # fmt: skip
    return {
        "runs": runs,
        "to_do": len(submission.to_do),
        "time_s": submission.time_s,
        "disk_bytes": submission.disk_bytes,
        "free_bytes": submission.free_bytes,
    }


def _submission_table(submission: "Submission") -> object:
    from rich.console import Group

    from workbench.workflow.submission import estimate_text

    rows = [
        (each.label, each.config.name, each.config.seed,
         each.state if each.run is None else f"{each.state}, run {each.run}")
        for each in submission.runs
    ]  # fmt: skip
    columns = ("version", "experiment", "seed", "state")
    return Group(table(columns, rows), f"· {estimate_text(submission)}")


def _statuses(given: Sequence[str]) -> tuple[RunStatus, ...]:
    known: dict[str, RunStatus] = {status: status for status in get_args(RunStatus)}
    for status in given:
        if status not in known:
            raise typer.BadParameter(f"'{status}' is no state; there are {', '.join(known)}")
    return tuple(known[status] for status in given)


@runs.command("list")
def list_runs(
    status: Annotated[
        list[str], typer.Option(metavar="STATE", help="Only runs in this state; repeatable.")
    ] = [],  # noqa: B006
    version: Annotated[
        str | None, typer.Option(help="Only runs of this version (hash prefix or alias).")
    ] = None,
    experiment: Annotated[str, typer.Option(help="Only runs of this experiment.")] = "",
    dataset: Annotated[
        str, typer.Option(help="Only runs on this dataset or folder of photographs.")
    ] = "",
    find: Annotated[
        str, typer.Option(help="Only runs with these words in settings, error or version.")
    ] = "",
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many.")] = None,
    offset: Annotated[int, typer.Option(min=0, help="Leave out so many of the newest.")] = 0,
    json: Json = False,
    db: Db = None,
) -> None:
    """List the queue, newest first; `runs show` shows figures, and records the access."""
    with open_workbench(db) as (_, store):
        wanted = RunFilter(
            statuses=_statuses(status),
            version=store.versions.get(version).hash if version else "",
            experiment=experiment,
            dataset=dataset,
            text=find,
        )
        queue = store.runs.find(wanted, limit=limit, offset=offset)
    document = [run_summary(run) for run in queue]
    columns = ("run", "version", "status", "experiment", "stage")
    rows = [
        (run.id, run.version[:10], "stopping" if run.is_stopping else run.status,
         run.config.name, run.error or run.stage)
        for run in queue
    ]  # fmt: skip
    emit(json, document, lambda: table(columns, rows))


@runs.command("losses")
def list_losses(id: RunId, json: Json = False, db: Db = None) -> None:
    """List the losses of a run's trainings, also while it is running."""
    with open_workbench(db) as (_, store):
        store.runs.get(id)
        losses = store.traces.losses(id)
    columns = ("stage", "step", "loss")
    rows = [(point.stage, point.step, f"{point.loss:.6g}") for point in losses]
    document = {"run": id, "losses": [point.model_dump() for point in losses]}
    emit(json, document, lambda: table(columns, rows))


@runs.command("show")
def show_run(id: RunId, author: Author = None, json: Json = False, db: Db = None) -> None:
    """Show one run with its figures, which is a test-set access."""
    with open_workbench(db) as (settings, store):
        run = store.runs.get(id)
        accesses = record_access(store, run, f"runs show {id}", author or settings.author)
    # The locked part is shown by `compare --locked` alone.
    document = run.model_dump(mode="json", exclude={"result": {"locked"}})
    document["looks"] = accesses_document(accesses)
    emit(json, document, lambda: run_figures_table(run, accesses))


@runs.command("logs")
def show_log(id: RunId, json: Json = False, db: Db = None) -> None:
    """Print a run's log: the file, or where another machine has it its newest 2,000 lines."""
    from workbench.queue.processes import run_log
    from workbench.workflow.runs import log_text

    with open_workbench(db) as (settings, store):
        store.runs.get(id)
        log, text = run_log(settings, id), log_text(store, settings, id)
    emit(json, {"run": id, "path": str(log), "log": text}, lambda: text or f"{log} is empty.")


@runs.command("track")
def track(
    ids: Annotated[list[int], typer.Argument(metavar="ID...", help="Numbers of ended runs.")],
    to: Annotated[str, typer.Option(help="Address of the MLflow server.", envvar=TRACKING)] = "",
    experiment: Annotated[
        str, typer.Option(help="Name of the experiment on the server; made if there is none.")
    ] = TRACKED_AS,
    author: Author = None,
    json: Json = False,
    db: Db = None,
) -> None:
    """Send runs with their figures to an MLflow server, which is a test-set access."""
    from workbench.workflow.runs import track_runs

    if not to:
        raise typer.BadParameter("Name an MLflow server by --to or MLFLOW_TRACKING_URI.")
    with open_workbench(db) as (settings, store):
        sent = track_runs(
            store, ids, uri=to, experiment=experiment, settings=settings,
            author=author or settings.author,
        )  # fmt: skip
    columns = ("run", "state", "accesses of its test set", "address")
    rows = [(run.run, run.state, looks.looks if looks else "", run.url) for run, looks in sent]
    documents = [{**run._asdict(), "looks": accesses_document(looks)} for run, looks in sent]
    emit(json, {"runs": documents}, lambda: table(columns, rows))


@runs.command("cancel")
def cancel_run(id: RunId, json: Json = False, db: Db = None) -> None:
    """Cancel a run that is queued, running or interrupted; a running one stops soon after."""
    with open_workbench(db) as (_, store):
        store.runs.cancel(id)
        run = store.runs.get(id)
    emit(json, run_summary(run), lambda: f"Run {id}: {run.status}")


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
        accesses = record_access(store, finished, f"runs resume {id}", author or settings.author)
    emit(
        json,
        run_figures(finished, accesses),
        lambda: run_figures_table(finished, accesses),
    )


def worker(
    until_idle: Annotated[
        bool, typer.Option("--until-idle", help="Stop when nothing is queued.")
    ] = False,
    executor: Annotated[
        Literal["local", "ray"], typer.Option(help="Where runs are done: here, or by Ray.")
    ] = "local",
    at_once: Annotated[
        int | None,
        typer.Option(min=1, help="Runs at the same time; 1 here, as many as fit by Ray."),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(help="Host and port of a Ray cluster; else Ray is started here."),
    ] = None,
    gpus: Annotated[
        float | None,
        typer.Option(min=0, help="GPUs of each run by Ray; 1 where the cluster has any."),
    ] = None,
    json: Json = False,
    db: Db = None,
) -> None:
    """Process queued runs, each in a process of its own."""
    from workbench.queue.executors import Executor, LocalExecutor, work_off
    from workbench.queue.ray_executor import RayExecutor

    if executor == "local" and (address is not None or gpus is not None):
        raise typer.BadParameter("--address and --gpus go with --executor ray")
    with open_workbench(db) as (settings, store):
        place: Executor = (
            LocalExecutor(at_once or 1)
            if executor == "local"
            else RayExecutor(address, at_once=at_once, gpus=gpus)
        )
        done = work_off(store, settings, place, until_idle=until_idle)
    emit(json, {"done": done}, lambda: f"{count_text(done, 'run')} done.")
