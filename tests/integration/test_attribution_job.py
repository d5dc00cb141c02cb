"""From two real runs on real photographs to what each edit between them contributed."""

import json

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from tests.cache import own_cache
from workbench.cli import cli
from workbench.domain.attributes import AttributeSet
from workbench.evaluation.refit import Pool, fold_refit
from workbench.settings import read_settings
from workbench.store import open_store
from workbench.training.refit_inputs import load_refit_inputs, refit_inputs_file
from workbench.workflow.attribution import fit_of_run
from workbench.workflow.compare import comparable_runs
from workbench.workflow.versions import freeze_version

pytestmark = pytest.mark.slow  # two real runs

TINY = {
    "name": "tiny",
    "data": {"distortions": ["gaussian_blur", "white_noise"], "width": 224, "height": 224},
    "encoder": {"name": "offline"},
    "tuning": {"mode": "none", "epochs": 1, "crops": 1},
    "regressor": {"epochs": 20},
    "split": {"folds": 2},
}
VERSIONS = {
    "plain": {"gaussian_blur": ["softened details"], "white_noise": ["fine grain", "old film"]},
    "rich": {
        "gaussian_blur": ["softened fine details", "hazy transitions"],
        "white_noise": ["fine grain"],
    },
}


@pytest.fixture(scope="module")
def place(tmp_path_factory, photographs):
    """A home in which both versions have run, and what answers a command there."""
    home = tmp_path_factory.mktemp("attribution")
    data = {**TINY["data"], "photographs": str(photographs)}
    (home / "tiny.yaml").write_text(yaml.safe_dump({**TINY, "data": data}))
    url = f"sqlite:///{home / 'db.sqlite'}"
    surroundings = {
        "WORKBENCH_HOME": str(home), "WORKBENCH_CACHE": own_cache(home),
        "WORKBENCH_DB": url, "WORKBENCH_OFFLINE": "1",
    }  # fmt: skip

    def workbench(*arguments):
        return CliRunner().invoke(cli, list(arguments), env=surroundings, catch_exceptions=False)

    with open_store(url) as store:
        for alias, words in VERSIONS.items():
            attributes = AttributeSet.from_phrases(words)
            freeze_version(store, attributes, message=alias, author="test", alias=alias)
            done = workbench("run", alias, "--config", str(home / "tiny.yaml"), "--json")
            assert done.exit_code == 0, done.output
        settings = read_settings(database_url=url).model_copy(update={"home": home})
        yield workbench, settings, comparable_runs(store, ["plain", "rich"])


def test_the_runs_own_regressor_refitted_on_what_it_kept_changes_no_bit(place):
    _, settings, runs = place
    for run in runs.runs:
        kept = load_refit_inputs(settings, run)
        pool = Pool(kept.inputs, kept.fold_of, kept.target, kept.photograph)
        quality = fold_refit(pool, fit_of_run(run.config))(np.arange(len(kept.attributes)))
        assert quality.tolist() == list(run.result.predictions.predicted)


def test_the_command_names_every_edit_and_its_figures(place):
    workbench, _, runs = place
    answer = json.loads(workbench("attribute", "plain", "rich", "--shapley", "6", "--json").stdout)
    edits = {(edit["kind"], edit["before"], edit["after"]) for edit in answer["edits"]}
    assert edits == {
        ("reworded", "softened details", "softened fine details"),
        ("added", None, "hazy transitions"),
        ("removed", "old film", None),
    }
    assert answer["refit"] == "ridge"
    assert [edit["retuned"] for edit in answer["edits"]] == [None] * 3
    assert answer["run_srcc"] == [run.result.quality.srcc for run in runs.runs]
    whole = answer["together"]["delta_srcc"] + answer["retuned"]["delta_srcc"]
    assert whole == pytest.approx(answer["srcc"][1] - answer["srcc"][0])
    assert sum(edit["shapley"] for edit in answer["edits"]) == pytest.approx(
        answer["together"]["delta_srcc"]
    )


def test_the_text_shows_sign_phrase_verdict_and_what_is_approximate(place):
    workbench, _, _ = place
    text = workbench("attribute", "plain", "rich").stdout
    for words in ("plain → rich", "softened details → softened fine details", "all 3 edits",
                  "ΔSRCC", "distinguishable", "Nothing was tuned"):  # fmt: skip
        assert words in text


def test_a_run_whose_inputs_are_gone_is_one_plain_line(place):
    workbench, settings, runs = place
    file = refit_inputs_file(settings, runs.runs[0].version, runs.runs[0].config.hash)
    aside = file.rename(file.with_suffix(".aside"))
    with pytest.raises(Exception, match="run the version again with --again to create it"):
        workbench("attribute", "plain", "rich")
    aside.rename(file)


def test_a_retuned_edit_is_the_run_of_the_version_with_that_edit(place):
    workbench, settings, runs = place
    answer = json.loads(workbench("attribute", "plain", "rich", "--retune", "1", "--json").stdout)
    first, *others = answer["edits"]
    assert [edit["retuned"] for edit in others] == [None, None]
    words = {name: list(phrases) for name, phrases in VERSIONS["plain"].items()}
    own = words[first["distortion"]]
    if first["before"]:
        own.remove(first["before"])
    if first["after"]:
        own.append(first["after"])
    with open_store(settings.database_url) as store:
        edited = AttributeSet.from_phrases(words)
        freeze_version(store, edited, message="edited", author="test", alias="edited")
    done = json.loads(
        workbench("run", "edited", "--config", str(settings.home / "tiny.yaml"), "--json").stdout
    )
    gain = done["metrics"]["srcc"] - runs.runs[0].result.quality.srcc
    # The regressor draws its first weights by the columns' order, which differs here.
    assert first["retuned"]["delta_srcc"] == pytest.approx(gain, abs=0.1)
    assert "made for real" in answer["notes"][-1]
