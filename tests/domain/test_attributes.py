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


@pytest.mark.parametrize(
    ("sentence", "phrase"),
    [
        ("**soft outlines**", "soft outlines"),
        ("***Soft outlines.***", "soft outlines"),
        ("__soft outlines__.", "soft outlines"),
        ("`soft outlines`", "soft outlines"),
        ("„Weiche Kanten“", "weiche Kanten"),
        ("« soft outlines »", "soft outlines"),
        ("'sky’s pale edge'", "sky’s pale edge"),
        ("'soft'", "soft"),
        ("• soft outlines", "soft outlines"),
        ("•soft outlines", "soft outlines"),
        ("– soft outlines", "soft outlines"),
        ("* “*Soft outlines*”", "soft outlines"),
        ("**1.** soft outlines", "soft outlines"),
        ("**2. Soft outlines**", "soft outlines"),
        ("[3] soft outlines", "soft outlines"),
        ("b) soft outlines", "soft outlines"),
    ],
)
def test_marks_around_the_whole_phrase_and_list_marks_come_off(sentence, phrase):
    assert normalise_phrase(sentence) == phrase


@pytest.mark.parametrize(
    "phrase",
    [
        '"blocky" edges',
        "“blocky” edges — like tiles…",
        '"blocky" or "soft"',
        "edges like “tiles”",
        "-2 EV look",
        "+1 stop glow",
        "1.5 px halo",
        "2x2 squares",
        'dots of 1/4"',
        "’70s colours",
        "**soft** outlines",
        "**soft** and **pale**",
        "*soft outlines",
        "soft outlines**",
        "x**: soft outlines",
        "snake_case_",
        "~5 % grain",
        "(almost) no detail",
        "#ff0000 tint",
        "dogs' edges'",
        "3D look",
    ],
)
def test_marks_that_belong_to_the_words_stay(phrase):
    assert normalise_phrase(phrase) == phrase
    assert Attribute(phrase=phrase).phrase == phrase


@pytest.mark.parametrize("invisible", "\u200b\ufeff\u00ad\u2060\u202e\u200d\ufe0f\u3164\U000e0101")
def test_characters_that_nobody_sees_make_no_other_phrase(invisible):
    assert normalise_phrase(f"{invisible}soft {invisible}ou{invisible}tlines") == "soft outlines"


def test_composed_and_decomposed_letters_are_one_phrase():
    assert normalise_phrase("moire\u0301 rings") == normalise_phrase("moir\u00e9 rings")


@given(
    st.text(st.characters(categories=["L", "N"]), min_size=2), st.sampled_from(["“”", '""', "**"])
)
def test_only_a_pair_comes_off(words, pair):
    opening, closing = pair
    bare = normalise_phrase(words)
    assert normalise_phrase(f"{opening}{words}{closing}") == bare
    assert normalise_phrase(f"{words}{closing}").endswith(closing)
    assert normalise_phrase(f"{opening}{words}").startswith(opening)


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\x7f"])
def test_a_control_character_is_refused(character):
    with pytest.raises(ValidationError, match="holds no control characters"):
        Attribute(phrase=f"soft{character}outlines")


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
