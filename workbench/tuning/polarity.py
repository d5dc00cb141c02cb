"""The pair of sentences that an attribute is scored by (METHOD §1.1)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from workbench.domain.attributes import AttributeSet
from workbench.encoders import Encoder
from workbench.registry import Registry

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
        UnknownNameError: No such polarity.

    Example:
        >>> sentence_pairs(["blocky edges"], "no")
        [('There is blocky edges in the photo.', 'There is no blocky edges in the photo.')]
    """
    positive, negative = POLARITIES[polarity]
    return [(positive.format(phrase), negative.format(phrase)) for phrase in phrases]


def encode_attributes(
    encoder: Encoder, attributes: AttributeSet, polarity: str | None = None
) -> tuple[Tensor, Tensor]:
    """Encode every attribute once; the text tower is not asked again.

    Args:
        encoder: Its frozen text tower encodes.
        attributes: A attributes of D distortions, in the set's own order.
        polarity: Name of the sentence pair; None takes the encoder's default.

    Returns:
        Embeddings of (positive, negative), (A, 2, E), L2-normalised; and the distortion of each
        attribute, (A,), int64 in 0..D-1.
    """
    by_distortion = attributes.phrases().values()
    phrases = [phrase for some in by_distortion for phrase in some]
    pairs = sentence_pairs(phrases, polarity or encoder.default_polarity)
    sentences = [sentence for pair in pairs for sentence in pair]
    groups = [d for d, some in enumerate(by_distortion) for _ in some]
    embeddings = encoder.encode_texts(sentences)
    return embeddings.reshape(len(pairs), 2, -1), torch.tensor(groups)
