"""The experiments that ship, overrides of their fields, and their stand-ins."""

import pytest

from workbench.datasets.adapters import adapters
from workbench.domain.config import (
    STORED,
    DataConfig,
    DatasetConfig,
    RegressorConfig,
    RunConfig,
)
from workbench.errors import ConfigError
from workbench.experiment.config_files import experiment_files, load_experiment, stand_in
from workbench.settings import resource
from workbench.text_files import read_yaml

FOLDER = resource("experiments")
PAPER = sorted((FOLDER / "paper").glob("*.yaml"))
ABLATIONS = sorted((FOLDER / "ablations").glob("*.yaml"))
FILES = [*experiment_files(), *PAPER, *ABLATIONS]
NAMES = [file.relative_to(FOLDER).as_posix() for file in FILES]
# Of the program before what a regressor reads was configured, when all read what the paper's does.
RECORDED = {
    "demo-clip-quick": "34a27deb9d2dafeb",
    "demo-clip": "a769e28521ba4c96",
    "demo-quick": "ad1648c82dd58806",
    "demo": "2f5056cead0043a5",
    "biq2021": "fb7404900f65d50c",
    "multi-distortion": "4df5b763aba10526",
    "new-types": "c184eb81b736a01f",
    "ablations/embedding-given": "10a92b011fcfc930",
    "ablations/linear-regressor": "bfdfad93dd0f768d",
    "ablations/strengths-given": "ea2e11b901f1143b",
    "paper/csiq": "c310fa18c4ffa50d",
    "paper/exiqa100k-transfer": "c26f0dbf6106774d",
    "paper/exiqa100k": "93235fb079026501",
    "paper/kadid10k-transfer": "633a8926be85b892",
    "paper/kadid10k": "a0b8adbabcb3bfb3",
    "paper/live": "424c3b1307a964a7",
    "paper/lvq": "4631421c4967891e",
    "paper/tid2013-transfer": "fc9ebf26bb5ed0cc",
    "paper/tid2013": "dfa73b4fca03e30a",
}
TYPES = {
    name: {kind.distortion for kind in adapter.facts.types} for name, adapter in adapters().items()
}


@pytest.mark.parametrize("name", NAMES)
def test_an_experiment_loads_and_opens_with_the_command_that_runs_it(name):
    load_experiment(FOLDER / name)
    first = (FOLDER / name).read_text(encoding="utf-8").splitlines()[0]
    assert first == f"# workbench run curated --config experiments/{name}"


def test_every_row_of_the_papers_tables_has_an_experiment():
    trained = {"kadid10k", "tid2013", "csiq", "lvq", "live", "exiqa100k"}
    transferred = {"kadid10k-transfer", "tid2013-transfer", "exiqa100k-transfer"}
    assert {file.stem for file in PAPER} == trained | transferred
    assert len(ABLATIONS) == 16


@pytest.mark.parametrize(("name", "digits"), RECORDED.items())
def test_a_configuration_of_before_keeps_its_hash_and_is_no_experiment_of_today(name, digits):
    file = FOLDER / f"{name}.yaml"
    raw = read_yaml(file.read_text(encoding="utf-8"))
    earlier = RunConfig.model_validate({"regressor": {}, **raw}, context=STORED)
    assert earlier.hash[:16] == digits
    read = (earlier.regressor.readout, earlier.regressor.views)
    assert read == ("probabilities", "crops")
    today = load_experiment(file)
    assert (today.hash == earlier.hash) == name.startswith("paper/")  # which state the paper's
    stated = ["regressor.readout=probabilities", "regressor.views=crops"]
    assert load_experiment(file, stated) == earlier


@pytest.mark.parametrize("readout", ["log_odds", "probabilities"])
@pytest.mark.parametrize("views", ["crops", "crops_and_whole"])
def test_a_configuration_comes_back_from_where_it_was_stored(readout, views):
    regressor = RegressorConfig(readout=readout, views=views)
    config = RunConfig(data=DataConfig(distortions=("jpeg",)), regressor=regressor)
    text = config.model_dump_json()
    assert RunConfig.model_validate_json(text, context=STORED) == config
    assert ("readout" in text, "views" in text) == (readout == "log_odds", views != "crops")


@pytest.mark.parametrize("file", PAPER, ids=lambda file: file.stem)
def test_an_experiment_of_the_paper_takes_all_types_of_its_datasets(file):
    config = load_experiment(file)
    for data in (config.data, *config.transfer):
        own = TYPES[data.dataset] or TYPES["kadid10k"]  # the paper's set has KADID-10k's types
        assert set(data.distortions) == own


@pytest.mark.parametrize("file", ABLATIONS, ids=lambda file: file.stem)
def test_an_ablation_changes_one_part_of_the_demo(file):
    config, demo = load_experiment(file), load_experiment(FOLDER / "demo.yaml")
    changed = {name for name, value in config if value != getattr(demo, name)} - {"name"}
    assert len(changed) == 1
    assert changed <= {"tuning", "regressor"}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("elsewhere", [None, "photographs"])
def test_a_stand_in_needs_no_dataset_and_no_other_encoder(name, elsewhere, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # where no dataset lies
    meant = load_experiment(FOLDER / name)
    small = stand_in(meant, elsewhere=elsewhere)
    RunConfig.model_validate(small.model_dump())
    assert small.name == f"{meant.name}-stand-in"
    assert (small.encoder.name, small.split.folds, small.split.repeats) == ("offline", 2, 1)
    assert isinstance(small.data, DataConfig)
    assert small.data.photographs == "packaged"
    assert set(small.data.distortions) <= set(meant.data.distortions)
    assert [data.photographs for data in small.transfer] == (
        [elsewhere] * len(meant.transfer) if elsewhere else []
    )


def test_a_dataset_that_is_there_stays_with_some_of_its_images(tmp_path):
    there = DatasetConfig(dataset="csiq", root=str(tmp_path), distortions=("jpeg",))
    small = stand_in(
        RunConfig(data=there, transfer=(there, there.model_copy(update={"images": 9})))
    )
    assert small.data == there.model_copy(update={"images": 500})
    assert [data.images for data in small.transfer] == [500, 9]


def test_a_folder_of_photographs_that_is_there_stays(tmp_path):
    there = DataConfig(photographs=str(tmp_path), distortions=("jpeg",))
    assert stand_in(RunConfig(data=there)).data.photographs == str(tmp_path)


def test_nothing_stands_in_for_types_without_an_operator():
    config = RunConfig(
        data=DatasetConfig(dataset="live", root="none", distortions=("fast_fading",))
    )
    with pytest.raises(ConfigError, match=r"in for live: the workbench can apply none of fast_fad"):
        stand_in(config)


def test_an_override_reaches_into_a_list():
    file = FOLDER / "paper" / "tid2013-transfer.yaml"
    config = load_experiment(file, ["transfer.1.root=/media/csiq", "data.root=tid"])
    assert [data.root for data in config.transfer] == [
        *("data/KADID-10k", "/media/csiq", "data/LVQ", "data/LIVE"),
    ]
    assert config.data.root == "tid"


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("transfer.4.root=x", r"transfer\.4\.root=x: '4' is no entry of a list of 4, counted from"),
        ("transfer.first.root=x", "'first' is no entry of a list of 4"),
        ("transfer.-1=x", "'-1' is no entry of a list of 4"),
        ("transfer.0.root.a=x", "'root' is a value, not a section"),
        ("transfer", "--set takes field=value"),
        ("name=[", "the value is not valid YAML"),
        (f"name={'[' * 3000}", "the value is not valid YAML"),
        ("name=2026-13-45", "the value is not valid YAML"),
    ],
)
def test_an_override_of_what_is_not_there_is_refused(override, words):
    with pytest.raises(ConfigError, match=words):
        load_experiment(FOLDER / "paper" / "tid2013-transfer.yaml", [override])


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("seed=!!timestamp x", "the value is not valid YAML: a value is not what its tag says"),
        (f"seed={'9' * 5000}", "the value is not valid YAML: holds a number of thousands of"),
        (f"seed=0x{'f' * 5000}", "the value is not valid YAML: holds a number of thousands of"),
        ("seed=9223372036854775808", "seed: input should be less than 9223372036854775808"),
        ("tuning.prompts=1000000000", "tuning.prompts: input should be less than or equal to 4096"),
        ("regressor.hidden=[0, 1000000000]", "regressor.hidden.1: input should be less"),
        ("data.width=1000000000", "width: input should be less than or equal to 65535"),
        (f"name={'[' * 3000}", "nested too deeply"),
        (f"transfer.{'9' * 5000}.root=x", "is no entry of a list"),
        (f"seed={'y' * 100_000}", "unable to parse string as an integer, got 'yyyy"),
    ],
)
def test_an_override_made_to_break_the_reader_is_one_short_line(tmp_path, override, words):
    file = tmp_path / "it.yaml"
    file.write_text("data: {distortions: [jpeg]}\ntransfer: []\n")
    with pytest.raises(ConfigError) as refused:
        load_experiment(file, [override])
    assert words in str(refused.value)
    assert len(str(refused.value)) < 600
    assert "\n" not in str(refused.value)
