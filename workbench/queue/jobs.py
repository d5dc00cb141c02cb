"""Commands at work in the background: started by a page, and seen by every later one.

A job is a folder below the results: what was asked for, the command's JSON, its log, and how far it
is. So it survives a reload of the page and a restart of the server; what it was called for is
checked by the command itself. One that was stopped can be asked for again and goes on.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

import psutil
from pydantic import ValidationError

from workbench.atomic_files import atomic_write
from workbench.domain.canonical import Frozen
from workbench.errors import RunError
from workbench.roles import Role
from workbench.settings import PROGRESS, Settings

JobStatus = Literal["running", "stopping", "done", "failed", "cancelled"]
ACTIVE = frozenset({"running", "stopping"})
STOP_S = 5.0  # after which what does not stop by itself is ended


class _Job(Frozen):
    """What is written of a job when it is started."""

    title: str
    arguments: tuple[str, ...]
    pid: int
    born: float  # when the process was created, by its system's clock: pids come again
    started_at: datetime
    author: str


class Job(NamedTuple):
    """A command in the background.

    Attributes:
        folder: Of its files; its name is the job's id.
        title: In words.
        arguments: Of `workbench`.
        status: Of the command.
        started_at: In UTC.
        author: Who asked for it.
        share: Share done, in [0, 1].
        stage: What it is doing, in words; of a failed one, its plain line.
        document: Its JSON; None before it is done.
    """

    folder: Path
    title: str
    arguments: tuple[str, ...]
    status: JobStatus
    started_at: datetime
    author: str
    share: float
    stage: str
    document: Any


# Started by this process; listed here so that one that ends can be reaped.
_started: list[subprocess.Popen[bytes]] = []


def start_job(settings: Settings, url: str, title: str, arguments: Sequence[str]) -> Job:
    """Start `workbench ARGUMENTS --json` in the background, or return the one that is at it.

    Args:
        settings: Where its files go, and who asks for it.
        url: Of the store.
        title: In words.
        arguments: Of the command, without "--json".

    Raises:
        RoleError: Who asks for it may not.
        RunError: It cannot be started.
    """
    require_for_job(settings, arguments)
    for job in jobs(settings):
        if job.status in ACTIVE and job.arguments == tuple(arguments):
            return job
    now = datetime.now(UTC)
    folder = _folder(settings) / f"{now:%Y%m%d-%H%M%S-%f}"
    variables = {  # in the environment, since a URL may hold a password
        "WORKBENCH_DB": url,
        "WORKBENCH_HOME": str(settings.home),
        "WORKBENCH_AUTHOR": settings.author,
        "WORKBENCH_ROLE": settings.role,
        PROGRESS: str(folder / "progress.json"),
    }
    words = [arguments[0], "--json", *arguments[1:]]
    if arguments[0] in (
        "calls",
        "datasets",
        "versions",
    ):  # the option belongs to the command below the group
        words = [*arguments[:2], "--json", *arguments[2:]]
    try:
        folder.mkdir(parents=True)
        with (folder / "out.json").open("wb") as out, (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "workbench", *words],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=log,
                env={**os.environ, **variables},
                start_new_session=True,
            )
    except OSError as error:
        raise RunError(
            f"Cannot start 'workbench {arguments[0]}' with its files at {folder}: "
            f"{error.strerror}. Make that folder writable."
        ) from error
    _started.append(process)
    record = _Job(
        title=title,
        arguments=tuple(arguments),
        pid=process.pid,
        born=_born(process.pid),
        started_at=now,
        author=settings.author,
    )
    with atomic_write(folder / "job.json") as passing:
        passing.write_text(record.model_dump_json(), encoding="utf-8")
    return _read(folder, record)


def require_for_job(settings: Settings, arguments: Sequence[str]) -> None:
    """Find out that the role does not suffice for a job: to start it, end it or forget it.

    What is written wherever the job says, on the machine that all share, takes an admin.
    """
    writes_anywhere = arguments[0] == "generate" or tuple(arguments[:2]) == ("datasets", "split")
    needs: Role = "admin" if writes_anywhere else "editor"
    settings.actor.require(needs, f"have 'workbench {arguments[0]}' run or stopped")


def jobs(settings: Settings) -> list[Job]:
    """Return every job, newest first."""
    _started[:] = [process for process in _started if process.poll() is None]
    found = []
    for folder in sorted(_folder(settings).glob("*"), reverse=True):
        with suppress(OSError, ValidationError):
            record = _Job.model_validate_json((folder / "job.json").read_bytes())
            found.append(_read(folder, record))
    return found


def cancel_job(settings: Settings, job: Job) -> None:
    """Ask a job to stop, as Ctrl-C does; what it has done so far stays.

    One that has not stopped when it is asked again some seconds later is ended.
    """
    require_for_job(settings, job.arguments)
    record = _Job.model_validate_json((job.folder / "job.json").read_bytes())
    mark = job.folder / "cancelled"
    is_late = mark.exists() and time.time() - mark.stat().st_mtime > STOP_S
    if not mark.exists():
        mark.touch()
    if _is_alive(record):
        with suppress(ProcessLookupError):
            os.killpg(record.pid, signal.SIGKILL if is_late else signal.SIGINT)


def forget_job(settings: Settings, job: Job) -> None:
    """Remove the files of a job that is over; what it made elsewhere stays."""
    require_for_job(settings, job.arguments)
    if job.status not in ACTIVE:
        shutil.rmtree(job.folder, ignore_errors=True)


def _folder(settings: Settings) -> Path:
    return settings.results / "jobs"


def _read(folder: Path, record: _Job) -> Job:
    is_alive = _is_alive(record)  # before its files are read, which are complete once it is over
    document = None if is_alive else _json(folder / "out.json")
    was_cancelled = (folder / "cancelled").exists()
    progress = _json(folder / "progress.json") or {}
    stage = str(progress.get("stage", ""))
    status: JobStatus
    if is_alive:
        status = "stopping" if was_cancelled else "running"
    elif document is not None:
        status = "done"
    else:
        status = "cancelled" if was_cancelled else "failed"
        stage = "" if was_cancelled else _last_line(folder / "log")
    return Job(
        folder,
        record.title,
        record.arguments,
        status,
        record.started_at,
        record.author,
        min(1.0, max(0.0, float(progress.get("share", 0.0)))),
        stage,
        document,
    )


def _is_alive(record: _Job) -> bool:
    try:
        process = psutil.Process(record.pid)
        same = abs(process.create_time() - record.born) < 1.0
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _born(pid: int) -> float:
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:  # it is over already
        return 0.0


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    said = [line for line in lines if line.strip()]
    return said[-1] if said else "It ended without a word; start it again."
