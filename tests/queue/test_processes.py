import os
import re
import signal
import socket
import sys
from datetime import UTC, datetime, timedelta

import psutil
import pytest
from sqlalchemy import update

from tests.factories import CONFIG, SEEDED
from tests.processes import started, stop_between_writes
from tests.waiting import PATIENCE_S, wait_until
from workbench.errors import RunError
from workbench.queue.processes import ensure_worker, run_log, worker_log
from workbench.store.tables import RunRow
from workbench.store.workers import LEASE_S, worker_name

pytestmark = pytest.mark.process

# What the command `workbench worker` is, with a run that ends only for who has taken it over.
WORKER = """
import itertools, os, time
from tests.factories import make_result
from workbench.queue.worker import process_queue
from workbench.settings import read_settings
from workbench.store import open_store

def slow(store, run, settings, report, afresh, losses):
    for step in itertools.count():
        report(min(1, step / 600), f"claim {run.claim}")
        if run.claim > 1 and os.path.exists(os.path.join(settings.home, "go")):
            return make_result(run.version, run.config)
        time.sleep(0.1)

with open_store(os.environ["WORKBENCH_DB"]) as store:
    process_queue(store, read_settings(), execute=slow, poll_s=0.05)
"""


@pytest.fixture
def worker(settings):
    with started(sys.executable, "-c", WORKER) as process:
        yield process


def background_workers():
    """Return the workers that this process has started and that have not ended."""
    return [
        child
        for child in psutil.Process().children()
        if child.status() != psutil.STATUS_ZOMBIE and child.cmdline()[-1:] == ["worker"]
    ]


@pytest.fixture
def background():
    """Make sure that no background worker outlives the test."""
    yield
    for process in background_workers():
        process.kill()
        process.wait()


def test_sigterm_marks_the_run_interrupted_and_the_worker_leaves(store, version, worker):
    id = store.runs.enqueue(version.hash, CONFIG).id
    wait_until(lambda: store.runs.get(id).progress > 0, "the run reports")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(PATIENCE_S) == 0
    assert store.runs.get(id).status == "interrupted"
    assert store.runs.workers() == []


def test_a_running_run_is_cancelled_from_another_process(store, version, worker):
    id = store.runs.enqueue(version.hash, CONFIG).id
    wait_until(lambda: store.runs.get(id).status == "running", "the run begins")
    store.runs.cancel(id)
    wait_until(lambda: store.runs.get(id).status == "cancelled", "the run stops")


# Neither reports nor looks at anything: only the instruction under way delays a cancellation.
BUSY = {
    "computing": "while True: sum(range(1000))",
    "waiting": "time.sleep(24 * 3600)",
}


@pytest.mark.parametrize("way", BUSY)
def test_a_run_is_cancelled_between_two_of_its_reports(store, version, settings, way):
    script = WORKER.replace('report(min(1, step / 600), f"claim {run.claim}")', BUSY[way])
    with started(sys.executable, "-c", script) as process:
        first, second = (store.runs.enqueue(version.hash, config).id for config in SEEDED[:2])
        for id in (first, second):  # the worker goes on to the next one
            wait_until(lambda id=id: store.runs.get(id).status == "running", "the run begins")
            store.runs.cancel(id)
            wait_until(lambda id=id: store.runs.get(id).status == "cancelled", "the run stops")
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    assert f"Run {first} was cancelled by the user" in "\n".join(store.traces.lines(first))


def outlive_the_lease(store):
    """Have a lease pass for a worker that sends no heartbeats any more."""
    with store.database.connected() as connection:
        over = datetime.now(UTC) - timedelta(seconds=LEASE_S + 1)
        connection.execute(update(RunRow).values(heartbeat_at=over))


def test_a_killed_workers_run_is_taken_up_again_by_another(store, version, worker, settings):
    id = store.runs.enqueue(version.hash, CONFIG).id
    wait_until(lambda: store.runs.get(id).progress > 0, "the run reports")
    worker.kill()
    worker.wait()
    outlive_the_lease(store)
    assert store.runs.get(id).status == "interrupted"
    store.runs.requeue(id)
    (settings.home / "go").touch()
    with started(sys.executable, "-c", WORKER):
        wait_until(lambda: store.runs.get(id).status == "done", "the other finishes it")
    assert (store.runs.get(id).claim, store.runs.get(id).deaths) == (2, 1)


@pytest.mark.parametrize("wakes", ["while the other works", "after the other has finished"])
def test_a_worker_that_slept_past_its_lease_writes_nothing(store, version, worker, settings, wakes):
    id = store.runs.enqueue(version.hash, CONFIG).id
    wait_until(lambda: store.runs.get(id).progress > 0, "the run reports")
    stop_between_writes(worker.pid, settings.home / "store.sqlite")
    outlive_the_lease(store)
    store.runs.requeue(id)
    with started(sys.executable, "-c", WORKER) as other:
        wait_until(lambda: store.runs.get(id).stage == "claim 2", "the other works on it")
        if wakes == "while the other works":
            worker.send_signal(signal.SIGCONT)
            wait_until(lambda: "taken over" in run_log(settings, id).read_text(), "it gives up")
            assert store.runs.get(id).stage == "claim 2"
        (settings.home / "go").touch()
        wait_until(lambda: store.runs.get(id).status == "done", "the other finishes it")
        done = store.runs.get(id)
        worker.send_signal(signal.SIGCONT)
        wait_until(lambda: "taken over" in run_log(settings, id).read_text(), "it gives up")
        assert store.runs.get(id) == done
        assert done.worker == worker_name(other.pid)
        for process in (worker, other):
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE_S) == 0
    assert store.runs.get(id) == done


def test_a_killed_worker_is_not_taken_for_alive(store, version, worker, settings, background):
    id = store.runs.enqueue(version.hash, CONFIG).id
    wait_until(lambda: store.runs.get(id).status == "running", "the run begins")
    killed = worker_name(worker.pid)
    assert ensure_worker(store, settings) == killed
    worker.kill()
    worker.wait()
    store.runs.beat(killed)  # its last heartbeat is not old yet
    assert store.runs.workers() == [killed]
    started = ensure_worker(store, settings)
    (process,) = background_workers()
    assert started == worker_name(process.pid) != killed
    assert store.runs.workers() == [started]


def test_a_worker_is_started_in_the_background_once(store, settings, background):
    name = ensure_worker(store, settings)
    host, _, pid = name.rpartition(":")
    assert host == socket.gethostname()
    command = psutil.Process(int(pid))
    assert command.cmdline()[1:] == ["-m", "workbench", "worker"]
    assert command.environ()["WORKBENCH_DB"] == store.url
    assert os.getsid(int(pid)) == int(pid) != os.getsid(0)
    assert worker_log(settings).is_file()
    assert ensure_worker(store, settings) == name
    assert [process.pid for process in background_workers()] == [int(pid)]


def test_a_worker_on_another_machine_counts(store, settings):
    store.runs.beat("elsewhere:1")
    assert ensure_worker(store, settings) == "elsewhere:1"


def test_a_worker_that_cannot_be_started_is_said(store, settings):
    settings.results.parent.mkdir(parents=True)
    settings.results.write_text("in the way")
    with pytest.raises(RunError, match=re.escape(f"its log at {worker_log(settings)}")):
        ensure_worker(store, settings)
    assert store.runs.workers() == []


def test_each_run_has_a_log_of_its_own(settings):
    assert run_log(settings, 3) == settings.results / "3" / "run.log"
