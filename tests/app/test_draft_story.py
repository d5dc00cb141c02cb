"""What experts say about attributes, take back, move and try on the page Draft."""

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def draft(page, full_store):
    """The page, showing JPEG."""
    return page("draft").selectbox(key="draft-distortion").select("jpeg").run()


def press(draft, label):
    return next(button for button in draft.button if button.label == label).click().run()


def field(draft, label):
    return next(f for f in draft.text_input if f.label == label)


def phrases(store):
    return [row.attribute.phrase for row in store.draft.rows("jpeg")]


def tables(shown):
    return [element.proto.body for element in shown.get("html")]


def test_a_comment_is_kept_under_the_authors_name_and_shown_in_the_history(draft, full_store):
    field(draft, "Comment on attribute 1").input("Not on <smooth> skies")
    draft = press(draft, "Add comment to 1")
    (comment,) = full_store.comments.list(full_store.draft.rows("jpeg")[0].attribute.identity)
    assert (comment.author, comment.text) == ("eva", "Not on <smooth> skies")
    assert any("Not on &lt;smooth&gt; skies" in body for body in tables(draft))
    assert field(draft, "Comment on attribute 1").value == ""


def test_an_empty_comment_is_refused(draft):
    draft = press(draft, "Add comment to 1")
    assert len(draft.error) == 1


def test_an_attribute_is_moved_to_another_place(draft, full_store):
    first, second, *others = phrases(full_store)
    next(n for n in draft.number_input if n.label == "Place of attribute 1").set_value(2)
    press(draft, "Move 1")
    assert phrases(full_store) == [second, first, *others]


def test_ones_own_last_change_is_taken_back_and_then_the_one_before(draft, full_store):
    before = phrases(full_store)
    draft = press(draft, "Remove 1")
    draft = press(draft, "Remove 1")
    assert phrases(full_store) == before[2:]
    draft = press(draft, "Undo")
    draft = press(draft, "Undo")
    assert phrases(full_store) == before
    assert next(button for button in draft.button if button.label == "Undo").disabled
    draft = press(draft, "Redo")
    assert phrases(full_store) == before[1:]


def test_what_another_has_built_on_is_not_taken_back(draft, full_store):
    field(draft, "Attribute 1 of JPEG").input("my words")
    draft = press(draft, "Save 1")
    mine = full_store.draft.rows("jpeg")[0]
    full_store.draft.edit(mine.id, "ann's words", based_on=mine.row_version, author="ann")
    draft = press(draft, "Undo")
    assert "was changed by ann" in draft.error[0].value
    assert phrases(full_store)[0] == "ann's words"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("JPEG compression squares", "names distortion"),
        ("visible grid of small square blocks", "duplicate"),
        ("chequered patches on plain walls", "has nothing to say"),
    ],
)
def test_lint_answers_while_one_types_and_nothing_is_added(draft, full_store, words, found):
    before = phrases(full_store)
    draft = field(draft, "New attribute of JPEG").input(words).run()
    said = [*tables(draft), *(caption.value for caption in draft.caption)]
    assert any(found in text for text in said)
    assert phrases(full_store) == before


def test_photographs_that_are_not_prepared_are_said_to_be(draft, settings, monkeypatch):
    monkeypatch.setenv("WORKBENCH_CACHE", str(settings.home / "empty"))
    monkeypatch.setenv("WORKBENCH_OFFLINE", "1")
    draft = draft.toggle(key="try on photographs").set_value(True).run()
    draft = field(draft, "New attribute of JPEG").input("squares on walls").run()
    assert "No photographs are prepared yet" in draft.error[0].value


def test_what_models_answered_is_offered_from_the_log_and_the_chosen_comes_in(page, full_store):
    shown = page("draft").selectbox(key="draft-distortion").select("jpeg").run()
    offered = [box.label for box in shown.checkbox]
    assert offered
    shown = press(shown, "Add the chosen")
    assert "Nothing is chosen" in shown.info[0].value
    shown.checkbox[0].check()
    shown = press(shown, "Add the chosen")
    newest = full_store.draft.rows("jpeg")[-1]
    assert newest.attribute.phrase in offered[0].replace("\\", "")
    assert (newest.attribute.origin, newest.attribute.call_id) == ("llm", 1)
    assert newest.updated_by == "eva"
