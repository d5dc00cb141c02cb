"""The models and photographs of the page Inspect: which there are, and what a model says of one.

Loading and scoring take about a second with the offline encoder; both are kept for all sessions.
Models bring torch, so that they are imported when one is first asked for.
"""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import streamlit as st
from markupsafe import Markup

from workbench.app.markup import html_data_table, html_table
from workbench.app.services import Session
from workbench.datasets.image_reader import read_image
from workbench.datasets.photographs import load_photograph, photograph_files
from workbench.distortions import apply_distortion
from workbench.domain.data_table import Column, DataTable
from workbench.domain.distortion import Recipe
from workbench.domain.image_score import Score, Unlike
from workbench.domain.metrics import Undefined
from workbench.domain.number_format import figure_text
from workbench.domain.run import Run
from workbench.errors import CorruptImageError, DataError
from workbench.settings import Settings
from workbench.store import Store

if TYPE_CHECKING:
    from workbench.inference.model_card import ModelCard

FOREMOST = 4  # attributes that are told first, either way
BAR = Markup(
    '<div style="width: {}%; min-width: 2px; height: 0.85rem; margin-top: 0.25rem; '
    'border-radius: 2px; background: #0072b2">&nbsp;</div>'
)

Names = Mapping[str, str]  # distortion id to what people call it
Addend = tuple[float, str, str]  # what an attribute adds, its distortion's id, its phrase


def overview_table(scores: Sequence[Score], names: Names) -> Markup:
    """Return a row for each photograph: its quality, its strongest distortion, and a warning."""
    rows = []
    for score in scores:
        strongest = max(score.distortions, key=score.distortions.__getitem__)
        told = {True: "yes: don't trust the score", False: "no"}
        unlike = told[score.unlike.flagged] if isinstance(score.unlike, Unlike) else "unknown"
        rows.append(
            (
                score.image,
                score.quality,
                names.get(strongest, strongest),
                score.distortions[strongest],
                unlike,
            )
        )
    columns = (
        Column("photograph", "Photograph", "text"),
        Column("quality", "Quality", digits=3),
        Column("distortion", "Strongest distortion", "text"),
        Column("strength", "Strength", digits=2),
        Column("unlike", "Unlike the training", "text"),
    )
    table = DataTable("overview", "What the model says of each photograph", columns, tuple(rows))
    return html_data_table(table, widths=(34, 11, 25, 11, 19))


def beside_table(score: Score, other: Score, labels: tuple[str, str], names: Names) -> Markup:
    """Return the strengths by two models, a row for each distortion that either knows."""
    known = sorted(
        {*score.distortions, *other.distortions},
        key=lambda id: -max(score.distortions.get(id, 0), other.distortions.get(id, 0)),
    )
    table = DataTable(
        "beside",
        "How strongly each distortion shows, by both models",
        (
            Column("distortion", "Distortion", "text"),
            Column("first", labels[0], digits=2),
            Column("second", labels[1], digits=2),
        ),
        tuple(
            (names.get(id, id), score.distortions.get(id), other.distortions.get(id))
            for id in known
        ),
    )
    return html_data_table(table, widths=(40, 30, 30), names=labels)


def strengths_table(score: Score, names: Names) -> Markup:
    """Return how strongly each distortion shows, the strongest first, as bars and numbers."""
    ordered = sorted(score.distortions.items(), key=itemgetter(1), reverse=True)
    table = DataTable(
        "strengths",
        "0 is not at all, 1 is as strong as the strongest level of the training",
        (
            Column("distortion", "Distortion", "text"),
            Column("strength", "Strength", digits=2),
            Column("bar", "", "text"),
        ),
        tuple(
            (names.get(id, id), value, BAR.format(round(100 * value, 1))) for id, value in ordered
        ),
    )
    return html_data_table(table, widths=(34, 14, 52))


def addends(score: Score) -> list[Addend]:
    """Return what each attribute adds to the quality, the lowest first; none if that is undefined.

    Example:
        >>> score = Score(
        ...     image="", quality=0.5, unclipped=0.5, clipped=False, distortions={}, base=0.6,
        ...     attributes={}, contributions={"blur": {"hazy": 0.1, "soft": -0.2}},
        ... )
        >>> addends(score)
        [(-0.2, 'blur', 'soft'), (0.1, 'blur', 'hazy')]
    """
    if isinstance(score.contributions, Undefined):
        return []
    return sorted(
        (value, distortion, phrase)
        for distortion, contributions in score.contributions.items()
        for phrase, value in contributions.items()
    )


def foremost_table(caption: str, foremost: list[Addend], names: Names) -> Markup:
    """Return a few attributes with what each adds, in their order; the caption says which."""
    table = DataTable(
        "foremost",
        caption,
        (
            Column("attribute", "Attribute", "text"),
            Column("distortion", "", "text", below=True),
            Column("adds", "Adds", "signed"),
        ),
        tuple((phrase, names.get(id, id), value) for value, id, phrase in foremost),
    )
    return html_data_table(table, widths=(82, 18))


def sum_table(score: Score, names: Names) -> Markup:
    """Return every attribute with how clearly it shows and what it adds, from base to sum."""
    base = "Every attribute as in the average of the training"
    table = DataTable(
        "sum",
        "“Shows” is how sure the model is that the photograph has the attribute, from 0 to 1",
        (
            Column("attribute", "Attribute", "text"),
            Column("distortion", "Distortion", "text"),
            Column("shows", "Shows", digits=2),
            Column("adds", "Adds", "signed"),
        ),
        (
            (base, "", "", figure_text(score.base)),
            *(
                (phrase, names.get(id, id), score.attributes[id][phrase], value)
                for value, id, phrase in addends(score)
            ),
            ("All together", "", "", figure_text(score.unclipped)),
        ),
    )
    return html_data_table(table, widths=(55, 23, 11, 11))


def about_table(card: "ModelCard") -> Markup:
    """Return where a model comes from: its encoder, its attributes and what it was trained on.

    How good it is on held-out photographs is left out: showing that would be a look at them.
    """
    encoder, data = card.encoder_facts, card.protocol
    count = sum(map(len, card.attributes.values()))
    return html_table(
        "Where this model comes from",
        ("What", "This model's"),
        [
            ("Encoder", f"{encoder.name}, {encoder.weights}. {_sentence(encoder.note)}"),
            ("Its view", f"{encoder.image_size}×{encoder.image_size} px; smaller is refused"),
            ("Attributes", f"{count}, of the version {card.label}"),
            ("Trained on", f"{data.dataset}: {data.images} images, {data.photographs} photographs"),
            ("What quality is", data.target),
            ("Protocol", f"{data.split}; {data.crop}"),
            ("Training", card.training),
        ],
        widths=(20, 80),
    )


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}"


if TYPE_CHECKING:
    from workbench.inference import QualityModel

PHOTOGRAPH_SIZE = (384, 288)  # pixels; as the demonstration's models were trained on them
LARGEST_PIXELS = 4_000_000  # an image is never scaled down, and more would take many seconds
LARGEST_MB = 20
MODELS = 2  # that are held in memory; one of CLIP's has several hundred megabytes


class Loaded(NamedTuple):
    """A model that is held in memory for all sessions.

    Attributes:
        key: Changes when another model takes its place.
        model: It.
        alone: To be held while it looks at an image: a map's hooks see every forward.
    """

    key: tuple[str, int]
    model: "QualityModel"
    alone: Lock


class Photograph(NamedTuple):
    """An image to be scored.

    Attributes:
        pixels: (H, W, 3), uint8, RGB.
        about: What it is, in words.
        clean: The same before it was distorted, if that is known.
    """

    pixels: np.ndarray
    about: str
    clean: np.ndarray | None = None

    @property
    def digest(self) -> str:
        """SHA-256 over all pixels; Streamlit's own hash of a large array is of a sample."""
        known = [image for image in (self.pixels, self.clean) if image is not None]
        parts = [str(image.shape).encode() + image.tobytes() for image in known]
        return sha256(b"".join(parts)).hexdigest()


HASHES: dict[str | type, Callable[[Any], str | tuple[str, int]]] = {
    Loaded: lambda loaded: loaded.key,
    Photograph: lambda photograph: photograph.digest,
}  # what tells apart what is kept of them


def runs_with_model(session: Session) -> list[Run]:
    """Return the finished runs that have left a model, newest first.

    Of several runs of one version under one configuration only the newest counts: they share a
    model, and it is that one's.
    """
    done = [run for run in session.store.runs.list() if run.status == "done"]
    if not done:
        return []
    from workbench.inference.model_files import CARD, model_folder

    newest: dict[Path, Run] = {}
    for run in done:
        newest.setdefault(model_folder(session.settings, run.version, run.config.hash), run)
    return [run for folder, run in newest.items() if (folder / CARD).is_file()]


def loaded_model(session: Session, run: Run) -> Loaded:
    """Return the model of a run; it is read once, and again when it has changed.

    Raises:
        RunError: The run has left none.
        CheckpointMismatchError: It is damaged, or of another run or encoder.
        ConfigError: Its encoder cannot be had here.
    """
    from workbench.inference.model_files import CARD, run_folder

    folder = run_folder(session.settings, run)
    return _loaded(str(folder), (folder / CARD).stat().st_mtime_ns, session.settings)


@st.cache_resource(show_spinner="Loading the model…", max_entries=MODELS)
def _loaded(folder: str, changed_ns: int, _settings: Settings) -> Loaded:
    from workbench.inference import load_model

    return Loaded((folder, changed_ns), load_model(folder, _settings), Lock())


@st.cache_data(show_spinner="Looking at the photograph…", max_entries=64, hash_funcs=HASHES)
def score_of(loaded: Loaded, photograph: Photograph) -> Score:
    """Return what a model says of a photograph; kept until it has been asked of many others.

    Raises:
        ShapeError: It is smaller than the encoder's view.
    """
    with loaded.alone:
        return loaded.model.score(photograph.pixels)


def packaged_photograph(store: Store, name: str, distortion: str, level: int) -> Photograph:
    """Return one of the packaged photographs, distorted.

    Args:
        store: Holds the recipes.
        name: Of the photograph.
        distortion: Id of a distortion with an operator.
        level: 0, clean, to the number of levels.

    Raises:
        ConfigError: Unknown distortion or level.
        DataError: The photographs or an operator's needs are missing.
    """
    own = tuple(recipe for recipe in store.recipes.list() if recipe.id == distortion)
    clean = _distorted(name, distortion, 0, own)
    if level == 0:
        return Photograph(clean, "Clean")
    about = f"{store.recipes.catalogue()[distortion].name}, level {level}"
    return Photograph(_distorted(name, distortion, level, own), about, clean)


@st.cache_data(show_spinner=False, max_entries=64, hash_funcs={Recipe: lambda one: one.hash})
def _distorted(name: str, distortion: str, level: int, recipes: tuple[Recipe, ...]) -> np.ndarray:
    photograph = load_photograph(photograph_files("packaged")[name], *PHOTOGRAPH_SIZE)
    return apply_distortion(photograph, distortion, level, seed=0, recipes=recipes)


def uploaded_photograph(name: str, data: bytes) -> Photograph:
    """Return a photograph from the bytes of its file.

    Args:
        name: Of the file, for messages.
        data: The file.

    Raises:
        CorruptImageError: It is no image, broken off, or partly transparent.
        DataError: It has too many pixels.
    """
    with TemporaryDirectory() as folder:
        file = Path(folder) / f"photograph{Path(name).suffix}"
        file.write_bytes(data)
        try:
            pixels = read_image(file)
        except CorruptImageError as fault:
            if fault.__cause__ is None:
                raise CorruptImageError(str(fault).replace(str(file), name)) from fault
            reason = str(fault.__cause__).replace(str(file), name)
            raise CorruptImageError(
                f"{name} cannot be used: {reason}. Repair it or choose another."
            ) from fault
    height, width = pixels.shape[:2]
    if height * width > LARGEST_PIXELS:
        raise DataError(
            f"{name} is {width}x{height} px; this page takes up to {LARGEST_PIXELS // 10**6} "
            "megapixels, since scaling an image down would hide its distortions. "
            "Cut out a part of it."
        )
    return Photograph(pixels, name)
