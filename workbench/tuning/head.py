"""From image embeddings to attribute probabilities to distortion strengths (Eq. 6 to 8)."""

import torch
from torch import Tensor, nn

from workbench.errors import ShapeError

SMALLEST = 1e-6  # strengths are kept this far from 0 and 1, or one image's loss is infinite


def attribute_probabilities(image: Tensor, text_pairs: Tensor, *, scale: float) -> Tensor:
    """Return how likely each image shows each attribute (ExIQA, Eq. 6).

    Args:
        image: Image embeddings, (B, E), float, L2-normalised.
        text_pairs: Embeddings of the (positive, negative) sentences, (A, 2, E), L2-normalised.
        scale: Logit scale, > 0; the checkpoint's own (100 for OpenAI's CLIP).

    Returns:
        Probability of the positive sentence, (B, A), in [0, 1].

    Raises:
        ShapeError: E differs; the message states both shapes.

    Example:
        >>> eye = torch.eye(2)
        >>> attribute_probabilities(eye[:1], eye[None], scale=1.0)
        tensor([[0.7311]])
    """
    if image.shape[-1] != text_pairs.shape[-1]:
        raise ShapeError(
            f"Image embeddings {tuple(image.shape)} and text pairs {tuple(text_pairs.shape)} "
            "differ in their last axis; encode both with the same encoder."
        )
    directions = text_pairs[:, 0] - text_pairs[:, 1]  # (A, E)
    return torch.sigmoid(scale * image @ directions.T)


class AttributeHead(nn.Module):
    """Weights w_{a,d} of Eq. 7: a softmax over the attributes of each distortion, uniform at first.

    A distortion that is never trained keeps uniform weights, since no gradient reaches them.

    Args:
        groups: Distortion of each attribute, (A,), int64 in 0..D-1.
    """

    groups: Tensor

    def __init__(self, groups: Tensor) -> None:
        super().__init__()
        self.register_buffer("groups", groups)
        self.distortions = int(groups.max()) + 1
        self.logits = nn.Parameter(torch.zeros(len(groups), device=groups.device))

    def weights(self) -> Tensor:
        """Return w, (A,), positive, summing to 1 within each distortion."""
        raised = self.logits.exp()
        return raised / self._sums(raised[None])[0][self.groups]

    def forward(self, probabilities: Tensor) -> Tensor:
        """Return strengths, (B, D), in [0, 1], of attribute probabilities, (B, A)."""
        return self._sums(probabilities * self.weights())

    def _sums(self, values: Tensor) -> Tensor:
        sums = values.new_zeros(len(values), self.distortions)
        return sums.index_add(1, self.groups, values)


def distortion_loss(strengths: Tensor, targets: Tensor) -> Tensor:
    """Return the binary cross-entropy with soft targets, mean over B and D (Eq. 8).

    Args:
        strengths: Predicted, (B, D), in [0, 1].
        targets: True, (B, D), in [0, 1].
    """
    kept = strengths.clamp(SMALLEST, 1 - SMALLEST)
    return -(targets * kept.log() + (1 - targets) * (1 - kept).log()).mean()
