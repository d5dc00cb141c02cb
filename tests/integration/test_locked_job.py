"""Two real runs with photographs locked away: looks at either test part are counted apart."""

import json

import pytest
import yaml
from scipy.stats import spearmanr
from typer.testing import CliRunner

from tests.cache import own_cache
from workbench.cli import cli
from workbench.domain.attributes import AttributeSet
from workbench.store import open_store
from workbench.workflow.versions import freeze_version

pytestmark = pytest.mark.slow  # two real runs

TINY = {
    "name": "tiny",
    "data": {"distortions": ["gaussian_blur", "white_noise"], "width": 224, "height": 224},
    "encoder": {"name": "offline"},
    "tuning": {"mode": "none", "epochs": 1, "crops": 1},
    "regressor": {"epochs": 20},
    "split": {"folds": 2, "locked": 0.3},
}
VERSIONS = {
    "plain": {"gaussian_blur": ["softened details"], "white_noise": ["fine grain"]},
    "rich": {"gaussian_blur": ["hazy transitions"], "white_noise": ["fine grain", "old film"]},
}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("locked")


@pytest.fixture(scope="module")
def place(home, photographs):
    """Answers a command where both versions have run."""
    data = {**TINY["data"], "photographs": str(photographs)}
    (home / "tiny.yaml").write_text(yaml.safe_dump({**TINY, "data": data}))
    surroundings = {
        "WORKBENCH_HOME": str(home), "WORKBENCH_CACHE": own_cache(home),
        "WORKBENCH_DB": f"sqlite:///{home / 'db.sqlite'}", "WORKBENCH_OFFLINE": "1",
    }  # fmt: skip
    with open_store(surroundings["WORKBENCH_DB"]) as store:
        for name, phrases in VERSIONS.items():
            attributes = AttributeSet.from_phrases(phrases)
            freeze_version(store, attributes, message=name, author="ann", alias=name)

    def answer(*arguments):
        found = CliRunner().invoke(cli, [*arguments, "--json"], env=surroundings)
        assert found.exit_code == 0, found.output
        return json.loads(found.stdout)

    for name in VERSIONS:
        answer("run", name, "--config", str(home / "tiny.yaml"))
    return answer


def test_locked_photographs_are_in_no_fold_and_in_no_figure_but_by_asking(place):
    run = place("runs", "show", "1")["result"]
    assert "locked" not in run
    assert run["protocol"]["photographs"] == len(set(run["predictions"]["photograph"])) == 4
    assert "0.3 of the photographs locked away" in run["protocol"]["split"]
    told = place("compare", "plain", "rich", "--locked")
    assert (told["protocol"]["photographs"], told["protocol"]["images"]) == (2, 22)
    assert told["protocol"]["split"].startswith("locked photographs, tuned once on all others")


def test_folds_and_locked_part_share_no_photograph_and_miss_none(place, home):
    with open_store(f"sqlite:///{home / 'db.sqlite'}") as store:
        result = store.runs.get(1).result
    folds, locked = set(result.predictions.photograph), set(result.locked.predictions.photograph)
    assert not folds & locked
    assert (len(folds), len(locked)) == (4, 2)
    told = place("compare", "plain", "rich", "--locked")
    assert told["rows"][0]["srcc"] == pytest.approx(
        spearmanr(result.locked.predictions.predicted, result.locked.predictions.target).statistic
    )


def test_a_report_can_be_made_of_the_locked_part(place, home):
    told = place("compare", "plain", "rich", "--locked", "--report", str(home / "r.json"))
    assert json.loads((home / "r.json").read_text("utf-8"))["comparison"] == told


def test_every_comparison_is_a_look_at_its_own_test_part(place):
    first, second = (place("compare", "plain", "rich") for _ in range(2))
    locked = place("compare", "plain", "rich", "--locked", "--author", "eve")
    assert second["looks"]["looks"] == first["looks"]["looks"] + 2
    assert second["looks"]["versions"] == 2
    assert second["looks"]["choice"]["candidates"] == 2
    assert first["looks"]["test_hash"] == first["test_hash"] != locked["test_hash"]
    assert {subset["kind"] for subset in first["subsets"]} == {"distortion", "level", "group"}
