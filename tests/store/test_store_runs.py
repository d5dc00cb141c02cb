import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, event, text, update

from workbench.domain.run import Run
from workbench.errors import RunCancelledError, StoreError, VersionNotFoundError
from workbench.store.tables import RunRow

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
    ids = [store.runs.enqueue(version, CONFIG).id for _ in range(2)]
    taken = [store.runs.claim(name) for name in ("here:1", "here:2", "here:3")]
    assert [run and (run.id, run.status, run.worker) for run in taken] == [
        (ids[0], "running", "here:1"),
        (ids[1], "running", "here:2"),
        None,
    ]
    assert taken[0].started_at >= taken[0].created_at


def test_one_run_can_be_taken_by_its_number(store, version):
    store.runs.enqueue(version, CONFIG)
    second = store.runs.enqueue(version, CONFIG)
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
    ids = [store.runs.enqueue(hash, CONFIG).id for hash in (version, other, version)]
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
    assert given_up.error == "its worker here:1 went silent; resume it"
    with pytest.raises(RunCancelledError, match="is interrupted; its worker stops"):
        store.runs.report(running.id, 0.5, "tuning")


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
    other = store.runs.enqueue(version, CONFIG)
    store.runs.claim("here:2")
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    with store.database.connected() as connection:
        connection.execute(update(RunRow).values(heartbeat_at=long_ago))
    store.runs.beat("here:1")
    assert store.runs.mark_interrupted(1800) == [other.id]


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
