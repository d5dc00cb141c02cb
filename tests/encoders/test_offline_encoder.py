import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from workbench.domain.run import EncoderConfig
from workbench.encoders import load_encoder
from workbench.encoders import minilm as minilm_module
from workbench.encoders.minilm import load_minilm, model_folder, word_pieces
from workbench.encoders.stem import BandEnergyStem
from workbench.errors import CheckpointMismatchError
from workbench.settings import read_settings


@pytest.fixture(scope="module")
def encoder():
    return load_encoder(EncoderConfig(name="offline"), read_settings(), seed=0)


def bert_in_float64(sentence):
    """The BERT equations written out in NumPy, from the checkpoint's own tensors."""
    w = {k: v.astype(np.float64) for k, v in load_file(model_folder() / "model.safetensors").items()
         if v.dtype != np.int64}  # fmt: skip
    ids = Tokenizer.from_file(str(model_folder() / "tokenizer.json")).encode(sentence).ids
    ids = [i for i in ids if i != 0]

    def norm(x, name):
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-12)
        return x * w[f"{name}.weight"] + w[f"{name}.bias"]

    def linear(x, name):
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    def gelu(x):
        from scipy.special import erf

        return 0.5 * x * (1 + erf(x / np.sqrt(2)))

    e = "embeddings."
    x = w[e + "word_embeddings.weight"][ids] + w[e + "position_embeddings.weight"][: len(ids)]
    x = norm(x + w[e + "token_type_embeddings.weight"][0], e + "LayerNorm")
    for layer in range(6):
        p = f"encoder.layer.{layer}."
        q, k, v = (linear(x, f"{p}attention.self.{n}").reshape(len(ids), 12, 32).swapaxes(0, 1)
                   for n in ("query", "key", "value"))  # fmt: skip
        a = np.exp(q @ k.swapaxes(1, 2) / np.sqrt(32))
        seen = ((a / a.sum(-1, keepdims=True)) @ v).swapaxes(0, 1).reshape(len(ids), 384)
        attended = linear(seen, p + "attention.output.dense")
        x = norm(x + attended, p + "attention.output.LayerNorm")
        wide = gelu(linear(x, p + "intermediate.dense"))
        x = norm(x + linear(wide, p + "output.dense"), p + "output.LayerNorm")
    return x.mean(0)


def test_minilm_follows_the_bert_equations_whatever_it_is_batched_with():
    sentence = "There is softening of details in the photo."
    ids = word_pieces([sentence, "Short.", "A much longer sentence that makes the others padded."])
    with torch.no_grad():
        ours = load_minilm().eval()(ids)[0].numpy()
    assert ours == pytest.approx(bert_in_float64(sentence), abs=2e-5)


def test_sentences_of_like_meaning_are_closer(encoder):
    blur, soft, noise = encoder.encode_texts(
        ["There is softening of details.", "The details look soft.", "There is coloured speckle."]
    )
    assert blur @ soft > blur @ noise + 0.1


def test_text_embeddings_are_normalised_and_carry_no_gradient(encoder):
    texts = encoder.encode_texts(["one", "two"])
    assert texts.norm(dim=-1).tolist() == pytest.approx([1, 1])
    assert not texts.requires_grad


def test_it_says_that_its_image_tower_is_untrained_and_that_it_is_not_clip(encoder):
    assert not encoder.facts.trained
    assert "starts untrained" in encoder.facts.note
    assert "not CLIP" in encoder.facts.note


def test_everything_is_frozen(encoder):
    assert not any(parameter.requires_grad for parameter in encoder.model.parameters())
    assert not encoder.model.training


def test_weights_depend_on_the_seed_alone():
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first, again, other = (
        load_encoder(EncoderConfig(name="offline"), read_settings(), seed=seed)
        for seed in (1, 1, 2)
    )
    assert torch.equal(torch.random.get_rng_state(), before)
    image = torch.rand(1, 3, 96, 96)
    assert torch.equal(first.tower(image), again.tower(image))
    assert not torch.equal(first.tower(image), other.tower(image))


def test_other_weights_are_refused_by_their_hash(monkeypatch):
    monkeypatch.setattr(minilm_module, "WEIGHTS_SHA256", "0" * 64)
    with pytest.raises(CheckpointMismatchError, match=r"has SHA-256 53aa51172d14…, expected 0000"):
        load_minilm()


def test_the_stem_tells_blur_from_noise_by_the_energy_of_fine_bands():
    rng = np.random.default_rng(0)
    smooth = torch.full((1, 3, 96, 96), 0.2)
    noisy = smooth + torch.from_numpy(rng.normal(0, 0.1, (1, 3, 96, 96))).float()
    stem = BandEnergyStem(8, 32)
    difference = (
        (stem.features(noisy) - stem.features(smooth)).mean((0, 2, 3))[:48].unflatten(0, (3, 16))
    )
    assert (difference[:, 1:] > 1).all()  # every band but the mean gains energy in every plane
    assert difference[0, 0].abs() < 0.2  # the mean brightness stays


def test_the_stem_measures_noise_power_exactly():
    noise = torch.from_numpy(np.random.default_rng(1).normal(0, 0.5, (1, 3, 96, 96))).float()
    power = BandEnergyStem(8, 96).features(noise)[0, 48:64, 0, 0].exp()
    luma_variance = 0.25 * (0.299**2 + 0.587**2 + 0.114**2)  # an orthonormal transform keeps it
    assert power.numpy() == pytest.approx(luma_variance, rel=0.2)
