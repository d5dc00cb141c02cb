"""A distortion type of one's own, from a YAML file to the figures of a run: no code touched."""

import json

import numpy as np
import pytest
import skimage.data
import yaml
from PIL import Image
from typer.testing import CliRunner

from tests.cache import own_cache
from workbench.cli import cli
from workbench.datasets.generation.manifest import read_manifest
from workbench.datasets.generation.plan import GeneratorConfig
from workbench.errors import ConfigError, InvalidConfigError, StoreError, UnknownNameError
from workbench.experiment.config_files import parse_experiment
from workbench.store import open_store
from workbench.workflow.generate import generate_set
from workbench.workflow.runs import enqueue_run

pytestmark = pytest.mark.slow

NIGHT = {
    "name": "Night shot",
    "explanation": "A phone's camera at night makes the picture dark and grainy.",
    "steps": [
        {"operator": "darken", "parameters": [0.2, 0.7]},
        {"operator": "white_noise", "parameters": [0.002, 0.02]},
    ],
}
EXPERIMENT = {
    "data": {"distortions": ["night_shot"], "width": 224, "height": 224},
    "encoder": {"name": "offline"},
    "tuning": {"mode": "whole", "epochs": 1, "crops": 1},
    "regressor": {"epochs": 5},
    "split": {"folds": 2},
}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A working directory with a recipe, its attributes, and four photographs."""
    for variable, value in {
        "HOME": tmp_path,
        "CACHE": own_cache(tmp_path),
        "DB": f"sqlite:///{tmp_path / 'store.sqlite'}",
        "OFFLINE": 1,
        "AUTHOR": "ann",
    }.items():
        monkeypatch.setenv(f"WORKBENCH_{variable}", str(value))
    monkeypatch.chdir(tmp_path)
    write("night.yaml", NIGHT)
    write(
        "attributes.yaml",
        {"distortion": "night_shot", "attributes": ["deep shadows", "grain in dark parts"]},
    )
    (tmp_path / "photographs").mkdir()
    for name in ("astronaut", "coffee", "chelsea", "rocket"):
        pixels = getattr(skimage.data, name)()[:128, :128]
        Image.fromarray(pixels).save(tmp_path / "photographs" / f"{name}.png")
    return tmp_path


@pytest.fixture
def store(home):
    with open_store(f"sqlite:///{home / 'store.sqlite'}") as opened:
        yield opened


def write(name, document):
    with open(name, "w", encoding="utf-8") as file:  # noqa: PTH123
        yaml.safe_dump(document, file)


def workbench(*arguments):
    """Run a command in this process and return its JSON; what it raises passes."""
    done = CliRunner().invoke(cli, [*arguments, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def experiment(home, **data):
    raw = {**EXPERIMENT, "data": {**EXPERIMENT["data"], **data}}
    raw["data"]["photographs"] = str(home / "photographs")
    return parse_experiment(raw, "test")


def test_a_recipe_is_imported_for_frozen_run_and_measured_at_once(home, store):
    assert workbench("distortions", "add", "night.yaml") == {"id": "night_shot"}
    workbench("attributes", "import", "attributes.yaml")
    findings = workbench("attributes", "lint", "--encoder", "offline", "--rule", "dead")
    assert {found["distortion"] for found in findings} <= {"night_shot"}
    assert list((home / "cache" / "lint-probe").glob("*night_shot*"))
    version = workbench("freeze", "-m", "first")["version"]
    run = enqueue_run(store, version, experiment(home))
    done = CliRunner().invoke(cli, ["worker", "--until-idle"], catch_exceptions=False)
    assert done.exit_code == 0
    finished = store.runs.get(run.id)
    assert (finished.status, finished.error) == ("done", None)
    assert finished.result.protocol.distortions == ("night_shot",)
    source = f"recipe {store.recipes.get('night_shot').hash[:12]}"
    assert finished.result.protocol.dataset.endswith(f"; night_shot is {source}")
    assert finished.result.predictions.level == (0, 1, 2) * 4
    assert 0 <= finished.result.quality.rmse < 1
    with pytest.raises(StoreError, match=f"version {version[:10]} has attributes for it"):
        workbench("distortions", "remove", "night_shot")


def test_it_is_listed_and_applied_like_any_other(home):
    workbench("distortions", "add", "night.yaml", "--author", "bob")
    listed = workbench("distortions", "list")
    assert listed[-1]["id"] == "night_shot"
    assert listed[-1]["source"].startswith("recipe ")
    assert listed[-1]["levels"] == [1, 2]
    said = workbench("distortions", "apply", "night_shot", "photographs/coffee.png", "dark.png",
                     "--level", "2")  # fmt: skip
    assert said == {"id": "night_shot", "level": 2, "parameter": 2.0, "seed": 0}
    means = [np.asarray(Image.open(f)).mean() for f in ("dark.png", "photographs/coffee.png")]
    assert means[0] < 0.8 * means[1]
    prompt = workbench("draft", "night_shot", "--dry-run")
    assert NIGHT["explanation"] in json.dumps(prompt)


def test_what_is_exported_is_the_recipe_that_was_added(home):
    workbench("distortions", "add", "night.yaml")
    workbench("distortions", "export", "night_shot", "again.yaml")
    assert workbench("distortions", "add", "again.yaml") == {"id": "night_shot"}
    workbench("distortions", "remove", "night_shot")
    with pytest.raises(UnknownNameError, match="Unknown recipe 'night_shot'"):
        workbench("distortions", "export", "night_shot", "again.yaml")


@pytest.mark.parametrize("added", [True, False])
def test_a_strip_shows_every_level_of_a_stored_type_or_of_a_file(home, added):
    if added:
        workbench("distortions", "add", "night.yaml")
    name = "night_shot" if added else "night.yaml"
    said = workbench("distortions", "strip", name, "strip.png", "--photograph",
                     "photographs/coffee.png")  # fmt: skip
    assert said == {"id": "night_shot", "levels": 2, "path": "strip.png"}
    picture = np.asarray(Image.open("strip.png"))
    assert picture.shape == (256, 3 * 256 + 2 * 4, 3)
    assert picture[:, :256].mean() > picture[:, 260:516].mean() > picture[:, 520:].mean()


def test_a_type_without_steps_is_described_and_frozen_but_never_run(home, store):
    words = {"name": "Night shot", "explanation": "It is dark and grainy."}
    write("night.yaml", words)
    workbench("distortions", "add", "night.yaml")
    workbench("attributes", "import", "attributes.yaml")
    version = workbench("freeze", "-m", "words only")["version"]
    for command in (
        lambda: enqueue_run(store, version, experiment(home)),
        lambda: workbench("distortions", "strip", "night_shot", "strip.png"),
    ):
        with pytest.raises(ConfigError, match=r"Night shot \('night_shot'\) has no operator"):
            command()
    assert store.runs.list() == []


def test_other_content_under_a_stored_id_changes_nothing(home, store):
    workbench("distortions", "add", "night.yaml")
    before = store.recipes.list()
    write("night.yaml", {**NIGHT, "explanation": "Somebody turned off the light."})
    with pytest.raises(StoreError, match=r"another recipe 'night_shot' already, of ann"):
        workbench("distortions", "add", "night.yaml")
    assert store.recipes.list() == before


def test_a_recipe_that_the_catalogue_refuses_is_not_stored(home, store):
    workbench("distortions", "add", "night.yaml")
    night = store.recipes.get("night_shot")
    wrong = night.model_copy(update={"id": "jpeg"})
    with pytest.raises(InvalidConfigError, match="Recipe 'jpeg' has 1 fault: id: 'jpeg' is a dis"):
        store.recipes.add(wrong, author="ann")
    write("dawn.yaml", {**NIGHT, "name": "Dawn", "steps": [{"operator": "night_shot",
                                                             "parameters": [1]}]})  # fmt: skip
    with pytest.raises(InvalidConfigError, match=r"steps\.1\.operator: 'night_shot' is itself a"):
        workbench("distortions", "add", "dawn.yaml")
    assert store.recipes.list() == [night]


def test_a_multi_distortion_set_can_be_made_with_it(home, store):
    workbench("distortions", "add", "night.yaml")
    config = GeneratorConfig(count=4, distortions=("jpeg", "night_shot"), max_distortions=2)
    made = generate_set(
        str(home / "photographs"),
        home / "set",
        config,
        recipes=tuple(store.recipes.list()),
        workers=2,
        progress=lambda share, text: None,
    )
    assert made.images == 4
    rows = read_manifest(home / "set" / "manifest.parquet").to_pylist()
    assert {name for row in rows for name in row["types"]} == {"jpeg", "night_shot"}
