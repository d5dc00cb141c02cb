"""Visual prompts in a frozen tower (METHOD §1.6, §1.7), and Eq. 6 to 8 on its embeddings."""

import math
from typing import Literal

import torch
from torch import Tensor, nn

from workbench.encoders import Tower
from workbench.errors import ShapeError

Insertion = Literal["end", "after_cls"]
Initialisation = Literal["normal", "uniform"]


class PromptedTower(nn.Module):
    """A frozen tower with P prompt tokens at its input (shallow) or at every block (deep).

    Shapes: B images, N patches, P prompts, W width, E embedding, L blocks.

    The blocks know no order of tokens, so all that the insertion decides is the norm before the
    first block: prompts at the "end" pass it, with a zero positional embedding, as the paper's own
    reference has them; prompts "after_cls" skip it, as in VPT (Jia et al., ECCV 2022). In deep mode
    each later block gets fresh prompts and drops the old. Only [CLS, patches] are pooled.

    Args:
        tower: The tower; it is called, never changed.
        mode: "shallow" or "deep".
        prompts: P; with 0 the tower is as it was.
        insertion: Where the prompts of the first block join.
        initialisation: "normal" is N(0, 1); "uniform" VPT's ±√(6/(3p²+W)) with patches of p px.
        dropout: Share of the prompts' entries that training sets to 0.
    """

    def __init__(
        self,
        tower: Tower,
        mode: Literal["shallow", "deep"],
        prompts: int,
        *,
        insertion: Insertion = "end",
        initialisation: Initialisation = "normal",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self._tower = (tower,)  # in a tuple: its parameters are not this module's
        self.insertion = insertion
        layers = len(tower.blocks) if mode == "deep" else 1
        drawn = torch.randn(layers, prompts, tower.width)  # (1 or L, P, W)
        if initialisation == "uniform":
            reach = math.sqrt(6 / (3 * tower.patch_size**2 + tower.width))
            drawn = (torch.rand(drawn.shape) * 2 - 1) * reach
        self.prompts = nn.Parameter(drawn.to(next(tower.parameters()).device))
        self.dropout = nn.Dropout(dropout)

    def forward(self, images: Tensor) -> Tensor:
        """Return embeddings, (B, E), of normalised images, (B, 3, S, S)."""
        (tower,) = self._tower
        if not self.prompts.shape[1]:
            return tower.encode(images)  # what `encode_image` gives, to the last bit
        image_tokens = tower.embed(images)  # (B, 1+N, W)
        count = image_tokens.shape[1]
        prompts = self.dropout(self.prompts)
        first = tower.admit(prompts[0]) if self.insertion == "end" else prompts[0]
        tokens = joined(image_tokens, first)  # (B, 1+N+P, W)
        last = len(tower.blocks) - 1
        for layer in range(last + 1):
            if 0 < layer < len(prompts):
                tokens = joined(tokens[:, :count], prompts[layer])
            if layer < last:
                tokens = tower.pass_block(layer, tokens)
        return tower.finish(tokens, count)


def joined(tokens: Tensor, prompts: Tensor) -> Tensor:
    """Return tokens, (B, C+N, W), with the prompts, (P, W), behind them, (B, C+N+P, W)."""
    return torch.cat([tokens, prompts.expand(len(tokens), -1, -1).to(tokens.dtype)], dim=1)


MARGIN = 1e-6  # strengths stay this far from 0 and 1, or the loss of one image is infinite


def attribute_log_odds(image: Tensor, text_pairs: Tensor, *, scale: float) -> Tensor:
    """Return the log-odds of `attribute_probabilities`, (B, A): Eq. 6 before its sigmoid.

    Takes and raises what that does.

    Example:
        >>> eye = torch.eye(2)
        >>> attribute_log_odds(eye, eye[None], scale=2.0)
        tensor([[ 2.],
                [-2.]])
    """
    if image.shape[-1] != text_pairs.shape[-1]:
        raise ShapeError(
            f"Image embeddings {tuple(image.shape)} and text pairs {tuple(text_pairs.shape)} "
            "differ in their last axis; encode both with the same encoder."
        )
    directions = text_pairs[:, 0] - text_pairs[:, 1]  # (A, E)
    return scale * image @ directions.T


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
    return torch.sigmoid(attribute_log_odds(image, text_pairs, scale=scale))


class AttributeHead(nn.Module):
    """Weights w_{a,d} of Eq. 7: a softmax over the attributes of each distortion, uniform at first.

    A distortion that is never trained keeps uniform weights, since no gradient reaches them.
    `groups` is the distortion of each attribute, (A,), int64 in 0..D-1.
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
    """Return the binary cross-entropy with soft targets, (B, D), mean over B and D (Eq. 8)."""
    inside = strengths.clamp(MARGIN, 1 - MARGIN)
    return -(targets * inside.log() + (1 - targets) * (1 - inside).log()).mean()
