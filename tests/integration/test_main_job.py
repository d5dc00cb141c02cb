"""The whole slice on real photographs: freeze two versions, run both, compare, report."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from tests.cache import own_cache
from tests.processes import started
from tests.waiting import PATIENCE_S
from workbench.cli import cli
from workbench.domain.attributes import AttributeSet
from workbench.errors import ConfigError
from workbench.experiment.config_files import load_experiment
from workbench.store import open_store
from workbench.workflow.compare import comparable_runs, compare_runs
from workbench.workflow.runs import enqueue_run
from workbench.workflow.versions import freeze_version

pytestmark = pytest.mark.slow

TINY = {
    "name": "tiny",
    "data": {"distortions": ["gaussian_blur", "white_noise"], "width": 224, "height": 224},
    "encoder": {"name": "offline"},
    "tuning": {"mode": "whole", "epochs": 2, "crops": 1, "warmup": 0.1},
    "regressor": {"epochs": 20},
    "split": {"folds": 2},
}

VERDICTS = {
    "better": "better than",
    "worse": "worse than",
    "not distinguishable": "not distinguishable from",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("main-job")


@pytest.fixture(scope="module")
def surroundings(place, photographs):
    """What the environment says: a home with one experiment and two versions."""
    data = {**TINY["data"], "photographs": str(photographs)}
    (place / "tiny.yaml").write_text(yaml.safe_dump({**TINY, "data": data}))
    variables = {
        "WORKBENCH_HOME": str(place),
        "WORKBENCH_CACHE": own_cache(place),
        "WORKBENCH_DB": f"sqlite:///{place / 'db.sqlite'}",
        "WORKBENCH_OFFLINE": "1",
    }
    with open_store(variables["WORKBENCH_DB"]) as store:
        for alias, words in {
            "plain": {"gaussian_blur": ["softened details"], "white_noise": ["fine grain"]},
            "rich": {
                "gaussian_blur": ["softened details", "hazy transitions"],
                "white_noise": ["fine grain", "coloured speckle"],
            },
        }.items():
            freeze_version(
                store, AttributeSet.from_phrases(words), message=alias, author="test", alias=alias
            )
    return variables


@pytest.fixture(scope="module")
def process(place, surroundings):
    """Run the command in a process of its own; returns (exit status, stdout, stderr)."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI")}

    def run(*arguments, **variables):
        with started(
            *(sys.executable, "-m", "workbench", *arguments),
            env=others | surroundings | variables, cwd=place, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        ) as command:  # fmt: skip
            out, err = command.communicate(timeout=PATIENCE_S)
        return command.returncode, out, err

    return run


@pytest.fixture
def workbench(workbench, place, surroundings, monkeypatch):
    """The command in this process, in the same home: what needs no process of its own."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in surroundings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(place)
    return workbench


@pytest.fixture(scope="module")
def both_run(place, surroundings):
    """What `run` answers of both versions, in this process."""
    answers = []
    for ref in ("plain", "rich"):
        done = CliRunner().invoke(
            cli, ["run", ref, "--config", str(place / "tiny.yaml"), "--json"], env=surroundings
        )
        assert done.exit_code == 0, done.output
        answers.append(json.loads(done.stdout))
    return answers


def test_a_run_answers_with_one_json_document_and_its_terms(both_run):
    first = both_run[0]
    assert first["status"] == "done"
    assert -1 <= first["metrics"]["srcc"] <= 1
    assert first["metrics"]["all_clean"]["top1_type"] == 0
    assert first["protocol"]["photographs"] == 6
    assert first["protocol"]["images"] == 66
    assert "no MOS" in first["protocol"]["target"]
    assert first["encoder"]["trained"] is True
    assert "not CLIP" in first["encoder"]["note"]


def test_baselines_read_no_attribute_and_are_computed_once_for_both(both_run, surroundings):
    assert both_run[0]["metrics"]["baselines"] == both_run[1]["metrics"]["baselines"]
    assert len(list(Path(surroundings["WORKBENCH_CACHE"], "baselines").iterdir())) == 1


def test_another_process_gives_the_same_result_bit_for_bit(both_run, process, place):
    status, out, _ = process(
        *("run", "plain", "--config", "tiny.yaml", "--again", "--json"),
        WORKBENCH_CACHE=str(place / "other-cache"),  # where nothing is computed yet
    )
    assert status == 0
    again = json.loads(out)
    assert again["run"] != both_run[0]["run"]
    assert again["metrics"] == both_run[0]["metrics"]


def test_a_finished_run_is_reused(both_run, workbench):
    def ids():
        return {run["run"] for run in json.loads(workbench("runs", "list", "--json")[1])}

    before = ids()
    _, out, _ = workbench("run", "plain", "--config", "tiny.yaml", "--json")
    reused = json.loads(out)
    assert reused["run"] in before
    assert reused["metrics"] == both_run[0]["metrics"]
    assert ids() == before


def test_compare_prints_the_numbers_of_the_runs(both_run, workbench):
    status, out, _ = workbench("compare", "plain", "rich", "--config", "tiny.yaml", "--json")
    assert status == 0
    comparison = json.loads(out)
    assert [row["label"] for row in comparison["rows"]] == ["plain", "rich"]
    for row, run in zip(comparison["rows"], both_run, strict=True):
        assert row["srcc"] == run["metrics"]["srcc"]
        low, high = row["srcc_ci"]
        assert low < high
    delta = comparison["rows"][1]["srcc"] - comparison["rows"][0]["srcc"]
    assert comparison["pairs"][0]["delta_srcc"] == pytest.approx(delta)
    assert comparison["pairs"][0]["verdict"] in VERDICTS


def test_the_text_form_holds_the_verdict(both_run, workbench):
    (pair,) = json.loads(workbench("compare", "plain", "rich", "--json")[1])["pairs"]
    said = " ".join(workbench("compare", "plain", "rich")[1].split())
    verdict = f"rich is {VERDICTS[pair['verdict']]} plain: ΔSRCC {pair['delta_srcc']:+.3f} (95 %"
    assert verdict in said.replace("−", "-")
    for other in VERDICTS.values():
        assert (f"rich is {other} plain" in said) == (other == VERDICTS[pair["verdict"]])


APPLY = ("distortions", "apply")
FAULTS = {
    "unknown version": (("compare", "plian", "rich"), "plain"),
    "unknown distortion": ((*APPLY, "jpg", "a.png", "b.png", "--level", "1"), "'jpeg'"),
    "missing image": ((*APPLY, "jpeg", "a.png", "b.png", "--level", "1"), "a.png"),
    "one version only": (("compare", "plain", "plain"), "two different versions"),
    "no such experiment": (("run", "plain", "--config", "none.yaml"), "none.yaml"),
    "a wrong override": (("run", "plain", "--config", "tiny.yaml", "--set", "seed"), "field=value"),
    "an override that is no YAML": (
        ("run", "plain", "--config", "tiny.yaml", "--set", "seed=["), "not valid YAML"
    ),
    "an uncovered distortion": (
        ("run", "plain", "--config", "tiny.yaml", "--set", "data.distortions=[jpeg]"),
        "plain has no attributes for jpeg",
    ),
    "a tag nobody has": (
        ("run", "plain", "--config", "tiny.yaml", "--set", "encoder.name=ViT-B-32"
         , "--set", "encoder.pretrained=openai"), "offline",
    ),
    "a log of no run": (("runs", "logs", "99"), "99"),
}  # fmt: skip


@pytest.mark.parametrize("arguments", FAULTS.values(), ids=FAULTS)
def test_bad_input_is_one_plain_line_and_exit_1(arguments, workbench):
    command, words = arguments
    status, out, err = workbench(*command)
    lines = [line for line in err.splitlines() if line.startswith("workbench: ")]
    assert status == 1
    assert len(lines) == 1
    assert words in lines[0]
    assert "Traceback" not in out + err


def test_wrong_usage_is_exit_2(workbench):
    status, _, err = workbench("compare", "--nonsense")
    assert status == 2
    assert "Traceback" not in err


def test_a_configuration_with_three_faults_names_all_three(workbench, place):
    wrong = {**TINY, "seed": "x", "mood": 1, "split": {"folds": 1}}
    (place / "wrong.yaml").write_text(yaml.safe_dump(wrong))
    status, _, err = workbench("run", "plain", "--config", "wrong.yaml")
    assert status == 1
    assert "wrong.yaml has 3 faults" in err
    for field in ("seed: ", "mood: no such field", "split.folds: "):
        assert field in err


def test_a_setting_that_is_no_number_is_named(workbench, monkeypatch):
    monkeypatch.setenv("WORKBENCH_THREADS", "many")
    status, _, err = workbench("versions", "list")
    assert status == 1
    assert "WORKBENCH_THREADS must be a whole number above 0, got 'many'" in err


def test_no_reachable_model_is_one_plain_line_and_changes_nothing(workbench, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "x")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    before = workbench("attributes", "list", "--json")
    status, _, err = workbench("draft", "jpeg")
    assert status == 1
    assert "127.0.0.1:9" in err
    assert "Traceback" not in err
    assert workbench("attributes", "list", "--json") == before


def test_a_corrupt_photograph_fails_the_run_with_its_name(workbench, place):
    folder = place / "photos"
    folder.mkdir()
    (folder / "bad.jpg").write_bytes(b"nothing")
    status, _, err = workbench(
        "run", "plain", "--config", "tiny.yaml", "--set", f"data.photographs={folder}"
    )
    assert status == 1
    assert "bad.jpg is no readable image" in err


def test_versions_can_be_exported_imported_frozen_and_diffed(workbench, place):
    assert workbench("attributes", "export", "text", "--ref", "rich")[0] == 0
    file = Path(place) / "text" / "white_noise.yaml"
    file.write_text(file.read_text().replace("fine grain", "fine random grain"))
    assert workbench("attributes", "import", "text")[0] == 0
    _, out, _ = workbench("freeze", "-m", "more exact", "--alias", "exact", "--json")
    assert json.loads(out)["attributes"] == 4
    _, out, _ = workbench("versions", "diff", "rich", "exact", "--json")
    assert json.loads(out) == {
        "white_noise": {
            "added": [], "removed": [], "reworded": [["fine grain", "fine random grain"]],
            "reordered": [], "moved": [],
        }
    }  # fmt: skip
    assert workbench("versions", "verify")[0] == 0


def test_a_queued_run_is_worked_off_by_a_worker(both_run, process, place):
    with open_store(f"sqlite:///{place / 'db.sqlite'}") as store:
        config = load_experiment(place / "tiny.yaml", ["seed=5"])
        runs = [enqueue_run(store, ref, config) for ref in ("plain", "rich")]
        status, _, err = process("worker", "--until-idle")
        assert status == 0, err
        assert [store.runs.get(run.id).status for run in runs] == ["done", "done"]
        first, refs = load_experiment(place / "tiny.yaml"), ["plain", "rich"]
        for seed, chosen in (
            (5, comparable_runs(store, refs)),
            (0, comparable_runs(store, refs, config=first)),
            (0, comparable_runs(store, refs, terms="training seed 0")),
        ):
            found = compare_runs(store, chosen, resamples=500, purpose="test", author="ann")
            assert f"training seed {seed}" in found.protocol.split
        with pytest.raises(ConfigError, match="That configuration has not been run to its end"):
            comparable_runs(store, refs, config=load_experiment(place / "tiny.yaml", ["seed=77"]))


def test_a_run_by_ray_gives_what_a_local_one_gives(both_run, process, place):
    with open_store(f"sqlite:///{place / 'db.sqlite'}") as store:
        local = store.runs.get(both_run[0]["run"])
        (run,) = store.runs.submit([(local.version, local.config)], again=True, afresh=True)
        status, out, err = process("worker", "--executor", "ray", "--until-idle", "--json")
        assert (status, err) == (0, "")
        assert json.loads(out) == {"done": 1}
        by_ray = store.runs.get(run.id)
        assert by_ray.result.predictions == local.result.predictions
        assert by_ray.result.quality == local.result.quality
        assert by_ray.result.identification == local.result.identification
        assert store.traces.losses(run.id) == store.traces.losses(local.id) != []
        assert any(line.endswith(": done") for line in store.traces.lines(run.id))
        assert store.runs.workers() == []
