"""The scoring path as ONNX says what the model says, for any number of crops."""

import numpy as np
import onnxruntime
import open_clip
import pytest
import torch

from tests.inference.small_model import card_for, configured, trained
from workbench.domain.run import EncoderFacts
from workbench.encoders.openclip import open_tower
from workbench.encoders.protocol import Encoder
from workbench.errors import CheckpointMismatchError, ConfigError
from workbench.inference.export import OUTPUTS, export_model, write_onnx
from workbench.inference.model_files import CARD, ONNX, WEIGHTS
from workbench.inference.quality_model import QualityModel, load_model
from workbench.settings import read_settings
from workbench.training.crops import grid_crops, whole_view

pytestmark = pytest.mark.slow

EQUAL = 1e-4


def small_clip():
    """A CLIP of open_clip's own classes with random weights, 32 px images and 2 blocks."""
    torch.manual_seed(0)
    model = open_clip.CLIP(
        16,
        {"image_size": 32, "patch_size": 16, "width": 32, "layers": 2, "head_width": 16},
        {"width": 16, "heads": 2, "layers": 1, "vocab_size": 49408},
    )
    facts = EncoderFacts(
        name="small", weights="random", trained=False, image_size=32, embedding_width=16,
        image_parameters=1,
    )  # fmt: skip
    return Encoder(
        facts, model=model, tower=open_tower("small", model.visual),
        tokenise=open_clip.tokenize, count_tokens=lambda texts: [1] * len(texts),
        context_length=77, mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4), logit_scale=10.0,
        default_polarity="not", device=torch.device("cpu"),
    )  # fmt: skip


def clip_model(**fields):
    encoder, config = small_clip(), configured(**fields)
    tuned, regressor, features = trained(encoder, config)
    absent = (torch.from_numpy(features.probabilities[0]), torch.from_numpy(features.inputs[0]))
    return QualityModel(card_for(encoder, config), tuned, regressor, *absent)


def agree(model, file, shapes):
    """Assert that ONNX and the model say the same of noise of these sizes."""
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    size = model.tuned.encoder.tower.image_size
    for seed, shape in enumerate(shapes):
        image = np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)
        views = {"crops": grid_crops(image, size).numpy()}
        if model.card.regressor.reads_whole_image:
            views["whole"] = whole_view(image, size).numpy()
        outputs = dict(zip(OUTPUTS, session.run(None, views), strict=True))
        score = model.score(image)
        probabilities = [value for values in score.attributes.values() for value in values.values()]
        np.testing.assert_allclose(outputs["attributes"], probabilities, rtol=0, atol=EQUAL)
        strengths = list(score.distortions.values())
        np.testing.assert_allclose(outputs["strengths"], strengths, rtol=0, atol=EQUAL)
        assert outputs["quality"] == pytest.approx(score.quality, abs=EQUAL)


@pytest.mark.parametrize(
    "fields",
    [
        {"mode": "deep"}, {"mode": "whole", "given": "strengths"}, {"given": "embedding"},
        {"readout": "probabilities"}, {"readout": "probabilities", "views": "crops"},
    ],
)  # fmt: skip
def test_a_clip_model_says_the_same_in_onnx(fields, tmp_path):
    model = clip_model(**fields)
    write_onnx(model, tmp_path / ONNX)
    agree(model, tmp_path / ONNX, [(32, 32), (40, 33), (100, 70)])  # 1, 4 and 12 crops


@pytest.mark.slow
def test_the_offline_encoder_says_the_same_in_onnx(save, tmp_path):
    """It counts, sorts and keeps half precision before its first block."""
    saved = save()
    files = export_model(saved.folder, tmp_path / "out", read_settings(), onnx=True)
    assert [file.name for file in files] == [CARD, ONNX, WEIGHTS]
    agree(saved.model, tmp_path / "out" / ONNX, [(224, 224), (300, 500)])


def test_a_copy_loads_as_the_model(save, tmp_path):
    saved = save()
    files = export_model(saved.folder, tmp_path / "out", read_settings())
    assert [file.read_bytes() for file in files] == [
        (saved.folder / file.name).read_bytes() for file in files
    ]
    assert load_model(tmp_path / "out").card == saved.model.card


def test_what_is_there_is_replaced_only_if_asked_and_only_a_model(save, tmp_path):
    source, out = save().folder, tmp_path / "out"
    export_model(source, out, read_settings())
    with pytest.raises(ConfigError, match="out exists already"):
        export_model(source, out, read_settings())
    export_model(source, out, read_settings(), force=True)
    (out / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match="out holds more than a model"):
        export_model(source, out, read_settings(), force=True)
    assert (out / "notes.txt").read_text() == "mine"


def test_a_damaged_model_is_not_passed_on(save, tmp_path):
    export_model(save().folder, tmp_path / "out", read_settings())
    (tmp_path / "out" / WEIGHTS).write_bytes(b"")
    with pytest.raises(CheckpointMismatchError, match="has SHA-256"):
        export_model(tmp_path / "out", tmp_path / "again", read_settings())
    assert not (tmp_path / "again").exists()
