"""Figures of single runs on the command line: every look is counted, the locked part stays shut."""

import json
import sys

import numpy as np
import pytest

from tests.app.full_database import CONFIG, a_result, claimed, fill
from tests.databases import fresh_database
from workbench.domain.metrics import Undefined
from workbench.domain.run import LockedPart, Transfer
from workbench.evaluation.comparable import hash_of_test_set
from workbench.report.tracking import tracked
from workbench.settings import read_settings
from workbench.store import open_store
from workbench.training.refit_inputs import (
    HeldOutPredictions,
    refit_inputs_file,
    save_refit_inputs,
)

pytestmark = pytest.mark.slow

LOCKED_SRCC = 0.123456789  # no other figure of these results is that


@pytest.fixture
def store(tmp_path, monkeypatch):
    """Finished runs 1 (draft) and 2 (curated), and further on others that are not done."""
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    monkeypatch.setenv("WORKBENCH_DB", fresh_database(tmp_path / "store.sqlite"))
    monkeypatch.setenv("WORKBENCH_AUTHOR", "ann")
    with open_store(f"sqlite:///{tmp_path}/store.sqlite") as opened:
        fill(opened)
        yield opened


@pytest.fixture
def experiment(tmp_path):
    """The configuration of the finished runs, as a file."""
    (tmp_path / "demo.yaml").write_text(CONFIG.model_dump_json())
    return tmp_path / "demo.yaml"


@pytest.fixture
def locked(store):
    """Another run of the curated version, with a locked part whose figures are known."""
    version = store.versions.get("curated")
    run = claimed(store, version)
    result = a_result(version, CONFIG, noise=0.1)
    part = LockedPart(
        quality=result.quality.model_copy(update={"srcc": LOCKED_SRCC}),
        identification=result.identification,
        all_clean=result.all_clean,
        predictions=a_result(version, CONFIG, noise=0.1, photographs=4).predictions,
    )
    store.runs.finish(run.id, result.model_copy(update={"locked": part}))
    return run.id


def looks(store):
    return [(look.run, look.purpose, look.author) for look in store.access_log.list()]


def test_showing_a_run_is_a_look_at_its_test_part(workbench, store):
    first, second = (
        json.loads(workbench("runs", "show", id, "--author", "bob", "--json")[1]) for id in (1, 2)
    )
    assert looks(store) == [(1, "runs show 1", "bob"), (2, "runs show 2", "bob")]
    (name,) = {look.test_hash for look in store.access_log.list()}
    assert first["looks"] == {"test_hash": name, "looks": 1, "versions": 1}
    assert second["looks"] == {"test_hash": name, "looks": 2, "versions": 2}
    words = " ".join(workbench("runs", "show", 2)[1].split())
    assert f"Test set {name[:8]}… accessed 3 times, 2 versions." in words


def test_other_data_that_a_run_was_tried_on_is_looked_at_with_it(workbench, store):
    version = store.versions.get("curated")
    result, other = (a_result(version, CONFIG, noise=0.1, photographs=n) for n in (6, 4))
    elsewhere = Transfer(
        protocol=other.protocol, identification=other.identification, all_clean=other.all_clean,
        frozen=other.quality, zero_shot=other.quality, predictions=other.predictions,
    )  # fmt: skip
    run = claimed(store, version)
    store.runs.finish(run.id, result.model_copy(update={"transfers": (elsewhere,)}))
    workbench("runs", "show", run.id)
    own = hash_of_test_set(result.protocol, result.predictions)
    there = hash_of_test_set(other.protocol, other.predictions)
    assert own != there
    assert {look.test_hash for look in store.access_log.list()} == {own, there}


def test_a_result_that_is_there_already_is_a_look_too(workbench, store, experiment):
    _, out, _ = workbench("run", "curated", "--config", experiment, "--json")
    document = json.loads(out)
    assert (document["run"], document["looks"]["looks"]) == (2, 1)
    assert document["metrics"]["srcc"] == store.runs.get(2).result.quality.srcc
    assert looks(store) == [(2, "run curated", "ann")]
    assert "accessed 2 times" in workbench("run", "curated", "--config", experiment)[1]


def keep_inputs(store, ref):
    """Write what a finished run keeps beside its result: made-up inputs of two folds."""
    version, used = store.versions.get(ref), CONFIG.data.distortions
    told = store.runs.find_done(version.hash, CONFIG.hash).result.predictions
    attributes = version.attributes.restricted_to(used)
    shape, quality = (2, len(told.image), 2, attributes.size), np.array(told.predicted)
    none = np.zeros((len(told.image), len(used)), np.float32)
    held = HeldOutPredictions(
        strengths=none,
        truth=none,
        quality=quality,
        inputs=np.random.default_rng(0).random(shape, np.float32),
        fold_of=np.unique(told.photograph, return_inverse=True)[1] % 2,
    )
    save_refit_inputs(
        refit_inputs_file(read_settings(), version.hash, CONFIG.hash),
        held,
        version=version.hash,
        config_hash=CONFIG.hash,
        attributes=attributes,
        target=np.array(told.target),
        photographs=told.photograph,
    )


def test_what_edits_contributed_is_a_look_at_both_runs(workbench, store):
    status, _, err = workbench("attribute", "draft", "curated", "--author", "bob")
    assert (status, looks(store)) == (1, [])
    assert "has no inputs for refits" in err
    for ref in ("draft", "curated"):
        keep_inputs(store, ref)
    _, out, _ = workbench("attribute", "draft", "curated", "--author", "bob", "--json")
    assert (json.loads(out)["looks"]["looks"], json.loads(out)["looks"]["versions"]) == (2, 2)
    assert looks(store) == [(run, "attribute draft, curated", "bob") for run in (1, 2)]
    assert "accessed 4 times, 2 versions." in workbench("attribute", "draft", "curated")[1]


@pytest.mark.parametrize("number", [3, 4, 5])
def test_a_run_without_figures_is_no_look(workbench, store, number):
    document = json.loads(workbench("runs", "show", number, "--json")[1])
    assert (document["result"], document["looks"], looks(store)) == (None, None, [])


def test_the_list_of_runs_shows_no_figure_and_is_no_look(workbench, store):
    rows = json.loads(workbench("runs", "list", "--json")[1])
    assert [row["status"] for row in rows] == ["queued", "running", "failed", "done", "done"]
    assert all("metrics" not in row for row in rows)
    assert f"{store.runs.get(2).result.quality.srcc:.3f}" not in workbench("runs", "list")[1]
    assert looks(store) == []


@pytest.mark.parametrize(
    "uri", ["http://127.0.0.1:1", "ftp://h", "http://eva:tell-nobody@h", "http://["]
)
def test_a_tracking_server_that_cannot_be_used_is_a_plain_line_and_no_look(
    workbench, store, monkeypatch, uri
):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    status, out, err = workbench("runs", "track", 1, 2, "--to", uri)
    assert (status, out, err.count("\n"), looks(store)) == (1, "", 1, [])
    assert "tell-nobody" not in err


def test_without_the_client_tracking_says_what_to_install(workbench, store, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    status, _, err = workbench("runs", "track", 1, "--to", "http://127.0.0.1:1")
    assert (status, looks(store)) == (1, [])
    assert "pip install 'attribute-workbench[mlflow]'" in err


def test_only_who_may_and_only_ended_runs_are_tracked(workbench, store, monkeypatch):
    status, _, err = workbench("runs", "track", 2, 4, "--to", "http://127.0.0.1:1")
    assert (status, "Run 4 is running" in err) == (1, True)
    assert workbench("runs", "track", 2)[0] == 2
    monkeypatch.setenv("WORKBENCH_ROLE", "viewer")
    status, _, err = workbench("runs", "track", 2, "--to", "http://127.0.0.1:1")
    assert (status, "takes the role editor" in err, looks(store)) == (1, True, [])


def test_what_is_tracked_lacks_the_locked_part_and_undefined_figures(store, locked):
    run = store.runs.get(locked)
    quality = run.result.quality.model_copy(update={"plcc": Undefined(undefined="all equal")})
    run = run.model_copy(update={"result": run.result.model_copy(update={"quality": quality})})
    sent = tracked(run, store.versions.get("curated"), [], {"run.log": ""}, store.url)
    assert list(sent.files) == ["run.json"]
    assert str(LOCKED_SRCC) not in str(sent)
    assert "quality/plcc" not in {point.name for point in sent.points}
    assert "quality/plcc: all equal" in sent.tags["workbench.undefined"]


def test_a_comparison_takes_what_was_seen_elsewhere_for_candidates(workbench, store):
    version = store.versions.get("draft")
    other = CONFIG.model_copy(update={"seed": 1})
    run = claimed(store, version, other)
    store.runs.finish(run.id, a_result(version, other, noise=0.3))
    workbench("runs", "show", run.id)
    found = json.loads(workbench("compare", "draft", "curated", "--json")[1])
    assert (found["looks"]["looks"], found["looks"]["choice"]["candidates"]) == (3, 3)
    (pair,) = found["pairs"]
    assert pair["p_looked"] == pytest.approx(2 * pair["p"])


@pytest.mark.parametrize(
    "command",
    [
        ("runs", "show", "{run}"),
        ("runs", "show", "{run}", "--json"),
        ("runs", "list", "--json"),
        ("run", "curated", "--config", "{experiment}"),
        ("run", "curated", "--config", "{experiment}", "--json"),
        ("compare", "draft", "curated"),
        ("compare", "draft", "curated", "--json"),
    ],
    ids=" ".join,
)
def test_no_command_but_compare_locked_shows_the_locked_part(
    workbench, store, locked, experiment, command
):
    status, out, _ = workbench(
        *(part.format(run=locked, experiment=experiment) for part in command)
    )
    assert status == 0
    assert not any(shown in out for shown in (str(LOCKED_SRCC), "0.123 ", "0.123\n"))
    assert '"locked": {' not in out


@pytest.mark.parametrize("name", ["r.html", "r.json", "tables"])
def test_no_report_of_the_folds_holds_the_locked_part(workbench, store, locked, tmp_path, name):
    option = "--csv" if name == "tables" else "--report"
    assert workbench("compare", "draft", "curated", option, tmp_path / name)[0] == 0
    files = (tmp_path / name).iterdir() if name == "tables" else [tmp_path / name]
    assert all(str(LOCKED_SRCC)[:7] not in file.read_text("utf-8") for file in files)
