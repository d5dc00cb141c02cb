"""Where queued runs are done: each in a process of its own, on this machine or by Ray.

The worker claims a run and hands it to an executor. The process that does the run adopts the
claim, sends its own heartbeats and tells the store all there is to tell, so nothing of a run passes
through the worker, which has two duties left: to start what waits while there is room, and to
notice a process that died.
"""

import logging
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerContext, SpawnContext
from multiprocessing.process import BaseProcess
from typing import Protocol

from workbench.domain.run import Run
from workbench.errors import RunError, StoreError, StoreUnreachableError, WorkbenchError
from workbench.queue.worker import Attendant, Execute, StopSignals, do_claimed_run, execute_run
from workbench.settings import Settings
from workbench.store import Store, open_store
from workbench.store.workers import worker_name

POLL_S = 0.2  # between two looks at the processes; the store is asked every `poll_s`
ENDING_S = 10.0  # that a process which was asked to stop has to say how far it is

_log = logging.getLogger(__name__)


class Attempt(Protocol):
    """A claimed run in the hands of an executor."""

    def ended(self) -> str | None:
        """Return how its process died, in words; "" if it ended by itself, None before.

        Raises:
            RunError: It could not begin, and will not elsewhere.
        """

    def stop(self) -> None:
        """Ask it to leave its run in order."""

    def kill(self) -> None:
        """End it; it may be stopped or hang."""


class Executor(Protocol):
    """Does claimed runs, several at once.

    A new one needs nothing else: leases, cancelling, retries, log lines and losses are between the
    process that does the run (`attempt`) and the store.
    """

    def room(self) -> int:
        """Return how many runs it can do at once just now."""

    def start(self, run: Run, url: str, settings: Settings) -> Attempt:
        """Start `attempt` in a process of its own.

        Raises:
            RunError: It takes no runs any more.
        """

    def close(self) -> None:
        """Let go of what it holds; every attempt is over."""


def attempt(run: Run, url: str, settings: Settings, execute: Execute = execute_run) -> None:
    """Do a claimed run in this process; how it ends is recorded in the store at a URL.

    Raises:
        StoreError: The store fails.
    """
    with open_store(url) as store:
        do_claimed_run(store, run, settings, execute)


class LocalExecutor:
    """Does each run in a child process, which ends with the worker whatever becomes of that.

    Args:
        at_once: How many; with several GPUs they take turns at them.
        execute: Executes one run; importable by its name.
    """

    def __init__(self, at_once: int = 1, *, execute: Execute = execute_run) -> None:
        self._at_once, self._execute = at_once, execute
        self._slots: dict[int, BaseProcess] = {}
        self._context = _context()

    def room(self) -> int:
        """See `Executor`."""
        return self._at_once

    def start(self, run: Run, url: str, settings: Settings) -> "LocalAttempt":
        """See `Executor`."""
        taken = {slot for slot, process in self._slots.items() if process.is_alive()}
        slot = min(set(range(len(taken) + 1)) - taken)
        process = self._context.Process(
            target=_child,
            args=(run, url, settings, slot if self._at_once > 1 else None, self._execute),
            name=f"run {run.id}",
        )
        try:
            process.start()
        except OSError as error:
            raise RunError(
                f"No process can be started for run {run.id}: {error.strerror}. Free some memory, "
                "then start the worker again."
            ) from error
        self._slots[slot] = process
        return LocalAttempt(process)

    def close(self) -> None:
        """See `Executor`."""
        for process in self._slots.values():
            process.join()


class LocalAttempt:
    """A run in a child process; see `Attempt`."""

    def __init__(self, process: BaseProcess) -> None:
        self._process = process

    def ended(self) -> str | None:
        """See `Attempt`."""
        code = self._process.exitcode
        if code is None:
            return None
        died = f"was killed by signal {-code}" if code < 0 else f"ended with status {code}"
        return f"its process {worker_name(self._process.pid)} {died}" if code else ""

    def stop(self) -> None:
        """See `Attempt`."""
        self._process.terminate()

    def kill(self) -> None:
        """See `Attempt`."""
        self._process.kill()


def _context() -> ForkServerContext | SpawnContext:
    """Return how children begin: copies of a process that has imported torch and done nothing."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "workbench.experiment.run"])
    return context


def _child(run: Run, url: str, settings: Settings, slot: int | None, execute: Execute) -> None:
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    try:
        attempt(run, url, _on_own_gpu(settings, slot), execute)
    except WorkbenchError as fault:  # the store fails; whoever looks after the lease gives it up
        _log.warning("run %s: %s", run.id, fault)
        sys.exit(1)


def _end_with_parent() -> None:
    """End this process once the worker is gone, however it went: nobody would look after it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _on_own_gpu(settings: Settings, slot: int | None) -> Settings:
    if slot is None or settings.device not in ("auto", "cuda"):
        return settings
    import torch

    if (gpus := torch.cuda.device_count()) < 2:
        return settings
    return settings.model_copy(update={"device": f"cuda:{slot % gpus}"})


@dataclass
class _UnderWay:
    """An attempt, and since when its run has not been its own any more, by the monotonic clock."""

    run: Run
    attempt: Attempt
    lost_at: float | None = None

    @property
    def is_over(self) -> bool:
        try:
            return self.attempt.ended() is not None
        except RunError:
            return True


def work_off(
    store: Store,
    settings: Settings,
    executor: Executor,
    *,
    until_idle: bool = False,
    poll_s: float = 1.0,
) -> int:
    """Have queued runs done by an executor, oldest first, until a signal stops the worker.

    A run whose process dies is given up at once and, up to three times, taken up again. SIGTERM or
    Ctrl-C has the runs under way marked interrupted, and returns.

    Args:
        store: The open store.
        settings: Folders and device.
        executor: Does the runs; it is closed in the end.
        until_idle: Return when nothing is queued and nothing under way; else wait for more.
        poll_s: Seconds between two looks at the queue.

    Returns:
        How many runs it brought to "done".

    Raises:
        StoreError: The store fails.
        RunError: The executor takes no runs any more; what it had can be taken up again.
    """
    under_way: list[_UnderWay] = []
    worker, done = worker_name(), 0
    with StopSignals() as stop, Attendant(store, worker, stop) as attendant:
        try:
            while not stop.requested:
                with suppress(StoreUnreachableError):  # the attendant says so, once
                    done += _settle(store, under_way)
                    _end_lost(store, under_way)
                    _fill(store, executor, worker, settings, under_way)
                    if until_idle and not under_way:
                        break
                attendant.hold(each.run for each in under_way)
                _pause(stop, under_way, poll_s)
        finally:
            _end_all(store, under_way)
            executor.close()
    return done


def _settle(store: Store, under_way: list[_UnderWay]) -> int:
    """Take the attempts that have ended off the list; return how many brought their run to done."""
    done = 0
    for each in [each for each in under_way if each.is_over]:
        id, claim = each.run.id, each.run.claim
        try:
            if how := each.attempt.ended():
                store.runs.give_up(id, claim, how)
        except RunError as error:
            store.runs.fail(id, str(error), claim=claim)
        now = store.runs.get(id)
        done += (now.status, now.claim) == ("done", claim)
        under_way.remove(each)
    return done


def _end_lost(store: Store, under_way: Sequence[_UnderWay]) -> None:
    """End the processes that stay though their run is over or another's: they hang, or are stopped.

    Each has some seconds to end by itself.
    """
    store.runs.mark_interrupted()
    now = time.monotonic()
    for each in under_way:
        if not store.runs.is_under_way(each.run.id, each.run.claim):
            each.lost_at = each.lost_at or now
            if now - each.lost_at >= ENDING_S:
                each.attempt.kill()


def _fill(
    store: Store,
    executor: Executor,
    worker: str,
    settings: Settings,
    under_way: list[_UnderWay],
) -> None:
    """Start what waits, as far as there is room."""
    while len(under_way) < executor.room() and (run := store.runs.claim(worker)) is not None:
        try:
            under_way.append(_UnderWay(run, executor.start(run, store.url, settings)))
        except RunError:
            store.runs.stop(run.id, "interrupted", claim=run.claim)
            store.runs.requeue(run.id)
            raise


def _pause(stop: StopSignals, under_way: Sequence[_UnderWay], poll_s: float) -> None:
    """Wait for the next look at the queue; cut short where a process ends."""
    until = time.monotonic() + poll_s
    while time.monotonic() < until and not (
        stop.requested or any(each.is_over for each in under_way)
    ):
        stop.wait(min(POLL_S, poll_s))


def _end_all(store: Store, under_way: list[_UnderWay]) -> None:
    """Have every attempt leave its run in order; one that doesn't is ended."""
    with suppress(StoreError):  # which failed before, and that error is the one to be seen
        _settle(store, under_way)
    for each in under_way:
        each.attempt.stop()
    until = time.monotonic() + ENDING_S
    while time.monotonic() < until and not all(each.is_over for each in under_way):
        time.sleep(POLL_S)
    for each in under_way:
        each.attempt.kill()
        with suppress(StoreError):
            store.runs.stop(each.run.id, "interrupted", claim=each.run.claim)
