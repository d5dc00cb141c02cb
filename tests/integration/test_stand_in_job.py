"""An experiment of the paper in small, its model tried on other photographs, and their matrix."""

import json
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter
from typer.testing import CliRunner

from tests.cache import own_cache
from workbench.cli import cli
from workbench.settings import resource
from workbench.store import open_store
from workbench.store.text import read_attributes
from workbench.workflow.versions import freeze_version

pytestmark = pytest.mark.slow  # a real run and its transfers


@pytest.fixture
def workbench(tmp_path):
    surroundings = {
        "WORKBENCH_HOME": str(tmp_path), "WORKBENCH_CACHE": own_cache(tmp_path),
        "WORKBENCH_DB": f"sqlite:///{tmp_path / 'db.sqlite'}", "WORKBENCH_OFFLINE": "1",
    }  # fmt: skip
    with open_store(surroundings["WORKBENCH_DB"]) as store:
        curated = read_attributes(resource("attribute_db/curated"), origin="curated")
        freeze_version(store, curated, message="curated", author="test", alias="curated")

    def run(*arguments):
        done = CliRunner().invoke(cli, list(arguments), env=surroundings)
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    return run


@pytest.fixture
def elsewhere(tmp_path):
    """A folder of four pictures that no package ships."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(4):
        picture = gaussian_filter(rng.normal(size=(240, 240, 3)), (4 + number, 4, 0))
        picture = (picture - picture.min()) / np.ptp(picture) * 255
        Image.fromarray(picture.astype(np.uint8)).save(folder / f"{number}.png")
    return folder


def test_a_paper_experiment_runs_on_stand_ins_and_its_matrix_is_drawn(
    workbench, elsewhere, tmp_path
):
    done = workbench(
        "run", "curated", "--config", str(resource("experiments") / "paper/kadid10k-transfer.yaml"),
        "--set", "data.distortions=[jpeg, white_noise]", "--set", "tuning.epochs=1",
        "--set",
        "transfer.0.distortions=[jpeg, white_noise, jpeg2000, masked_noise]",
        "--stand-in", "--elsewhere", str(elsewhere), "--json",
    )  # fmt: skip
    assert "photographs of installed packages" in done["protocol"]["dataset"]
    drawing = tmp_path / "matrix.svg"
    matrix = workbench("matrix", str(done["run"]), "--quote", "--out", str(drawing), "--json")
    own, *others = matrix["cells"]
    assert own["held_out"]
    assert own["frozen"]["srcc"] == done["metrics"]["srcc"]
    assert [cell["types"] for cell in others] == [2, 2, 1, 2]  # TID2013, CSIQ, LVQ, LIVE
    assert all(-1 <= cell["zero_shot"]["srcc"] <= 1 for cell in others)
    assert matrix["published"] == []  # a stand-in reproduces nothing of the paper
    assert ElementTree.parse(drawing).getroot().tag.endswith("svg")
