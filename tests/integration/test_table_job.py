"""A table of one's own from its import to a run on splits of it, by the commands alone."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from typer.testing import CliRunner

from tests.cache import own_cache
from workbench.cli import cli
from workbench.datasets.photographs import load_photograph, photograph_files
from workbench.distortions import apply_distortion
from workbench.domain.attributes import AttributeSet
from workbench.store import open_store
from workbench.workflow.versions import freeze_version

pytestmark = pytest.mark.slow

TYPES = {"gaussian_blur": ["softened details"], "white_noise": ["fine grain"]}
TINY = {
    "data": {"dataset": "mine", "distortions": list(TYPES)},
    "encoder": {"name": "offline"},
    "tuning": {"mode": "none", "epochs": 1, "crops": 1},
    "regressor": {"epochs": 2, "hidden": [8, 4]},
}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Return a folder with a table of five photographs, each clean and distorted four times."""
    folder = tmp_path_factory.mktemp("table-job")
    lines = ["image,score,distortion,level,levels,group"]
    for name, file in list(photograph_files("packaged").items())[:5]:
        clean = load_photograph(file, 224, 224)
        for distortion, level in (("", 0), *((type, level) for type in TYPES for level in (3, 5))):
            image = apply_distortion(clean, distortion, level, seed=0) if level else clean
            Image.fromarray(image).save(folder / f"{name}{distortion}{level}.png")
            cells = f"{distortion},{level},5" if level else ",,"
            lines.append(f"{name}{distortion}{level}.png,{9 - level},{cells},{name}")
    (folder / "mine.csv").write_text("\n".join(lines))
    return folder


@pytest.fixture(scope="module")
def workbench(home):
    """Answer a command in a home of its own with its JSON document."""
    environment = {
        "WORKBENCH_HOME": str(home), "WORKBENCH_CACHE": own_cache(home),
        "WORKBENCH_DB": f"sqlite:///{home / 'db.sqlite'}", "WORKBENCH_OFFLINE": "1",
    }  # fmt: skip
    with open_store(environment["WORKBENCH_DB"]) as store:
        attributes = AttributeSet.from_phrases(TYPES)
        freeze_version(store, attributes, message="first", author="ann", alias="first")

    def answer(*arguments):
        result = CliRunner().invoke(cli, [*map(str, arguments), "--json"], env=environment)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return answer


@pytest.fixture(scope="module")
def splits(workbench, home):
    workbench("datasets", "import", home / "mine.csv", "--low", 0, "--high", 9)
    command = ("datasets", "split", "mine", "--to", home / "splits", "--seeds", 2)
    return workbench(*command)["splits"]


def run_on(workbench, home, folder):
    config = {**TINY, "split": {"published": str(folder)}}
    (home / "tiny.yaml").write_text(yaml.safe_dump(config))
    return workbench("run", "first", "--config", home / "tiny.yaml", "--again")


@pytest.fixture(scope="module")
def run_on_made_splits(workbench, home, splits):
    return run_on(workbench, home, home / "splits")


def test_splits_that_the_command_made_are_those_of_the_run(
    workbench, home, splits, run_on_made_splits
):
    assert [split["name"] for split in splits] == ["seed 0", "seed 1"]
    result = workbench("runs", "show", run_on_made_splits["run"])["result"]
    tested = [
        name
        for split in splits
        for name in json.loads(Path(split["file"]).read_text(encoding="utf-8"))["test"]
    ]
    assert sorted(result["predictions"]["image"]) == sorted(tested)


def test_the_same_division_published_as_arrays_gives_the_same_figures(
    workbench, home, splits, run_on_made_splits
):
    names = [line.split(",")[0] for line in (home / "mine.csv").read_text().splitlines()[1:]]
    documents = [json.loads(Path(split["file"]).read_text(encoding="utf-8")) for split in splits]
    arrays = home / "arrays"
    arrays.mkdir()
    for part, short in (("train", "train"), ("validation", "val"), ("test", "test")):
        rows = [[names.index(name) for name in document[part]] for document in documents]
        np.save(arrays / f"{short}.npy", rows)
    assert run_on(workbench, home, arrays)["metrics"] == run_on_made_splits["metrics"]
