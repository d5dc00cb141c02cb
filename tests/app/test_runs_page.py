"""The page Runs: it fills the queue and shows it; the work is another process's."""

import pytest

from workbench.queue.processes import run_log

from .full_database import CONFIG

pytestmark = pytest.mark.slow


@pytest.fixture
def runs(page, full_store):
    """The page, while a worker on another machine is alive."""
    full_store.runs.beat("elsewhere:1")
    return page("runs")


def press(runs, label):
    return next(button for button in runs.button if button.label == label).click().run()


def choose(runs, version, experiment):
    runs.selectbox(key="runs-version").select(version.hash)
    return runs.selectbox(key="runs-experiment").select(experiment).run()


def own_experiment(settings, text):
    folder = settings.home / "experiments"
    folder.mkdir()
    (folder / "own.yaml").write_text(text)


def plain(element):
    return element.value.replace("\\", "")


def test_a_run_is_put_into_the_queue_for_the_worker_that_is_there(runs, full_store):
    before = len(full_store.runs.list())
    runs = choose(runs, full_store.versions.get("curated"), "demo-quick")
    runs = press(runs, "Start run")
    newest, *others = full_store.runs.list()
    assert (newest.status, newest.config.name, len(others)) == ("queued", "demo-quick", before)
    assert f"Run {newest.id} is in the queue" in plain(runs.success[0])
    assert full_store.runs.workers() == ["elsewhere:1"]


def test_a_version_without_attributes_for_a_tested_distortion_is_refused(runs, full_store):
    before = full_store.runs.list()
    runs = choose(runs, full_store.versions.get("draft"), "demo-quick")
    runs = press(runs, "Start run")
    assert any("has no attributes for" in plain(box) for box in runs.error)
    assert full_store.runs.list() == before


def test_a_result_that_is_there_is_used_unless_asked_otherwise(page, full_store, settings):
    full_store.runs.beat("elsewhere:1")
    own_experiment(settings, CONFIG.model_dump_json())
    before = len(full_store.runs.list())
    under_way = next(run for run in full_store.runs.list() if run.status == "running")
    full_store.runs.fail(under_way.id, "It broke.")  # else the same would be running already
    runs = choose(page("runs"), full_store.versions.get("curated"), "own")
    runs = press(runs, "Start run")
    assert "gave this result already" in plain(runs.success[0])
    assert len(full_store.runs.list()) == before
    runs.checkbox(key="runs-again").check()
    press(runs, "Start run")
    assert len(full_store.runs.list()) == before + 1


def test_a_faulty_experiment_names_every_fault(page, full_store, settings):
    own_experiment(settings, "data: {distortions: [jpeg], width: 3}\nseed: x\nmood: good\n")
    runs = choose(page("runs"), full_store.versions.get("curated"), "own")
    assert not runs.exception
    faults = next(plain(box) for box in runs.error if "own.yaml" in box.value.replace("\\", ""))
    assert "has 3 faults" in faults
    assert "mood: no such field" in faults


def test_a_queued_run_is_cancelled_at_once(runs, full_store):
    queued = full_store.runs.list()[0]
    runs = press(runs, f"Cancel run {queued.id}")
    assert not runs.exception
    assert f"Run {queued.id} was asked to stop" in plain(runs.success[0])
    assert full_store.runs.get(queued.id).status == "cancelled"


def break_off(store, run, status):
    if status == "cancelled":
        store.runs.cancel(run.id)
        return
    store.runs.claim("elsewhere:1", only=run.id)
    if status == "failed":
        store.runs.fail(run.id, "It broke.")
    else:
        store.runs.stop(run.id, status)


@pytest.mark.parametrize("status", ["interrupted", "failed", "cancelled"])
def test_a_run_that_was_broken_off_is_resumed(page, full_store, status):
    full_store.runs.beat("elsewhere:1")
    run = full_store.runs.list()[0]
    break_off(full_store, run, status)
    runs = press(page("runs"), f"Resume run {run.id}")
    assert not runs.exception
    assert f"Run {run.id} is in the queue again" in plain(runs.success[0])
    resumed = full_store.runs.get(run.id)
    assert (resumed.status, resumed.error) == ("queued", None)
    assert full_store.runs.workers() == ["elsewhere:1"]


def test_only_what_was_broken_off_can_be_resumed(runs, full_store):
    offered = {button.label for button in runs.button if button.label.startswith("Resume")}
    broken = [run for run in full_store.runs.list() if run.status == "failed"]
    assert offered == {f"Resume run {run.id}" for run in broken}


def test_the_end_of_a_log_is_shown(page, full_store, settings):
    failed = next(run for run in full_store.runs.list() if run.status == "failed")
    log = run_log(settings, failed.id)
    log.parent.mkdir(parents=True)
    log.write_text("\n".join(f"line {number}" for number in range(100)))
    runs = page("runs")
    box = next(box for box in runs.expander if box.label == f"Log of run {failed.id}")
    assert box.code[0].value.splitlines()[0] == "line 70"
    assert box.code[0].value.splitlines()[-1] == "line 99"


def test_without_a_worker_a_waiting_queue_offers_to_start_one(page, full_store):
    runs = page("runs")
    assert "Start a worker" in [button.label for button in runs.button]


def test_figures_are_shown_when_they_are_asked_for_and_that_is_one_look(runs, full_store):
    done = next(run for run in full_store.runs.list() if run.status == "done")
    result = full_store.runs.get(done.id).result
    assert not any("SRCC" in caption.value for caption in runs.caption)
    assert full_store.access_log.list() == []
    runs = press(runs, f"Show figures of run {done.id}")
    for _ in range(3):  # what the page shows again is no further look
        (caption,) = (some for some in runs.caption if "SRCC" in some.value)
        assert f"SRCC {result.quality.srcc:.3f}" in plain(caption)
        assert "accessed 1 time, 1 version." in plain(caption)
        runs = runs.run()
    (look,) = full_store.access_log.list()
    assert (look.run, look.purpose, look.author) == (done.id, f"page Runs, run {done.id}", "eva")


def test_another_session_is_another_look(page, full_store):
    done = next(run for run in full_store.runs.list() if run.status == "done")
    for count in ("accessed 1 time", "accessed 2 times"):
        runs = press(page("runs"), f"Show figures of run {done.id}")
        assert any(count in plain(caption) for caption in runs.caption)
