"""How a distortion looks, level by level."""

import numpy as np
import streamlit as st

from workbench.datasets.photographs import load_photograph, photograph_files
from workbench.distortions import strip
from workbench.domain.recipe import Recipe
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


@st.cache_data(show_spinner=False, max_entries=64, hash_funcs={Recipe: lambda one: one.hash})
def _level_strip(distortion: str, recipes: tuple[Recipe, ...]) -> np.ndarray:
    photograph = load_photograph(photograph_files("packaged")[PHOTOGRAPH], *PHOTOGRAPH_SIZE)
    return strip(photograph, distortion, recipes)
