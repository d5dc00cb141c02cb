"""Where a photograph shows an attribute or a distortion: a map that is drawn when it is asked for.

Covering a photograph part by part takes a forward pass for each part. It is offered only where
that takes seconds; the command line has no such limit.
"""

from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import streamlit as st

from workbench.app.markup import picture_of_pixels
from workbench.app.photograph_scores import HASHES, Loaded, Names, Photograph
from workbench.app.widgets import escaped
from workbench.domain.image_score import Score
from workbench.domain.number_format import figure_text

if TYPE_CHECKING:
    from workbench.inference.saliency import Method, SaliencyMap

AFFORDABLE = 5e8  # passes x parameters; four views of the offline encoder take about eight seconds
_ASKED = "map that is asked for"  # where a session keeps which map it wants


class Way(NamedTuple):
    """One way to make a map, in plain words.

    Attributes:
        label: What is done.
        trust: What is known of how far to trust it (docs/saliency.md).
        method: As `saliency` calls it.
        with_clean: Whether it is given the photograph before distortion.
    """

    label: str
    trust: str
    method: "Method"
    with_clean: bool = False


BY_CLEAN = Way(
    "Put the clean photograph back, part by part",
    "To be trusted most: it measures how the answer changes where the distortion is taken away.",
    "occlusion",
    with_clean=True,
)
BY_ATTENTION = Way(
    "Follow what the model attends to for this",
    "A hint, no proof. It finds a distorted spot better than chance, but nearly half of what it "
    "marks lies elsewhere; where all of the photograph is distorted it shows little more than "
    "where the model looks at all.",
    "gradient_rollout",
)
BY_COVERING = Way(
    "Cover the photograph, part by part",
    "To be trusted least: a flat patch is a distortion too, and the map may show that.",
    "occlusion",
)
BY_LOOKING = Way(
    "Where the model looks at all",
    "The same map for every attribute and distortion: it says nothing about this one.",
    "rollout",
)


def map_section(loaded: Loaded, photograph: Photograph, score: Score, names: Names) -> None:
    """Let an attribute or a distortion be chosen, and draw where the photograph shows it.

    Args:
        loaded: The model.
        photograph: It.
        score: What the model says of it; the strongest distortion is offered first.
        names: What people call the distortions.

    Raises:
        ConfigError: The encoder's attention cannot be read.
    """
    left, right = st.columns(2)
    key = f"target of {loaded.key} in {photograph.digest}"  # the strongest of this photograph
    st.session_state.setdefault(key, max(score.distortions, key=score.distortions.__getitem__))
    target = left.selectbox(
        "What to look for",
        targets(loaded),
        format_func=lambda target: target_words(target, names),
        key=key,
    )
    ways = {way.label: way for way in _ways(loaded, photograph)}
    way = ways[right.selectbox("How to find it", list(ways), key="way")]
    right.caption(escaped(way.trust))
    asked = (loaded.key, photograph.digest, target, way.label)
    if left.button("Draw the map"):
        st.session_state[_ASKED] = asked
    if st.session_state.get(_ASKED) == asked:
        _show(loaded, photograph, target, way, target_words(target, names))


def targets(loaded: Loaded) -> list[str]:
    """Return what can be looked for or taken away: distortion ids, and "distortion: phrase"."""
    every = loaded.model.attributes
    return [*every, *(f"{id}: {phrase}" for id, phrases in every.items() for phrase in phrases)]


def target_words(target: str, names: Names) -> str:
    """Return what people call a distortion, or an attribute of one.

    Example:
        >>> names = {"jpeg": "JPEG"}
        >>> target_words("jpeg", names), target_words("jpeg: square blocks", names)
        ('JPEG, all of its attributes', 'JPEG: square blocks')
    """
    id, colon, phrase = target.partition(": ")
    name = names.get(id, id)
    return f"{name}: {phrase}" if colon else f"{name}, all of its attributes"


def _ways(loaded: Loaded, photograph: Photograph) -> list[Way]:
    tower, facts = loaded.model.tuned.encoder.tower, loaded.model.card.encoder_facts
    height, width = photograph.pixels.shape[:2]
    views = -(-height // tower.image_size) * -(-width // tower.image_size)
    passes = views * (tower.image_size // tower.patch_size) ** 2
    affordable = passes * facts.image_parameters <= AFFORDABLE
    clean = photograph.clean is not None
    return [
        *[BY_CLEAN] * (affordable and clean),
        BY_ATTENTION,
        *[BY_COVERING] * (affordable and not clean),
        BY_LOOKING,
    ]


def _show(loaded: Loaded, photograph: Photograph, target: str, way: Way, words: str) -> None:
    saliency_map = map_of(loaded, photograph, target, way)
    strength = figure_text(saliency_map.probability, digits=2)
    plain, mapped = st.columns(2)
    plain.html(picture_of_pixels(photograph.pixels, "The photograph", "The photograph"))
    opacity = mapped.slider("Opacity of the map, %", 0, 100, value=100, key="opacity") / 100
    over = (1 - opacity) * photograph.pixels + opacity * _drawn(photograph.pixels, saliency_map)
    mapped.html(picture_of_pixels(over.round().astype(np.uint8), f"Map of {words}", words))
    st.caption(
        escaped(
            "Yellow marks what speaks most for it, purple what speaks less; where the photograph "
            f"stays grey, nothing does. Strength here: {strength}. "
            f"The map knows nothing finer than squares of {saliency_map.cell} px."
        )
    )


@st.cache_data(
    show_spinner="Drawing the map; this can take some seconds…", max_entries=32, hash_funcs=HASHES
)
def map_of(loaded: Loaded, photograph: Photograph, target: str, way: Way) -> "SaliencyMap":
    """Return where a photograph shows a target; kept until many others have been asked for.

    Args:
        loaded: The model.
        photograph: It.
        target: One of `targets`.
        way: How to find it.

    Raises:
        ConfigError: The encoder's attention cannot be read.
    """
    from workbench.encoders.protocol import computing_threads
    from workbench.inference.saliency import saliency

    tuned, index = loaded.model.tuned, targets(loaded).index(target)
    first = len(loaded.model.attributes)  # of the attributes; the distortions come before them
    with loaded.alone, computing_threads(tuned.encoder.threads):
        return saliency(
            tuned,
            photograph.pixels,
            attribute=index - first if index >= first else None,
            distortion=index if index < first else None,
            method=way.method,
            reference=photograph.clean if way.with_clean else None,
            target=target,
        )


def _drawn(pixels: np.ndarray, saliency_map: "SaliencyMap") -> np.ndarray:
    """Return the map over the grey photograph, as large as that, (H, W, 3), uint8."""
    from matplotlib.figure import Figure

    from workbench.report.saliency_overlay import draw_map

    height, width = pixels.shape[:2]
    figure = Figure(figsize=(width, height), dpi=1)
    draw_map(figure.add_axes((0, 0, 1, 1)), pixels, saliency_map)
    out = BytesIO()
    figure.savefig(out, format="rgba")
    return np.frombuffer(out.getvalue(), np.uint8).reshape(height, width, 4)[..., :3]
