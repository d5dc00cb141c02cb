"""What becomes of a run whose worker died, slept, or was taken over."""

import subprocess
import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from tests.factories import SEEDED
from workbench.domain.run import LossPoint
from workbench.errors import RunCancelledError
from workbench.store.tables import RunRow, WorkerRow
from workbench.store.workers import worker_name

from .store_examples import CONFIG, a_result


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
