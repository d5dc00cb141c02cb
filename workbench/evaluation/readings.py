"""What an untuned encoder makes of images, in one pass: the raw material of the baselines.

Shapes: N images, V views of an image, W width, E embedding, S side of a view in pixels.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from workbench.encoders import Encoder
from workbench.evaluation.held_out import Floats

Views = Callable[[np.ndarray, int], Tensor]  # image (H, W, 3) and S to (V, 3, S, S), both uint8


@dataclass(frozen=True)
class Readings:
    """An encoder's view of N images.

    Attributes:
        embeddings: L2-normalised, (N, V, E), float32.
        stem: What enters the first transformer block: mean, then spread, of each channel over
            views and patches, (N, 2W), float64.
    """

    embeddings: Tensor
    stem: Floats

    def embedding(self) -> Floats:
        """Return mean and spread over the views, (N, 2E)."""
        values = self.embeddings.double()
        both = torch.cat([values.mean(1), values.std(1, correction=0)], 1)
        return np.asarray(both.numpy())


@torch.no_grad()
def read_images(
    encoder: Encoder, images: np.ndarray, views: Views, progress: Callable[[float, str], None]
) -> Readings:
    """Read images with the untuned tower; what the tower remembers of a run is used again.

    Args:
        encoder: Its image tower reads.
        images: (N, H, W, 3), uint8, may be memory-mapped.
        views: The crops that the run scores.
        progress: Told the share done.
    """
    embeddings, stem = [], []
    encoder.tower.eval()
    for place, image in enumerate(images):
        given = encoder.normalise(views(image, encoder.tower.image_size))
        given = encoder.tower.prepare(given)
        embeddings.append(F.normalize(encoder.tower(given).float(), dim=-1).cpu())
        patches = encoder.tower.embed(given)[:, 1:].flatten(0, 1).double()  # (V·N, W)
        stem.append(torch.cat([patches.mean(0), patches.std(0, correction=0)]).cpu().numpy())
        progress((place + 1) / len(images), "baselines: reading images")
    return Readings(torch.stack(embeddings), np.array(stem))


def pair_probabilities(
    encoder: Encoder, readings: Readings, pairs: Sequence[tuple[str, str]]
) -> Floats:
    """Return how much likelier the first sentence of a pair is than the second, per image.

    The softmax of CLIP-IQA (Wang, Chan and Loy, AAAI 2023, Eq. 2) over both similarities, averaged
    over the views.

    Args:
        encoder: Its text tower encodes the sentences.
        readings: The encoder's readings of N images.
        pairs: P pairs of sentences.

    Returns:
        (N, P), in [0, 1].
    """
    texts = encoder.encode_texts([sentence for pair in pairs for sentence in pair]).cpu()
    similar = readings.embeddings @ texts.T * encoder.logit_scale  # (N, V, 2P)
    likely = similar.reshape(*similar.shape[:2], len(pairs), 2).softmax(-1)[..., 0].mean(1)
    return np.asarray(likely.double().numpy())
