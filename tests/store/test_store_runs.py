import threading

import pytest
from sqlalchemy import Engine, event, text

from tests.factories import SEEDED
from workbench.domain.run import LossPoint, Run
from workbench.errors import RunCancelledError, StoreError, VersionNotFoundError

from .store_examples import CONFIG, a_result, a_set


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


def test_a_document_that_this_release_cannot_read_is_named(store, version, running):
    with store.database.writing() as session:
        session.connection().execute(
            text("INSERT INTO run_result (run_id, document) VALUES (:id, '{}')"), {"id": running.id}
        )
        session.connection().execute(text("UPDATE run SET status = 'done'"))
    with pytest.raises(StoreError, match=f"Run {running.id} cannot be read: version: Field"):
        store.runs.get(running.id)
    assert store.runs.list()[0].status == "done"
