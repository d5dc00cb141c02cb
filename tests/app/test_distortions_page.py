"""The page Distortions: the gallery, a page per type, and types that somebody added as data."""

import json

import numpy as np
import pytest

from tests.app.full_database import CONFIG
from tests.cache import own_cache
from workbench.app.distortion_pictures import middle_level, thumbnails
from workbench.app.distortion_type import slider_range
from workbench.distortions import apply_parameter, catalogue
from workbench.domain.attributes import Attribute
from workbench.domain.distortion import Recipe, Step

pytestmark = pytest.mark.slow


def a_recipe(*steps, id="night"):
    return Recipe(
        id=id,
        name=f"{id.capitalize()} <shot>",
        group="brightness",
        explanation="It is *dark* and $grainy$ :material/home:.",
        steps=steps,
    )


def cards(shown):
    """Return the gallery's cards, by id."""
    assert not shown.exception
    (component,) = shown.get("bidi_component")
    return {card["id"]: card for card in json.loads(component.proto.json)["cards"]}


def pictures(shown):
    return [box.proto.body for box in shown.get("html") if "<figure" in box.proto.body]


def texts(shown):
    return "".join(box.proto.body for box in shown.get("html"))


@pytest.fixture
def settings(settings, monkeypatch):
    monkeypatch.setenv("WORKBENCH_CACHE", own_cache(settings.home))
    from workbench.settings import read_settings

    return read_settings()


def test_every_type_has_a_card_at_once_and_its_picture_a_little_later(page, store, settings):
    store.draft.add("jpeg", Attribute(phrase="square blocks"), author="ann")
    shown = cards(page("distortions"))
    assert list(shown) != []
    assert set(shown) == set(catalogue())
    assert shown["jpeg"]["note"] == "1 attribute"
    assert shown["jpeg"]["picture"] == ""
    assert shown["comfort_noise"]["instead"] == "in words only"
    made = thumbnails(settings, [catalogue()["jpeg"]], (), seconds=60)
    assert made.missing == ()
    assert cards(page("distortions"))["jpeg"]["picture"] == made.urls["jpeg"]
    assert made.urls["jpeg"].startswith("data:image/webp;base64,")


def test_thumbnails_are_read_from_the_cache_and_need_no_time(page, settings):
    import streamlit as st

    spec = catalogue()["jpeg"]
    made = thumbnails(settings, [spec], (), seconds=60)
    st.cache_resource.clear()
    assert thumbnails(settings, [spec], ()) == made


def test_a_thumbnail_shows_a_level_that_changes_something():
    assert middle_level(catalogue()["mean_shift"]) == 2
    assert {middle_level(s) for s in catalogue().values() if s.has_operator} <= {1, 2, 3, 4}


def test_search_and_group_narrow_the_gallery(page, store):
    shown = page("distortions")
    shown.text_input(key="search").set_value("jpeg block").run()
    assert 0 < len(cards(shown)) < 5
    shown.text_input(key="search").set_value("no such words").run()
    assert "No type matches" in shown.info[0].value
    camera = page("distortions", group="Camera")
    assert {card["group"] for card in cards(camera).values()} == {"Camera"}


def test_a_recipe_is_listed_and_shown_at_every_level(page, store):
    night = a_recipe(Step(operator="darken", parameters=(0.2, 0.7)))
    store.recipes.add(night, author="ann")
    assert cards(page("distortions"))["night"]["name"] == "Night <shot>"
    shown = page("distortions", type="night")
    assert not shown.exception
    assert shown.title[0].value == "Night \\<shot\\>"
    assert "It is \\*dark\\* and \\$grainy\\$ \\:\u2060material/home\\:" in shown.caption[0].value
    assert f"recipe {night.hash[:12]}" in shown.markdown[0].value
    assert pictures(shown)[0].count("<figure") == 3
    assert "Darken" in texts(shown)
    assert "0.7" in texts(shown)


def test_one_that_was_replaced_is_not_shown_from_memory(page, store):
    faces = []
    for amount in (0.2, 0.7):
        recipe = a_recipe(Step(operator="darken", parameters=(amount,)))
        store.recipes.add(recipe, author="ann", replace=True)
        faces.append(pictures(page("distortions", type="night"))[0])
    assert faces[0] != faces[1]


def test_one_without_steps_is_known_in_words_and_can_be_drafted_for(page, store):
    store.recipes.add(a_recipe(id="smog"), author="ann")
    assert cards(page("distortions"))["smog"]["instead"] == "in words only"
    assert "in words only" in page("distortions", type="smog").info[0].value


def test_a_type_shows_near_types_and_its_attributes(page, store):
    store.draft.add("darken", Attribute(phrase="shadows <b>drown</b>"), author="ann")
    shown = page("distortions", type="darken")
    assert "shadows &lt;b&gt;drown&lt;/b&gt; (proposed)" in texts(shown)
    near = shown.button(key="near-under_exposure").click().run()
    assert near.title[0].value == "Under\\-exposure"
    assert near.query_params["type"] == "under_exposure"


def test_any_strength_between_the_levels_can_be_seen(page, store):
    shown = page("distortions", type="gaussian_blur")
    shown.segmented_control(key="level").set_value("between").run()
    before = pictures(shown)[-1]
    shown.slider(key="strength-gaussian_blur").set_value(3.25).run()
    assert not shown.exception
    assert "standard deviation of the Gaussian in pixels: 3.25" in pictures(shown)[-1]
    assert pictures(shown)[-1] != before


@pytest.mark.parametrize("id", [id for id, spec in catalogue().items() if spec.has_operator])
def test_every_slider_goes_from_the_weakest_to_the_strongest_in_steps_that_can_be_read(id):
    spec = catalogue()[id]
    low, high, step, digits = slider_range(spec)
    assert {low, high} <= {*spec.levels, spec.neutral}
    assert 10 <= (high - low) / step <= 400
    assert round(step, digits) > 0
    for value in (low, (low + high) / 2, high):
        apply_parameter(np.full((40, 40, 3), 90, np.uint8), id, value, seed=0)


def test_a_type_that_is_not_there_is_one_plain_line_and_a_way_back(page, store):
    shown = page("distortions", type="jpg")
    assert "Did you mean 'jpeg'?" in shown.error[0].value.replace("\\", "")
    assert shown.button[0].click().run().title[0].value == "Distortions"


def test_how_runs_found_a_type_is_shown_on_a_press_and_recorded_as_an_access(page, full_store):
    shown = page("distortions", type="jpeg")
    assert full_store.access_log.list() == []
    (button,) = [button for button in shown.button if button.label.startswith("Show how")]
    assert button.label == "Show how 2 runs found it"
    shown = button.click().run()
    assert not shown.exception
    assert len(full_store.access_log.list()) == 2
    assert "It against everything else" in texts(shown)
    assert not [button for button in shown.button if button.label.startswith("Show how")]
    assert CONFIG.name in texts(shown)


def test_a_type_that_no_run_has_seen_says_so(page, full_store):
    captions = [box.value for box in page("distortions", type="haze").caption]
    assert "No finished run has images of it yet." in captions
