import open_clip
import pytest
from tokenizers import Tokenizer

from workbench.domain.config import EncoderConfig
from workbench.encoders import load_encoder
from workbench.encoders.minilm import model_folder
from workbench.settings import read_settings

pytestmark = pytest.mark.slow

SENTENCES = ["There is softening of details in the photo.", "soft " * 300, "块 🙂"]


@pytest.fixture(scope="module", params=["offline", "ViT-B-32-quickgelu"])
def encoder(request):
    settings = read_settings().model_copy(update={"offline": True})
    return load_encoder(EncoderConfig(name=request.param), settings, seed=0)


def test_counts_are_the_tokenizers_own_and_nothing_is_cut_off(encoder):
    counts, context = encoder.token_counts(SENTENCES)
    if encoder.facts.name == "offline":
        tokenizer = Tokenizer.from_file(str(model_folder() / "tokenizer.json"))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        expected = [len(tokenizer.encode(text).ids) for text in SENTENCES]
    else:
        rows = open_clip.get_tokenizer(encoder.facts.name)(SENTENCES, context_length=400)
        expected = (rows != 0).sum(1).tolist()
    assert counts == expected
    assert context == {"offline": 128, "ViT-B-32-quickgelu": 77}[encoder.facts.name]
