import open_clip
import pytest
import torch

from workbench.domain.config import EncoderConfig
from workbench.encoders import load_encoder
from workbench.errors import ConfigError, UnknownNameError
from workbench.settings import read_settings
from workbench.training.modules import PromptedTower

pytestmark = pytest.mark.slow

OFFLINE = read_settings().model_copy(update={"offline": True})


def load(name, pretrained=None, seed=0):
    return load_encoder(EncoderConfig(name=name, pretrained=pretrained), OFFLINE, seed=seed)


@pytest.fixture(scope="module")
def vit():
    return load("ViT-B-32-quickgelu")


@pytest.mark.parametrize("mode", ["shallow", "deep"])
def test_zero_prompts_give_encode_image(vit, mode):
    images = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        expected = vit.model.encode_image(images)
        assert torch.equal(vit.tower(images), expected)
        assert torch.equal(PromptedTower(vit.tower, mode, 0)(images), expected)
        assert not torch.allclose(PromptedTower(vit.tower, mode, 4)(images), expected, atol=1e-3)


def test_texts_are_open_clips_own(vit):
    tokens = open_clip.get_tokenizer("ViT-B-32-quickgelu")(["a photo", "a cat"])
    with torch.no_grad():
        expected = vit.model.encode_text(tokens, normalize=True)
    assert torch.allclose(vit.encode_texts(["a photo", "a cat"]), expected, atol=1e-6)


def test_random_weights_say_so(vit):
    assert vit.facts.weights == "random"
    assert not vit.facts.trained
    assert "not for answers" in vit.facts.note


def test_a_local_checkpoint_is_loaded(vit, tmp_path):
    path = tmp_path / "own.pt"
    torch.save(vit.model.state_dict(), path)
    again = load("ViT-B-32-quickgelu", str(path), seed=9)
    image = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        assert torch.equal(again.tower(image), vit.tower(image))
    assert again.facts.weights == str(path)


def test_a_file_that_is_no_checkpoint_is_one_plain_line(tmp_path):
    path = tmp_path / "bad.pt"
    path.write_bytes(b"not weights")
    with pytest.raises(ConfigError, match="holds no weights of ViT-B-32-quickgelu"):
        load("ViT-B-32-quickgelu", str(path))


def test_weights_that_cannot_be_had_say_what_to_do():
    with pytest.raises(ConfigError, match="give the path of a checkpoint, or take the encoder"):
        load("ViT-B-16", "openai")


def test_a_wrong_name_says_which_one_was_meant():
    with pytest.raises(
        UnknownNameError, match=r"Unknown encoder 'vit_b_32'. Did you mean 'ViT-B-32'"
    ):
        load("vit_b_32")
    with pytest.raises(UnknownNameError, match="Did you mean 'openai'"):
        load("ViT-B-32-quickgelu", "openia")


def test_auto_falls_back_to_the_offline_encoder_and_says_why():
    encoder = load("auto")
    assert encoder.facts.name == "offline"
    assert "no model hub can be reached" in encoder.facts.note
