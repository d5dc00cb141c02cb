import signal
import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from tests.factories import SEEDED, make_result
from tests.waiting import wait_until
from workbench.errors import (
    DatasetNotFoundError,
    RunCancelledError,
    StoreError,
    StoreUnreachableError,
)
from workbench.queue.processes import run_log
from workbench.queue.worker import process_queue
from workbench.store.tables import RunRow


@pytest.fixture
def work(store, settings):
    """Process the queue with a function in place of a run; return how many runs were done."""

    def start(execute, **options):
        def executed(_store, run, _settings, progress, _afresh, _losses):
            return execute(run, progress)

        options = {"until_idle": True, "poll_s": 0.01, **options}
        return process_queue(store, settings, worker="here:1", execute=executed, **options)

    return start


def succeed(run, report):
    report(0.5, "half")
    return make_result(run.version, run.config)


def enqueue(store, version, count=1):
    return [store.runs.enqueue(version.hash, config).id for config in SEEDED[:count]]


def test_queued_runs_are_done_in_order_and_their_results_kept(store, version, work):
    ids = enqueue(store, version, 3)
    order = []

    def execute(run, report):
        order.append(run.id)
        return succeed(run, report)

    assert work(execute) == 3
    assert order == ids
    assert [store.runs.get(id).status for id in ids] == ["done"] * 3
    assert store.runs.get(ids[0]).result.version == version.hash


def test_an_idle_worker_that_may_leave_leaves(work):
    assert work(succeed) == 0


def test_a_run_in_progress_can_be_watched(store, version, work):
    enqueue(store, version)
    states = []

    def execute(run, report):
        for share, stage in ((0.1, "images"), (0.6, "tuning")):
            report(share, stage)
            now = store.runs.get(run.id)
            states.append((now.status, now.progress, now.stage, store.runs.workers()))
        return make_result(run.version, run.config)

    work(execute)
    assert states == [
        ("running", 0.1, "images", ["here:1"]),
        ("running", 0.6, "tuning", ["here:1"]),
    ]
    assert store.runs.workers() == []


def test_progress_within_a_stage_is_not_written_at_every_step(store, version, work, monkeypatch):
    enqueue(store, version)
    written, report_it = [], store.runs.report

    def noted(*arguments, **claim):
        written.append(arguments[2])
        report_it(*arguments, **claim)

    monkeypatch.setattr(store.runs, "report", noted)
    monkeypatch.setattr("workbench.queue.worker.REPORT_S", 3600.0)

    def execute(run, report):
        for stage in ("tuning", "regressing"):
            for step in range(1000):
                report(step / 1000, stage)
        return make_result(run.version, run.config)

    assert work(execute) == 1
    assert written == ["tuning", "regressing"]


def test_an_expected_error_is_the_runs_one_line_and_the_next_run_goes_on(store, version, work):
    first, second = enqueue(store, version, 2)

    def execute(run, report):
        if run.id == first:
            raise DatasetNotFoundError("No photographs at /data. Give a folder.")
        return succeed(run, report)

    assert work(execute) == 1
    failed = store.runs.get(first)
    assert (failed.status, failed.error) == ("failed", "No photographs at /data. Give a folder.")
    assert store.runs.get(second).status == "done"


def test_an_unexpected_error_names_the_log_that_has_its_traceback(
    store, version, work, settings, capfd
):
    (id,) = enqueue(store, version)

    def execute(run, report):
        report(0.1, "tuning")
        return [][1]

    assert work(execute) == 0
    log = run_log(settings, id)
    failed = store.runs.get(id)
    assert failed.error == f"internal error: IndexError: list index out of range; see {log}"
    text = log.read_text(encoding="utf-8")
    assert "Traceback (most recent call last)" in text
    assert "return [][1]" in text
    assert "10% tuning" in text
    assert capfd.readouterr() == ("", "")


def test_a_result_of_another_run_is_no_result(store, version, work):
    (id,) = enqueue(store, version)
    work(lambda run, report: make_result("b" * 64, run.config))
    assert store.runs.get(id).status == "failed"
    assert f"not to run {id}" in store.runs.get(id).error


def test_a_cancelled_run_stops_at_its_next_report(store, version, work, settings):
    (id,) = enqueue(store, version)

    def execute(run, report):
        report(0.1, "first")
        store.runs.cancel(run.id)
        report(0.2, "second")
        pytest.fail("went on after it was cancelled")

    assert work(execute) == 0
    assert store.runs.get(id).status == "cancelled"
    assert store.runs.get(id).error is None
    assert f"Run {id} was cancelled by the user" in run_log(settings, id).read_text()


def test_a_run_that_gives_up_by_itself_is_cancelled(store, version, work):
    (id,) = enqueue(store, version)

    def execute(run, report):
        raise RunCancelledError("enough")

    work(execute)
    assert store.runs.get(id).status == "cancelled"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_interrupts_the_run_and_ends_the_worker(store, version, work, number):
    first, second = enqueue(store, version, 2)
    before = signal.getsignal(number)

    def execute(run, report):
        report(0.5, "long step")
        signal.raise_signal(number)
        pytest.fail("went on after the signal")

    assert work(execute, until_idle=False) == 0
    interrupted = store.runs.get(first)
    assert interrupted.status == "interrupted"
    assert interrupted.error == "its worker was stopped before it was done; resume it"
    assert store.runs.get(second).status == "queued"
    assert store.runs.workers() == []
    assert signal.getsignal(number) is before


def test_a_signal_while_progress_is_written_waits_until_it_is_written(
    store, version, work, monkeypatch
):
    (id,) = enqueue(store, version)
    write = store.runs.report

    def signalled(*arguments, **claim):
        signal.raise_signal(signal.SIGTERM)
        write(*arguments, **claim)

    monkeypatch.setattr(store.runs, "report", signalled)
    work(succeed)
    states = store.runs.get(id)
    assert (states.status, states.progress) == ("interrupted", 0.5)


def test_a_waiting_worker_leaves_at_a_signal(store, work):
    def stop():
        wait_until(store.runs.workers, "the worker shows itself")
        signal.raise_signal(signal.SIGTERM)

    stopping = threading.Thread(target=stop)
    stopping.start()
    assert work(succeed, until_idle=False, poll_s=24 * 3600) == 0
    stopping.join()


def forget(store, heartbeat_at=datetime(2026, 1, 1, tzinfo=UTC)):
    """Set back the heartbeats of all runs, as if their workers had been silent since."""
    with store.database.connected() as connection:
        connection.execute(update(RunRow).values(heartbeat_at=heartbeat_at))


def last_beat(store):
    with store.database.connected() as connection:
        return connection.execute(select(RunRow.heartbeat_at)).scalar_one()


def test_a_long_step_keeps_its_heartbeat(store, version, work, monkeypatch):
    monkeypatch.setattr("workbench.queue.worker.HEARTBEAT_S", 0.05)
    enqueue(store, version)

    def execute(run, report):
        long_ago = datetime.now(UTC) - timedelta(seconds=50)
        forget(store, long_ago)
        wait_until(lambda: last_beat(store) > long_ago, "the heartbeat goes on")
        assert store.runs.mark_interrupted(1800) == []
        return make_result(run.version, run.config)

    assert work(execute) == 1


def test_the_run_of_a_worker_that_vanished_is_taken_up(store, version, work):
    (id,) = enqueue(store, version)
    store.runs.claim("gone:7")
    forget(store)
    assert work(succeed) == 1
    done = store.runs.get(id)
    assert (done.status, done.claim, done.deaths, done.worker) == ("done", 2, 1, "here:1")


def test_who_does_one_run_alone_is_on_no_list_of_workers(store, version, work):
    (id,) = enqueue(store, version)

    def execute(run, report):
        assert store.runs.workers() == []
        return succeed(run, report)

    assert work(execute, only=id) == 1


def test_a_server_that_is_away_for_a_while_costs_no_run(store, version, work, monkeypatch):
    enqueue(store, version)
    answers = {"report": [False, True], "finish": [False, False, True]}

    def flaky(name):
        act = getattr(store.runs, name)

        def wrapped(*arguments, **options):
            if not answers[name].pop(0):
                raise StoreUnreachableError("the server does not answer")
            return act(*arguments, **options)

        return wrapped

    for name in answers:
        monkeypatch.setattr(store.runs, name, flaky(name))
    monkeypatch.setattr("workbench.queue.worker.WATCH_S", 0.01)

    def execute(run, report):
        report(0.2, "first")
        report(0.6, "second")
        return make_result(run.version, run.config)

    assert work(execute) == 1
    assert answers == {"report": [], "finish": []}


def test_one_run_alone_can_be_done(store, version, work):
    first, second = enqueue(store, version, 2)
    assert work(succeed, until_idle=False, only=second) == 1
    assert [store.runs.get(id).status for id in (first, second)] == ["queued", "done"]


def test_a_run_that_another_worker_has_is_waited_for(store, version, work):
    (id,) = enqueue(store, version)
    taken = store.runs.claim("other:1")
    finishing = threading.Timer(
        0.3, lambda: store.runs.finish(id, make_result(taken.version, taken.config))
    )
    finishing.start()
    assert work(succeed, until_idle=False, only=id) == 0
    assert store.runs.get(id).status == "done"
    finishing.join()


def test_a_log_that_cannot_be_written_fails_the_run_and_not_the_worker(
    store, version, work, settings
):
    first, second = enqueue(store, version, 2)
    settings.results.mkdir(parents=True)
    (settings.results / str(first)).write_text("in the way")
    assert work(succeed) == 1
    assert "Cannot write the log" in store.runs.get(first).error
    assert store.runs.get(second).status == "done"


def test_a_store_that_fails_ends_the_worker_with_its_own_line(store, work, monkeypatch):
    def refuse(*_, **__):
        raise StoreError("Cannot use the store: the disk is full.")

    monkeypatch.setattr(store.runs, "claim", refuse)
    with pytest.raises(StoreError, match="the disk is full"):
        work(succeed)
