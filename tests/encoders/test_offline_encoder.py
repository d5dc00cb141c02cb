from hashlib import sha256

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from scipy.fft import dctn
from tokenizers import Tokenizer

from workbench.domain.config import EncoderConfig
from workbench.encoders import load_encoder
from workbench.encoders import minilm as minilm_module
from workbench.encoders import offline as offline_module
from workbench.encoders.minilm import load_minilm, model_folder, word_pieces
from workbench.encoders.pixel_statistics import PixelStatistics
from workbench.errors import CheckpointMismatchError, ShapeError
from workbench.settings import read_settings

pytestmark = pytest.mark.slow

IMAGES = torch.rand(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))


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
        mixed = ((a / a.sum(-1, keepdims=True)) @ v).swapaxes(0, 1).reshape(len(ids), 384)
        attended = linear(mixed, p + "attention.output.dense")
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


def test_it_says_what_it_is_and_that_it_is_not_clip(encoder):
    assert encoder.facts.trained
    assert encoder.facts.weights.startswith("image tower offline.safetensors")
    assert "trained on synthetic distortions" in encoder.facts.note
    assert "not CLIP" in encoder.facts.note
    assert encoder.facts.image_parameters < 8_000_000


def test_prepared_images_give_the_embeddings_of_the_images(encoder):
    prepared = encoder.tower.prepare(IMAGES)
    assert prepared.dtype == torch.float16
    assert torch.equal(encoder.tower.prepare(IMAGES), prepared)
    cosine = torch.cosine_similarity(encoder.tower(prepared), encoder.tower(IMAGES))
    assert cosine.min() > 0.9999


def test_images_of_another_size_are_not_prepared(encoder):
    with pytest.raises(ShapeError, match="reads 224x224 px, got images of 96x96 px"):
        encoder.tower.prepare(torch.rand(1, 3, 96, 96))


def test_statistics_are_those_of_an_earlier_process_bit_for_bit(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path))
    offline = EncoderConfig(name="offline")
    first, second = (load_encoder(offline, read_settings(), seed=0).tower for _ in range(2))
    computed = first.prepare(IMAGES)
    monkeypatch.setattr(second.visual.conv1, "statistics", None)  # it is not called
    assert torch.equal(second.prepare(IMAGES.flip(0)).flip(0), computed)


def test_a_changed_or_missing_file_of_weights_is_refused(monkeypatch, tmp_path):
    file = tmp_path / "offline.safetensors"
    monkeypatch.setattr(offline_module, "WEIGHTS", file)
    with pytest.raises(CheckpointMismatchError, match=r"offline.safetensors is missing. Install"):
        offline_module.trained_weights()
    file.write_bytes(b"other")
    with pytest.raises(CheckpointMismatchError, match=r"has SHA-256 d9298a10d1b0…, expected"):
        offline_module.trained_weights()
    monkeypatch.setattr(offline_module, "WEIGHTS_SHA256", sha256(b"other").hexdigest())
    with pytest.raises(CheckpointMismatchError, match="cannot be read"):
        offline_module.trained_weights()


def test_other_weights_are_refused_by_their_hash(monkeypatch):
    monkeypatch.setattr(minilm_module, "WEIGHTS_SHA256", "0" * 64)
    with pytest.raises(CheckpointMismatchError, match=r"has SHA-256 53aa51172d14…, expected 0000"):
        load_minilm()


def statistics_of(image):
    """Statistics of a constant or random image, (S, S) or (3, S, S), of cells and of the view."""
    return PixelStatistics()(image.expand(3, *image.shape[-2:])[None].float())


def test_band_energies_are_those_of_an_orthonormal_cosine_transform():
    rng = np.random.default_rng(1)
    values = rng.normal(0, 0.5, (64, 64))
    cells, _ = statistics_of(torch.from_numpy(values))
    blocks = values[:32, :32].reshape(8, 4, 8, 4).swapaxes(1, 2)
    bands = np.abs(dctn(blocks, axes=(2, 3), norm="ortho")).reshape(64, 16).mean(0)
    assert cells[0, :16, 0, 0].exp().numpy() == pytest.approx(bands + 1e-3, rel=1e-3)


def test_absolute_brightness_and_clipping_are_kept():
    black, grey = (statistics_of(torch.full((32, 32), value))[0].flatten() for value in (0, 0.5))
    assert grey[288:292].tolist() == pytest.approx([0.5] * 4, abs=1e-4)  # mean of R, G, B, luma
    clipped = slice(288 + 28, 288 + 31)
    assert (black[clipped].tolist(), grey[clipped].tolist()) == ([1] * 3, [0] * 3)


def test_a_block_grid_shows_in_the_rhythm_of_the_gradients():
    torch.manual_seed(0)
    smooth = torch.rand(1, 1, 28, 28)
    blocks = smooth.repeat_interleave(8, -1).repeat_interleave(8, -2)[0, 0]
    _, view = statistics_of(blocks)
    rhythm = view[0, 199:217]  # correlation of the column gradients at the 18 lags
    assert rhythm[7] > rhythm[:7].max() + 0.5


def test_green_shifted_against_red_is_found_where_it_lies():
    torch.manual_seed(0)
    coarse = torch.nn.functional.interpolate(torch.rand(1, 1, 56, 56), 224, mode="bilinear")
    image = coarse.expand(1, 3, 224, 224).clone()
    image[:, 1] = image[:, 1].roll((-4, -8), (1, 2))
    shifts = PixelStatistics()(image)[1][0, -20:-4].unflatten(0, (4, 4))  # rows down, then right
    assert divmod(int(shifts.argmax()), 4) == (1, 2)  # 2 and 4 pixels of the halved view
