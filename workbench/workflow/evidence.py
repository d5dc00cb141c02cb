"""What photographs say of a sentence: how it responds to a type's strength, and where it looks.

The encoder is the untuned one that lint measures with. The photographs of a type are prepared once;
after that a sentence costs one product of matrices.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from threading import Lock
from typing import NamedTuple

import numpy as np
import torch

from workbench.datasets.photographs import load_photograph, photograph_files
from workbench.distortions import apply_distortion
from workbench.domain.config import EncoderConfig
from workbench.domain.distortion import are_near
from workbench.drafting.lint import (
    Probe,
    RememberedTexts,
    Response,
    load_probe,
    missing_from_probe,
    response_of,
)
from workbench.drafting.lint.probe import Curve, Grounding
from workbench.drafting.lint.probe_set import SEED
from workbench.encoders import Encoder, load_encoder
from workbench.encoders.protocol import computing_threads
from workbench.inference.saliency import saliency
from workbench.settings import Settings
from workbench.store import Store
from workbench.training.modules import AttributeHead
from workbench.training.prompt_pairs import sentence_pairs
from workbench.training.tuned_model import TunedModel


class Shot(NamedTuple):
    """One photograph at one level, and how likely the encoder finds the sentence on it.

    Attributes:
        photograph: Index of the photograph in the probe.
        name: Its name.
        level: 0 is the clean one.
        probability: In [0, 1].
    """

    photograph: int
    name: str
    level: int
    probability: float


@dataclass(frozen=True)
class Evidence:
    """How a sentence responds to its type.

    Attributes:
        curve: Probability by strength, with its interval.
        worst: The type that it is taken for most, if another one is prepared; near types left out.
        rival: How the sentence responds to that one.
        most, least: The shots on which it fires most and least, first the most extreme.
    """

    curve: Curve
    worst: Grounding | None
    rival: Curve | None
    most: tuple[Shot, ...]
    least: tuple[Shot, ...]


class Examiner:
    """The encoder, read once, and the photographs of the types that are prepared."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._settings = store, settings
        self._encoder: Encoder = load_encoder(EncoderConfig(), settings, seed=0)
        self._texts = RememberedTexts(self._encoder)
        self._probe: Probe | None = None
        self._alone = Lock()  # sessions share it; saliency records what the tower computes

    def missing(self, types: Sequence[str]) -> tuple[str, ...]:
        """Return those of some types whose photographs are not prepared, and can be."""
        known, recipes = self._store.recipes.catalogue(), tuple(self._store.recipes.list())
        specs = [known[type] for type in types if type in known]
        return missing_from_probe(self._encoder, specs, cache=self._settings.cache, recipes=recipes)

    def prepare(self, types: Sequence[str], progress: Callable[[float, str], None]) -> None:
        """Distort and encode the photographs of some types, some seconds each."""
        known, recipes = self._store.recipes.catalogue(), tuple(self._store.recipes.list())
        specs = [known[type] for type in types]  # raises with the name that was meant
        with computing_threads(self._encoder.threads):
            load_probe(self._encoder, specs, cache=self._settings.cache, recipes=recipes,
                       progress=progress)  # fmt: skip

    def examine(self, phrase: str, type: str, *, shots: int = 3) -> Evidence | None:
        """Return how a sentence responds; None while its type is not prepared.

        Args:
            phrase: The words.
            type: Id of a type of the catalogue.
            shots: How many of the most and the least.
        """
        response = self._response(phrase, type)
        if response is None or self._probe is None:
            return None
        catalogue = self._store.recipes.catalogue()
        near = [d for d in response.probability
                if d in catalogue and are_near(catalogue[type], catalogue[d])]  # fmt: skip
        worst = response.grounding(type, near)
        table = response.probability[type]
        order = [divmod(int(at), table.shape[1]) for at in np.argsort(table, axis=None)]
        names = self._probe.photographs
        found = [Shot(p, names[p], level, float(table[p, level])) for p, level in order]
        return Evidence(
            response.curve(type),
            worst,
            response.curve(worst.rival) if worst else None,
            tuple(reversed(found[-shots:])),
            tuple(found[:shots]),
        )

    def picture(self, shot: Shot, type: str) -> np.ndarray:
        """Return the pixels of a shot, (H, W, 3), uint8."""
        size = self._encoder.facts.image_size
        files = photograph_files("packaged")
        pixels = load_photograph(files[shot.name], round(12 / 7 * size), round(9 / 7 * size))
        if shot.level == 0:
            return pixels
        recipes = tuple(self._store.recipes.list())
        seed = SEED + shot.photograph
        return apply_distortion(pixels, type, shot.level, seed=seed, recipes=recipes)

    def map_over(self, phrase: str, pixels: np.ndarray) -> np.ndarray:
        """Return the image in grey, coloured where the encoder sees a sentence, (H, W, 3), uint8.

        Raises:
            ConfigError: The encoder's attention cannot be read.
        """
        from matplotlib.figure import Figure

        from workbench.report.saliency_overlay import draw_map

        encoder = self._encoder
        (pair,) = sentence_pairs([phrase], polarity=encoder.default_polarity)
        model = TunedModel(
            encoder,
            encoder.tower,
            AttributeHead(torch.zeros(1, dtype=torch.int64)),
            self._texts.encode_texts(pair)[None].to(next(encoder.tower.parameters()).device),
            encoder.logit_scale,
        )
        with self._alone, computing_threads(encoder.threads):
            found = saliency(model, pixels, attribute=0)
        height, width = pixels.shape[:2]
        figure = Figure(figsize=(width, height), dpi=1)
        draw_map(figure.add_axes((0, 0, 1, 1)), pixels, found)
        out = BytesIO()
        figure.savefig(out, format="rgba")
        return np.frombuffer(out.getvalue(), np.uint8).reshape(height, width, 4)[..., :3]

    def _response(self, phrase: str, type: str) -> Response | None:
        probe = self._ready()
        if probe is None or type not in probe.distortions:
            return None
        polarity = partial(sentence_pairs, polarity=self._encoder.default_polarity)
        with self._alone, computing_threads(self._encoder.threads):
            return response_of(phrase, text=self._texts, probe=probe, polarity=polarity)

    def _ready(self) -> Probe | None:
        """Return the probe of all types that are prepared by now."""
        known, recipes = self._store.recipes.catalogue(), tuple(self._store.recipes.list())
        cache = self._settings.cache
        missing = missing_from_probe(
            self._encoder, list(known.values()), cache=cache, recipes=recipes
        )
        ready = [spec for spec in known.values() if spec.has_operator and spec.id not in missing]
        if not ready:
            return None
        if self._probe is None or set(self._probe.distortions) != {spec.id for spec in ready}:
            self._probe = load_probe(self._encoder, ready, cache=cache, recipes=recipes)
        return self._probe
