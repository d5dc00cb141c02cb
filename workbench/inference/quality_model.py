"""A finished model at work.

    model = load_model("exported")
    model.score("photo.jpg").quality

Shapes: N images, A attributes, V views, D distortions, F numbers that the regressor reads.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import ValidationError
from torch import Tensor

from workbench.datasets.image_reader import read_image
from workbench.datasets.photographs import photograph_files, readable_name
from workbench.domain.canonical import fault_words
from workbench.domain.image_score import (
    UNKNOWN_UNLIKE,
    ByAttribute,
    Counterfactual,
    Score,
    Weakened,
)
from workbench.domain.metrics import Metric, Undefined
from workbench.encoders import load_encoder
from workbench.encoders.protocol import computing_threads
from workbench.errors import CheckpointMismatchError, ConfigError, ShapeError, UnknownNameError
from workbench.inference.contributions import QualityFunction, attribute_contributions
from workbench.inference.model_card import ModelCard, require_encoder
from workbench.inference.model_files import REMEDY, read_model
from workbench.inference.unlikeness import Familiarity, familiarity_of
from workbench.settings import Settings, read_settings
from workbench.training.checkpoint import below
from workbench.training.loop import restored_model
from workbench.training.prompt_pairs import EncodedAttributes
from workbench.training.regressor import Regressor
from workbench.training.tuned_model import Features, TunedModel

BATCH = 8  # images that are held in memory at once, and fewer if they are large:
BATCH_PIXELS = 16_000_000
NO_ATTRIBUTES = "the regressor reads the image's embedding, which is made of no attributes"

Image = str | Path | np.ndarray  # a path, or (H, W, 3) uint8


def load_model(folder: str | Path, settings: Settings | None = None) -> "QualityModel":
    """Return a saved model, ready to score.

    The text tower does not run. The encoder's own weights are not in the folder; they are loaded
    by name, and must be those that the model was tuned on.

    Args:
        folder: Written by `save_model` or `workbench export`.
        settings: Device and hub; None reads the environment.

    Raises:
        CheckpointMismatchError: A file is missing, damaged or changed, or the encoder is another.
        ConfigError: The card is invalid, or the encoder is unavailable here.
    """
    card, tensors = read_model(Path(folder))
    encoder = load_encoder(card.encoder, settings or read_settings(), seed=card.seed)
    require_encoder(card, encoder)
    device = encoder.device
    attributes = EncodedAttributes(tensors["pairs"].to(device), tensors["groups"].to(device))
    return QualityModel(
        card=card,
        tuned=restored_model(encoder, attributes, card.tuning, below(tensors, "tuned.")),
        regressor=Regressor.restored(below(tensors, "regressor."), card.regressor),
        absent=tensors["absent"].double(),
        absent_inputs=tensors["absent_inputs"].double(),
        familiarity=familiarity_of(tensors, width=card.encoder_facts.embedding_width),
    )


@dataclass(frozen=True)
class QualityModel:
    """A tuned model with its regressor, ready to score images and to say why.

    Attributes:
        card: What is known about it.
        tuned: The tower with its attributes.
        regressor: From what `card.regressor.given` names to quality.
        absent: Mean probability of each attribute over clean images, (A,), float64.
        absent_inputs: Mean of what the regressor reads of each there in V views, (V, A), float64.
        familiarity: What pictures unlike the training images are told by; None for a model that was
            made without.
    """

    card: ModelCard
    tuned: TunedModel
    regressor: Regressor
    absent: Tensor
    absent_inputs: Tensor
    familiarity: Familiarity | None = None

    @property
    def attributes(self) -> Mapping[str, tuple[str, ...]]:
        """Phrases by distortion id, in the model's order."""
        return self.card.attributes

    def score(self, image: Image) -> Score:
        """Return what the model says of one image, a path or pixels, (H, W, 3), uint8, RGB.

        Raises:
            CorruptImageError: The file is missing or no readable image.
            ShapeError: The image is smaller than the encoder's crop, or not (H, W, 3) uint8.
        """
        read = _read_pixels(image, self.tuned.encoder.tower.image_size)
        (score,) = self._scores([(_name_of(image), read)])
        return score

    def score_all(self, images: Iterable[Image]) -> Iterator[Score]:
        """Yield what the model says of each image, in their order.

        Of a folder, every image below it is scored, sorted by name.

        Raises:
            CorruptImageError, ShapeError: See `score`; the file is named.
            DatasetNotFoundError: A folder holds no image.
        """
        size = self.tuned.encoder.tower.image_size
        for together in batches(images):
            batch: list[tuple[str, np.ndarray]] = []
            for image in together:
                batch.append((_name_of(image), _read_pixels(image, size)))
                pixels = sum(read.shape[0] * read.shape[1] for _, read in batch)
                if pixels >= BATCH_PIXELS:
                    yield from self._scores(batch)
                    batch = []
            yield from self._scores(batch)

    def without(self, score: Score, names: Sequence[str]) -> Counterfactual:
        """Return what the model would say of an image if some attributes were absent.

        In every view the regressor reads of each what it reads in clean images, on average, unless
        it reads less already. This is the model's answer, not the world's: nothing is removed from
        the image. Names are phrases, distortion ids for all of a distortion's attributes, or both.

        Raises:
            UnknownNameError: The model knows no such attribute or distortion.
            ConfigError: No name, or the regressor reads no attributes.
        """
        indices = self.removable(names)
        left = torch.ones(len(self.tuned.pairs), dtype=torch.float64)
        left[indices] = 0
        quality, absent = self._weakened(score, left)
        return Counterfactual(
            without=tuple(names),
            quality=quality,
            change=quality - score.quality,
            absent=self._by_attribute(absent, only=indices),
        )

    def weakened(self, score: Score, left: Mapping[str, float]) -> Weakened:
        """Return what the model would say of an image if it showed some attributes less.

        Of what the regressor reads of each beyond clean images, on average, a share is left: 0 as
        `without`, 1 as it is. Again the model's answer, not the world's.

        Args:
            score: Of the image.
            left: Share by phrase or distortion id, in [0, 1]; of two for an attribute, the later.

        Raises:
            UnknownNameError, ConfigError: As `without`, or a share is outside [0, 1].
        """
        self.removable(list(left))
        shares = torch.ones(len(self.tuned.pairs), dtype=torch.float64)
        for name, share in left.items():
            if not 0 <= share <= 1:
                raise ConfigError(f"What is left of '{name}' is a share from 0 to 1, got {share}.")
            shares[self.removable([name])] = share
        quality, _ = self._weakened(score, shares)
        return Weakened(left=dict(left), quality=quality, change=quality - score.quality)

    def _weakened(self, score: Score, left: Tensor) -> tuple[float, Tensor]:
        """Return the quality with a share of each attribute left, (A,), and their probabilities."""
        read = torch.stack([self._in_order(view) for view in score.inputs or (score.attributes,)])
        read = read - (1 - left) * (read - self.absent_inputs).clamp(min=0)  # (V, A)
        probabilities = self._in_order(score.attributes)
        probabilities = probabilities - (1 - left) * (probabilities - self.absent).clamp(min=0)
        quality = self._function((self._required_mixing() @ read.flatten())[None])
        return float(quality.clamp(0, 1)), probabilities

    def removable(self, names: Sequence[str]) -> list[int]:
        """Return the indices of the attributes that names stand for; raises as `without` does."""
        if not names:
            raise ConfigError("Name at least one attribute or distortion to take away.")
        self._required_mixing()
        return attribute_indices(names, self.attributes)

    @cached_property
    def _function(self) -> QualityFunction:
        return QualityFunction(self.regressor)

    @cached_property
    def _mixing(self) -> Tensor | None:
        """From attributes in V views to what the regressor reads, (F, V·A); None for embeddings."""
        columns = len(self.tuned.pairs)
        if self.card.regressor.given == "attributes":
            return torch.eye(self.absent_inputs.numel(), dtype=torch.float64)
        if self.card.regressor.given == "embedding":
            return None
        weights = self.tuned.head.weights().detach().cpu().double()
        mixing = torch.zeros(self.tuned.head.distortions, columns, dtype=torch.float64)
        mixing[self.tuned.head.groups.cpu(), torch.arange(columns)] = weights
        return mixing

    def _required_mixing(self) -> Tensor:
        if self._mixing is None:
            raise ConfigError(f"No attribute can be taken away: {NO_ATTRIBUTES}.")
        return self._mixing

    def _scores(self, images: Sequence[tuple[str, np.ndarray]]) -> list[Score]:
        with computing_threads(self.tuned.encoder.threads):
            features = self.tuned.features([pixels for _, pixels in images], self.card.regressor)
            strengths = self.tuned.strengths(features.probabilities)
            return [
                self._finite_score(name, pixels, features, strengths, row)
                for row, (name, pixels) in enumerate(images)
            ]

    def _finite_score(self, name: str, *computed: Any) -> Score:
        """Return what `_score` does, if all of it is numbers: weights may be anything."""
        try:
            return self._score(name, *computed)
        except ValidationError as fault:
            raise CheckpointMismatchError(
                f"The model gives no numbers for {name or 'the image'} ({fault_words(fault)[0]}), "
                f"so its weights are none that were fitted. {REMEDY}"
            ) from fault

    def _score(
        self, name: str, pixels: np.ndarray, features: Features, strengths: np.ndarray, row: int
    ) -> Score:
        probabilities = torch.from_numpy(features.probabilities[row]).double()
        embedding = torch.from_numpy(features.embeddings[row]).double()
        read = torch.from_numpy(features.inputs[row]).double()  # (V, A)
        inputs = embedding if self._mixing is None else self._mixing @ read.flatten()
        unclipped = float(self._function(inputs[None]))
        quality = min(max(unclipped, 0.0), 1.0)
        base, contributions = self._explained(read)
        regressor = self.card.regressor
        beyond = regressor.reads_log_odds or regressor.reads_whole_image  # the crops' probabilities
        return Score(
            image=name,
            quality=quality,
            unclipped=unclipped,
            clipped=quality != unclipped,
            distortions=dict(zip(self.attributes, strengths[row].tolist(), strict=True)),
            attributes=self._by_attribute(probabilities),
            inputs=tuple(map(self._by_attribute, read)) if beyond else (),
            base=base,
            contributions=contributions,
            unlike=(
                UNKNOWN_UNLIKE
                if self.familiarity is None
                else self.familiarity.judged(pixels, features.embeddings[row])
            ),
        )

    def _explained(self, read: Tensor) -> tuple[Metric, ByAttribute | Undefined]:
        if self._mixing is None:
            return Undefined(undefined=NO_ATTRIBUTES), Undefined(undefined=NO_ATTRIBUTES)
        values = attribute_contributions(self._function, read.flatten(), self._mixing)
        added = values.reshape(read.shape).sum(0)  # (A,): over the views of each
        return float(self._function(self._function.centre[None])), self._by_attribute(added)

    def _in_order(self, values: ByAttribute) -> Tensor:
        """Return values in the order of the model's columns, (A,), float64."""
        listed = [values[distortion][phrase] for distortion, phrase in _names(self.attributes)]
        return torch.tensor(listed, dtype=torch.float64)

    def _by_attribute(self, values: Tensor, only: Sequence[int] | None = None) -> ByAttribute:
        by_distortion: ByAttribute = {}
        for index, (distortion, phrase) in enumerate(_names(self.attributes)):
            if only is None or index in only:
                by_distortion.setdefault(distortion, {})[phrase] = float(values[index])
        return by_distortion


def attribute_indices(names: Sequence[str], attributes: Mapping[str, Sequence[str]]) -> list[int]:
    """Return the indices of the attributes that names stand for, sorted.

    A name is a distortion's id, for all of its attributes; a phrase, wherever it occurs; or
    "distortion: phrase". Upper and lower case are the same. Phrases are in the model's order.

    Raises:
        UnknownNameError: A name stands for nothing.

    Example:
        >>> known = {"noise": ["grain", "haze"], "blur": ["soft look", "haze"]}
        >>> attribute_indices(["blur"], known), attribute_indices(["Haze"], known)
        ([2, 3], [1, 3])
        >>> attribute_indices(["blur: haze"], known)
        [3]
        >>> attribute_indices(["soft lock"], known)
        Traceback (most recent call last):
        workbench.errors.UnknownNameError: Unknown attribute or distortion 'soft lock'. \
Did you mean 'soft look'?
    """
    pairs = _names(attributes)
    indices: set[int] = set()
    for name in names:
        wanted = name.casefold()
        matching = {
            index
            for index, (distortion, phrase) in enumerate(pairs)
            if wanted in (distortion.casefold(), phrase.casefold())
            or wanted == f"{distortion}: {phrase}".casefold()
        }
        if not matching:
            known = {*attributes, *(phrase for _, phrase in pairs)}
            raise UnknownNameError("attribute or distortion", name, known)
        indices |= matching
    return sorted(indices)


def _names(attributes: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    return [
        (distortion, phrase) for distortion, phrases in attributes.items() for phrase in phrases
    ]


def batches(images: Iterable[Image]) -> Iterator[list[Image]]:
    """Yield images that are scored together, those of folders in their place.

    A score's last digits depend on what it is computed with; so whoever shares the work out shares
    out these.
    """
    every = _each_image(images)
    while together := list(islice(every, BATCH)):
        yield together


def _each_image(images: Iterable[Image]) -> Iterator[Image]:
    for image in images:
        if not isinstance(image, np.ndarray) and Path(image).is_dir():
            yield from photograph_files(str(image)).values()
        else:
            yield image


def _name_of(image: Image) -> str:
    return "" if isinstance(image, np.ndarray) else readable_name(str(image))


def _read_pixels(image: Image, size: int) -> np.ndarray:
    """Return an image's pixels, (H, W, 3), uint8, at least as large as a crop of `size` px."""
    pixels = image if isinstance(image, np.ndarray) else read_image(Path(image))
    require_pixels(pixels)
    height, width = pixels.shape[:2]
    if min(height, width) < size:
        name = _name_of(image) or "The image"
        raise ShapeError(
            f"{name} is {width}x{height} px, smaller than the encoder's {size}x{size} px view; use "
            "a larger image."
        )
    return pixels


def require_pixels(image: np.ndarray) -> None:
    """Raise a ShapeError unless an image is (H, W, 3), uint8."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ShapeError(f"An image is (H, W, 3) uint8, got {image.shape} {image.dtype}.")
