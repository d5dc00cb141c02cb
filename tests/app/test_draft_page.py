"""The page Draft as an expert uses it, beside another expert who uses it at the same time."""

import pytest

from workbench.app.services import curated_set
from workbench.domain.attributes import Attribute

pytestmark = pytest.mark.slow

FIRST = "visible grid of small square blocks"


@pytest.fixture
def draft(page, full_store):
    """The page, showing JPEG."""
    shown = page("draft")
    return shown.selectbox(key="draft-distortion").select("jpeg").run()


def field(draft, number=1):
    return next(f for f in draft.text_input if f.label == f"Attribute {number} of JPEG")


def status(draft, number=1):
    return next(s for s in draft.selectbox if s.label == f"Status of attribute {number}")


def press(draft, label):
    return next(button for button in draft.button if button.label == label).click().run()


def jpeg(store):
    return [(row.attribute.phrase, row.attribute.status) for row in store.draft.rows("jpeg")]


def test_each_attribute_is_a_field_named_after_its_distortion(draft, full_store):
    labels = [f.label for f in draft.text_input if f.label.startswith("Attribute")]
    assert labels == [f"Attribute {number} of JPEG" for number in range(1, 7)]
    assert field(draft).value == FIRST


def test_saving_stores_phrase_and_status_under_the_author(draft, full_store):
    field(draft).input("There is a chessboard of blocks in the photo.")
    status(draft).select("accepted")
    draft = press(draft, "Save 1")
    assert jpeg(full_store)[0] == ("chessboard of blocks", "accepted")
    assert full_store.draft.rows("jpeg")[0].updated_by == "eva"
    assert field(draft).value == "chessboard of blocks"
    assert "Saved" in draft.success[0].value


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("Checkered patterns in flat areas", "already has"),
        ("", "The phrase '' cannot be used"),
        ("x" * 201, "cannot be used"),
    ],
)
def test_words_that_cannot_be_used_change_nothing(draft, full_store, words, fault):
    before = jpeg(full_store)
    field(draft).input(words)
    status(draft).select("accepted")
    draft = press(draft, "Save 1")
    assert len(draft.error) == 1
    assert fault in draft.error[0].value
    assert jpeg(full_store) == before


def test_an_edit_of_what_another_has_changed_is_refused_until_it_is_read_again(draft, full_store):
    row = full_store.draft.rows("jpeg")[0]
    full_store.draft.edit(row.id, "ann's words", based_on=row.row_version, author="ann")
    field(draft).input("my words")
    draft = press(draft, "Save 1")
    assert "was changed by ann" in draft.error[0].value
    assert "ann has changed attribute 1" in draft.warning[0].value
    assert jpeg(full_store)[0][0] == "ann's words"
    assert field(draft).value == "my words"  # what was typed is not lost
    draft = press(draft, "Read attribute 1 again")
    assert field(draft).value == "ann's words"
    field(draft).input("my words")
    draft = press(draft, "Save 1")
    assert not draft.error
    assert jpeg(full_store)[0][0] == "my words"


def test_an_edit_of_what_another_has_removed_is_refused(draft, full_store):
    row = full_store.draft.rows("jpeg")[0]
    full_store.draft.remove(row.id, based_on=row.row_version, author="ann")
    field(draft).input("my words")
    draft = press(draft, "Save 1")
    assert "was removed by ann" in draft.error[0].value
    assert "my words" not in dict(jpeg(full_store))
    draft = press(draft, "Read attribute 1 again")
    assert not draft.error
    assert len([f for f in draft.text_input if f.label.startswith("Attribute")]) == 5


def test_what_was_said_of_one_action_does_not_stand_beside_the_fault_of_the_next(draft):
    field(draft).input("chessboard of blocks")
    draft = press(draft, "Save 1")
    assert len(draft.success) == 1
    field(draft).input("")
    draft = press(draft, "Save 1")
    assert len(draft.error) == 1
    assert not draft.success


def test_saving_what_was_not_changed_says_so(draft, full_store):
    before = full_store.draft.rows()
    draft = press(draft, "Save 1")
    assert "is as it was" in draft.info[0].value
    assert full_store.draft.rows() == before


def test_another_distortion_and_back_shows_what_is_there_now(draft, full_store):
    draft.selectbox(key="draft-distortion").select("lens_blur").run()
    row = full_store.draft.rows("jpeg")[0]
    full_store.draft.edit(row.id, "ann's words", based_on=row.row_version, author="ann")
    draft.selectbox(key="draft-distortion").select("jpeg").run()
    assert field(draft).value == "ann's words"
    assert not draft.warning


def test_removing_takes_the_attribute_out(draft, full_store):
    draft = press(draft, "Remove 1")
    assert FIRST not in dict(jpeg(full_store))
    assert "was removed" in draft.success[0].value


def test_a_new_attribute_is_added_and_the_field_is_empty_again(draft, full_store):
    new = next(f for f in draft.text_input if f.label == "New attribute of JPEG")
    new.input("stair-like contours")
    draft = press(draft, "Add")
    assert jpeg(full_store)[-1] == ("stair-like contours", "proposed")
    assert next(f for f in draft.text_input if f.label == "New attribute of JPEG").value == ""


@pytest.mark.parametrize(("words", "fault"), [("  ", "needs words"), (FIRST, "already has")])
def test_a_new_attribute_that_cannot_be_used_changes_nothing(draft, full_store, words, fault):
    before = jpeg(full_store)
    next(f for f in draft.text_input if f.label == "New attribute of JPEG").input(words)
    draft = press(draft, "Add")
    assert fault in draft.error[0].value
    assert jpeg(full_store) == before


def test_an_llm_call_shows_template_model_and_raw_reply(draft):
    box = next(box for box in draft.expander if "LLM call 1" in box.label)
    assert "few\\_shot" in box.caption[0].value
    assert "small\\-model\\-q4" in box.caption[0].value
    assert box.code[0].value.startswith('{"attributes": ["smudged *bold* tiles"')


def test_freezing_makes_a_version_of_what_is_not_rejected(draft, full_store):
    status(draft).select("rejected")
    draft = press(draft, "Save 1")
    assert any("1 rejected will be left out" in caption.value for caption in draft.caption)
    next(f for f in draft.text_input if f.label == "Message").input("Without the grid")
    draft = press(draft, "Freeze")
    version = full_store.versions.list()[0]
    assert (version.message, version.author) == ("Without the grid", "eva")
    assert FIRST not in version.attributes.phrases()["jpeg"]
    assert version.parent is None  # the draft's base, and it has none
    assert f"Frozen as version {version.label}" in draft.success[0].value


def test_freezing_the_same_content_again_says_so(draft, full_store):
    draft = press(draft, "Remove 6")  # which leaves the curated set
    next(f for f in draft.text_input if f.label == "Message").input("Once more")
    draft = press(draft, "Freeze")
    assert "Nothing new to freeze: this content is version curated already" in plain(draft.info[0])
    assert len(full_store.versions.list()) == 2


def test_freezing_without_a_message_or_under_a_hash_is_refused(draft, full_store):
    draft = press(draft, "Freeze")
    assert "needs a message" in draft.error[0].value
    next(f for f in draft.text_input if f.label == "Message").input("why")
    next(f for f in draft.text_input if f.label == "Alias (optional)").input("decade")
    draft = press(draft, "Freeze")
    assert "reads as a hash" in draft.error[0].value
    assert len(full_store.versions.list()) == 2


def test_an_empty_draft_can_start_from_the_curated_set(page, store):
    draft = press(page("draft"), "Start from the curated set")
    assert store.draft.attribute_set().size == curated_set().size
    assert {row.attribute.origin for row in store.draft.rows()} == {"curated"}
    assert "Start from the curated set" not in [button.label for button in draft.button]


def test_what_the_draft_has_for_an_unknown_distortion_can_be_seen_and_removed(page, full_store):
    full_store.draft.add("left_over", Attribute(phrase="old words"), author="ann")
    draft = page("draft").selectbox(key="draft-distortion").select("left_over").run()
    next(f for f in draft.text_input if f.label == "Message").input("why")
    draft = press(draft, "Freeze")
    assert "Unknown distortion 'left_over'" in plain(draft.error[0])
    draft = press(draft, "Remove 1")
    assert not draft.exception
    assert not full_store.draft.rows("left_over")


def plain(element):
    return element.value.replace("\\", "")
