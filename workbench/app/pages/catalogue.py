"""The distortions: what each does, how it looks, and how many attributes the draft has for it."""

from collections import Counter

import numpy as np
import streamlit as st
from markupsafe import Markup

from workbench.app.markup import html_table, picture_of_pixels
from workbench.app.services import current_session
from workbench.app.widgets import escaped, heading, show_errors
from workbench.datasets.photographs import load_photograph, photograph_files
from workbench.distortions import strip
from workbench.domain.distortion import Distortion, Recipe
from workbench.registry import Registry
from workbench.store import Store

PHOTOGRAPH = "astronaut"  # of scikit-image; the example that strips of levels are made of
PHOTOGRAPH_SIZE = (256, 256)  # pixels; small enough for a strip to be quick


def level_strip(store: Store, distortion: str) -> np.ndarray:
    """Return the example photograph clean and at every level of a distortion.

    Args:
        store: Holds the recipes.
        distortion: Id of a distortion with an operator.

    Returns:
        (L + 1, 256, 256, 3), uint8, RGB; the first one is clean.
    """
    own = tuple(recipe for recipe in store.recipes.list() if recipe.id == distortion)
    return _level_strip(distortion, own)


@st.cache_data(show_spinner=False, max_entries=64, hash_funcs={Recipe: lambda recipe: recipe.hash})
def _level_strip(distortion: str, recipes: tuple[Recipe, ...]) -> np.ndarray:
    photograph = load_photograph(photograph_files("packaged")[PHOTOGRAPH], *PHOTOGRAPH_SIZE)
    return strip(photograph, distortion, recipes)


TITLE = "Catalogue"
ICON = ":material/view_module:"
ORDER = 10


def render() -> None:
    """Show the page."""
    heading(TITLE, "What can happen to a photograph, and how it looks at each level.")
    with show_errors():
        store = current_session().store
        specs = store.recipes.catalogue()
        _strip(store, specs)
        counts = Counter(row.distortion for row in store.draft.rows())
        for group in dict.fromkeys(spec.group for spec in specs.values()):
            _group(group, specs, counts)


def _strip(store: Store, specs: Registry[Distortion]) -> None:
    distortion = st.selectbox(
        "Distortion to look at",
        [name for name, spec in specs.items() if spec.has_operator],
        format_func=lambda name: specs[name].name,
        key="catalogue-distortion",
    )
    spec = specs[distortion]
    images = level_strip(store, distortion)
    for level, (column, image) in enumerate(
        zip(st.columns(len(images), gap="small"), images, strict=True)
    ):
        about = f"Level {level}: {_level(spec.levels[level - 1])}" if level else "Clean"
        column.html(picture_of_pixels(image, f"A portrait, {spec.name}, {about.lower()}", about))
    parameter = f" Levels: {spec.parameter}." if spec.parameter else ""
    st.caption(escaped(f"{spec.explanation}{parameter}"))


def _group(group: str, specs: Registry[Distortion], counts: Counter[str]) -> None:
    members = [spec for spec in specs.values() if spec.group == group]
    st.subheader(group.capitalize())
    table = html_table(
        f"{len(members)} of {len(specs)} distortions",
        ("Name", "What is done", "Levels", "In the draft"),
        [_cells(spec, counts[spec.id]) for spec in members],
        figures=(3,),
        widths=(17, 47, 24, 12),
    )
    st.html(table)


def _cells(spec: Distortion, drafted: int) -> tuple[object, ...]:
    name = Markup("{}<br><small>{}</small>").format(spec.name, spec.source)
    if not spec.has_operator:
        return name, spec.explanation, "cannot be applied here", drafted
    values = ", ".join(_level(value) for value in spec.levels)
    levels = Markup("{}<br><small>{}</small>").format(values, spec.parameter)
    return name, spec.explanation, levels, drafted


def _level(value: float) -> str:
    return f"{value:g}".replace("-", "−")
