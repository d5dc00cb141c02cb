"""Whatever a model says, what comes out is K clean phrases or one line on what is wrong."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from workbench.domain.attributes import Attribute, AttributeSet, normalise_phrase
from workbench.drafting.parse import parse_attributes
from workbench.errors import DraftParseError


def reply(*entries) -> str:
    return json.dumps({"attributes": list(entries)})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The reply is empty."),
        (" \n ", "The reply is empty."),
        (
            "Sure! Here are five attributes:\n1. soft edges",
            "The reply is prose, not JSON: 'Sure! Here are five attributes: 1. soft edges'.",
        ),
        ('{"attributes": ["soft edges", "pale col', "The reply is truncated JSON"),
        ('{"attributes": ["soft edges"', "The reply is truncated JSON"),
        ('{"attributes": [soft, pale]}', "The reply is broken JSON"),
        ('{"attributes": ["a b", "c d"]} and more', "The reply is broken JSON (Extra data"),
        ("[" * 100_000, "The reply is"),
        ('{"attributes": [' + "9" * 5000 + "]}", "JSON beyond any reasonable size"),
        ('["soft edges", "pale colours"]', 'The reply has no list "attributes"'),
        ('{"visual": ["soft edges"]}', 'The reply has no list "attributes"'),
        ('{"attributes": {"1": "soft"}}', 'The reply has no list "attributes"'),
        (reply(), "The reply holds 0 attributes, not 2."),
        (reply("soft edges"), "The reply holds 1 attributes, not 2."),
        (reply("soft", "pale", "dim"), "The reply holds 3 attributes, not 2."),
        (reply("soft edges", ""), "Attribute 2 holds no words: ''."),
        (reply("soft edges", "There is a."), "Attribute 2 holds no words"),
        (reply("soft edges", "1234 --"), "Attribute 2 holds no words: '1234 --'."),
        (reply("soft edges", None), "Attribute 2 is no text but NoneType."),
        (reply(["soft"], "pale"), "Attribute 1 is no text but list."),
        (reply("soft\x00edges", "pale"), "Attribute 1 holds control characters."),
        (reply("soft\x1b[31m", "pale"), "Attribute 1 holds control characters."),
        (reply("soft \u202eedges", "pale"), "Attribute 1 holds control characters."),
        (reply("soft \ud800", "pale"), "Attribute 1 holds control characters."),
        (reply("soft edges", "x" * 201), "Attribute 2 is 201 characters long, over 200."),
        (
            reply("There is a softening of details.", "Softening of details in the photo"),
            "Attribute 2 repeats attribute 1: 'softening of details'.",
        ),
        (reply("STRASSE lines", "straße lines"), "Attribute 2 repeats attribute 1"),
    ],
)
def test_an_unusable_reply_says_what_is_wrong_and_is_kept(text, message):
    with pytest.raises(DraftParseError) as caught:
        parse_attributes(text, 2)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.reply == text


def test_the_papers_own_output_becomes_bare_phrases():
    phrases = parse_attributes(
        reply(
            "1- There is a softening of details in the photo.",
            "2- There is a gentle blending of colors and tones.",
            "5- There is a dreamy or softened appearance to the overall image.",
        ),
        3,
    )
    assert phrases == (
        "softening of details",
        "gentle blending of colors and tones",
        "dreamy or softened appearance to the overall image",
    )


def test_other_fields_and_blanks_around_the_json_are_passed_over():
    text = '\n {"thought": "hm", "attributes": ["soft edges", "pale colours"]}\n'
    assert parse_attributes(text, 2) == ("soft edges", "pale colours")


def check(text: str, k: int) -> None:
    try:
        phrases = parse_attributes(text, k)
    except DraftParseError as error:
        message = str(error)
    else:
        check_phrases(phrases, k)
        message = "clean"
    assert message
    assert "\n" not in message


def check_phrases(phrases: tuple[str, ...], k: int) -> None:
    assert len(phrases) == k
    assert all(normalise_phrase(phrase) == phrase for phrase in phrases)
    assert len({phrase.casefold() for phrase in phrases}) == k
    attributes = [Attribute(phrase=phrase, origin="llm") for phrase in phrases]
    assert AttributeSet(by_distortion={"d": tuple(attributes)}).phrases() == {"d": phrases}
    json.dumps(phrases, ensure_ascii=False).encode()


@given(st.text(), st.integers(1, 6))
@example("{", 1)
@example("[]", 1)
def test_any_text_gives_k_clean_phrases_or_an_error(text, k):
    check(text, k)


@given(st.lists(st.text(max_size=30) | st.none() | st.integers(), max_size=4), st.integers(1, 4))
@example(["There is a 'the a blur", "1. 2. an a x"], 2)
@example(["a a", "A"], 2)
def test_any_list_gives_k_clean_phrases_or_an_error(entries, k):
    check(reply(*entries), k)


WORDS = st.lists(
    st.sampled_from(["There is", "a", "the", "soft", "Edges", "1.", "-", '"', "in the photo", "."]),
    max_size=6,
)


@given(st.lists(WORDS, min_size=1, max_size=3))
def test_wrappings_in_any_order_come_off_whole(entries):
    check(reply(*[" ".join(words) for words in entries]), len(entries))
