"""A model at work.

    model = load_model("exported")
    model.score("photo.jpg").quality

Shapes: N images, A attributes, D distortions.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from workbench.datasets.photographs import photograph_files, read_image
from workbench.domain.image_score import ByAttribute, Counterfactual, Score
from workbench.domain.metrics import Metric, Undefined
from workbench.encoders import load_encoder
from workbench.encoders.protocol import computing_threads
from workbench.errors import ConfigError, ShapeError, UnknownNameError
from workbench.inference.contributions import QualityFunction, attribute_contributions
from workbench.inference.model_card import ModelCard, require_encoder
from workbench.inference.model_files import read_model
from workbench.settings import Settings, read_settings
from workbench.training.loop import restored
from workbench.training.regressor import Regressor
from workbench.training.tuned_model import Features, TunedModel

Image = str | Path | np.ndarray  # a path, or (H, W, 3) uint8


def each_image(images: Iterable[Image]) -> Iterator[str | np.ndarray]:
    """Yield images with each folder replaced by its photographs, sorted by name.

    Raises:
        DatasetNotFoundError: A folder holds no image.
    """
    for image in images:
        if isinstance(image, np.ndarray):
            yield image
        elif Path(image).is_dir():
            yield from (str(file) for file in photograph_files(str(image)).values())
        else:
            yield str(image)


def opened(image: str | np.ndarray, size: int) -> tuple[str, np.ndarray]:
    """Return the name of an image and its pixels, (H, W, 3), uint8.

    Args:
        image: A path, or pixels; these have the name "".
        size: Side of the encoder's view in pixels.

    Raises:
        CorruptImageError: The file is missing, broken off or no image; it is named.
        ShapeError: Not (H, W, 3) uint8, or smaller than the view.
    """
    name = image if isinstance(image, str) else ""
    pixels = read_image(Path(image)) if isinstance(image, str) else image
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
        raise ShapeError(f"An image is (H, W, 3) uint8, got {pixels.shape} {pixels.dtype}.")
    height, width = pixels.shape[:2]
    if min(height, width) < size:
        raise ShapeError(
            f"{name or 'The image'} is {width}x{height} px, smaller than the encoder's "
            f"{size}x{size} px view; use a larger image."
        )
    return name, pixels


def named_places(names: Sequence[str], attributes: Mapping[str, Sequence[str]]) -> list[int]:
    """Return the places of the attributes that some names stand for, sorted.

    A name is a distortion's id, for all of its attributes; a phrase, wherever it occurs; or
    "distortion: phrase". Upper and lower case are the same.

    Args:
        names: One or more of them.
        attributes: Phrases by distortion, in the model's order.

    Raises:
        UnknownNameError: A name stands for nothing.

    Example:
        >>> known = {"noise": ["grain", "haze"], "blur": ["soft look", "haze"]}
        >>> named_places(["blur"], known), named_places(["Haze"], known)
        ([2, 3], [1, 3])
        >>> named_places(["blur: haze"], known)
        [3]
        >>> named_places(["soft lock"], known)
        Traceback (most recent call last):
        workbench.errors.UnknownNameError: Unknown attribute or distortion 'soft lock'. \
Did you mean 'soft look'?
    """
    every = [(distortion, phrase) for distortion, some in attributes.items() for phrase in some]
    found: set[int] = set()
    for name in names:
        wanted = name.casefold()
        matching = {
            place
            for place, (distortion, phrase) in enumerate(every)
            if wanted in (distortion.casefold(), phrase.casefold())
            or wanted == f"{distortion}: {phrase}".casefold()
        }
        if not matching:
            known = {*attributes, *(phrase for _, phrase in every)}
            raise UnknownNameError("attribute or distortion", name, known)
        found |= matching
    return sorted(found)


BATCH = 8  # images that are held in memory at once
NO_ATTRIBUTES = "the regressor reads the image's embedding, which is made of no attributes"


@dataclass(frozen=True)
class QualityModel:
    """A tuned model with its regressor, ready to score images and to say why.

    Attributes:
        card: What is known about it.
        tuned: The tower with its attributes.
        regressor: From what `card.regressor.given` names to quality.
        absent: Mean probability of each attribute over clean images, (A,), float64.
    """

    card: ModelCard
    tuned: TunedModel
    regressor: Regressor
    absent: Tensor

    @property
    def attributes(self) -> Mapping[str, tuple[str, ...]]:
        """Phrases by distortion id, in the model's order."""
        return self.card.attributes

    def score(self, image: Image) -> Score:
        """Return what the model says of one image.

        Args:
            image: A path, or pixels, (H, W, 3), uint8, RGB.

        Raises:
            CorruptImageError: The file is missing or no readable image.
            ShapeError: The image is smaller than the encoder's view, or not (H, W, 3) uint8.
        """
        (found,) = self._scored([image if isinstance(image, np.ndarray) else str(image)])
        return found

    def score_all(self, images: Iterable[Image]) -> Iterator[Score]:
        """Yield what the model says of each image, in their order.

        Args:
            images: Paths or pixels; of a folder, every image below it, sorted by name.

        Raises:
            CorruptImageError, ShapeError: See `score`; the file is named.
            DatasetNotFoundError: A folder holds no image.
        """
        every = each_image(images)
        while some := list(islice(every, BATCH)):
            yield from self._scored(some)

    def without(self, score: Score, names: Sequence[str]) -> Counterfactual:
        """Return what the model would say of an image if some attributes were absent.

        Each gets the probability that it has in clean images, unless it has less already. This is
        the model's answer, not the world's: nothing is taken out of the image.

        Args:
            score: Of the image.
            names: Phrases, distortion ids for all of a distortion's attributes, or both.

        Raises:
            UnknownNameError: The model knows no such attribute or distortion.
            ConfigError: No name, or the regressor reads no attributes.
        """
        places, mixing = self.places(names), self._required_mixing()
        given = torch.tensor(
            [score.attributes[d][p] for d, some in self.attributes.items() for p in some],
            dtype=torch.float64,
        )
        given[places] = given[places].minimum(self.absent[places])
        quality = float(self._function((mixing @ given)[None]).clamp(0, 1))
        return Counterfactual(
            without=tuple(names),
            quality=quality,
            change=quality - score.quality,
            absent=self._by_attribute(given, only=places),
        )

    def places(self, names: Sequence[str]) -> list[int]:
        """Return the places of the attributes that can be taken away by some names.

        Args:
            names: See `without`, which raises the same.
        """
        if not names:
            raise ConfigError("Name at least one attribute or distortion to take away.")
        self._required_mixing()
        return named_places(names, self.attributes)

    @cached_property
    def _function(self) -> QualityFunction:
        return QualityFunction(self.regressor)

    @cached_property
    def _mixing(self) -> Tensor | None:
        """What the regressor reads of attribute probabilities, (F, A); None if it does not."""
        columns = len(self.tuned.pairs)
        if self.card.regressor.given == "attributes":
            return torch.eye(columns, dtype=torch.float64)
        if self.card.regressor.given == "embedding":
            return None
        weights = self.tuned.head.weights().detach().cpu().double()
        rows = torch.zeros(self.tuned.head.distortions, columns, dtype=torch.float64)
        rows[self.tuned.head.groups.cpu(), torch.arange(columns)] = weights
        return rows

    def _required_mixing(self) -> Tensor:
        if self._mixing is None:
            raise ConfigError(f"No attribute can be taken away: {NO_ATTRIBUTES}.")
        return self._mixing

    def _scored(self, images: Sequence[str | np.ndarray]) -> list[Score]:
        size = self.tuned.encoder.tower.image_size
        every = [opened(image, size) for image in images]
        with computing_threads(self.tuned.encoder.threads):
            seen = self.tuned.features([pixels for _, pixels in every])
            strengths = self.tuned.strengths(seen.probabilities)
            return [self._score(name, seen, strengths, row) for row, (name, _) in enumerate(every)]

    def _score(self, name: str, seen: Features, strengths: np.ndarray, row: int) -> Score:
        probabilities = torch.from_numpy(seen.probabilities[row]).double()
        embedding = torch.from_numpy(seen.embeddings[row]).double()
        read = embedding if self._mixing is None else self._mixing @ probabilities
        unclipped = float(self._function(read[None]))
        quality = min(max(unclipped, 0.0), 1.0)
        base, contributions = self._explained(probabilities)
        return Score(
            image=name,
            quality=quality,
            unclipped=unclipped,
            clipped=quality != unclipped,
            distortions=dict(zip(self.attributes, strengths[row].tolist(), strict=True)),
            attributes=self._by_attribute(probabilities),
            base=base,
            contributions=contributions,
        )

    def _explained(self, probabilities: Tensor) -> tuple[Metric, ByAttribute | Undefined]:
        if self._mixing is None:
            return Undefined(undefined=NO_ATTRIBUTES), Undefined(undefined=NO_ATTRIBUTES)
        found = attribute_contributions(self._function, probabilities, self._mixing)
        return float(self._function(self._function.centre[None])), self._by_attribute(found)

    def _by_attribute(self, values: Tensor, only: Sequence[int] | None = None) -> ByAttribute:
        told: ByAttribute = {}
        every = ((d, phrase) for d, some in self.attributes.items() for phrase in some)
        for place, (distortion, phrase) in enumerate(every):
            if only is None or place in only:
                told.setdefault(distortion, {})[phrase] = float(values[place])
        return told


def load_model(folder: str | Path, settings: Settings | None = None) -> QualityModel:
    """Return a saved model, ready to score.

    The text tower does not run. The encoder's own weights are not in the folder; they are loaded
    by name, and must be those that the model was tuned on.

    Args:
        folder: That `save_model` or `workbench export` has written.
        settings: Device and hub; None reads the environment.

    Raises:
        CheckpointMismatchError: A file is missing, damaged or changed, or the encoder is another.
        ConfigError: The card is no such card, or the encoder cannot be had here.
    """
    card, tensors = read_model(Path(folder))
    encoder = load_encoder(card.encoder, settings or read_settings(), seed=card.seed)
    require_encoder(card, encoder)
    pairs, groups = tensors["pairs"].to(encoder.device), tensors["groups"].to(encoder.device)
    return QualityModel(
        card=card,
        tuned=restored(encoder, pairs, groups, card.tuning, _part(tensors, "tuned.")),
        regressor=Regressor.restored(_part(tensors, "regressor."), card.regressor),
        absent=tensors["absent"].double(),
    )


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): values
        for name, values in tensors.items()
        if name.startswith(prefix)
    }
