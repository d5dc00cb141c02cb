"""A new type, made of steps in a form; or a new version of one that somebody added."""

from functools import partial

import streamlit as st

from workbench.app.components.recipe_form import (
    Fields,
    document_of,
    fields_of,
    recipe_form,
    typed_fields,
)
from workbench.app.distortion_type import chosen_photograph, leave, open_type, show_strip
from workbench.app.identity import signed
from workbench.app.services import Session, current_session
from workbench.app.widgets import announce, escaped, heading, show_errors
from workbench.distortions import recipe_of_bytes
from workbench.domain.distortion import Recipe
from workbench.errors import InvalidConfigError
from workbench.workflow.distortions import TypedRecipe, as_recipe, free_id, typed_recipe

BLANK = "blank"
_IMPORTED, _SAVED = "recipe that was imported", "type that was added"
_LEAD = (
    "Make a type of operators that there are: what is done, in order, and how strongly at each "
    "level. Once it is added, write attributes for it and run it like any other."
)


def show_builder(start: str, *, edits: bool) -> None:
    """Show the form.

    Args:
        start: Id of the type that it begins with; `BLANK` for none.
        edits: Whether that type is to be changed, not only copied.
    """
    heading("New version of a type" if edits else "New type", _LEAD)
    back, imported = st.columns([1, 1])
    back.button("All distortions", icon=":material/arrow_back:", on_click=leave, type="tertiary")
    with show_errors():
        session = current_session()
        begin = _begin(session, start, edits)
        key = f"recipe-{'edit' if edits else 'new'}-{start}"
        with imported.popover("From a YAML file", icon=":material/upload:", width="content"):
            _import(session, key)
        st.fragment(_form)(begin, key, start if edits else "")


def _begin(session: Session, start: str, edits: bool) -> Fields:
    """Return what the form begins with."""
    if start == BLANK:
        return document_of(None)
    store = session.store
    recipe = store.recipes.get(start) if edits else as_recipe(store, start)
    if not edits:
        return {**document_of(recipe), "id": "", "name": f"{recipe.name} (copy)"}
    use = store.recipes.use(start)
    if not (use.drafted or use.versions):
        return document_of(recipe)
    id = free_id(store, start)
    st.info(
        escaped(
            f"Attributes name '{start}', so that it must keep its meaning. What you change here "
            f"becomes a type of its own, '{id}'."
        )
    )
    return {**document_of(recipe), "id": id}


def _import(session: Session, key: str) -> None:
    """Let a file take the place of what is in the form; one with faults is not taken."""
    file = st.file_uploader("A recipe", type=["yaml", "yml"], max_upload_size=1, key=f"{key}-file")
    before, recipe, revision = st.session_state.get(f"{_IMPORTED} {key}", (None, None, 0))
    if file is None or file.file_id == before:
        return
    try:
        recipe = recipe_of_bytes(file.getvalue(), file.name, tuple(session.store.recipes.list()))
    except InvalidConfigError as fault:
        st.error("  \n".join(escaped(text) for text in (f"{file.name}:", *fault.faults)))
        return
    st.session_state[f"{_IMPORTED} {key}"] = (file.file_id, recipe, revision + 1)
    st.success("It is in the form. Nothing is stored before you add it.")


def _form(begin: Fields, key: str, edits: str) -> None:
    """Show the form and, below, what it does to a photograph; drawn anew as one types."""
    with show_errors():
        session = current_session()
        _, imported, revision = st.session_state.get(f"{_IMPORTED} {key}", (None, None, 0))
        document = document_of(imported) if imported else begin
        fields = typed_fields(key)
        typed = typed_recipe(
            session.store, fields_of(document) if fields is None else fields, replaces=edits
        )
        saved = st.session_state.get(_SAVED)
        answer = recipe_form(
            document,
            typed.faults,
            key=key,
            revision=revision,
            saved=bool(saved),
            action="Add this type" if not edits else "Save this version",
        )
        if saved and answer.left:
            del st.session_state[_SAVED]
            open_type(saved)
            st.rerun()
        if answer.added is not None and not saved:
            final = typed_recipe(session.store, answer.added, replaces=edits)
            if final.recipe is not None:
                signed(session, partial(_add, recipe=final.recipe, replaces=edits))
        _strip(typed, has_steps=bool((document if fields is None else fields).get("steps")))


def _add(session: Session, *, recipe: Recipe, replaces: str) -> None:
    session.store.recipes.add(recipe, author=session.author, replace=recipe.id == replaces)
    st.session_state[_SAVED] = recipe.id
    announce(f"{recipe.name} was added. Write attributes for it next.")
    st.rerun()


def _strip(typed: TypedRecipe, *, has_steps: bool) -> None:
    st.header("How it looks")
    if typed.preview is None:
        st.caption(
            "It is shown again once the steps are mended."
            if has_steps
            else "Add a step to see it. Without steps, a type can be described and drafted for, "
            "but not run."
        )
        return
    photograph = chosen_photograph("photo")
    if photograph is not None:
        show_strip(photograph, typed.preview.spec(), (typed.preview,))
