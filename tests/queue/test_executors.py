"""Runs in processes of their own, which may die, hang or be stopped."""

import os
import signal
import sys
import threading

import psutil
import pytest

from tests.factories import SEEDED
from tests.processes import started, stop_between_writes
from tests.waiting import PATIENCE_S, wait_until
from workbench.errors import ConfigError
from workbench.queue import executors
from workbench.queue.executors import LocalExecutor, work_off
from workbench.queue.processes import run_log
from workbench.queue.ray_executor import RayExecutor
from workbench.store.workers import worker_name

from . import attempts
from .test_processes import outlive_the_lease

pytestmark = pytest.mark.process

WORKER = """
import os
from tests.queue import attempts
from workbench.queue.executors import LocalExecutor, work_off
from workbench.settings import read_settings
from workbench.store import open_store

with open_store(os.environ["WORKBENCH_DB"]) as store:
    work_off(store, read_settings(), LocalExecutor(execute=attempts.once_only), poll_s=0.05)
"""


@pytest.fixture
def work(store, settings):
    def start(execute, at_once=1):
        executor = LocalExecutor(at_once, execute=execute)
        return work_off(store, settings, executor, until_idle=True, poll_s=0.05)

    return start


def process_of(run):
    return psutil.Process(int(run.worker.rpartition(":")[2]))


def is_gone(process):
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_runs_are_done_by_children_and_all_they_say_is_in_the_store(store, version, work):
    ids = [store.runs.enqueue(version.hash, config).id for config in SEEDED[:2]]
    assert work(attempts.done) == 2
    runs = [store.runs.get(id) for id in ids]
    assert [run.status for run in runs] == ["done", "done"]
    assert len({worker_name(), *(run.worker for run in runs)}) == 3  # processes
    assert any("done" in line for line in store.traces.lines(ids[0]))
    assert [point.loss for point in store.traces.losses(ids[1])] == [0.25]
    assert store.runs.workers() == []


def test_as_many_runs_as_were_asked_for_are_done_at_the_same_time(store, version, work):
    for config in SEEDED[:2]:
        store.runs.enqueue(version.hash, config)
    assert work(attempts.together, at_once=2) == 2


def test_a_run_that_kills_its_process_is_tried_three_times_and_fails_with_its_log(
    store, version, work, settings
):
    id = store.runs.enqueue(version.hash, SEEDED[0]).id
    assert work(attempts.dies) == 0
    failed = store.runs.get(id)
    assert (failed.status, failed.claim, failed.deaths) == ("failed", 3, 3)
    assert failed.error.startswith("its worker died 3 times while doing it")
    log = run_log(settings, id).read_text()
    assert [f"try {n}" in log for n in (1, 2, 3, 4)] == [True, True, True, False]


def test_a_process_that_is_stopped_past_its_lease_is_replaced_and_ended(
    store, version, work, settings, monkeypatch
):
    monkeypatch.setattr(executors, "ENDING_S", 0.0)
    id = store.runs.enqueue(version.hash, SEEDED[0]).id
    stopped = []

    def stop():
        wait_until(lambda: store.runs.get(id).stage == "try 1", "the run reports")
        stopped.append(process_of(store.runs.get(id)))
        stop_between_writes(stopped[0].pid, settings.home / "store.sqlite")
        outlive_the_lease(store)

    stopping = threading.Thread(target=stop)
    stopping.start()
    assert work(attempts.once_only) == 1
    stopping.join()
    done = store.runs.get(id)
    assert (done.status, done.claim, done.deaths) == ("done", 2, 1)
    assert is_gone(stopped[0])


def test_without_ray_one_line_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"pip install 'attribute-workbench\[ray\]'"):
        RayExecutor()


@pytest.mark.parametrize("ends", [signal.SIGKILL, signal.SIGTERM])
def test_no_child_outlives_its_worker(store, version, settings, ends):
    id = store.runs.enqueue(version.hash, SEEDED[0]).id
    with started(sys.executable, "-c", WORKER) as worker:
        wait_until(lambda: store.runs.get(id).stage == "try 1", "the run reports")
        below = psutil.Process(worker.pid).children(recursive=True)
        assert process_of(store.runs.get(id)) in below
        os.kill(worker.pid, ends)
        worker.wait(PATIENCE_S)
        wait_until(lambda: all(map(is_gone, below)), "every process below it has ended")
    if ends == signal.SIGTERM:
        assert store.runs.get(id).status == "interrupted"
        assert store.runs.claim("there:1") is None  # it waits for a person
    else:
        store.runs.requeue(id)  # at once: its process is gone
        assert store.runs.get(id).deaths == 1
