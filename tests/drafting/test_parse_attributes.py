"""Whatever a model says, what comes out is K clean phrases or one line on what is wrong."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from workbench.domain.attributes import Attribute, AttributeSet, normalise_phrase
from workbench.drafting.parse import parse_attributes, read_reply
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
            "The reply holds 1 attributes, not 2.",
        ),
        ('{"attributes": ["soft edges", "pale col', "The reply is truncated JSON"),
        ('{"attributes": ["soft edges"', "The reply is truncated JSON"),
        ("Sure! It looks soft.", "The reply is prose without a list of 2 phrases: 'Sure! It"),
        ("<think>Two are wanted.", "The reply is nothing but reasoning."),
        ('{"attributes": [soft, pale, dim]} or', "The reply is broken JSON"),
        ("[" * 100_000, "The reply is"),
        ('{"attributes": [' + "9" * 5000 + "]}", "JSON beyond any reasonable size"),
        ('{"a": ["x y", "z"], "b": ["v", "w"]}', 'The reply has no list "attributes"'),
        ('{"visual": ["soft edges"]}', 'The reply has no list "attributes"'),
        ('{"attributes": {"1": "soft"}}', "The reply holds 1 attributes, not 2."),
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


THREE = ("soft edges", "pale hazy sky", "melted grass")
ASKED = reply(*THREE)
DRAFT = reply("first thought", "second thought", "third thought")


def numbered(form: str = "{}. {}", phrases=THREE, between: str = "\n") -> str:
    return between.join(form.format(n, phrase) for n, phrase in enumerate(phrases, 1))


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (ASKED, None),
        ("\ufeff" + ASKED, None),
        (ASKED.replace("hazy sky", "hazy\nsky"), None),
        # Reasoning: closed, closed alone, left open, nested, after the answer, of other models.
        (f"<think>\nPerhaps {DRAFT}.\n</think>\n\n{ASKED}", "JSON beside reasoning"),
        (f"Perhaps {DRAFT}.\n</think>{ASKED}", "JSON beside reasoning"),
        (f"<think>Perhaps {DRAFT}, or rather:\n{ASKED}", "JSON at the end of unclosed reasoning"),
        (f"<Thinking>a <think>b</think> {DRAFT}</Thinking>{ASKED}", "JSON beside reasoning"),
        (f"{ASKED}<reasoning>Or {DRAFT}?</reasoning>", "JSON beside reasoning"),
        (f"[THINK]{DRAFT}[/THINK]\ufeff{ASKED}", "JSON beside reasoning"),
        (
            f"<|channel|>analysis<|message|>{DRAFT}<|end|><|start|>assistant"
            f"<|channel|>final<|message|>{ASKED}<|return|>",
            "JSON beside reasoning",
        ),
        (f"analysisWe need three: {DRAFT}assistantfinal{ASKED}", "JSON beside reasoning"),
        # Fences and prose.
        (f"```json\n{ASKED}\n```", "JSON in a fence"),
        (f"Here you are:\n~~~JSON5\n{ASKED}\n~~~\nMore?", "JSON in a fence"),
        (f"Of course: ```{ASKED}", "JSON in a fence"),
        (f"Here [1] is {{it}}: {ASKED} Good luck!", "JSON in prose"),
        (f"A draft: {DRAFT}\nBetter: {ASKED}", "JSON in prose"),
        ("\n".join(json.dumps({"attribute": phrase}) for phrase in THREE), "JSON in prose"),
        # Other shapes of the document.
        (json.dumps(THREE), "JSON of another shape"),
        (json.dumps([THREE]), "JSON of another shape"),
        (json.dumps(ASKED), "JSON of another shape"),
        (json.dumps({"Attributes": dict(enumerate(THREE, 1))}), "JSON of another shape"),
        (json.dumps({f"attribute_{n}": p for n, p in enumerate(THREE)}), "JSON of another shape"),
        (json.dumps({"result": {"effects": THREE, "count": 3}}), "JSON of another shape"),
        (json.dumps({"name": "attributes", "arguments": ASKED}), "JSON of another shape"),
        (json.dumps([{"phrase": p, "why": "so"} for p in THREE]), "JSON of another shape"),
        (reply(*[{"name": p, "description": "It is."} for p in THREE]), None),
        (reply(*[{"name": f"No. {n}", "text": THREE[n]} for n in range(3)]), None),
        (reply(numbered()), None),
        # Broken JSON.
        (ASKED[:-2] + ",],}", "repaired JSON"),
        (str({"attributes": [*THREE]}), "repaired JSON"),
        (ASKED.replace('"', "“").replace("“:", "”:"), "repaired JSON"),
        ("{„attributes“: [" + ", ".join(f"«{phrase}»" for phrase in THREE) + "]}", "repaired JSON"),
        ("[" + "，".join(f"＂{phrase}＂" for phrase in THREE) + "]", "repaired JSON"),
        ("attributes = [" + ", ".join(THREE) + "]", "repaired JSON"),
        (ASKED.replace("[", "[ // three\n"), "repaired JSON"),
        (ASKED[:-1], "repaired JSON"),
        (ASKED[:-2], "repaired JSON"),
        (ASKED.replace('"', '\\"'), "repaired JSON"),
        (", ".join(f'"{phrase}"' for phrase in THREE), "repaired JSON"),
        (ASKED[:-1].replace(", ", " ", 1) + ', "other": ["u v", "w x", "y z"]}', "repaired JSON"),
        # Text.
        (numbered(), "list"),
        (f"Three of them [as asked]:\n\n{numbered('{}) {}')}\n\nShall I go on?", "list"),
        (numbered("1. {1}"), "list"),
        (numbered("- {1}\n  - it looks like that"), "list"),
        (numbered("### **{}. {}**\nEverything is so.", between="\n\n"), "list"),
        (numbered("{}- There is a {} in the photo."), "list"),
        (numbered("{}) {}", between="; "), "list"),
        (numbered("{}\ufe0f\u20e3 {}"), "list"),
        (numbered("Attribute {}: {}"), "list"),
        ("attributes:\n" + numbered("  - {1}"), "list"),
        (numbered("- {1}").replace("hazy sky", "hazy\n  sky"), "list"),
        ("Draft:\n\n- a b\n- c d\n- e f\n\nFinal:\n\n" + numbered("- {1}"), "list"),
        ("| # | Attribute | Why |\n|---|:--|---|\n" + numbered("| {} | {} | so |"), "table"),
        ("No | Effect\n---|---\n" + numbered("{} | {}"), "table"),
        ("<ul>" + numbered("<li>{1}</li>", between="") + "</ul>", "tags"),
        ("```\n" + "\n".join(THREE) + "\n```", "lines"),
        ("; ".join(THREE), "lines"),
    ],
)
def test_three_good_phrases_are_taken_whatever_wraps_them(text, form):
    read = read_reply(text, 3)
    assert read.phrases == THREE
    assert read.form == form


@pytest.mark.parametrize(
    "text",
    [
        f"<think>Perhaps {DRAFT}, or not.",
        f"{DRAFT}</think>",
        f"<think>{DRAFT}</think> I cannot say.",
        f"<|channel|>analysis<|message|>{DRAFT}<|end|>",
    ],
)
def test_a_draft_within_reasoning_is_no_answer(text):
    with pytest.raises(DraftParseError, match=r"nothing but reasoning|prose"):
        parse_attributes(text, 3)


@pytest.mark.parametrize("lost", range(1, 12))
@pytest.mark.parametrize(
    "text",
    [
        ASKED[:-2],
        f"```json\n{ASKED[:-2]}",
        str([*THREE])[:-1],
        "{“attributes”: [" + ", ".join(f"“{phrase}”" for phrase in THREE),
        "[colours that don't match, and pale, " + THREE[2],
        json.dumps([{"attribute": phrase} for phrase in THREE])[:-2],
        json.dumps(dict(enumerate(THREE)))[:-1],
        numbered(),
        numbered("| {} | {}", ("Effect", "---", *THREE)),
        numbered("<li>{1}</li>")[:-5],
        "\n".join(THREE),
        f"<think>{ASKED[:-2]}",
    ],
)
def test_half_a_phrase_is_never_counted_as_whole(text, lost):
    with pytest.raises(DraftParseError):
        parse_attributes(text[:-lost], 3, cut=True)


def test_a_reply_that_was_cut_after_its_last_phrase_is_taken():
    assert parse_attributes(ASKED[:-2], 3, cut=True) == THREE
    assert parse_attributes(numbered() + "\n\nI hope", 3, cut=True) == THREE


@pytest.mark.parametrize(
    ("entry", "phrase"),
    [
        ("**Soft Outlines**: edges lose their sharpness", "soft outlines"),
        ("1. **Soft outlines:** edges lose their sharpness", "soft outlines"),
        ("- __Loss of Detail__ - fine hair is gone", "loss of detail"),
        ("**JPEG Blocks**: tiles of eight pixels", "JPEG blocks"),
        ("**blocky**-edged sky", "**blocky**-edged sky"),
        ("sky: pale, **flat**", "sky: pale, **flat**"),
        ("soft\u200b \u202eedges", "soft edges"),
    ],
)
def test_a_bold_label_before_an_explanation_is_the_phrase(entry, phrase):
    assert parse_attributes(reply(entry), 1) == (phrase,)


HOSTILE = st.lists(
    st.sampled_from(
        ["{", "}", "[", "]", '"', "'", ":", ",", "attributes", "soft ", "<think>", "</think>",
         "```", "\n", "1. ", "- ", "|", "|---|", "\\", "“", "//", "<li>", "**"]
    ).flatmap(lambda piece: st.integers(1, 400).map(lambda times: piece * times)),
    max_size=12,
)  # fmt: skip


@given(HOSTILE, st.integers(1, 4), st.booleans())
def test_no_heap_of_brackets_and_marks_ends_in_anything_but_phrases_or_an_error(pieces, k, cut):
    check("".join(pieces), k, cut=cut)


def check(text: str, k: int, *, cut: bool = False) -> None:
    try:
        phrases = parse_attributes(text, k, cut=cut)
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
