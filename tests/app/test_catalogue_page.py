"""The page Catalogue with types that somebody added as data."""

import pytest

from workbench.domain.distortion import Recipe, Step

pytestmark = pytest.mark.slow


def a_recipe(*steps, id="night"):
    return Recipe(
        id=id,
        name=f"{id.capitalize()} <shot>",
        group="brightness",
        explanation="It is *dark* and $grainy$.",
        steps=steps,
    )


def pictures(shown):
    return [box.proto.body for box in shown.get("html") if "<figure" in box.proto.body]


def tables(shown):
    return "".join(box.proto.body for box in shown.get("html") if "<table" in box.proto.body)


def test_a_recipe_is_listed_and_shown_at_every_level(page, store):
    night = a_recipe(Step(operator="darken", parameters=(0.2, 0.7)))
    store.recipes.add(night, author="ann")
    shown = page("catalogue")
    assert f"Night &lt;shot&gt;<br><small>recipe {night.hash[:12]}" in tables(shown)
    shown = shown.selectbox(key="catalogue-distortion").select("night").run()
    assert not shown.exception
    assert len(pictures(shown)) == 3
    assert "It is \\*dark\\* and \\$grainy\\$" in shown.caption[1].value


def test_one_that_was_replaced_is_not_shown_from_memory(page, store):
    faces = []
    for amount in (0.2, 0.7):
        store.recipes.add(a_recipe(Step(operator="darken", parameters=(amount,))), author="ann")
        shown = page("catalogue").selectbox(key="catalogue-distortion").select("night").run()
        faces.append(pictures(shown)[1])
        store.recipes.remove("night", author="ann")
    assert faces[0] != faces[1]


def test_one_without_steps_is_listed_and_can_be_drafted_for(page, store):
    store.recipes.add(a_recipe(id="smog"), author="ann")
    shown = page("catalogue")
    assert "cannot be applied here" in tables(shown)
    assert "Smog <shot>" not in shown.selectbox(key="catalogue-distortion").options
    draft = page("draft").selectbox(key="draft-distortion").select("smog").run()
    assert not draft.exception
    assert "It is \\*dark\\*" in draft.caption[1].value
