"""The pair of sentences that an attribute is scored by (METHOD §1.1)."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from workbench.domain.attributes import AttributeSet
from workbench.domain.canonical import content_hash
from workbench.encoders import Encoder
from workbench.errors import CheckpointMismatchError
from workbench.registry import Registry
from workbench.training.checkpoint import load_state, save_state

POLARITIES = Registry(
    "polarity",
    {
        "not": ("There is {} in the photo.", "There is not {} in the photo."),  # the paper's
        "no": ("There is {} in the photo.", "There is no {} in the photo."),
        "pristine": ("There is {} in the photo.", "A pristine, undistorted photo."),
    },
)


def sentence_pairs(phrases: Sequence[str], polarity: str) -> list[tuple[str, str]]:
    """Return the positive and the negative sentence of each phrase.

    Raises:
        UnknownNameError: The polarity is unknown.

    Example:
        >>> sentence_pairs(["blocky edges"], "no")
        [('There is blocky edges in the photo.', 'There is no blocky edges in the photo.')]
    """
    positive, negative = POLARITIES[polarity]
    return [(positive.format(phrase), negative.format(phrase)) for phrase in phrases]


class EncodedAttributes(NamedTuple):
    """Attributes as an encoder reads them.

    Attributes:
        pairs: Embeddings of the (positive, negative) sentences, (A, 2, E), L2-normalised.
        groups: Distortion of each attribute, (A,), int64 in 0..D-1.
    """

    pairs: Tensor
    groups: Tensor

    @property
    def distortions(self) -> int:
        """Number of distortions D."""
        return int(self.groups.max()) + 1


def encode_attributes(
    encoder: Encoder,
    attributes: AttributeSet,
    polarity: str | None = None,
    *,
    cache: Path | None = None,
) -> EncodedAttributes:
    """Encode every attribute once, so that the text tower never runs in the training loop.

    Args:
        encoder: Its frozen text tower encodes.
        attributes: A attributes of D distortions, in the set's own order.
        polarity: Name of the sentence pair; None takes the encoder's default.
        cache: Folder that stores embeddings, by encoder and sentences, if the encoder `is_fixed`.
    """
    by_distortion = attributes.phrases().values()
    phrases = [phrase for of_distortion in by_distortion for phrase in of_distortion]
    pairs = sentence_pairs(phrases, polarity or encoder.default_polarity)
    sentences = [sentence for pair in pairs for sentence in pair]
    groups = [d for d, of_distortion in enumerate(by_distortion) for _ in of_distortion]
    if cache is None or not encoder.is_fixed:
        embeddings = encoder.encode_texts(sentences)
    else:
        embeddings = _cached_embeddings(encoder, sentences, cache / "texts").to(encoder.device)
    return EncodedAttributes(embeddings.reshape(len(pairs), 2, -1), torch.tensor(groups))


def _cached_embeddings(encoder: Encoder, sentences: list[str], folder: Path) -> Tensor:
    """Return embeddings, (N, E), from the folder; computed now if missing or damaged there."""
    facts = {
        "encoder": f"{encoder.facts.name} {encoder.facts.weights}",
        "sentences": content_hash(sentences),
    }
    file = folder / f"{content_hash(facts)[:32]}.safetensors"
    with suppress(CheckpointMismatchError):
        return load_state(file, facts)["embeddings"]
    folder.mkdir(parents=True, exist_ok=True)
    embeddings = encoder.encode_texts(sentences)
    save_state(file, {"embeddings": embeddings}, facts)
    return embeddings
