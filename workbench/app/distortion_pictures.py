"""Pictures of distortion types: a thumbnail of each, strips of levels, and pixels at full size.

Thumbnails lie in the cache folder, by a hash of all that decides them; strips are kept by the
server. Recipes stand for themselves by their hash: one that was replaced is never shown from
memory.
"""

import base64
import time
from collections.abc import Callable, Iterable
from functools import cache
from importlib.metadata import version
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
import streamlit as st
from PIL import Image

from workbench.app.photograph_scores import Photograph, uploaded_photograph
from workbench.atomic_files import atomic_write
from workbench.datasets.image_reader import read_image
from workbench.datasets.photographs import fit_photograph, photograph_files
from workbench.distortions import apply_distortion, apply_parameter, effective_strength, strip
from workbench.domain.canonical import content_hash
from workbench.domain.distortion import Distortion, Recipe
from workbench.errors import WorkbenchError
from workbench.settings import Settings

EXAMPLE = "astronaut"  # of scikit-image; what thumbnails are made of
MADE_OF = (384, 288)  # pixels; the size that the levels are meant for
FACE = (112, 4, 192, 144)  # left, top, width and height of the thumbnail in it, at full size
STRIP_SIZE = (256, 256)  # pixels of each level of a strip
PART_SIZE = (400, 300)  # pixels of what is shown at full size; two fit beside each other

_BY_HASH: dict[str | type, Callable[[Any], str]] = {
    Recipe: lambda recipe: recipe.hash,
    Photograph: lambda photograph: photograph.digest,
}


@st.cache_resource(show_spinner=False)
def _thumbnails() -> dict[str, str]:
    """Return the data URLs of all sessions, by hash."""
    return {}


def middle_level(spec: Distortion) -> int:
    """Return the level that is half as strong as the strongest, or nearest to it.

    Example:
        >>> shift = Distortion(id="s", name="s", group="brightness", source="", explanation="",
        ...                    levels=(.15, .08, 0, -.08, -.15), neutral=0)
        >>> middle_level(shift)
        2
    """
    levels = range(1, len(spec.levels) + 1)
    return min(levels, key=lambda level: abs(effective_strength(spec, level) - 0.5))


class Thumbnails(NamedTuple):
    """Thumbnails as far as they are made.

    Attributes:
        urls: Type to data URL.
        missing: Types whose thumbnail is to be made yet.
    """

    urls: dict[str, str]
    missing: tuple[str, ...]


def thumbnails(
    settings: Settings,
    specs: Iterable[Distortion],
    recipes: tuple[Recipe, ...],
    *,
    seconds: float = 0.0,
) -> Thumbnails:
    """Return thumbnails from memory and from disk; make further ones for so many seconds.

    One that cannot be made is left without a picture.
    """
    end, known = time.monotonic() + seconds, _thumbnails()
    urls, missing = {}, []
    for spec in specs:
        if not spec.has_operator:
            continue
        own = tuple(recipe for recipe in recipes if recipe.id == spec.id)
        name = _name(spec, own)
        if name not in known:
            data = _from_disk(settings, name)
            if data is None and time.monotonic() < end:
                data = _made(settings, name, spec, own)
            if data is None:
                missing.append(spec.id)
                continue
            known[name] = f"data:image/webp;base64,{base64.b64encode(data).decode()}" * bool(data)
        urls[spec.id] = known[name]
    return Thumbnails(urls, tuple(missing))


def _name(spec: Distortion, own: tuple[Recipe, ...]) -> str:
    """Return a hash of all that decides a thumbnail."""
    return content_hash(
        {
            "spec": spec.model_dump(mode="json", exclude={"near", "explanation"}),
            "recipe": [recipe.hash for recipe in own],
            "of": [EXAMPLE, *MADE_OF, *FACE],
            "release": _release(),
        }
    )


@cache
def _release() -> str:
    return version("attribute-workbench")


def _from_disk(settings: Settings, name: str) -> bytes | None:
    try:
        return (settings.cache / "thumbnails" / f"{name}.webp").read_bytes()
    except OSError:
        return None


def _made(settings: Settings, name: str, spec: Distortion, own: tuple[Recipe, ...]) -> bytes:
    """Make a thumbnail and write it to the cache, if that can be written; b"" if it cannot be."""
    left, top, width, height = FACE
    try:
        clean = fit_photograph(packaged(EXAMPLE).pixels, *MADE_OF)
        image = apply_distortion(clean, spec.id, middle_level(spec), seed=0, recipes=own)
    except WorkbenchError:
        return b""
    out = BytesIO()
    part = image[top : top + height, left : left + width]
    Image.fromarray(part).save(out, format="WEBP", quality=80)
    folder = settings.cache / "thumbnails"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_write(folder / f"{name}.webp") as passing:
            passing.write_bytes(out.getvalue())
    except OSError:
        pass  # it is kept in memory all the same
    return out.getvalue()


@st.cache_data(show_spinner=False, max_entries=16)
def packaged(name: str) -> Photograph:
    """Return one of the packaged photographs, at its own size."""
    return Photograph(read_image(photograph_files("packaged")[name]), name)


@st.cache_data(show_spinner=False, max_entries=8)
def own(name: str, data: bytes) -> Photograph:
    """Return an upload as a photograph.

    Raises:
        CorruptImageError, DataError: It cannot be used; says why.
    """
    return uploaded_photograph(name, data)


@st.cache_data(show_spinner=False, max_entries=64, hash_funcs=_BY_HASH)
def level_strip(
    photograph: Photograph, distortion: str, recipes: tuple[Recipe, ...] = ()
) -> np.ndarray:
    """Return a photograph clean and at every level of a distortion.

    Args:
        photograph: Scaled and cropped to `STRIP_SIZE`.
        distortion: Id of a distortion with an operator.
        recipes: The recipe of that id, if it is one; it decides what is kept.

    Returns:
        (L + 1, 256, 256, 3), uint8, RGB; the first one is clean.
    """
    return strip(fit_photograph(photograph.pixels, *STRIP_SIZE), distortion, recipes)


@st.cache_data(show_spinner=False, max_entries=32, hash_funcs=_BY_HASH)
def at_full_size(
    photograph: Photograph, distortion: str, parameter: float, recipes: tuple[Recipe, ...] = ()
) -> np.ndarray:
    """Return a photograph distorted at its own size, (H, W, 3), uint8.

    Args:
        photograph: It.
        distortion: Id of a distortion with an operator.
        parameter: Within the operator's limits; the level of a recipe.
        recipes: The recipe of that id, if it is one.
    """
    return apply_parameter(photograph.pixels, distortion, parameter, seed=0, recipes=recipes)


def part_of(image: np.ndarray, across: float, down: float) -> np.ndarray:
    """Return what is shown at full size: at most `PART_SIZE` pixels of an image.

    Args:
        image: (H, W, 3).
        across: Where, from 0 (left) to 1 (right).
        down: Where, from 0 (top) to 1 (bottom).

    Example:
        >>> part_of(np.zeros((400, 1000, 3)), 1, 0).shape
        (300, 400, 3)
    """
    height, width = (
        min(size, most) for size, most in zip(image.shape, reversed(PART_SIZE), strict=False)
    )
    top, left = round(down * (len(image) - height)), round(across * (image.shape[1] - width))
    return image[top : top + height, left : left + width]
