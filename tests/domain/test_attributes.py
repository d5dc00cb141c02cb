import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from workbench.domain.attributes import Attribute, AttributeSet, normalise_phrase
from workbench.domain.difference import difference


@pytest.mark.parametrize(
    ("sentence", "phrase"),
    [
        ("1- There is a softening of details in the photo.", "softening of details"),
        ("3) There are dark specks across the image", "dark specks"),
        ("- “Blocky edges”", "blocky edges"),
        ("The image shows JPEG-like squares.", "JPEG-like squares"),
        ("8x8 squares", "8x8 squares"),
        ("2 squares side by side", "2 squares side by side"),
        ("a a blur", "blur"),
        ("There is a.", ""),
        ("in the photo", ""),
        ("  ", ""),
    ],
)
def test_sentences_become_bare_phrases(sentence, phrase):
    assert normalise_phrase(sentence) == phrase


@given(st.text())
def test_a_bare_phrase_stays_as_it_is(text):
    bare = normalise_phrase(text)
    assert normalise_phrase(bare) == bare


def test_the_hash_ignores_who_wrote_it_and_follows_what_it_says():
    a = AttributeSet.from_phrases({"jpeg": ["blocks", "ringing"], "blur": ["haze"]}, origin="llm")
    b = AttributeSet.from_phrases({"blur": ["Haze."], "jpeg": ["blocks", "ringing"]})
    reordered = AttributeSet.from_phrases({"jpeg": ["ringing", "blocks"], "blur": ["haze"]})
    assert a.hash == b.hash
    assert a.hash != reordered.hash


def test_a_phrase_twice_in_one_distortion_is_refused():
    with pytest.raises(ValidationError, match="jpeg has 'blocks' twice"):
        AttributeSet.from_phrases({"jpeg": ["blocks", "there are Blocks"]})


def test_an_attribute_without_words_is_refused():
    with pytest.raises(ValidationError, match="needs words"):
        Attribute(phrase="There is a.")


def test_rejected_attributes_are_left_out():
    kept, rejected = Attribute(phrase="haze"), Attribute(phrase="cat", status="rejected")
    assert AttributeSet(by_distortion={"b": (kept, rejected)}).without_rejected().phrases() == {
        "b": ("haze",)
    }


def test_equal_sets_differ_in_nothing():
    same = AttributeSet.from_phrases({"jpeg": ["blocks"]})
    assert difference(same, same) == {}
