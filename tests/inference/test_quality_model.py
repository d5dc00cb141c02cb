"""Scoring: what a loaded model says of images, files and folders, and what it would say instead."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.inference.small_model import grainy
from workbench.domain.image_score import Score
from workbench.encoders.protocol import computing_threads
from workbench.errors import (
    ConfigError,
    CorruptImageError,
    DatasetNotFoundError,
    ShapeError,
    UnknownNameError,
)

pytestmark = pytest.mark.slow

DOCS = Path(__file__).parents[2] / "docs" / "scoring.md"
PAPER = {"readout": "probabilities", "views": "crops"}
SAME = 1e-5  # statistics are kept in half precision, and rounded by how images are batched


@pytest.fixture
def model(save):
    return save().model


def test_the_three_lines_of_the_docs_work(save, photographs, tmp_path, monkeypatch, capsys):
    (tmp_path / "exported").symlink_to(save().folder)
    Image.open(photographs / "b.png").save(tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    first = re.search(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.S).group(1)
    assert len([line for line in first.splitlines() if line]) == 3
    exec(first, {})
    assert 0 <= float(capsys.readouterr().out) <= 1


@pytest.mark.parametrize(
    "fields",
    [
        {}, {"kind": "linear"}, {"given": "strengths"}, {"given": "embedding"},
        {"readout": "probabilities"}, {"views": "crops"}, PAPER,
        {"mode": "deep"}, {"mode": "whole"}, {"mode": "none"},
    ],
)  # fmt: skip
def test_a_loaded_model_says_what_the_trained_one_did(save, fields):
    saved = save(**fields)
    images, _, _ = grainy()
    scores = list(saved.model.score_all(images[::4]))
    with computing_threads(saved.tuned.encoder.threads):
        features = saved.tuned.features(images[::4], saved.model.card.regressor)
    strengths = saved.tuned.strengths(features.probabilities)
    read = {"strengths": strengths, "embedding": features.embeddings}
    attributes = features.inputs.reshape(len(features.inputs), -1)
    quality = saved.regressor.predict(read.get(fields.get("given"), attributes))
    np.testing.assert_allclose([score.quality for score in scores], quality, rtol=0, atol=SAME)
    values = [[value for phrases in score.attributes.values() for value in phrases.values()]
            for score in scores]  # fmt: skip
    np.testing.assert_allclose(values, features.probabilities, rtol=0, atol=SAME)
    values = [list(score.distortions.values()) for score in scores]
    np.testing.assert_allclose(values, strengths, rtol=0, atol=SAME)


def test_a_folder_is_walked_and_sorted(model, photographs):
    files = [str(photographs / name) for name in ("b.png", "below/c.png")]
    scores = list(model.score_all([photographs, photographs / "b.png"]))
    assert [score.image for score in scores] == [*files, files[0]]
    alone = [model.score(file).quality for file in (*files, files[0])]
    assert [score.quality for score in scores] == pytest.approx(alone, abs=SAME)


def test_batches_change_nothing(model):
    images, _, _ = grainy(9)
    together = [score.quality for score in model.score_all(images)]
    alone = [model.score(image).quality for image in images]
    assert together == pytest.approx(alone, abs=SAME)


def test_a_score_is_a_value_that_goes_through_json(save, photographs):
    for fields in ({}, {"given": "embedding"}):
        score = save(**fields).model.score(photographs / "b.png")
        assert Score.model_validate_json(score.model_dump_json()) == score


def test_clipped_quality_says_so(save):
    model = save(kind="linear").model
    raised = model.regressor.__class__(
        **{**vars(model.regressor), "quality_centre": model.regressor.quality_centre + 3}
    )
    image = grainy(2)[0][1]
    score = replace(model, regressor=raised).score(image)
    assert (score.quality, score.clipped) == (1.0, True)
    assert score.unclipped == pytest.approx(model.score(image).unclipped + 3)


def test_a_photograph_on_its_side_is_scored_upright(model, tmp_path):
    pixels = grainy(2, size=260)[0][1][:230]
    sideways = Image.fromarray(np.rot90(pixels))
    tag = Image.Exif()
    tag[0x0112] = 6  # the viewer turns it by 90° clockwise
    sideways.save(tmp_path / "sideways.png", exif=tag)
    quality = model.score(tmp_path / "sideways.png").quality
    assert quality == pytest.approx(model.score(pixels).quality, abs=SAME)


def test_grey_deep_and_opaque_images_are_read_as_viewers_show_them(model, tmp_path):
    grey = grainy(2)[0][1][..., 0]
    expected = model.score(np.repeat(grey[..., None], 3, axis=2)).quality
    Image.fromarray(grey).save(tmp_path / "grey.png")
    Image.fromarray(grey.astype(np.uint16) * 256).save(tmp_path / "deep.png")
    Image.fromarray(grey).convert("RGBA").save(tmp_path / "opaque.png")
    scores = {Path(score.image).stem: score.quality for score in model.score_all([tmp_path])}
    assert scores == pytest.approx(dict.fromkeys(("deep", "grey", "opaque"), expected), abs=SAME)


def test_a_corrupt_file_is_named(model, photographs, tmp_path):
    content = (photographs / "b.png").read_bytes()
    (tmp_path / "half.png").write_bytes(content[: len(content) // 2])
    with pytest.raises(CorruptImageError, match=r"half\.png is no readable image"):
        list(model.score_all([tmp_path]))
    with pytest.raises(CorruptImageError, match=r"gone\.png does not exist"):
        model.score(tmp_path / "gone.png")


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (np.zeros((100, 300, 3), np.uint8), "300x100 px, smaller than the encoder's 224x224 px"),
        (np.zeros((300, 300), np.uint8), r"\(H, W, 3\) uint8, got \(300, 300\) uint8"),
        (np.zeros((300, 300, 3)), r"got \(300, 300, 3\) float64"),
    ],
)
def test_pixels_that_do_not_fit_are_refused(model, image, words):
    with pytest.raises(ShapeError, match=words):
        model.score(image)


def test_a_folder_without_images_is_refused(model, tmp_path):
    with pytest.raises(DatasetNotFoundError, match="holds no photograph"):
        list(model.score_all([tmp_path]))


def flat(by_distortion):
    return [value for phrases in by_distortion.values() for value in phrases.values()]


@pytest.mark.parametrize("fields", [{}, {"readout": "probabilities"}, {"views": "crops"}, PAPER])
def test_an_absent_attribute_gets_the_level_of_clean_images_in_every_view(save, fields):
    saved = save(**fields)
    score = saved.model.score(grainy()[0][-1])
    other = saved.model.without(score, ["grain"])
    read = np.array([flat(view) for view in score.inputs or (score.attributes,)])
    clean = saved.features.inputs[0]
    assert read.shape == clean.shape == ((1 if fields.get("views") == "crops" else 2), 5)
    assert (clean[:, 2] < read[:, 2]).all()
    read[:, 2] = clean[:, 2]
    expected = saved.regressor.predict(read.reshape(1, -1).astype(np.float32))[0]
    assert other.quality == pytest.approx(expected, abs=1e-6)
    assert other.change == pytest.approx(expected - score.quality, abs=1e-6)
    assert other.absent == {"noise": {"grain": pytest.approx(saved.features.probabilities[0, 2])}}


def test_a_score_tells_what_was_read_beside_the_probabilities(save):
    image = grainy(2, size=224)[0][1]  # one crop, which is the whole image
    by_crops, by_whole = map(np.array, map(flat, save().model.score(image).inputs))
    assert by_crops == pytest.approx(by_whole, abs=SAME)
    shown = np.array(flat(save().model.score(image).attributes))
    assert 1 / (1 + np.exp(-by_crops)) == pytest.approx(shown, abs=SAME)
    assert save(**PAPER).model.score(image).inputs == ()


def test_a_distortion_stands_for_all_of_its_attributes(model):
    score = model.score(grainy()[0][-1])
    together = model.without(score, ["noise"])
    assert list(together.absent["noise"]) == ["grain", "hazy look", "speckle"]
    each = model.without(score, ["grain", "noise: hazy look", "Speckle"])
    assert each.quality == together.quality


def test_a_phrase_goes_wherever_it_occurs(model):
    other = model.without(model.score(grainy()[0][-1]), ["hazy look"])
    assert {d: list(phrases) for d, phrases in other.absent.items()} == {
        "blur": ["hazy look"], "noise": ["hazy look"],
    }  # fmt: skip


def test_what_is_left_goes_from_absent_to_as_it_is(model):
    score = model.score(grainy()[0][-1])
    shares = [0, 0.25, 0.5, 0.75, 1]
    left = [model.weakened(score, {"noise": share}) for share in shares]
    assert left[0].quality == pytest.approx(model.without(score, ["noise"]).quality, abs=SAME)
    assert left[-1].change == pytest.approx(0, abs=SAME)
    assert left[0].quality != left[2].quality != left[-1].quality
    with pytest.raises(ConfigError, match=r"'noise' is a share from 0 to 1, got 1\.5"):
        model.weakened(score, {"noise": 1.5})


def test_what_is_absent_already_changes_nothing(model):
    score = model.score(grainy()[0][0])  # the clean image, which absent levels were taken from
    assert model.without(score, ["noise", "blur"]).change == pytest.approx(0, abs=SAME)


def test_taking_away_asks_for_what_the_model_knows(save):
    model = save().model
    score = model.score(grainy()[0][0])
    with pytest.raises(UnknownNameError, match=r"Unknown attribute or distortion 'grian'. Did you"):
        model.without(score, ["grian"])
    with pytest.raises(ConfigError, match="Name at least one attribute or distortion"):
        model.without(score, [])
    with pytest.raises(ConfigError, match="No attribute can be taken away: the regressor reads"):
        save(given="embedding").model.without(score, ["grain"])
