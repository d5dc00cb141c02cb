"""The form of a new type: what it begins with, and every fault as `distortions add` names it."""

import json

import pytest

from tests.app.test_distortions_page import a_recipe
from workbench.app.components.recipe_form import document_of, fields_of, slider_ends
from workbench.distortions import operators, read_recipe
from workbench.domain.attributes import Attribute
from workbench.domain.distortion import Step
from workbench.errors import InvalidConfigError
from workbench.workflow.distortions import typed_recipe

GOOD = {
    "name": "Night shot",
    "explanation": "It gets dark.",
    "steps": [{"operator": "darken", "parameters": [0.2, 0.7]}],
}
FAULTY = {
    "name": "JPEG",
    "group": "moods",
    "steps": [
        {"operator": "darken", "parameters": [0.2, "much", -1]},
        {"operator": "blurr", "parameters": [1, 2]},
    ],
}


def form(shown):
    """Return what the form is given."""
    assert not shown.exception
    (component,) = shown.get("bidi_component")
    return json.loads(component.proto.json)


def test_every_fault_is_named_as_the_command_names_it(store, tmp_path):
    file = tmp_path / "faulty.yaml"
    file.write_text(json.dumps(FAULTY))
    with pytest.raises(InvalidConfigError) as error:
        read_recipe(file)
    typed = typed_recipe(store, FAULTY)
    assert typed.faults == error.value.faults
    assert len(typed.faults) == 7
    assert typed.recipe is typed.preview is None


def test_steps_can_be_seen_before_all_words_are_there(store):
    typed = typed_recipe(store, {"steps": GOOD["steps"]})
    assert typed.recipe is None
    assert typed.faults == ("name: is missing", "explanation: is missing")
    assert typed.preview.steps == (Step(operator="darken", parameters=(0.2, 0.7)),)


def test_an_id_that_is_taken_is_a_fault_unless_its_recipe_may_be_replaced(store):
    night = a_recipe(Step(operator="darken", parameters=(0.2,)), id="night_shot")
    store.recipes.add(night, author="ann")
    assert typed_recipe(store, GOOD).faults == (
        "id: there is a recipe 'night_shot' already; choose another id",
    )
    assert typed_recipe(store, GOOD, replaces="night_shot").faults == ()
    store.draft.add("night_shot", Attribute(phrase="deep shadows"), author="ann")
    (fault,) = typed_recipe(store, GOOD, replaces="night_shot").faults
    assert fault.startswith("id: attributes name 'night_shot', so that it must keep its meaning")


@pytest.mark.parametrize(
    "document",
    [None, [], {"steps": "x"}, {"name": 1, "steps": [3, {}]}, {"explanation": "x" * 70_000}],
)
def test_junk_from_a_browser_is_named_and_nothing_else(store, document):
    typed = typed_recipe(store, fields_of(document))
    assert typed.recipe is None
    assert typed.faults


@pytest.mark.parametrize("id", operators())
def test_every_slider_reaches_all_levels_and_stays_within_the_limits(id):
    spec = operators()[id].spec
    low, high = slider_ends(spec)
    assert low <= min(spec.levels) < max(spec.levels) <= high
    least, most = spec.limits
    assert least is None or low >= least
    assert most is None or high <= most


@pytest.mark.slow
def test_a_new_type_begins_empty_or_as_a_copy(page, store):
    empty = form(page("distortions", new="blank"))
    assert empty["document"] == document_of(None)
    assert ["name", "is missing"] in empty["faults"]
    copy = form(page("distortions", new="jpeg"))
    assert (copy["document"]["name"], copy["document"]["id"]) == ("JPEG (copy)", "")
    assert copy["document"]["steps"][0]["operator"] == "jpeg"
    assert copy["faults"] == []
    words = form(page("distortions", new="comfort_noise"))
    assert words["document"]["steps"] == []


@pytest.mark.slow
def test_an_edit_becomes_a_type_of_its_own_once_attributes_name_the_first(page, store):
    store.recipes.add(a_recipe(Step(operator="darken", parameters=(0.2,))), author="ann")
    assert form(page("distortions", edit="night"))["document"]["id"] == "night"
    store.draft.add("night", Attribute(phrase="deep shadows"), author="ann")
    shown = page("distortions", edit="night")
    assert form(shown)["document"]["id"] == "night_2"
    assert form(shown)["faults"] == []
    assert "it must keep its meaning" in shown.info[0].value


@pytest.mark.slow
def test_a_type_that_cannot_be_edited_is_one_plain_line(page, store):
    for query in ({"edit": "jpeg"}, {"new": "jpg"}):
        shown = page("distortions", **query)
        assert not shown.exception
        assert "Unknown" in shown.error[0].value


@pytest.mark.slow
def test_what_depends_on_a_type_is_said_before_it_is_removed(page, store):
    store.recipes.add(a_recipe(Step(operator="darken", parameters=(0.2,))), author="ann")
    store.draft.add("night", Attribute(phrase="deep shadows"), author="ann")
    shown = page("distortions", type="night")
    assert any("The draft has 1 attribute of it" in box.value for box in shown.markdown)
    assert "Remove it now" not in [button.label for button in shown.button]
    row = store.draft.rows("night")[0]
    store.draft.remove(row.id, based_on=row.row_version, author="ann")
    shown = page("distortions", type="night")
    (button,) = [button for button in shown.button if button.label == "Remove it now"]
    assert button.click().run().title[0].value == "Distortions"
    assert store.recipes.list() == []
