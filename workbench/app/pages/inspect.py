"""Photographs before a model: their quality, their distortions, and what each attribute does."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

import workbench.app.components
from workbench.app.markup import picture_of_pixels
from workbench.app.photograph_scores import (
    FOREMOST,
    LARGEST_MB,
    Loaded,
    Names,
    Photograph,
    about_table,
    addends,
    beside_table,
    foremost_table,
    loaded_model,
    overview_table,
    packaged_photograph,
    runs_with_model,
    score_of,
    strengths_table,
    sum_table,
    uploaded_photograph,
)
from workbench.app.saliency_view import map_section, target_words, targets
from workbench.app.services import Session, current_session
from workbench.app.widgets import escaped, heading, keep_in_address, show_errors
from workbench.datasets.image_reader import SUFFIXES
from workbench.datasets.photographs import PACKAGED
from workbench.domain.config import DataConfig
from workbench.domain.image_score import Score, Unlike
from workbench.domain.number_format import count_text, figure_text, signed_text
from workbench.domain.run import Run
from workbench.errors import WorkbenchError
from workbench.report.render import csv_table
from workbench.report.score_table import score_table

TITLE = "Inspect"
ICON = ":material/image_search:"
ORDER = 60

OWN, FOLDER, READY = "Photographs of my own", "A folder", "A ready photograph, distorted here"
MANY = 200  # photographs that are taken together
WEAKENED = 3  # distortions that what-if offers first


def render() -> None:
    """Show the page."""
    heading(TITLE, "What a model says of a photograph, and why.")
    with show_errors():
        session = current_session()
        runs = {run.id: run for run in runs_with_model(session)}
        if not runs:
            st.info("No finished run has left a model yet. Start one on the page Runs.")
            return
        labels = _labels(session, runs)
        left, right = st.columns(2)
        with left:
            run = runs[_chosen("Model", "run", list(runs), labels) or next(iter(runs))]
        with right:
            beside = _chosen(
                "Beside it", "beside", [None, *(id for id in runs if id != run.id)], labels
            )
        loaded = loaded_model(session, run)
        names = {id: spec.name for id, spec in session.store.recipes.catalogue().items()}
        st.caption(escaped(_origin(loaded)))
        photograph = _chosen_photograph(session, run, loaded, names)
        if photograph is not None:
            _answer(loaded, photograph, names)
            if beside is not None:
                other = loaded_model(session, runs[beside])
                _beside(loaded, other, (labels[run.id], labels[beside]), photograph, names)
        with st.expander("About this model"):
            st.html(about_table(loaded.model.card))


def _labels(session: Session, runs: Mapping[int, Run]) -> dict[int, str]:
    versions = {version.hash: version.label for version in session.store.versions.summaries()}
    return {
        id: f"{run.config.name} · version {versions[run.version]} · run {id}"
        for id, run in runs.items()
    }


def _chosen(
    label: str, parameter: str, ids: Sequence[int | None], labels: Mapping[int, str]
) -> int | None:
    """Let a run be chosen, at first the one that the address names; keep it there."""
    linked = st.query_params.get(parameter, "")
    known = {str(id): index for index, id in enumerate(ids)}
    if linked and linked not in known:
        st.warning(escaped(f"This link names the run '{linked[:40]}', which has no model here."))
    id = st.selectbox(
        label,
        ids,
        index=known.get(linked, 0),
        format_func=lambda id: "no other model" if id is None else labels[id],
        key=f"inspect-{parameter}",
    )
    keep_in_address(parameter, [] if id is None else [str(id)])
    return id


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
    source = st.radio(
        "Photograph", (READY, OWN, FOLDER), horizontal=True, key="source", bind="query-params"
    )
    _pasting()(key="paste", data={"takes": source == OWN}, on_pasted_change=_take_pasted)
    if source == READY:
        return _ready_photograph(session, run, loaded, names)
    uploads = st.file_uploader(
        "The folder" if source == FOLDER else "Images; drop several together, or paste one",
        type=sorted(SUFFIXES),
        max_upload_size=LARGEST_MB,
        accept_multiple_files="directory" if source == FOLDER else True,
        key=f"files of {source}",
    )
    if len(uploads) > MANY:
        st.error(
            f"At most {MANY} photographs are taken together, got {len(uploads)}. Choose fewer."
        )
        return None
    photographs = []
    for upload in uploads:
        with show_errors():
            photographs.append(uploaded_photograph(upload.name, upload.getvalue()))
    return _one_of(loaded, photographs, names)


def _take_pasted() -> None:
    st.session_state["source"] = OWN


@cache
def _pasting() -> Any:
    """Return the component that hands what is pasted to the uploader, which takes no paste."""
    folder = Path(workbench.app.components.__path__[0])
    return st.components.v2.component("paste", js=(folder / "paste.js").read_text(encoding="utf-8"))


def _one_of(loaded: Loaded, photographs: list[Photograph], names: Names) -> Photograph | None:
    """Show what is said of several, and let one be chosen to be shown in detail."""
    scored: list[tuple[Photograph, Score]] = []
    for photograph in photographs:
        try:
            scored.append((photograph, _named(loaded, photograph)))
        except WorkbenchError as fault:
            st.error(escaped(f"{photograph.about}: {fault}"))
    if not scored:
        return None
    scores = [score for _, score in scored]
    if len(scored) > 1:
        st.subheader(f"All {count_text(len(scored), 'photograph')}")
        st.html(overview_table(sorted(scores, key=lambda score: score.quality), names))
    _downloads(scores)
    if len(scored) == 1:
        return scored[0][0]
    index = st.selectbox(
        "In detail",
        range(len(scored)),
        format_func=lambda index: scores[index].image,
        key="detail",
    )
    return scored[index][0]


def _named(loaded: Loaded, photograph: Photograph) -> Score:
    return score_of(loaded, photograph).model_copy(update={"image": photograph.about})


def _downloads(scores: Sequence[Score]) -> None:
    """Offer what `workbench score` writes with --csv and --json."""
    documents = [score.model_dump(mode="json") for score in scores]
    with st.container(horizontal=True):
        for kind, data in (
            ("csv", lambda: csv_table(score_table(scores))),
            ("json", lambda: json.dumps(documents, ensure_ascii=False, indent=2) + "\n"),
        ):
            st.download_button(
                f"Download as {kind.upper()}",
                data,
                f"scores.{kind}",
                icon=":material/download:",
                on_click="ignore",
            )


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
        "Which one", list(PACKAGED), format_func=_in_words, key="photograph", bind="query-params"
    )
    distortion = middle.selectbox(
        "Distortion",
        sorted(usable, key=lambda id: id not in known),  # those that it knows come first
        format_func=lambda id: names[id] + " (unknown to this model)" * (id not in known),
        key="distortion",
        bind="query-params",
    )
    levels = len(specs[distortion].levels)
    level = right.select_slider(
        "Level, 0 is clean",
        range(levels + 1),
        value=levels,
        key=f"level-of-{levels}",
        bind="query-params",
    )
    return packaged_photograph(session.store, name, distortion, level)


def _answer(loaded: Loaded, photograph: Photograph, names: Names) -> None:
    score = score_of(loaded, photograph)
    st.divider()
    if isinstance(score.unlike, Unlike) and score.unlike.flagged:
        st.warning(escaped(score.unlike.words))
    left, right = st.columns(2, gap="large")
    left.html(picture_of_pixels(photograph.pixels, "The photograph", photograph.about))
    with right:
        st.metric("Quality, from 0 (worst) to 1 (best)", figure_text(score.quality))
        if score.clipped:
            st.caption(escaped(_clipped(score)))
        st.caption(escaped(_likeness(score)))
        st.html(strengths_table(score, names))
    st.header("What each attribute does to the quality")
    _contributions(score, names)
    st.header("What if it showed less?")
    _weaker(loaded, photograph, score, names)
    st.header("Where it shows")
    map_section(loaded, photograph, score, names)


def _clipped(score: Score) -> str:
    end = "above 1" if score.unclipped > 1 else "below 0"
    return f"The model's own number is {figure_text(score.unclipped)}; what is {end} is cut off."


def _likeness(score: Score) -> str:
    if not isinstance(score.unlike, Unlike):
        return f"How unlike the training it is, is unknown: {score.unlike.undefined}."
    return (
        f"Distance from the training images {figure_text(score.unlike.distance, digits=2)}: 1 is "
        f"usual; above {figure_text(score.unlike.threshold, digits=2)} don't trust the score."
    )


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


def _weaker(loaded: Loaded, photograph: Photograph, score: Score, names: Names) -> None:
    if not addends(score):
        st.info("This model judges the picture as a whole: no attribute can be taken away.")
        return
    here = f"of {loaded.key} in {photograph.digest}"
    strongest = sorted(score.distortions, key=lambda id: -score.distortions[id])[:WEAKENED]
    chosen = st.multiselect(
        "Attributes, or whole distortions",
        targets(loaded),
        default=strongest,
        format_func=lambda target: target_words(target, names),
        placeholder="Choose one or more",
        select_all=False,
        key=f"weaker {here}",
    )
    left = {
        target: st.slider(
            f"What is left of {escaped(target_words(target, names))}, %",
            0,
            100,
            value=100,
            key=f"left of {target} {here}",
        )
        / 100
        for target in chosen
    }
    if all(share == 1 for share in left.values()):
        st.caption("Move a slider to see what the model would say.")
        return
    other = loaded.model.weakened(score, left)
    st.markdown(
        f"**The quality would be {figure_text(other.quality)}** instead of "
        f"{figure_text(score.quality)}: {escaped(signed_text(other.change))}."
    )
    st.caption(
        "This is the model's answer, not the world's: the photograph stays as it is, and only the "
        "numbers of these attributes move towards what they are in clean photographs (0 %)."
    )


def _beside(
    loaded: Loaded, other: Loaded, labels: tuple[str, str], photograph: Photograph, names: Names
) -> None:
    """Show what two models say of the photograph."""
    st.header("By another model")
    scores = score_of(loaded, photograph), score_of(other, photograph)
    columns = st.columns(2, gap="large")
    for column, label, score in zip(columns, labels, scores, strict=True):
        with column:
            st.subheader(escaped(label))
            st.metric("Quality", figure_text(score.quality))
            if isinstance(score.unlike, Unlike) and score.unlike.flagged:
                st.warning(escaped(score.unlike.words))
            lowering = [addend for addend in addends(score) if addend[0] < 0][:FOREMOST]
            st.html(foremost_table("What lowers it most", lowering, names))
    st.html(beside_table(*scores, labels, names))
    if loaded.model.card.protocol.target != other.model.card.protocol.target:
        st.caption("Their qualities mean different things, as they learned from different targets.")


def _in_words(name: str) -> str:
    return name.replace("_", " ").capitalize()
