import subprocess
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, event, text, update

from tests.factories import SEEDED
from workbench.domain.run import LossPoint, Run
from workbench.errors import RunCancelledError, StoreError, VersionNotFoundError
from workbench.store.tables import RunRow, WorkerRow
from workbench.store.workers import worker_name

from .store_examples import CONFIG, a_result, a_set


@pytest.fixture
def version(store):
    return store.versions.freeze(a_set(), message="first", author="ann").hash


@pytest.fixture
def queued(store, version):
    return store.runs.enqueue(version, CONFIG)


@pytest.fixture
def running(store, queued):
    return store.runs.claim("here:1")


def test_a_queued_run_waits_with_its_configuration(store, version, queued):
    assert queued == Run(
        id=queued.id,
        version=version,
        config=CONFIG,
        status="queued",
        created_at=queued.created_at,
    )
    assert store.runs.get(queued.id) == queued


def test_only_a_frozen_version_can_be_queued(store):
    with pytest.raises(VersionNotFoundError, match="there is none with hash 'ffffffffff'"):
        store.runs.enqueue("f" * 64, CONFIG)
    assert store.runs.list() == []


def test_the_oldest_run_is_taken_first_and_once(store, version):
    ids = [store.runs.enqueue(version, config).id for config in SEEDED[:2]]
    taken = [store.runs.claim(name) for name in ("here:1", "here:2", "here:3")]
    assert [run and (run.id, run.status, run.worker) for run in taken] == [
        (ids[0], "running", "here:1"),
        (ids[1], "running", "here:2"),
        None,
    ]
    assert taken[0].started_at >= taken[0].created_at


def test_one_run_can_be_taken_by_its_number(store, version):
    store.runs.enqueue(version, CONFIG)
    second = store.runs.enqueue(version, SEEDED[1])
    assert store.runs.claim("here:1", only=second.id).id == second.id
    assert store.runs.claim("here:1", only=second.id) is None


@pytest.mark.parametrize(("share", "stored"), [(0.25, 0.25), (-1.0, 0.0), (7.0, 1.0)])
def test_a_report_is_seen_by_whoever_polls(store, running, share, stored):
    store.runs.report(running.id, share, "tuning")
    run = store.runs.get(running.id)
    assert (run.progress, run.stage) == (stored, "tuning")


def test_a_result_comes_back_to_the_last_digit(store, version, running):
    result = a_result(version)
    store.runs.finish(running.id, result)
    done = store.runs.get(running.id)
    assert done.result == result
    assert (done.status, done.progress) == ("done", 1.0)
    assert done.finished_at >= done.started_at
    assert store.runs.find_done(version, CONFIG.hash) == done


def test_a_list_of_runs_does_not_load_results_unless_asked(store, version, running):
    store.runs.finish(running.id, a_result(version))
    statements = []
    note = lambda *args: statements.append(args[2])  # noqa: E731
    event.listen(Engine, "before_cursor_execute", note)
    try:
        (light,) = store.runs.list()
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert light.result is None
    assert light.status == "done"
    assert not any("run_result" in statement for statement in statements)
    assert store.runs.list(with_results=True)[0].result == a_result(version)


def test_runs_are_listed_newest_first_and_by_version(store, version):
    other = store.versions.freeze(a_set(jpeg=["rings"]), message="m", author="ann").hash
    wanted = zip((version, other, version), SEEDED, strict=False)
    ids = [store.runs.enqueue(hash, config).id for hash, config in wanted]
    assert [run.id for run in store.runs.list()] == ids[::-1]
    assert [run.id for run in store.runs.list(version)] == [ids[2], ids[0]]


def test_only_a_done_run_of_the_same_terms_is_used_again(store, version, running):
    assert store.runs.find_done(version, CONFIG.hash) is None
    store.runs.finish(running.id, a_result(version))
    renamed = CONFIG.model_copy(update={"name": "another name"})
    assert store.runs.find_done(version, renamed.hash).id == running.id
    reseeded = CONFIG.model_copy(update={"seed": 1})
    assert store.runs.find_done(version, reseeded.hash) is None


def test_a_result_of_another_version_is_refused(store, running):
    with pytest.raises(StoreError, match=f"not to run {running.id}. Nothing was stored"):
        store.runs.finish(running.id, a_result("b" * 64))
    assert store.runs.get(running.id).status == "running"


def test_a_failure_is_kept_on_one_line(store, running):
    store.runs.fail(running.id, "it broke\nhere\x00")
    failed = store.runs.get(running.id)
    assert (failed.status, failed.error) == ("failed", "it broke here")


def test_cancelling_a_queued_run_ends_it_at_once(store, queued):
    store.runs.cancel(queued.id)
    assert store.runs.get(queued.id).status == "cancelled"
    assert store.runs.claim("here:1") is None


def test_cancelling_a_running_run_is_heard_at_its_next_report(store, running):
    store.runs.cancel(running.id)
    assert store.runs.get(running.id).status == "running"
    with pytest.raises(RunCancelledError, match=f"Run {running.id} was cancelled by the user"):
        store.runs.report(running.id, 0.5, "tuning")
    store.runs.stop(running.id, "cancelled")
    assert store.runs.get(running.id).status == "cancelled"


def test_what_is_over_stays_as_it_is(store, version, running):
    store.runs.finish(running.id, a_result(version))
    done = store.runs.get(running.id)
    with pytest.raises(StoreError, match="is done and cannot be cancelled"):
        store.runs.cancel(running.id)
    with pytest.raises(StoreError, match="is done; only a running one can finish"):
        store.runs.finish(running.id, a_result(version))
    with pytest.raises(StoreError, match="is done; it cannot fail any more"):
        store.runs.fail(running.id, "late")
    with pytest.raises(RunCancelledError, match="is done; its worker stops"):
        store.runs.report(running.id, 0.1, "late")
    store.runs.stop(running.id, "interrupted")
    assert store.runs.get(running.id) == done


def test_an_unknown_run_is_named(store):
    with pytest.raises(StoreError, match="There is no run 5"):
        store.runs.get(5)


def test_a_run_whose_worker_went_silent_is_interrupted(store, running):
    assert store.runs.mark_interrupted(60) == []
    time.sleep(0.05)
    assert store.runs.mark_interrupted(0.02) == [running.id]
    given_up = store.runs.get(running.id)
    assert given_up.status == "interrupted"
    assert given_up.error == (
        "its worker here:1 went silent; the next worker takes it up, or resume it"
    )
    assert given_up.deaths == 1


@pytest.mark.parametrize("look", ["get", "list", "claim"])
def test_whoever_looks_finds_a_run_interrupted_once_its_lease_is_over(store, running, look):
    set_heartbeat(store, timedelta(seconds=-61))
    if look == "claim":
        store.runs.mark_interrupted()
    elif look == "list":
        assert [run.status for run in store.runs.list()] == ["interrupted"]
    assert store.runs.get(running.id).status == "interrupted"


def set_heartbeat(store, ahead):
    with store.database.connected() as connection:
        connection.execute(update(RunRow).values(heartbeat_at=datetime.now(UTC) + ahead))


def set_heartbeat_of_running(store, ahead):
    with store.database.connected() as connection:
        beat = update(RunRow).where(RunRow.status == "running")
        connection.execute(beat.values(heartbeat_at=datetime.now(UTC) + ahead))


@pytest.mark.parametrize("act", ["requeue", "cancel", "enqueue"])
def test_a_run_whose_worker_was_killed_needs_nobody_to_notice_it_first(
    store, version, running, act
):
    set_heartbeat(store, timedelta(seconds=-61))
    if act == "requeue":
        store.runs.requeue(running.id)
    elif act == "cancel":
        store.runs.cancel(running.id)
    else:
        assert store.runs.enqueue(version, CONFIG).id == running.id
    expected = "cancelled" if act == "cancel" else "queued"
    assert store.runs.get(running.id).status == expected


@pytest.mark.parametrize("act", ["requeue", "cancel", "enqueue"])
def test_a_run_whose_process_is_gone_needs_no_lease_to_pass(store, version, queued, act):
    with subprocess.Popen(["true"]) as process:
        pass
    store.runs.claim(worker_name(process.pid))
    assert store.runs.get(queued.id).status == "running"  # nobody has asked for anything
    {
        "requeue": lambda: store.runs.requeue(queued.id),
        "cancel": lambda: store.runs.cancel(queued.id),
        "enqueue": lambda: store.runs.enqueue(version, CONFIG),
    }[act]()
    now = store.runs.get(queued.id)
    assert now.status == ("cancelled" if act == "cancel" else "queued")
    assert now.deaths == 1


def test_the_next_worker_takes_up_what_a_dead_one_had_and_nothing_that_was_left_in_order(
    store, version, running
):
    other = store.runs.enqueue(version, SEEDED[1])
    store.runs.claim("here:2", only=other.id)
    store.runs.stop(other.id, "interrupted", claim=1)
    assert store.runs.claim("there:1") is None
    set_heartbeat_of_running(store, timedelta(seconds=-61))
    store.runs.mark_interrupted()
    taken = store.runs.claim("there:1")
    assert (taken.id, taken.claim, taken.error) == (running.id, 2, None)
    assert store.runs.claim("there:1") is None


def test_a_claim_is_adopted_by_the_process_that_does_the_run(store, running):
    store.runs.adopt(running.id, running.claim, "there:2")
    set_heartbeat(store, timedelta(seconds=-50))
    before = store.runs.get(running.id)
    store.runs.beat("here:1", running.id, running.claim)  # who claimed it keeps it alive no more
    assert store.runs.get(running.id) == before
    assert before.worker == "there:2"
    store.runs.report(running.id, 0.5, "tuning", claim=running.claim)
    store.runs.cancel(running.id)
    with pytest.raises(RunCancelledError, match="cancelled by the user"):
        store.runs.adopt(running.id, running.claim, "there:3")


def test_an_interrupted_run_can_be_cancelled(store, running):
    store.runs.stop(running.id, "interrupted", claim=running.claim)
    store.runs.cancel(running.id)
    assert store.runs.get(running.id).error is None
    assert store.runs.get(running.id).status == "cancelled"


def test_a_heartbeat_from_the_future_blocks_for_one_lease_only(store, running):
    set_heartbeat(store, timedelta(hours=5))  # then the clock was set back
    assert store.runs.get(running.id).status == "running"
    with store.database.reading() as session:
        assert session.get(RunRow, running.id).heartbeat_at <= datetime.now(UTC)
    set_heartbeat(store, timedelta(seconds=-61))
    assert store.runs.get(running.id).status == "interrupted"


def test_a_worker_from_the_future_is_not_taken_for_alive(store):
    store.runs.beat("gone:1")
    with store.database.connected() as connection:
        ahead = datetime.now(UTC) + timedelta(hours=5)
        connection.execute(update(WorkerRow).values(heartbeat_at=ahead))
    assert store.runs.workers() == []


def test_a_worker_that_slept_goes_on_where_nobody_took_over(store, running):
    set_heartbeat(store, timedelta(seconds=-61))
    assert store.runs.get(running.id).status == "interrupted"
    store.runs.check(running.id, running.claim)
    store.runs.report(running.id, 0.5, "tuning", claim=running.claim)
    revived = store.runs.get(running.id)
    assert (revived.status, revived.error, revived.finished_at) == ("running", None, None)
    assert revived.deaths == 0


def test_a_worker_that_slept_stops_where_the_same_was_started_again(store, version, running):
    before = store.runs.enqueue(version, SEEDED[1])
    with store.database.connected() as connection:  # as a database of an older program may hold it
        set_heartbeat_of = update(RunRow).where(RunRow.id == running.id)
        long_ago = datetime.now(UTC) - timedelta(seconds=61)
        connection.execute(set_heartbeat_of.values(heartbeat_at=long_ago))
        connection.execute(
            update(RunRow).where(RunRow.id == before.id).values(config_hash=CONFIG.hash)
        )
    assert store.runs.get(running.id).status == "interrupted"
    with pytest.raises(RunCancelledError, match="is interrupted; its worker stops"):
        store.runs.report(running.id, 0.5, "tuning", claim=running.claim)


@pytest.fixture
def taken_over(store, running):
    """A run whose first worker was stopped past its lease, and that another one has now."""
    set_heartbeat(store, timedelta(seconds=-61))
    store.runs.requeue(running.id)
    second = store.runs.claim("there:2")
    assert (second.id, second.claim) == (running.id, running.claim + 1)
    store.runs.report(second.id, 0.25, "tuning", claim=second.claim)
    return running, second


def test_who_was_taken_over_writes_nothing(store, version, taken_over):
    first, second = taken_over
    before = store.runs.get(second.id)
    for write in (
        lambda: store.runs.report(first.id, 0.9, "late", claim=first.claim),
        lambda: store.runs.check(first.id, first.claim),
        lambda: store.runs.finish(first.id, a_result(version), claim=first.claim),
    ):
        with pytest.raises(RunCancelledError, match="taken over by there:2; this one stops"):
            write()
    store.runs.fail(first.id, "late", claim=first.claim)
    store.runs.stop(first.id, "cancelled", claim=first.claim)
    store.traces.add(first.id, first.claim, ["late"], [LossPoint(stage="s", step=1, loss=1.0)])
    store.runs.beat("here:1", first.id, first.claim)
    assert store.runs.get(second.id) == before
    assert store.traces.lines(first.id) == []
    assert store.traces.losses(first.id) == []
    store.runs.finish(second.id, a_result(version), claim=second.claim)
    with pytest.raises(RunCancelledError, match="taken over"):
        store.runs.finish(first.id, a_result(version), claim=first.claim)
    assert store.runs.get(second.id).status == "done"


def test_a_run_that_killed_three_workers_is_not_taken_up_by_itself(store, running):
    for deaths in (1, 2, 3):
        set_heartbeat(store, timedelta(seconds=-61))
        run = store.runs.get(running.id)
        assert run.deaths == deaths
        if deaths < 3:
            assert run.status == "interrupted"
            store.runs.requeue(running.id)
            store.runs.claim("here:1")
    assert run.status == "failed"
    assert "its worker died 3 times" in run.error
    assert "the end of its log says where" in run.error


def test_a_run_can_be_told_to_start_afresh_and_is_told_once(store, running):
    assert not running.afresh
    store.runs.fail(running.id, "it broke")
    store.runs.requeue(running.id, afresh=True)
    assert store.runs.claim("here:1").afresh
    assert not store.runs.get(running.id).afresh


def test_the_same_is_queued_once(store, version, queued):
    again = store.runs.enqueue(version, CONFIG.model_copy(update={"name": "called otherwise"}))
    assert again.id == queued.id
    store.runs.claim("here:1")
    assert store.runs.enqueue(version, CONFIG).id == queued.id
    assert store.runs.enqueue(version, SEEDED[1]).id != queued.id
    assert len(store.runs.list()) == 2


def test_two_that_start_the_same_at_once_start_one_run(store, version):
    barrier, ids = threading.Barrier(2), []

    def start():
        barrier.wait()
        ids.append(store.runs.enqueue(version, CONFIG).id)

    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (run,) = store.runs.list()
    assert ids == [run.id, run.id]


def test_a_submission_takes_what_is_done_queues_what_is_not_and_repeats_nothing(
    store, version, running
):
    store.runs.finish(running.id, a_result(version))
    wanted = [(version, config) for config in (*SEEDED[:3], SEEDED[2])]
    runs = store.runs.submit(wanted)
    assert [run.status for run in runs] == ["done", "queued", "queued", "queued"]
    assert [run.id - running.id for run in runs] == [0, 1, 2, 2]
    assert [run.id for run in store.runs.submit(wanted)] == [run.id for run in runs]
    again = store.runs.submit(wanted, again=True)
    assert [run.id - running.id for run in again] == [3, 1, 2, 2]


def test_a_submission_with_an_unknown_version_queues_nothing(store, version):
    with pytest.raises(VersionNotFoundError):
        store.runs.submit([(version, CONFIG), ("f" * 64, CONFIG)])
    assert store.runs.list() == []


def test_a_run_is_not_resumed_beside_another_that_does_the_same(store, version, running):
    store.runs.fail(running.id, "it broke")
    other = store.runs.enqueue(version, CONFIG)
    with pytest.raises(StoreError, match=f"Run {other.id} does the same and is queued"):
        store.runs.requeue(running.id)
    assert store.runs.get(running.id).status == "failed"


def test_the_newest_log_lines_are_kept(store, running):
    store.traces.add(running.id, running.claim, [f"line {number}" for number in range(1500)])
    store.traces.add(running.id, running.claim, [f"line {number}" for number in range(1500, 2600)])
    lines = store.traces.lines(running.id)
    assert (len(lines), lines[0], lines[-1]) == (2000, "line 600", "line 2599")
    assert store.traces.lines(running.id, 2) == ["line 2598", "line 2599"]


def test_a_log_line_is_stored_whatever_it_holds(store, running):
    store.traces.add(running.id, running.claim, ["a\x00b\ud800", "x" * 5000])
    first, second = store.traces.lines(running.id)
    assert (first, len(second), second[-1]) == ("ab\\ud800", 1000, "…")


def test_losses_are_bounded_and_a_repeated_step_counts_once(store, running):
    points = [LossPoint(stage="split 1", step=step, loss=1 / step) for step in range(1, 700)]
    store.traces.add(running.id, running.claim, points=points)
    again = LossPoint(stage="split 1", step=3, loss=7.0)
    store.traces.add(running.id, running.claim, points=[again])
    losses = store.traces.losses(running.id)
    assert len(losses) == 500
    assert losses[2] == again


def test_a_worker_that_was_only_slow_may_still_hand_in_its_result(store, version, running):
    time.sleep(0.02)
    store.runs.mark_interrupted(0.01)
    store.runs.finish(running.id, a_result(version))
    done = store.runs.get(running.id)
    assert (done.status, done.error) == ("done", None)


def test_a_silent_run_that_was_to_be_cancelled_is_cancelled(store, running):
    store.runs.cancel(running.id)
    time.sleep(0.02)
    store.runs.mark_interrupted(0.01)
    assert store.runs.get(running.id).status == "cancelled"


def test_a_workers_heartbeat_keeps_its_run_alive_and_no_other(store, version, running):
    other = store.runs.enqueue(version, SEEDED[1])
    store.runs.claim("here:2")
    set_heartbeat(store, timedelta(hours=-1))
    store.runs.beat("here:1", running.id, running.claim)
    assert store.runs.mark_interrupted(1800) == [other.id]


def test_a_worker_of_the_same_name_does_not_keep_a_dead_run_alive(store, running):
    set_heartbeat(store, timedelta(seconds=-61))
    store.runs.beat("here:1")  # a container that was started again has the same host and number
    assert store.runs.get(running.id).status == "interrupted"


def test_workers_are_listed_while_they_beat(store):
    assert store.runs.workers() == []
    store.runs.beat("here:1")
    store.runs.beat("here:2")
    store.runs.beat("here:1")
    assert store.runs.workers() == ["here:1", "here:2"]
    store.runs.leave("here:1")
    store.runs.leave("never seen")
    assert store.runs.workers() == ["here:2"]
    time.sleep(0.02)
    assert store.runs.workers(within_s=0.01) == []


def test_a_document_that_this_release_cannot_read_is_named(store, version, running):
    with store.database.writing() as session:
        session.connection().execute(
            text("INSERT INTO run_result (run_id, document) VALUES (:id, '{}')"), {"id": running.id}
        )
        session.connection().execute(text("UPDATE run SET status = 'done'"))
    with pytest.raises(StoreError, match=f"Run {running.id} cannot be read: version: Field"):
        store.runs.get(running.id)
    assert store.runs.list()[0].status == "done"
