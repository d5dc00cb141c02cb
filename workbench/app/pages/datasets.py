"""The datasets: what is there and healthy, samples, splits, tables of one's own, generated sets."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import streamlit as st
from markupsafe import Markup

from workbench.app.background_jobs import generate_form, show_jobs, start
from workbench.app.dataset_import import import_view
from workbench.app.markup import html_list, html_table, picture_of_pixels
from workbench.app.services import Session, current_session
from workbench.app.widgets import announce, escaped, heading, show_errors
from workbench.datasets.frames import read_pixels
from workbench.datasets.labelled import DatasetFacts, LabelledImage
from workbench.datasets.photographs import fit_photograph
from workbench.domain.number_format import count_text
from workbench.errors import DataError
from workbench.settings import Settings
from workbench.workflow.datasets import (
    KnownDataset,
    OpenDataset,
    forget_table,
    known_datasets,
    open_dataset,
    require_admin,
    samples,
)

TITLE = "Datasets"
ICON = ":material/photo_library:"
ORDER = 70

TABLE = "table"  # how a command reads one in passing; here tables are registered
THUMBNAIL = (208, 156)  # pixels
FRESH_S = 60  # how long what was read of a dataset is shown before its folder is looked at again
VIEWS = ("Datasets", "Import a table", "Generate a set")

_GRID = Markup(
    "<style>.wb-samples {{ display: grid; gap: 0.8rem;"
    " grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); }}"
    ".wb-samples figcaption {{ overflow-wrap: anywhere; }}</style>"
    '<div class="wb-samples">{}</div>'
)


def render() -> None:
    """Show the page."""
    heading(TITLE, "Images with scores: published datasets, tables of your own, generated sets.")
    view = st.segmented_control(
        "View",
        VIEWS,
        default=VIEWS[0],
        required=True,
        key="part",
        bind="query-params",
        label_visibility="collapsed",
    )
    with show_errors():
        session = current_session()
        if view == VIEWS[1]:
            import_view(session)
        elif view == VIEWS[2]:
            generate_form(session)
        else:
            _datasets(session)
        show_jobs(session, "datasets", "generate")


def _datasets(session: Session) -> None:
    known = {
        one.facts.name: one
        for one in known_datasets(session.store, session.settings)
        if one.facts.name != TABLE
    }
    st.html(
        html_table(
            "What can be read here; published datasets are obtained from their authors",
            ("Dataset", "Kind", "Images", "References", "Score", "Where"),
            [_row(one) for one in known.values()],
            figures=(2, 3),
            widths=(20, 12, 10, 11, 25, 22),
        )
    )
    st.header("One dataset")
    left, right = st.columns([1, 2])
    name = left.selectbox(
        "Dataset",
        list(known),
        format_func=lambda name: f"{known[name].facts.title} ({name})",
        key="dataset",
        bind="query-params",
    )
    one = known[name]
    root = ""
    if not one.file:
        usual = next(iter(one.roots), "")
        root = right.text_input(
            "Folder that it was unpacked in",
            usual,
            key="root",
            bind="query-params",
            help="On the machine that the workbench runs on.",
        ).strip()
        if not root:
            st.info(escaped(f"{one.facts.obtain} Below the folder: {'; '.join(one.facts.layout)}."))
            return
    with show_errors():
        if root and root not in one.roots:
            require_admin(session.settings, "open another folder of this machine")
        _acts(session, name, root, is_table=bool(one.file))
        opened = _opened(session.settings, name, root)
        _health(opened)
        names = {id: spec.name for id, spec in session.store.recipes.catalogue().items()}
        _samples(opened, names)
        _splits(session, one.facts, root)


def _row(one: KnownDataset) -> tuple[object, ...]:
    facts = one.facts
    name = Markup("{}<br><small>{}</small>").format(facts.title, facts.name)
    counts = ("" if n is None else f"{n:,}" for n in (facts.images, facts.references))
    where = one.file or next(iter(one.roots), "")
    return name, facts.kind, *counts, _score(facts), where


def _score(facts: DatasetFacts) -> str:
    if facts.score_range is None:
        return facts.score or "none"
    low, high = facts.score_range
    return f"{facts.score}, {low:g} to {high:g}, {facts.polarity}"


@st.cache_resource(show_spinner="Reading the dataset…", max_entries=4, ttl=FRESH_S)
def _opened(settings: Settings, name: str, root: str) -> OpenDataset:
    return open_dataset(settings, name, root)


def _health(opened: OpenDataset) -> None:
    dataset = opened.dataset
    facts, images = dataset.facts, dataset.images
    references = {image.reference for image in images if image.reference}
    missing = len(opened.missing_images), len(opened.missing_references)
    scores = [image.score for image in images if image.score is not None]
    span = f"{min(scores):g} to {max(scores):g}" if scores else "none"
    official = [part for part in ("train", "validation", "test") if part in _official(images)]
    st.html(
        html_table(
            f"In {dataset.root}",
            ("What", "Found"),
            [
                ("Images", f"{len(images):,}, {_lacking(missing[0])}"),
                (
                    "References",
                    f"{len(references):,}, {_lacking(missing[1])}" if references else "none",
                ),
                ("Types", f"{len({t.distortion for i in images for t in i.present}):,}"),
                ("Scores", f"{span} ({facts.score or 'no score'}, {facts.polarity or 'none'})"),
                ("Never on both sides of a split", facts.group),
                ("Split that it states", ", ".join(official) or "none"),
            ],
            widths=(30, 70),
        )
    )
    lacking = [*opened.missing_images, *opened.missing_references]
    if lacking:
        more = f" and {len(lacking) - 3:,} more" if len(lacking) > 3 else ""
        st.warning(escaped(f"Missing: {', '.join(lacking[:3])}{more}. {facts.obtain}"))


def _acts(session: Session, name: str, root: str, *, is_table: bool) -> None:
    with st.container(horizontal=True):
        after = ["--", name, *([root] if root else [])]
        if st.button("Check it", help="Counts, files, scores and ranges."):
            start(session, f"Check of {name}", ["datasets", "check", *after])
        if st.button("Check every image", help="Decodes each one; minutes for a large dataset."):
            start(session, f"Deep check of {name}", ["datasets", "check", "--deep", *after])
        if is_table:
            with st.popover("Forget this table", width="content"):
                st.markdown("Its files stay where they are; experiments can't name it any more.")
                if st.button("Forget it now"):
                    forget_table(session.settings, name)
                    announce(f"{name} is no longer registered; its files stay.")
                    st.rerun()


def _official(images: tuple[LabelledImage, ...]) -> set[str]:
    return {image.official for image in images if image.official}


def _lacking(count: int) -> str:
    return f"{count:,} of them missing" if count else "all of them there"


def _samples(opened: OpenDataset, names: Mapping[str, str]) -> None:
    st.header("Samples")
    types = list(
        dict.fromkeys(type.distortion for i in opened.dataset.images for type in i.present)
    )
    chosen = st.selectbox(
        "Type",
        ["", *types],
        format_func=lambda id: names.get(id, id) or "any",
        key="sample",
        bind="query-params",
        width=400,
    )
    shown = samples(opened, chosen or "")
    if not shown:
        st.info("None of its images is there.")
        return
    if any(image.score is not None for image in shown):
        st.caption("From the lowest score to the highest.")
    pictures = []
    for image in shown:
        try:
            pixels = _thumbnail(str(opened.dataset.root), image, opened.dataset.facts.name, opened)
            pictures.append(picture_of_pixels(pixels, image.name, _about(image, names)))
        except DataError as fault:
            pictures.append(Markup("<p>{}</p>").format(fault))
    st.html(_GRID.format(Markup("").join(pictures)))


@st.cache_data(
    show_spinner=False, max_entries=400, hash_funcs={LabelledImage: lambda image: image.name}
)
def _thumbnail(root: str, image: LabelledImage, name: str, _opened: OpenDataset) -> np.ndarray:
    del root, name  # they decide what is kept
    return fit_photograph(read_pixels(_opened.dataset, image), *THUMBNAIL)


def _about(image: LabelledImage, names: Mapping[str, str]) -> str:
    types = ", ".join(
        names.get(type.distortion, type.distortion)
        + (f" {type.level} of {type.levels}" if type.level else "")
        for type in image.present
    )
    score = "" if image.score is None else f"score {image.score:g}"
    return " · ".join(word for word in (score, types, image.name) if word)


def _splits(session: Session, facts: DatasetFacts, root: str) -> None:
    st.header("Splits")
    st.caption(
        "An experiment takes the folder as split.published; without, it makes its own folds."
    )
    folder = Path(
        st.text_input(
            "Folder of the splits",
            str(session.settings.home / "experiments" / "splits" / facts.name),
            key=f"splits of {facts.name}",
        ).strip()
    )
    left, middle, right = st.columns(3)
    rule = left.radio("Rule", ("70/10/20 by group", "the dataset's own", "published ones"))
    duplicates = middle.radio("Near duplicates on two sides", ("refuse", "merge", "ignore"))
    count = right.number_input("How many", 1, 1000, 10, disabled=rule != "70/10/20 by group")
    published = right.text_input("Folder of published ones", disabled=rule != "published ones")
    words = ["datasets", "split", "--to", str(folder), "--near-duplicates", str(duplicates)]
    if rule == "the dataset's own":
        words.append("--official")
    elif rule == "published ones":
        words += ["--published", published.strip()]
    else:
        words += ["--seeds", str(count)]
    if st.button("Make the splits", disabled=rule == "published ones" and not published.strip()):
        words += ["--", facts.name, *([root] if root else [])]
        start(session, f"Splits of {facts.name}", words)
    files = sorted(folder.glob("*.json")) if folder.is_dir() else []
    if files:
        st.html(
            Markup("<p>{} in {}:</p>").format(count_text(len(files), "split"), folder)
            + html_list((file.name, False) for file in files[:20])
        )
