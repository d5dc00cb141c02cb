"""One photograph before a model: its quality, its distortions, and what each attribute does."""

import streamlit as st

from workbench.app.markup import picture_of_pixels
from workbench.app.photograph_scores import (
    FOREMOST,
    LARGEST_MB,
    Loaded,
    Names,
    Photograph,
    about_table,
    addends,
    foremost_table,
    loaded_model,
    packaged_photograph,
    runs_with_model,
    score_of,
    strengths_table,
    sum_table,
    uploaded_photograph,
)
from workbench.app.saliency_view import map_section, target_words, targets
from workbench.app.services import Session, current_session
from workbench.app.widgets import escaped, heading, show_errors
from workbench.datasets.image_reader import SUFFIXES
from workbench.datasets.photographs import PACKAGED
from workbench.domain.config import DataConfig
from workbench.domain.image_score import Score
from workbench.domain.number_format import figure_text, signed_text
from workbench.domain.run import Run

TITLE = "Score"
ICON = ":material/image_search:"
ORDER = 60

OWN, READY = "A photograph of my own", "A ready photograph, distorted here"


def render() -> None:
    """Show the page."""
    heading(TITLE, "What a model says of one photograph, and why.")
    with show_errors():
        session = current_session()
        runs = runs_with_model(session)
        if not runs:
            st.info("No finished run has left a model yet. Start one on the page Runs.")
            return
        run = _chosen_run(session, runs)
        loaded = loaded_model(session, run)
        names = {id: spec.name for id, spec in session.store.recipes.catalogue().items()}
        st.caption(escaped(_origin(loaded)))
        photograph = _chosen_photograph(session, run, loaded, names)
        if photograph is not None:
            _answer(loaded, photograph, names)
        with st.expander("About this model"):
            st.html(about_table(loaded.model.card))


def _chosen_run(session: Session, runs: list[Run]) -> Run:
    labels = {version.hash: version.label for version in session.store.versions.summaries()}
    by_id = {run.id: run for run in runs}
    chosen = st.selectbox(
        "Model",
        list(by_id),
        format_func=lambda id: (
            f"{by_id[id].config.name} · version {labels[by_id[id].version]} · run {id}"
        ),
        key="score-run",
    )
    return by_id[chosen]


def _origin(loaded: Loaded) -> str:
    card = loaded.model.card
    note = f" ({card.encoder_facts.note})" if card.encoder_facts.note else ""
    return (
        f"It looks through the encoder {card.encoder_facts.name}{note}. It has learned from "
        f"{card.protocol.dataset}; quality there is {card.protocol.target}."
    )


def _chosen_photograph(
    session: Session, run: Run, loaded: Loaded, names: Names
) -> Photograph | None:
    source = st.radio("Photograph", (READY, OWN), horizontal=True, key="score-source")
    if source == OWN:
        upload = st.file_uploader(
            "An image", type=sorted(SUFFIXES), max_upload_size=LARGEST_MB, key="score-file"
        )
        return None if upload is None else uploaded_photograph(upload.name, upload.getvalue())
    return _ready_photograph(session, run, loaded, names)


def _ready_photograph(session: Session, run: Run, loaded: Loaded, names: Names) -> Photograph:
    data = run.config.data
    if isinstance(data, DataConfig) and data.photographs == "packaged":
        st.caption(
            "This model was trained on these photographs: see how it answers, not how good it is."
        )
    specs = session.store.recipes.catalogue()
    usable = [id for id, spec in specs.items() if spec.has_operator]
    known = loaded.model.attributes
    left, middle, right = st.columns(3)
    name = left.selectbox(
        "Which one", list(PACKAGED), format_func=_in_words, key="score-photograph"
    )
    distortion = middle.selectbox(
        "Distortion",
        sorted(usable, key=lambda id: id not in known),  # those that it knows come first
        format_func=lambda id: names[id] + " (unknown to this model)" * (id not in known),
        key="score-distortion",
    )
    levels = len(specs[distortion].levels)
    level = right.select_slider(
        "Level, 0 is clean", range(levels + 1), value=levels, key=f"score-level-{levels}"
    )
    return packaged_photograph(session.store, name, distortion, level)


def _answer(loaded: Loaded, photograph: Photograph, names: Names) -> None:
    score = score_of(loaded, photograph)
    st.divider()
    left, right = st.columns(2, gap="large")
    left.html(picture_of_pixels(photograph.pixels, "The photograph", photograph.about))
    with right:
        st.metric("Quality, from 0 (worst) to 1 (best)", figure_text(score.quality))
        if score.clipped:
            st.caption(escaped(_clipped(score)))
        st.html(strengths_table(score, names))
    st.subheader("What each attribute does to the quality")
    _contributions(score, names)
    st.subheader("What if it were absent?")
    _absent(loaded, score, names)
    st.subheader("Where it shows")
    map_section(loaded, photograph, score, names)


def _clipped(score: Score) -> str:
    end = "above 1" if score.unclipped > 1 else "below 0"
    return f"The model's own number is {figure_text(score.unclipped)}; what is {end} is cut off."


def _contributions(score: Score, names: Names) -> None:
    every = addends(score)
    if not every:
        st.info("This model judges the picture as a whole, so its attributes add nothing by name.")
        return
    st.caption(
        escaped(
            "A photograph that shows every attribute as the average of the training does has the "
            f"quality {figure_text(score.base)}. From there, each attribute of this one takes some "
            f"away or adds some; all together they give {figure_text(score.unclipped)}."
        )
    )
    lowering = [addend for addend in every if addend[0] < 0][:FOREMOST]
    raising = [addend for addend in reversed(every) if addend[0] > 0][:FOREMOST]
    left, right = st.columns(2, gap="large")
    left.html(foremost_table("What lowers it most", lowering, names))
    right.html(foremost_table("What raises it most", raising, names))
    with st.expander(f"All {len(every)} attributes, and their sum"):
        st.html(sum_table(score, names))


def _absent(loaded: Loaded, score: Score, names: Names) -> None:
    if not addends(score):
        st.info("This model judges the picture as a whole: no attribute can be taken away.")
        return
    chosen = st.multiselect(
        "Attributes, or whole distortions, to take away",
        targets(loaded),
        format_func=lambda target: target_words(target, names),
        placeholder="Choose one or more",
        key=f"score-absent-{loaded.key}",
    )
    if not chosen:
        return
    other = loaded.model.without(score, chosen)
    st.markdown(
        f"**The quality would be {figure_text(other.quality)}** instead of "
        f"{figure_text(score.quality)}: {escaped(signed_text(other.change))}."
    )
    st.caption(
        "This is the model's answer, not the world's: the photograph stays as it is, and only the "
        "numbers of these attributes are set to what they are in clean photographs."
    )


def _in_words(name: str) -> str:
    return name.replace("_", " ").capitalize()
