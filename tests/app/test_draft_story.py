"""What models answered is picked from the log on the page Draft with a model."""

import pytest

pytestmark = pytest.mark.slow


def press(draft, label):
    return next(button for button in draft.button if button.label == label).click().run()


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
