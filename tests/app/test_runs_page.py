"""The page Runs: it fills the queue and shows it; the work is another process's."""

import sys

import pytest

from workbench.domain.run import LossPoint
from workbench.experiment.config_files import experiment_files, load_experiment
from workbench.queue.processes import run_log

from .full_database import CONFIG, claimed

pytestmark = pytest.mark.slow


@pytest.fixture
def alive(full_store):
    """The full store, while a worker on another machine is alive and has the running run."""
    running = run_in(full_store, "running")
    full_store.runs.beat("elsewhere:1", running.id, running.claim)
    return full_store


@pytest.fixture
def queue(page, alive):
    """The list of runs."""
    return page("runs")


@pytest.fixture
def form(page, alive):
    """The form for new runs."""
    return in_view(page("runs"), "New runs")


@pytest.fixture
def opened(page, alive):
    """Open one run, as a link with its number does."""

    return lambda id: page("runs", run=str(id))


def run_in(store, status):
    return next(run for run in store.runs.list() if run.status == status)


def in_view(runs, name):
    return runs.segmented_control(key="view").set_value(name).run()


def press(runs, label):
    return next(button for button in runs.button if button.label == label).click().run()


def labels_of(runs):
    return [button.label for button in runs.button]


def select(runs, label):
    return next(box for box in runs.selectbox if box.label == label)


def number(runs, label):
    return next(box for box in runs.number_input if box.label == label)


def own_experiment(settings, text):
    folder = settings.home / "experiments"
    folder.mkdir()
    (folder / "own.yaml").write_text(text)


def plain(element):
    return element.value.replace("\\", "")


def texts(elements):
    return [plain(element) for element in elements]


def choose(form, version, experiment):
    form.multiselect(key="chosen versions").set_value([version.hash])
    return form.selectbox(key="starting point").select(experiment).run()


def test_a_run_is_put_into_the_queue_for_the_worker_that_is_there(form, alive):
    before = len(alive.runs.list())
    runs = choose(form, alive.versions.get("curated"), "demo-quick")
    runs = press(runs, "Start 1 run")
    newest, *others = alive.runs.list()
    assert (newest.status, newest.config.name, len(others)) == ("queued", "demo-quick", before)
    assert f"Run {newest.id} is in the queue" in plain(runs.success[0])
    assert f"Run {newest.id}" in labels_of(runs)  # the list comes next
    assert alive.runs.workers() == ["elsewhere:1"]


def test_versions_and_seeds_make_a_matrix_whose_estimate_comes_first(form, alive):
    versions = [alive.versions.get(name) for name in ("curated", "draft")]
    form.multiselect(key="chosen versions").set_value([version.hash for version in versions])
    runs = form.selectbox(key="starting point").select("demo-quick").run()
    select(runs, "Distortion types").set_value("versions")
    seeds = next(box for box in runs.text_input if box.label == "Seeds of training")
    runs = seeds.set_value("0, 1, 2").run()
    assert not runs.exception
    assert not runs.error
    assert any(text.startswith("6 runs to do; the time it takes") for text in texts(runs.markdown))
    runs = press(runs, "Start 6 runs")
    newest = alive.runs.list()[:6]
    assert sorted((run.version, run.config.seed) for run in newest) == sorted(
        (version.hash, seed) for version in versions for seed in (0, 1, 2)
    )
    assert {run.config.data.distortions for run in newest} == {
        ("gaussian_blur", "jpeg", "white_noise")
    }
    assert "6 runs are in the queue" in plain(runs.success[0])


def test_what_is_chosen_in_the_form_is_what_is_run(form, alive):
    runs = choose(form, alive.versions.get("curated"), "demo")
    select(runs, "What is tuned").set_value("deep")
    number(runs, "Folds").set_value(3)
    runs = number(runs, "Epochs").set_value(7).run()
    words = next(text for text in texts(runs.caption) if "distortions" in text)
    assert "deep tuning; 3 folds; 16 prompts, 7 epochs" in words
    press(runs, "Start 1 run")
    base = next(file for file in experiment_files() if file.stem == "demo")
    expected = load_experiment(base, ["tuning.mode=deep", "tuning.epochs=7", "split.folds=3"])
    assert alive.runs.list()[0].config == expected


@pytest.mark.parametrize("name", [file.stem for file in experiment_files()])
def test_an_experiment_is_run_as_its_file_has_it_while_nothing_is_changed(form, alive, name):
    file = next(file for file in experiment_files() if file.stem == name)
    runs = choose(form, alive.versions.get("curated"), name)
    assert not runs.exception
    assert not runs.error
    press(runs, "Start 1 run")
    assert alive.runs.list()[0].config == load_experiment(file)


def test_another_starting_point_resets_the_form(form, alive):
    runs = choose(form, alive.versions.get("curated"), "demo")
    runs = number(runs, "Folds").set_value(3).run()
    runs = runs.selectbox(key="starting point").select("demo-quick").run()
    quick = next(file for file in experiment_files() if file.stem == "demo-quick")
    assert number(runs, "Folds").value == load_experiment(quick).split.folds


def test_faults_are_told_in_place_all_at_once(form, alive):
    before = alive.runs.list()
    runs = choose(form, alive.versions.get("curated"), "demo")
    number(runs, "Folds").set_value(1)
    runs = number(runs, "Width").set_value(3).run()
    (fault,) = texts(runs.error)
    assert "This form has 2 faults: data.photographs.width:" in fault
    assert "split.folds: " in fault
    assert not any(label.startswith("Start") for label in labels_of(runs))
    assert alive.runs.list() == before


def test_a_version_without_attributes_for_a_tested_distortion_is_refused(form, alive):
    before = alive.runs.list()
    runs = choose(form, alive.versions.get("draft"), "demo-quick")
    assert any("has no attributes for" in text for text in texts(runs.error))
    assert not any(label.startswith("Start") for label in labels_of(runs))
    assert alive.runs.list() == before


def test_seeds_that_are_no_numbers_are_refused(form, alive):
    seeds = next(box for box in form.text_input if box.label == "Seeds of training")
    runs = seeds.set_value("one, two").run()
    assert any("Seeds are whole numbers from 0" in text for text in texts(runs.error))


def test_a_faulty_experiment_names_every_fault(page, alive, settings):
    own_experiment(settings, "data: {distortions: [jpeg], width: 3}\nseed: x\nmood: good\n")
    runs = choose(in_view(page("runs"), "New runs"), alive.versions.get("curated"), "own")
    assert not runs.exception
    faults = next(text for text in texts(runs.error) if "own.yaml" in text)
    assert "has 3 faults" in faults
    assert "mood: no such field" in faults


def test_a_result_that_is_there_is_used_unless_asked_otherwise(page, alive, settings):
    own_experiment(settings, CONFIG.model_dump_json())
    under_way = run_in(alive, "running")
    alive.runs.fail(under_way.id, "It broke.")  # else the same would be running already
    runs = choose(in_view(page("runs"), "New runs"), alive.versions.get("curated"), "own")
    assert "Nothing to start" in labels_of(runs)
    assert any("every run is there" in text for text in texts(runs.markdown))
    again = next(box for box in runs.checkbox if box.label.startswith("Run also what is done"))
    before = len(alive.runs.list())
    press(again.check().run(), "Start 1 run")
    assert len(alive.runs.list()) == before + 1
    assert alive.runs.list()[0].afresh


def test_an_experiment_of_ones_own_is_saved_and_can_be_chosen(form, alive, settings):
    runs = choose(form, alive.versions.get("curated"), "demo")
    number(runs, "Folds").set_value(3)
    runs = next(box for box in runs.text_input if box.label == "Its name").set_value("mine").run()
    runs = press(runs, "Save")
    saved = load_experiment(settings.home / "experiments" / "mine.yaml")
    assert (saved.name, saved.split.folds) == ("mine", 3)
    assert "mine" in runs.selectbox(key="starting point").options


@pytest.mark.parametrize("name", ["demo", "../mine", ""])
def test_no_experiment_is_written_over_or_elsewhere(form, alive, settings, name):
    runs = choose(form, alive.versions.get("curated"), "demo")
    runs = next(box for box in runs.text_input if box.label == "Its name").set_value(name).run()
    runs = press(runs, "Save")
    assert runs.error
    assert not list(settings.home.rglob("*.yaml"))


def test_a_queued_run_is_cancelled_at_once(queue, alive):
    queued = alive.runs.list()[0]
    runs = press(queue, f"Cancel run {queued.id}")
    assert not runs.exception
    assert f"Run {queued.id} was asked to stop" in plain(runs.success[0])
    assert alive.runs.get(queued.id).status == "cancelled"


def test_a_running_run_that_was_cancelled_is_said_to_be_stopping(queue, alive, page):
    running = run_in(alive, "running")
    press(queue, f"Cancel run {running.id}")
    runs = page("runs")  # another session: the state is the store's
    assert any("stopping" in text for text in texts(runs.markdown))
    assert f"Cancel run {running.id}" not in labels_of(runs)


def break_off(store, run, status):
    if status == "cancelled":
        store.runs.cancel(run.id)
        return
    store.runs.claim("elsewhere:1", only=run.id)
    if status == "failed":
        store.runs.fail(run.id, "It broke.")
    else:
        store.runs.stop(run.id, status)


@pytest.mark.parametrize("act", ["Resume", "Retry"])
@pytest.mark.parametrize("status", ["interrupted", "failed", "cancelled"])
def test_a_run_that_was_broken_off_is_taken_up_again(page, alive, status, act):
    run = alive.runs.list()[0]
    break_off(alive, run, status)
    runs = press(page("runs"), f"{act} run {run.id}")
    assert not runs.exception
    assert f"Run {run.id} is in the queue again" in plain(runs.success[0])
    resumed = alive.runs.get(run.id)
    assert (resumed.status, resumed.error, resumed.afresh) == ("queued", None, act == "Retry")
    assert alive.runs.workers() == ["elsewhere:1"]


def test_only_what_was_broken_off_can_be_resumed(queue, alive):
    offered = {label for label in labels_of(queue) if label.startswith("Resume")}
    assert offered == {f"Resume run {run_in(alive, 'failed').id}"}


def test_without_a_worker_a_waiting_queue_offers_to_start_one(page, full_store):
    runs = page("runs")
    assert "Start a worker" in labels_of(runs)


def test_runs_are_found_by_words_state_version_experiment_and_images(queue, alive):
    def listed(runs):
        return [label for label in labels_of(runs) if label.startswith("Run ")]

    assert len(listed(queue)) == len(alive.runs.list())
    runs = queue.multiselect(key="state").set_value(["failed"]).run()
    assert listed(runs) == [f"Run {run_in(alive, 'failed').id}"]
    runs = runs.selectbox(key="of").set_value("draft").run()
    assert listed(runs) == []
    assert any("No run is like that" in text for text in texts(runs.info))
    runs.multiselect(key="state").set_value([])
    runs = runs.text_input(key="find").set_value("language model").run()
    expected = alive.runs.list(alive.versions.get("draft").hash)
    assert listed(runs) == [f"Run {run.id}" for run in expected]
    assert runs.selectbox(key="experiment").options == ["demo"]
    assert runs.selectbox(key="images").options == ["packaged"]


def test_all_runs_can_be_reached_page_by_page(page, alive):
    version = alive.versions.get("curated").hash
    configs = [CONFIG.model_copy(update={"seed": seed}) for seed in range(1, 46)]
    alive.runs.submit([(version, config) for config in configs])
    runs, seen = page("runs"), []
    for _ in range(3):
        seen += [label for label in labels_of(runs) if label.startswith("Run ")]
        following = min(3, runs.number_input(key="page").value + 1)
        runs = runs.number_input(key="page").set_value(following).run()
    assert seen == [f"Run {run.id}" for run in alive.runs.list()]


def test_one_run_shows_its_losses_its_log_and_its_settings(opened, alive):
    failed = run_in(alive, "failed")
    points = [LossPoint(stage="split 1, tuning", step=step, loss=1 / step) for step in (1, 2, 3)]
    lines = [f"line {number}" for number in range(100)]
    alive.traces.add(failed.id, failed.claim, lines, points)
    runs = opened(failed.id)
    assert not runs.exception
    assert [header.value for header in runs.header] == [f"Run {failed.id}"]
    assert [header.value for header in runs.subheader] == ["Losses", "Log"]
    assert len(runs.get("vega_lite_chart")) == 1
    log, settings = runs.code
    assert log.value.splitlines() == lines[-15:]
    assert "color_quantization" not in settings.value
    assert "gaussian_blur" in settings.value
    assert any("The loss is no finite number" in text for text in texts(runs.error))


def test_an_older_runs_log_is_read_from_its_file(opened, alive, settings):
    failed = run_in(alive, "failed")
    log = run_log(settings, failed.id)
    log.parent.mkdir(parents=True)
    log.write_text("\n".join(f"line {number}" for number in range(100)))
    assert opened(failed.id).code[0].value.splitlines()[-1] == "line 99"


@pytest.mark.parametrize("wanted", ["999", "twelve", "-1", "9" * 30])
def test_a_link_to_no_run_says_so_and_leads_back(opened, wanted):
    runs = opened(wanted)
    assert not runs.exception
    assert runs.error or runs.info
    runs = press(runs, "All runs")
    assert any("newest first" in text for text in texts(runs.caption))


def test_a_link_that_names_a_version_leads_to_the_form_with_it(page, alive):
    draft = alive.versions.get("draft")
    runs = page("runs", version=draft.hash)
    assert runs.multiselect(key="chosen versions").value == [draft.hash]


def test_figures_are_shown_when_they_are_asked_for_and_that_is_one_look(opened, alive):
    done = run_in(alive, "done")
    result = alive.runs.get(done.id).result
    runs = opened(done.id)
    assert not any("SRCC" in text for text in texts(runs.markdown))
    assert alive.access_log.list() == []
    runs = press(runs, f"Show figures of run {done.id}")
    for _ in range(3):  # what the page shows again is no further look
        (figures,) = (text for text in texts(runs.markdown) if "SRCC" in text)
        assert f"SRCC {result.quality.srcc:.3f}" in figures
        assert "accessed 1 time, 1 version." in figures
        runs = runs.run()
    (look,) = alive.access_log.list()
    assert (look.run, look.purpose, look.author) == (done.id, f"page Runs, run {done.id}", "eva")


def test_another_session_is_another_look(page, opened, alive):
    done = run_in(alive, "done")
    for count in ("accessed 1 time", "accessed 2 times"):
        runs = press(opened(done.id), f"Show figures of run {done.id}")
        assert any(count in text for text in texts(runs.markdown))


def test_a_run_that_was_resumed_says_how_often_its_worker_died(opened, alive):
    run = claimed(alive, alive.versions.get("draft"), CONFIG.model_copy(update={"seed": 9}))
    alive.runs.mark_interrupted(-1.0)  # every heartbeat is older than the future
    runs = opened(run.id)
    assert any("Its worker has died once." in text for text in texts(runs.caption))


def test_a_run_goes_to_an_mlflow_server_of_an_admins_choice_or_the_one_that_is_set(
    opened, alive, monkeypatch
):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    done, looks = run_in(alive, "done"), alive.access_log.list()
    shown = tracking(opened(done.id), done)
    assert next(b for b in shown.button if b.label == f"Send run {done.id}").disabled
    next(f for f in shown.text_input if f.label == "Address").set_value("http://127.0.0.1:1")
    press(shown.run(), f"Send run {done.id}")
    assert "pip install" in shown.error[0].value
    assert alive.access_log.list() == looks
    monkeypatch.setenv("WORKBENCH_ROLE", "editor")
    shown = tracking(opened(done.id), done)
    assert "No server is set" in shown.info[0].value
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    shown = tracking(opened(done.id), done)
    assert "Address" not in [field.label for field in shown.text_input]
    assert f"Send run {done.id}" in labels_of(shown)


def tracking(shown, run):
    shown.session_state[f"track-{run.id}"] = True
    return shown.run()
