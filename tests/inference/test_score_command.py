"""`workbench score` and `workbench export` with the real commands on a real store."""

import csv
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from tests.databases import fresh_database
from tests.factories import make_result
from tests.inference.small_model import ATTRIBUTES, configured, grainy
from workbench.domain.image_score import Score
from workbench.inference import load_model, model_folder, quality_model
from workbench.settings import read_settings
from workbench.store import open_store
from workbench.workflow.spreading import score_over, spread

pytestmark = pytest.mark.slow


@pytest.fixture
def command(workbench, tmp_path, monkeypatch):
    """The command in a home of its own."""
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("WORKBENCH_DB", fresh_database(tmp_path / "store.sqlite"))
    return workbench


@pytest.fixture
def run(command, save):
    """Id of a finished run with its model."""
    settings = read_settings()
    with open_store(settings.database_url) as store:
        version = store.versions.freeze(ATTRIBUTES, message="two", author="ann")
        queued = store.runs.enqueue(version.hash, configured())
        store.runs.claim("here:1", only=queued.id)
        store.runs.finish(queued.id, make_result(queued.version, queued.config))
    shutil.copytree(save().folder, model_folder(settings, version.hash, configured().hash))
    return queued.id


@pytest.fixture
def exported(save):
    return save().folder


def test_json_has_every_score_whole(command, run, photographs, save):
    status, out, err = command("score", photographs, "--run", run, "--json")
    assert (status, err) == (0, "")
    scores = [Score.model_validate(score) for score in json.loads(out)]
    expected = list(save().model.score_all([photographs]))
    assert [score.image for score in scores] == [score.image for score in expected]
    qualities = [score.quality for score in expected]
    assert [score.quality for score in scores] == pytest.approx(qualities, abs=1e-5)


def test_people_read_a_table(command, exported, photographs):
    status, out, _ = command("score", photographs / "b.png", "--model", exported)
    score = load_model(exported).score(photographs / "b.png")
    assert status == 0
    assert f"{score.quality:.3f}" in out
    strongest = max(score.distortions, key=score.distortions.get)
    assert f"{strongest} {score.distortions[strongest]:.2f}" in out
    value, words = min(
        (value, f"{distortion}: {phrase}")
        for distortion, phrases in score.contributions.items()
        for phrase, value in phrases.items()
    )
    assert f"{value:+.3f} {words}" in " ".join(out.split())


def test_a_picture_unlike_the_training_is_flagged_in_text_json_and_csv(command, exported, tmp_path):
    stripes = np.where(np.arange(240)[None] // 30 % 2, 255, 0).repeat(240, axis=0)
    for name, pixels in (("grain", grainy(3, size=240)[0][1]), ("stripes", stripes)):
        Image.fromarray(pixels.astype(np.uint8)).convert("RGB").save(tmp_path / f"{name}.png")
    asked = ("score", tmp_path / "grain.png", tmp_path / "stripes.png", "--model", exported)
    table = tmp_path / "scores.csv"
    usual, strange = json.loads(command(*asked, "--json", "--csv", table)[1])
    assert (usual["unlike"]["flagged"], strange["unlike"]["flagged"]) == (False, True)
    assert strange["unlike"]["distance"] > strange["unlike"]["threshold"]
    assert strange["unlike"]["percentile"] > 90 > usual["unlike"]["percentile"]
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    assert [row["unlike_flagged"] for row in rows] == ["no", "yes"]
    assert float(rows[1]["unlike_distance"]) == pytest.approx(strange["unlike"]["distance"])
    assert float(rows[0]["quality"]) == pytest.approx(usual["quality"])
    assert float(rows[0]["noise"]) == pytest.approx(usual["distortions"]["noise"])
    out = " ".join(command(*asked)[1].split())
    assert "don't trust" in out


def test_a_table_that_cannot_be_written_is_said_before_anything_is_scored(
    command, exported, tmp_path
):
    status, out, err = command(
        "score", tmp_path / "gone.png", "--model", exported, "--csv", tmp_path
    )
    assert (status, out) == (1, "")
    assert str(tmp_path) in err


def test_a_model_that_reads_embeddings_says_why_nothing_contributes(command, save, photographs):
    folder = save(given="embedding").folder
    status, out, _ = command("score", photographs / "b.png", "--model", folder)
    assert status == 0
    assert "the regressor reads the image's embedding" in out


def test_what_is_taken_away_is_told_alone_and_together(command, exported, photographs):
    chosen = ("--without", "grain", "--without", "blur")
    asked = ("score", photographs / "b.png", "--model", exported, *chosen)
    document = json.loads(command(*asked, "--json")[1])
    others = document[0]["without"]
    assert [other["without"] for other in others] == [["grain"], ["blur"], ["grain", "blur"]]
    assert others[0]["change"] == pytest.approx(others[0]["quality"] - document[0]["quality"])
    out = " ".join(command(*asked)[1].split())
    assert f"{others[2]['quality']:.3f} ({others[2]['change']:+.3f}) without grain and blur" in out


def test_what_is_weakened_is_told_once_for_all(command, exported, photographs):
    asked = ("score", photographs / "b.png", "--model", exported)
    chosen = ("--weaken", "grain=0.5", "--weaken", "blur=0")
    (document,) = json.loads(command(*asked, *chosen, "--json")[1])
    weakened = document["weakened"]
    assert weakened["left"] == {"grain": 0.5, "blur": 0.0}
    assert weakened["change"] == pytest.approx(weakened["quality"] - document["quality"])
    out = command(*asked, *chosen)[1]
    assert f"({weakened['change']:+.3f})" in out
    status, _, err = command(*asked, "--weaken", "grain=2")
    assert status == 1
    assert "--weaken takes a name and a share from 0 to 1" in err


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ((), "Name either a run (--run ID) or a model's folder (--model FOLDER)."),
        (("--run", "1", "--model", "x"), "Name either a run (--run ID) or a model's folder"),
        (("--model", "nowhere"), "model.json is missing. Name a folder that `workbench export`"),
        (("--run", "99"), "99"),
    ],
)
def test_which_model_is_asked_for_must_be_clear(command, photographs, arguments, line):
    status, out, err = command("score", photographs, *arguments)
    assert (status, out) == (1, "")
    assert line in err
    assert err.count("\n") == 1


def test_a_wrong_name_is_said_before_anything_is_scored(command, exported, tmp_path):
    status, out, err = command(
        "score", tmp_path / "gone.png", "--model", exported, "--without", "grian"
    )
    assert (status, out) == (1, "")
    assert "Unknown attribute or distortion 'grian'. Did you mean 'grain'?" in err


def test_a_corrupt_image_is_named_and_no_half_document_is_printed(command, exported, tmp_path):
    (tmp_path / "a.png").write_bytes(b"no image")
    status, out, err = command("score", tmp_path / "a.png", "--model", exported, "--json")
    assert (status, out) == (1, "")
    assert "a.png is no readable image" in err


def test_a_run_without_a_model_is_to_be_run_again(command, run, photographs):
    settings = read_settings()
    folder = model_folder(settings, ATTRIBUTES.hash, configured().hash)
    shutil.rmtree(folder)
    for asked in (("score", photographs, "--run", run), ("export", run, photographs / "out")):
        status, out, err = command(*asked)
        assert (status, out) == (1, "")
        assert f"Run {run} has no model in {folder}: run it again with --again." in err


def test_a_model_of_another_configuration_is_not_taken_for_the_runs(
    command, run, photographs, save
):
    folder = model_folder(read_settings(), ATTRIBUTES.hash, configured().hash)
    shutil.rmtree(folder)
    shutil.copytree(save(kind="linear").folder, folder)
    status, _, err = command("score", photographs, "--run", run)
    assert status == 1
    assert "is of another run: its config_hash is" in err


def test_a_run_that_is_not_done_has_no_model(command, run, photographs):
    with open_store(read_settings().database_url) as store:
        queued = store.runs.enqueue(ATTRIBUTES.hash, configured(kind="linear"))
    status, _, err = command("score", photographs, "--run", queued.id)
    assert status == 1
    assert f"Run {queued.id} is queued, so it has no model. Take one that is done." in err


def test_an_exported_run_loads_by_itself(command, run, tmp_path, save, photographs):
    out = tmp_path / "exported"
    status, text, _ = command("export", run, out, "--json")
    assert status == 0
    document = json.loads(text)
    assert document == {
        "out": str(out),
        "files": {file.name: file.stat().st_size for file in sorted(out.iterdir())},
    }
    quality, expected = (
        model.score(photographs / "b.png").quality for model in (load_model(out), save().model)
    )
    assert quality == pytest.approx(expected, abs=1e-5)
    status, _, err = command("export", run, out)
    assert status == 1
    assert "exists already. Name a new folder, or replace it with --force." in err
    assert command("export", run, out, "--force")[0] == 0


def test_scores_are_the_same_however_the_work_is_shared_out(exported, photographs, monkeypatch):
    monkeypatch.setattr(quality_model, "BATCH", 2)  # several of them
    expected = list(load_model(exported).score_all([photographs, photographs / "b.png"]))
    names = [str(photographs), str(photographs / "b.png")]
    with spread("local", workers=1) as each:

        def backwards(function, items):  # as a cluster may be done with them
            return reversed([*each(function, items)])

        assert list(score_over(backwards, exported, names, read_settings())) == expected


def test_an_address_without_a_cluster_is_wrong_usage(command, exported, photographs):
    status, out, err = command("score", photographs, "--model", exported, "--address", "here:1")
    assert (status, out) == (2, "")
    assert "--address goes with --executor ray" in err
