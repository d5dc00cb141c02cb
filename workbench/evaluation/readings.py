"""What an untuned encoder makes of images, in one pass: the raw material of the baselines.

Shapes: N images, V views of an image, W width, E embedding, S side of a view in pixels.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from workbench.datasets.image_set import Images
from workbench.encoders import Encoder
from workbench.evaluation.held_out import Floats

Views = Callable[[np.ndarray, int], Tensor]  # image (H, W, 3) and S to (V, 3, S, S), both uint8


@dataclass(frozen=True)
class Readings:
    """An encoder's view of N images.

    Attributes:
        embeddings: Of each image, L2-normalised, (V, E), float32; V goes by its size.
        stem: What enters the first transformer block: mean, then spread, of each channel over
            views and patches, (N, 2W), float64.
    """

    embeddings: tuple[Tensor, ...]
    stem: Floats

    def embedding(self) -> Floats:
        """Return mean and spread over the views, (N, 2E)."""
        values = [views.double() for views in self.embeddings]
        both = [torch.cat([views.mean(0), views.std(0, correction=0)]) for views in values]
        return np.asarray(torch.stack(both).numpy())


@torch.no_grad()
def read_images(
    encoder: Encoder, images: Images, views: Views, progress: Callable[[float, str], None]
) -> Readings:
    """Read images with the untuned tower; what the tower remembers of a run is used again.

    Args:
        encoder: Its image tower reads.
        images: N images, each (H, W, 3), uint8.
        views: The crops that the run scores.
        progress: Told the share done.
    """
    embeddings, stem = [], []
    encoder.tower.eval()
    for place, image in enumerate(images):
        given = encoder.normalise(views(image, encoder.tower.image_size))
        given = encoder.tower.prepare(given)
        embeddings.append(F.normalize(encoder.tower(given).float(), dim=-1).cpu())
        own = encoder.tower.embed(given)[:, encoder.tower.class_tokens :]
        patches = own.flatten(0, 1).double()  # (V·N, W)
        stem.append(torch.cat([patches.mean(0), patches.std(0, correction=0)]).cpu().numpy())
        progress((place + 1) / len(images), "baselines: reading images")
    return Readings(tuple(embeddings), np.array(stem))


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
    likely = []
    for views in readings.embeddings:
        similar = (views @ texts.T * encoder.logit_scale).reshape(-1, len(pairs), 2)  # (V, P, 2)
        likely.append(similar.softmax(-1)[..., 0].mean(0).double())
    return np.asarray(torch.stack(likely).numpy())
