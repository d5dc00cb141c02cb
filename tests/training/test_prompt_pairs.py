import pytest
import torch

from tests.training.small_encoder import ATTRIBUTES, small_encoder
from workbench.domain.attributes import AttributeSet
from workbench.training.prompt_pairs import encode_attributes


@pytest.fixture
def asked(encoder, monkeypatch):
    """How many sentences the text tower was asked for, each time."""
    counts, encode = [], encoder.encode_texts
    monkeypatch.setattr(
        encoder, "encode_texts", lambda texts: counts.append(len(texts)) or encode(texts)
    )
    return counts


def test_sentences_are_encoded_once_for_all_runs(encoder, asked, tmp_path):
    first, groups = encode_attributes(encoder, ATTRIBUTES, cache=tmp_path)
    again, same = encode_attributes(encoder, ATTRIBUTES, cache=tmp_path)
    assert asked == [8]
    assert torch.equal(first, again)
    assert torch.equal(groups, same)
    assert torch.equal(first, encode_attributes(encoder, ATTRIBUTES)[0])


def test_another_set_or_polarity_is_encoded_by_itself(encoder, asked, tmp_path):
    encode_attributes(encoder, ATTRIBUTES, cache=tmp_path)
    encode_attributes(encoder, ATTRIBUTES, "not", cache=tmp_path)
    encode_attributes(encoder, AttributeSet.from_phrases({"x": ["grain"]}), cache=tmp_path)
    assert asked == [8, 8, 2]


def test_a_damaged_file_is_made_anew(encoder, asked, tmp_path):
    expected, _ = encode_attributes(encoder, ATTRIBUTES, cache=tmp_path)
    (file,) = (tmp_path / "texts").iterdir()
    file.write_bytes(file.read_bytes()[:-40])
    assert torch.equal(encode_attributes(encoder, ATTRIBUTES, cache=tmp_path)[0], expected)
    encode_attributes(encoder, ATTRIBUTES, cache=tmp_path)
    assert asked == [8, 8]


def test_random_weights_are_never_remembered(tmp_path):
    encode_attributes(small_encoder(), ATTRIBUTES, cache=tmp_path)
    assert list(tmp_path.iterdir()) == []
