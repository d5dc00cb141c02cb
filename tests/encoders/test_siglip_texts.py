"""Texts of encoders whose tokeniser is read by the transformers library."""

import sys

import pytest
from open_clip.tokenizer import HFTokenizer
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from workbench.domain.config import EncoderConfig
from workbench.encoders import load_encoder
from workbench.encoders.openclip import token_counter
from workbench.errors import ConfigError
from workbench.settings import read_settings

OFFLINE = read_settings().model_copy(update={"offline": True})
WORDS = {"<pad>": 0, "</s>": 1, "<unk>": 2, "soft": 3, "noise": 4}


@pytest.fixture
def tokenizer(tmp_path):
    """open_clip's wrapper of a tokeniser of words that ends sentences as SigLIP's does."""
    own = Tokenizer(models.WordLevel(WORDS, unk_token="<unk>"))
    own.pre_tokenizer = pre_tokenizers.Whitespace()
    own.post_processor = processors.TemplateProcessing("$A </s>", None, [("</s>", 1)])
    marks = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    PreTrainedTokenizerFast(tokenizer_object=own, model_max_length=8, **marks).save_pretrained(
        tmp_path
    )
    return HFTokenizer(str(tmp_path), context_length=8, clean="canonicalize")


def test_counts_are_the_tokenisers_own_and_nothing_is_cut_off(tokenizer, capsys):
    sentences = ["Soft, noise!", "soft " * 100, ""]
    uncut = tokenizer(sentences, context_length=200)
    assert token_counter(tokenizer)(sentences) == (uncut != 0).sum(1).tolist() == [3, 101, 1]
    assert capsys.readouterr().err == ""


def test_a_tokeniser_that_cannot_be_had_says_what_to_do():
    with pytest.raises(
        ConfigError,
        match=r"'timm/ViT-B-16-SigLIP' of ViT-B-16-SigLIP is not in the local cache and could not "
        r"be fetched \(.*\): load the encoder once where the model hub can be reached, or take",
    ):
        load_encoder(EncoderConfig(name="ViT-B-16-SigLIP"), OFFLINE, seed=0)


def test_without_transformers_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ConfigError, match=r"install 'attribute-workbench\[siglip\]', or take"):
        load_encoder(EncoderConfig(name="ViT-B-16-SigLIP"), OFFLINE, seed=0)
