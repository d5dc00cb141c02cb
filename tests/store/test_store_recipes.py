import pytest
from sqlalchemy import text

from workbench.domain.distortion import Recipe, Step
from workbench.errors import FrozenVersionError, IntegrityError, StoreError, UnknownNameError
from workbench.store import open_store

from .store_examples import a_set


def a_recipe(id="dim", explanation="It gets dark, é.", **more):
    steps = (Step(operator="darken", parameters=(0.1, 1e-17)),)
    fields = {"name": "Dim", "group": "brightness", "steps": steps, **more}
    return Recipe(id=id, explanation=explanation, **fields)


def events(store):
    with store.database.connected() as connection:
        return connection.execute(text("SELECT author, action, subject FROM audit_event")).all()


def test_what_is_added_comes_back_equal_and_in_order(store):
    plain = a_recipe("a_first", steps=())
    for recipe in (a_recipe(), plain):
        store.recipes.add(recipe, author="ann")
    assert store.recipes.list() == [plain, a_recipe()]
    assert store.recipes.get("dim") == a_recipe()
    assert tuple(events(store)[0]) == ("ann", "add", "recipe:dim")


def test_the_same_content_again_changes_nothing(store):
    store.recipes.add(a_recipe(), author="ann")
    store.recipes.add(a_recipe(), author="bob")
    assert len(events(store)) == 1


def test_other_content_under_an_id_is_refused(store):
    store.recipes.add(a_recipe(), author="ann")
    with pytest.raises(StoreError, match="another recipe 'dim' already, of ann, and what"):
        store.recipes.add(a_recipe(explanation="It gets bright."), author="bob")
    assert store.recipes.list() == [a_recipe()]


def test_a_recipe_that_nothing_names_can_be_removed_and_come_back_different(store):
    store.recipes.add(a_recipe(), author="ann")
    store.recipes.remove("dim", author="bob")
    assert store.recipes.list() == []
    store.recipes.add(a_recipe(explanation="It gets bright."), author="bob")
    assert [tuple(event)[:2] for event in events(store)] == [
        ("ann", "add"),
        ("bob", "remove"),
        ("bob", "add"),
    ]


def test_a_recipe_with_attributes_stays(store):
    store.recipes.add(a_recipe(), author="ann")
    store.draft.replace(a_set(dim=["deep shadows", "no detail"]), author="ann")
    with pytest.raises(StoreError, match="the draft has 2 of its attributes"):
        store.recipes.remove("dim", author="ann")
    version = store.versions.freeze(store.draft.attribute_set(), message="m", author="ann")
    store.draft.replace(a_set(), author="ann", distortions=["dim"])
    with pytest.raises(StoreError, match=f"version {version.hash[:10]} has attributes for it"):
        store.recipes.remove("dim", author="ann")
    assert store.recipes.list() == [a_recipe()]


def test_an_unknown_recipe_says_which_was_meant(store):
    store.recipes.add(a_recipe(), author="ann")
    for asked in (store.recipes.get, lambda id: store.recipes.remove(id, author="ann")):
        with pytest.raises(UnknownNameError, match=r"Unknown recipe 'dimm'\. Did you mean 'dim'"):
            asked("dimm")


def test_nobody_adds_or_removes_without_a_name(store):
    with pytest.raises(StoreError, match="An edit needs an author"):
        store.recipes.add(a_recipe(), author=" ")
    store.recipes.add(a_recipe(), author="ann")
    with pytest.raises(StoreError, match="An edit needs an author"):
        store.recipes.remove("dim", author="")
    assert store.recipes.list() == [a_recipe()]


PAST_THE_STORE = {
    "sqlite": (
        "UPDATE recipe SET document = '{}'",
        "DELETE FROM recipe",
        "INSERT OR REPLACE INTO recipe SELECT id, '{}', hash, author, created_at FROM recipe",
    ),
    "postgresql": (
        "UPDATE recipe SET document = '{}'",
        "DELETE FROM recipe",
        "INSERT INTO recipe SELECT * FROM recipe ON CONFLICT (id) DO UPDATE SET document = '{}'",
        "TRUNCATE recipe",
    ),
}


def test_the_database_itself_keeps_a_recipe_that_attributes_name(store):
    store.recipes.add(a_recipe(), author="ann")
    store.draft.replace(a_set(dim=["deep shadows"]), author="ann")
    for statement in PAST_THE_STORE["sqlite" if store.database.is_sqlite else "postgresql"]:
        with (
            pytest.raises(FrozenVersionError, match="A recipe cannot be changed, nor removed"),
            store.database.connected() as connection,
        ):
            connection.execute(text(statement))
        assert store.recipes.list() == [a_recipe()]


def test_a_recipe_that_was_tampered_with_is_not_used(sqlite_path, raw):
    with open_store(f"sqlite:///{sqlite_path}") as store:
        store.recipes.add(a_recipe(), author="ann")
        raw(sqlite_path, "DROP TRIGGER recipe_no_update")
        for change in ("replace(document, 'dark', 'bright')", "'{}'"):
            raw(sqlite_path, f"UPDATE recipe SET document = {change}")
            with pytest.raises(IntegrityError, match="'dim' is no longer what ann added"):
                store.recipes.list()


def test_a_recipe_can_be_replaced_while_nothing_names_it(store):
    store.recipes.add(a_recipe(), author="ann")
    store.recipes.add(a_recipe(explanation="It gets bright."), author="bob", replace=True)
    assert store.recipes.get("dim").explanation == "It gets bright."
    assert [tuple(event)[:2] for event in events(store)] == [
        ("ann", "add"),
        ("bob", "remove"),
        ("bob", "add"),
    ]
    assert store.verify() == []


def test_a_recipe_that_is_named_is_neither_replaced_nor_half_removed(store):
    store.recipes.add(a_recipe(), author="ann")
    store.draft.replace(a_set(dim=["deep shadows", "no detail"]), author="ann")
    version = store.versions.freeze(store.draft.attribute_set(), message="m", author="ann")
    assert store.recipes.use("dim") == (2, (version.hash,))
    assert store.recipes.use("jpeg").versions == ()
    with pytest.raises(StoreError, match="cannot be removed"):
        store.recipes.add(a_recipe(explanation="It gets bright."), author="bob", replace=True)
    assert store.recipes.list() == [a_recipe()]
