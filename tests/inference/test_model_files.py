"""A saved model on disk: whole or not at all, and nothing is loaded that is not what it says."""

import hashlib
import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save, save_file

from tests.inference.small_model import ATTRIBUTES, VERSION, card_for, configured, written
from workbench.domain.canonical import content_hash
from workbench.domain.config import EncoderConfig
from workbench.domain.run import EncoderFacts
from workbench.errors import (
    CheckpointMismatchError,
    ConfigError,
    InvalidConfigError,
    RunError,
    ShapeError,
)
from workbench.inference import save_model
from workbench.inference.model_card import resolved_encoder
from workbench.inference.model_files import CARD, WEIGHTS, read_model
from workbench.inference.quality_model import load_model

pytestmark = pytest.mark.slow


@pytest.fixture
def saved(save):
    return save()


@pytest.fixture
def folder(saved, tmp_path):
    """A copy that a test may spoil."""
    return shutil.copytree(saved.folder, tmp_path / "model")


def edit(folder, **fields):
    """Change the card as somebody with an editor would."""
    raw = json.loads((folder / CARD).read_text(encoding="utf-8"))
    (folder / CARD).write_text(json.dumps(raw | fields), encoding="utf-8")


def digest_of(card):
    rest = {name: value for name, value in card.items() if name != "weights"}
    return torch.tensor(list(bytes.fromhex(content_hash(rest))), dtype=torch.uint8)


def put_weights(folder, content):
    """Put other weights in place, with their hash in the card, as a forger would."""
    (folder / WEIGHTS).write_bytes(content)
    edit(folder, weights=hashlib.sha256(content).hexdigest())


def test_a_model_is_two_files(saved):
    assert sorted(file.name for file in saved.folder.iterdir()) == [CARD, WEIGHTS]


def test_the_card_says_what_the_model_is(saved):
    card = json.loads((saved.folder / CARD).read_text(encoding="utf-8"))
    assert card["format"] == "quality-model/1"
    assert card["attributes"] == {d: list(phrases) for d, phrases in ATTRIBUTES.phrases().items()}
    assert (card["version"], card["label"]) == (VERSION.hash, "mine")
    assert card["config_hash"] == configured().hash
    assert card["encoder"] == {"name": "offline", "pretrained": None}
    assert card["protocol"]["dataset"] == "grainy pictures"
    assert card["licences"]["encoder weights"].startswith("Apache-2.0")
    assert card["licences"]["attributes"].startswith("unknown here")
    assert "shallow, 2 prompts, at most 1 epochs" in card["training"]
    digest = hashlib.sha256((saved.folder / WEIGHTS).read_bytes()).hexdigest()
    assert card["weights"] == digest


@pytest.mark.parametrize("kind", ["mlp", "linear"])
def test_a_model_of_before_views_is_scored_as_it_was(save, tmp_path, kind):
    """Such a card says nothing of readout or views, and the weights hold one absent level each."""
    saved = save(kind=kind, readout="probabilities", views="crops")
    folder = shutil.copytree(saved.folder, tmp_path / "model")
    card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    assert not {"readout", "views"} & card["regressor"].keys()
    tensors = load_file(folder / WEIGHTS)
    del tensors["absent_inputs"]
    save_file(tensors, folder / WEIGHTS)
    put_weights(folder, (folder / WEIGHTS).read_bytes())
    image = np.random.default_rng(0).integers(0, 256, (240, 300, 3), dtype=np.uint8)
    model = load_model(folder)
    score, expected = model.score(image), saved.model.score(image)
    assert (score, score.inputs) == (expected, ())
    probabilities = saved.tuned.probabilities([image])
    assert score.quality == pytest.approx(saved.regressor.predict(probabilities)[0], abs=1e-5)
    for names in (["noise"], ["blur: hazy look"]):
        assert model.without(score, names) == saved.model.without(expected, names)


def test_a_model_of_before_the_flag_scores_as_before_and_says_that_it_cannot_tell(saved, folder):
    tensors = load_file(folder / WEIGHTS)
    card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    assert f"{saved.model.familiarity.threshold:.2f} times as far" in card.pop("unlike")
    kept = {name: t for name, t in tensors.items() if not name.startswith("familiar.")}
    kept["card"] = digest_of(card)
    (folder / CARD).write_text(json.dumps(card), encoding="utf-8")
    save_file(kept, folder / WEIGHTS)
    put_weights(folder, (folder / WEIGHTS).read_bytes())
    image = np.random.default_rng(0).integers(0, 256, (240, 300, 3), dtype=np.uint8)
    score, expected = load_model(folder).score(image), saved.model.score(image)
    assert "made without it" in score.unlike.undefined
    assert score == expected.model_copy(update={"unlike": score.unlike})


def test_what_the_flag_is_told_by_must_be_finite_and_whole(folder):
    tensors = load_file(folder / WEIGHTS)
    for spoilt in (torch.full((9,), torch.nan, dtype=torch.float64), torch.ones(3)):
        save_file({**tensors, "familiar.spread": spoilt}, folder / WEIGHTS)
        put_weights(folder, (folder / WEIGHTS).read_bytes())
        with pytest.raises(CheckpointMismatchError, match=r"model\.safetensors"):
            load_model(folder)


def test_the_encoders_weights_are_named_not_copied_unless_they_were_tuned(save):
    names = {mode: load_file(save(mode=mode).folder / WEIGHTS) for mode in ("shallow", "whole")}
    sizes = {
        mode: sum(t.numel() for name, t in tensors.items() if not name.startswith("familiar."))
        for mode, tensors in names.items()
    }
    assert sizes["shallow"] < 10_000 < 1_000_000 < sizes["whole"]


def test_loading_never_asks_the_text_tower(saved, encoder, monkeypatch):
    def refuse(*_):
        raise AssertionError("the text tower ran")

    monkeypatch.setattr(type(encoder.model.text), "forward", refuse)
    with pytest.raises(AssertionError, match="the text tower ran"):
        encoder.encode_texts(["grain"])
    assert load_model(saved.folder).attributes == saved.model.attributes


@pytest.mark.parametrize("failing", [CARD, WEIGHTS])
def test_a_model_is_written_whole_or_not_at_all(saved, folder, failing, monkeypatch):
    def full(file, *rest, **more):
        if file.name == failing:
            raise OSError("no space left on device")
        return write(file, *rest, **more)

    name = "write_text" if failing == CARD else "write_bytes"
    write = getattr(Path, name)
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    with monkeypatch.context() as patched:
        patched.setattr(Path, name, full)
        for target in (folder, folder.with_name("new")):
            with pytest.raises(RunError, match=r"cannot be written to .*no space left"):
                written(target, saved.tuned, saved.regressor, saved.features, configured())
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def test_a_model_of_before_is_replaced(save, folder):
    other = save(kind="linear")
    written(folder, other.tuned, other.regressor, other.features, configured(kind="linear"))
    assert load_model(folder).card.regressor.kind == "linear"
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def test_a_folder_with_anything_else_in_it_is_left_alone(saved, tmp_path):
    (tmp_path / "thesis.tex").write_text("all my work")
    with pytest.raises(ConfigError, match=r"holds more than a model\. Name a new folder"):
        written(tmp_path, saved.tuned, saved.regressor, saved.features, configured())
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.tex"]


def test_levels_of_other_attributes_are_refused(saved, tmp_path):
    card = card_for(saved.tuned.encoder, configured())
    levels = {"absent": np.zeros(4), "absent_inputs": np.zeros((2, 5))}
    with pytest.raises(ShapeError, match=r"5 attributes, a model of 5 and absent levels of \(4,\)"):
        save_model(tmp_path / "model", card, saved.tuned, saved.regressor, **levels)
    assert not (tmp_path / "model").exists()


def remove(name):
    return lambda folder: (folder / name).unlink()


def truncate(name):
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:-20])


def rename_a_pickle(folder):
    put_weights(folder, pickle.dumps({"pairs": [1.0]}))


def cut_and_forge(folder):
    put_weights(folder, (folder / WEIGHTS).read_bytes()[:-20])


def spoil_a_number(folder):
    tensors = load_file(folder / WEIGHTS)
    tensors["pairs"][0, 0, 0] = torch.nan
    put_weights(folder, save(tensors))


def drop_an_attribute(folder):
    tensors = load_file(folder / WEIGHTS) | {"pairs": torch.zeros(4, 2, 384)}
    save_file(tensors, folder / WEIGHTS)
    put_weights(folder, (folder / WEIGHTS).read_bytes())


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (shutil.rmtree, r"model\.json is missing. Name a folder that `workbench export`"),
        (remove(CARD), r"model\.json is missing"),
        (remove(WEIGHTS), r"model\.safetensors is missing. Export the model again"),
        (truncate(CARD), r"model\.json cannot be read: "),
        (truncate(WEIGHTS), r"model\.safetensors has SHA-256 .*, expected "),
        (cut_and_forge, r"model\.safetensors cannot be read: "),
        (rename_a_pickle, r"model\.safetensors cannot be read: "),
        (lambda folder: edit(folder, format="quality-model/9"), "has the format 'quality-model/9'"),
        (lambda folder: (folder / CARD).write_text("[]"), "has the format None"),
        (lambda folder: edit(folder, label="yours"), r"model\.json was changed after the model"),
        (
            lambda folder: (folder / CARD).write_text("[" * 100_000),
            "cannot be read: nested too deeply",
        ),
        (spoil_a_number, r"'pairs' has values that are no numbers"),
        (drop_an_attribute, r"'pairs' is \(4, 2, 384\), not \(5, 2, 384\)"),
    ],
)
def test_a_spoilt_model_is_refused_in_one_line(folder, spoil, words):
    spoil(folder)
    with pytest.raises(CheckpointMismatchError, match=words) as refused:
        load_model(folder)
    assert "\n" not in str(refused.value)


def test_a_card_with_wrong_fields_names_every_one(folder):
    edit(folder, seed="many", mood="good")
    with pytest.raises(InvalidConfigError, match=r"model\.json has 2 faults: seed: .*; mood: no"):
        read_model(folder)


def test_a_pickle_is_never_run(folder, tmp_path):
    class Hostile:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    put_weights(folder, pickle.dumps(Hostile()))
    with pytest.raises(CheckpointMismatchError):
        load_model(folder)
    assert not (tmp_path / "ran").exists()


def other_encoder(encoder, monkeypatch, *, width=None, weight=None):
    """Let the loader return an encoder that differs from the one that was tuned."""
    other = type(encoder).__new__(type(encoder))
    vars(other).update(vars(encoder))
    if width is not None:
        other.facts = encoder.facts.model_copy(update={"embedding_width": width})
    if weight is not None:
        tower = torch.nn.Linear(1, 1)
        other.tower = tower
    monkeypatch.setattr("workbench.inference.quality_model.load_encoder", lambda *_, **__: other)


def test_an_encoder_of_another_width_is_refused(saved, encoder, monkeypatch):
    other_encoder(encoder, monkeypatch, width=512)
    with pytest.raises(CheckpointMismatchError, match=r"embedding width is 384; .* has 512"):
        load_model(saved.folder)


def test_an_encoder_with_other_weights_is_refused(saved, encoder, monkeypatch):
    other_encoder(encoder, monkeypatch, weight=0)
    with pytest.raises(CheckpointMismatchError, match="but the model was tuned on"):
        load_model(saved.folder)


@pytest.mark.parametrize(
    ("name", "weights", "expected"),
    [
        ("offline", "image tower x", EncoderConfig(name="offline")),
        ("ViT-B-32", "openai", EncoderConfig(name="ViT-B-32", pretrained="openai")),
    ],
)
def test_auto_is_written_as_what_it_was(name, weights, expected):
    facts = EncoderFacts(
        name=name, weights=weights, trained=True, image_size=224, embedding_width=1,
        image_parameters=1,
    )  # fmt: skip
    assert resolved_encoder(EncoderConfig(name="auto"), facts) == expected
    own = EncoderConfig(name="ViT-L-14", pretrained="my.pt")
    assert resolved_encoder(own, facts) == own


@pytest.mark.parametrize(
    ("name", "kind"),
    [("pairs", torch.float16), ("absent", torch.int64), ("groups", torch.float32)],
)
def test_numbers_of_another_kind_are_refused(folder, name, kind):
    tensors = load_file(folder / WEIGHTS)
    put_weights(folder, save({**tensors, name: tensors[name].to(kind)}))
    with pytest.raises(CheckpointMismatchError, match=f"'{name}' holds .*which no model"):
        load_model(folder)


def test_weights_that_give_no_numbers_are_one_line(folder):
    tensors = load_file(folder / WEIGHTS)
    prompts = torch.full_like(tensors["tuned.prompts"], 3e38)
    put_weights(folder, save({**tensors, "tuned.prompts": prompts}))
    image = np.random.default_rng(0).integers(0, 256, (240, 300, 3), dtype=np.uint8)
    with pytest.raises(CheckpointMismatchError, match="gives no numbers for the image"):
        load_model(folder).score(image)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[" * 100_000, "nested too deeply"),
        ('{"format": "quality-model/1", "x": ' + "9" * 5000 + "}", "thousands of digits"),
        ('{"format": "quality-model/1", "\\ud800": 1}', "half a character"),
    ],
)
def test_a_card_made_to_break_the_reader_is_one_line(folder, text, words):
    (folder / CARD).write_text(text)
    with pytest.raises(CheckpointMismatchError, match=words):
        load_model(folder)
