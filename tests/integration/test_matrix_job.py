"""Several versions and seeds as one submission: estimated before, done once, told together."""

import json

import pytest
import yaml
from typer.testing import CliRunner

from tests.cache import own_cache
from workbench.cli import cli
from workbench.domain.attributes import AttributeSet
from workbench.errors import RunError
from workbench.store import open_store
from workbench.workflow.versions import freeze_version

pytestmark = pytest.mark.slow

TINY = {
    "name": "tiny",
    "data": {"distortions": ["gaussian_blur", "white_noise"], "width": 224, "height": 224},
    "encoder": {"name": "offline"},
    "tuning": {"mode": "shallow", "prompts": 2, "epochs": 2, "crops": 1},
    "regressor": {"epochs": 3},
    "split": {"folds": 2},
    "controls": False,
}
WORDS = {
    "plain": {"gaussian_blur": ["softened details"], "white_noise": ["fine grain"]},
    "other": {"gaussian_blur": ["soft contours"], "white_noise": ["speckles everywhere"]},
}


@pytest.fixture(scope="module")
def home(tmp_path_factory, photographs):
    folder = tmp_path_factory.mktemp("matrix-job")
    data = {**TINY["data"], "photographs": str(photographs)}
    (folder / "tiny.yaml").write_text(yaml.safe_dump({**TINY, "data": data}))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("WORKBENCH_HOME", str(folder))
        environment.setenv("WORKBENCH_CACHE", own_cache(folder))
        environment.setenv("WORKBENCH_DB", f"sqlite:///{folder / 'db.sqlite'}")
        environment.setenv("WORKBENCH_OFFLINE", "1")
        yield folder


@pytest.fixture(scope="module")
def store(home):
    with open_store(f"sqlite:///{home / 'db.sqlite'}") as opened:
        for alias, words in WORDS.items():
            freeze_version(
                opened, AttributeSet.from_phrases(words), message=alias, author="ann", alias=alias
            )
        yield opened


def workbench(*arguments):
    """Return what a command prints as JSON; what it raises is raised."""
    result = CliRunner().invoke(cli, [*map(str, arguments), "--json"], catch_exceptions=False)
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def submitted(home, store):
    """A run of one version under two seeds: what was said before, and what came of it."""
    command = ("run", "plain", "--config", home / "tiny.yaml", "--seeds", "0,1")
    return workbench(*command, "--dry-run"), workbench(*command)


def test_what_a_matrix_takes_is_unknown_before_anything_like_it_was_done(submitted, store):
    before, _ = submitted
    assert [(run["seed"], run["state"], run["run"]) for run in before["runs"]] == [
        (0, "new", None),
        (1, "new", None),
    ]
    assert (before["to_do"], before["time_s"], before["disk_bytes"]) == (2, None, None)
    assert before["free_bytes"] > 0


def test_every_run_of_a_matrix_is_done_and_told(submitted, store):
    _, done = submitted
    assert [run["status"] for run in done["runs"]] == ["done", "done"]
    first, second = (run["metrics"]["srcc"] for run in done["runs"])
    assert first != second  # another seed
    assert [run.config.seed for run in store.runs.list()] == [1, 0]


def test_what_is_left_of_a_larger_matrix_is_estimated_by_what_was_done(submitted, home, store):
    before = len(store.runs.list())
    larger = workbench(
        "run", "plain", "other", "--config", home / "tiny.yaml", "--seeds", "0,1,2", "--dry-run"
    )
    states = [(run["label"], run["seed"], run["state"]) for run in larger["runs"]]
    assert states == [
        ("plain", 0, "done"), ("plain", 1, "done"), ("plain", 2, "new"),
        ("other", 0, "new"), ("other", 1, "new"), ("other", 2, "new"),
    ]  # fmt: skip
    assert larger["to_do"] == 4
    took = [run.result.duration_s for run in store.runs.list(with_results=True)]
    assert larger["time_s"] >= 4 * min(took)
    assert {run["measured"] for run in larger["runs"]} == {2}
    assert larger["disk_bytes"] > 0
    assert len(store.runs.list()) == before


def test_a_matrix_is_shown_as_a_table(submitted, home):
    command = ["run", "plain", "other", "--config", str(home / "tiny.yaml"), "--dry-run"]
    shown = CliRunner().invoke(cli, command).stdout
    assert "1 run to do, 1 there already; about" in shown
    assert "by 2 earlier runs of that size" in shown


def test_a_matrix_that_is_done_is_not_done_again(submitted, home, store):
    before = [run.id for run in store.runs.list()]
    again = workbench("run", "plain", "--config", home / "tiny.yaml", "--seeds", "0,1")
    assert [run["run"] for run in again["runs"]] == [run["run"] for run in submitted[1]["runs"]]
    assert [run.id for run in store.runs.list()] == before


def test_one_run_is_told_as_it_always_was(submitted, home):
    one = workbench("run", "plain", "--config", home / "tiny.yaml", "--seeds", "1")
    assert one["run"] == submitted[1]["runs"][1]["run"]
    assert one["metrics"] == submitted[1]["runs"][1]["metrics"]


def test_losses_of_every_training_are_in_the_store(submitted):
    losses = workbench("runs", "losses", 1)["losses"]
    stages = {point["stage"] for point in losses}
    assert stages == {
        f"{part}, {what}"
        for part in ("split 1", "split 2", "final model")
        for what in ("tuning", "regressor")
    }
    tuning = [point["step"] for point in losses if point["stage"] == "split 1, tuning"]
    assert tuning == list(range(1, len(tuning) + 1))
    assert len([p for p in losses if p["stage"] == "final model, regressor"]) == 3


def test_log_lines_are_in_the_store_too(submitted, store):
    lines = store.traces.lines(1)
    assert any("tuning, epoch 1 of 2" in line for line in lines)
    assert lines[-1].endswith("done")


def test_one_that_fails_doesnt_stop_the_others_and_is_told_at_the_end(submitted, home, store):
    settings = "tuning.learning_rate=1e30"
    command = ("run", "plain", "--config", home / "tiny.yaml", "--set", settings)
    with pytest.raises(RunError, match="2 runs of 2 did not finish: Run 3 failed"):
        workbench(*command, "--seeds", "3,4")
    assert [run.status for run in store.runs.list()[:2]] == ["failed", "failed"]


def test_the_queue_is_listed_by_what_one_looks_for(submitted, store):
    assert [run["run"] for run in workbench("runs", "list", "--status", "done")] == [2, 1]
    assert workbench("runs", "list", "--version", "other") == []
    assert [run["run"] for run in workbench("runs", "list", "--experiment", "tiny", "--limit", 1,
                                            "--status", "done", "--offset", 1)] == [1]  # fmt: skip
    assert workbench("runs", "list", "--find", "nobody wrote this") == []
    assert len(workbench("runs", "list", "--find", "plain")) == len(store.runs.list())
