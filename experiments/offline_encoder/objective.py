"""What the training asks of an embedding: types and strengths, and silence where none is shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from experiments.offline_encoder.sentences import (
    CURATED,
    combined_sentences,
    opposites,
    sentence_directions,
    statements,
)
from workbench.training.modules import MARGIN

DENIED = 4  # antonyms, and negations, of each image in each step
READOUT = 5.0  # log-odds are divided by it before the principal components are predicted


@dataclass(frozen=True)
class Texts:
    """Embeddings of all sentences of the training, E = 384.

    Attributes:
        negative: The fixed negative sentence, (E,).
        trained: Of each type, (D, K, E); the first five are the curated ones.
        combined: Short phrases in contexts, (K_d, E) for each type.
        antonyms, negations: Of each type, (·, E).
        praise, content, nonsense: (·, E).
    """

    negative: Tensor
    trained: Tensor
    combined: Sequence[Tensor]
    antonyms: Sequence[Tensor]
    negations: Sequence[Tensor]
    praise: Tensor
    content: Tensor
    nonsense: Tensor

    @property
    def curated(self) -> Tensor:
        """Directions from the negative to the curated sentences, (D·5, E)."""
        return self.trained[:, :CURATED].flatten(0, 1) - self.negative


def training_texts(negative: str = "") -> Texts:
    """Return the sentences of the training; the negative is as in `embedded_phrases`."""
    _, trained, fixed = sentence_directions("trained", negative)
    antonyms, negations = zip(*opposites("trained"), strict=True)
    return Texts(fixed, trained, combined_sentences(), antonyms, negations, **statements("trained"))


def drawn_sentences(texts: Texts, given: dict[str, Any], rng: np.random.Generator) -> Tensor:
    """Return sentences of each type, (D, k, E), drawn and mixed anew for a step."""
    trained = texts.trained
    count, pool = len(trained), trained.shape[1]
    first = np.stack([rng.permutation(pool)[: given["sentences"]] for _ in range(count)])
    short = torch.stack(
        [some[rng.integers(0, len(some), first.shape[1])] for some in texts.combined]
    )
    second = rng.integers(0, pool, first.shape)
    share = rng.uniform(0, 1, first.shape) * (rng.random(first.shape) < given["mixed"])
    rows = np.arange(count)[:, None]
    swapped = torch.from_numpy(rng.random(first.shape) < given["combined"])[..., None]
    drawn = torch.where(swapped, short, trained[rows, first])
    weight = torch.from_numpy(share.astype(np.float32))[..., None]
    return F.normalize((1 - weight) * drawn + weight * trained[rows, second], dim=-1)


def sentence_loss(
    embeddings: Tensor, directions: Tensor, truth: Tensor, given: dict[str, Any]
) -> Tensor:
    """Return Eq. 8, joined by the cross-entropies of each sentence and of the type.

    Args:
        embeddings: (B, E), L2-normalised.
        directions: Positive minus negative sentence, (D, k, E).
        truth: Strengths, (B, D); what is NaN, since a near type is there, counts nowhere.
        given: The part `training` of the configuration.
    """
    logits = given["scale"] * torch.einsum("be,dke->bdk", embeddings, directions)
    known = ~truth.isnan()
    target = truth.nan_to_num(0.0)
    strengths = torch.sigmoid(logits).mean(2).clamp(MARGIN, 1 - MARGIN)
    of_types = F.binary_cross_entropy(strengths, target, weight=known.float(), reduction="sum")
    of_sentences = F.binary_cross_entropy_with_logits(
        logits, target[..., None].expand_as(logits), known[..., None].float(), reduction="sum"
    )
    loss = (1 - given["each"]) * of_types + given["each"] * of_sentences / logits.shape[2]
    loss = loss / known.sum()
    single = (target > 0).sum(1) == 1
    if single.any():
        means = logits.mean(2).masked_fill(~known, -torch.inf)
        types = F.cross_entropy(means[single], target[single].argmax(1))
        loss = loss + given["type"] * types
    return loss


def statement_loss(
    embeddings: Tensor, texts: Texts, truth: Tensor, given: dict[str, Any],
    rng: np.random.Generator,
) -> Tensor:  # fmt: skip
    """Return the cross-entropy of what says nothing about a fault, or denies one.

    Content and nonsense fire nowhere, praise nowhere that a fault is strong. Of each image some
    antonyms and negations of its strongest fault are drawn, or of any type where it is clean: the
    stronger the fault, the less may they fire, and from half of the full strength on not at all.
    """

    def some(pool: Tensor, *shape: int) -> Tensor:
        return pool[torch.from_numpy(rng.integers(0, len(pool), shape))]

    count, known = given["statements"], truth.nan_to_num(0.0)
    worst, types = known.max(1)
    types = torch.where(
        worst > 0, types, torch.from_numpy(rng.integers(0, truth.shape[1], len(truth)))
    )
    clean = given["on_clean"] * (1 - worst / given["silent_from"]).clamp_min(0)[:, None]
    never = torch.cat([some(texts.content, count), some(texts.nonsense, count)])
    denied = torch.stack([
        torch.cat([some(texts.antonyms[d], DENIED), some(texts.negations[d], DENIED)])
        for d in types.tolist()
    ])  # fmt: skip
    parts = (
        (never.expand(len(truth), -1, -1), torch.zeros_like(clean)),
        (some(texts.praise, count // 2).expand(len(truth), -1, -1), clean),
        (denied, clean),
    )
    return torch.stack([
        F.binary_cross_entropy_with_logits(logits, target.expand_as(logits))
        for sentences, target in parts
        for logits in [
            given["scale"] * torch.einsum("be,bke->bk", embeddings, sentences - texts.negative)
        ]
    ]).mean()  # fmt: skip


class ComponentLoss(nn.Module):
    """How much of a crop's statistics the log-odds of the curated sentences still tell.

    A linear map on them predicts the leading principal components of the pooled statistics.

    Args:
        words: "sentences", or "types" for the mean over the sentences of each type.
        types: D.
        spreads: Standard deviation of each component along its axis, (C,), largest first.
    """

    weights: Tensor

    def __init__(self, words: str, types: int, spreads: Tensor) -> None:
        super().__init__()
        self.words = words
        self.map = nn.Linear(types * (CURATED if words == "sentences" else 1), len(spreads))
        weights = (spreads / spreads[0]).sqrt()
        self.register_buffer("weights", weights / weights.sum())

    def forward(self, logits: Tensor, components: Tensor) -> Tensor:
        """Return the weighted squared error.

        Args:
            logits: Log-odds of the curated sentences, (B, D·5).
            components: Each of unit variance, (B, C).
        """
        if self.words == "types":
            logits = logits.unflatten(1, (-1, CURATED)).mean(2)
        error = self.map(logits / READOUT) - components
        return (error.square() * self.weights).sum(1).mean()


def training_loss(
    embeddings: Tensor, truth: Tensor, components: Tensor, texts: Texts, told: ComponentLoss,
    given: dict[str, Any], rng: np.random.Generator,
) -> Tensor:  # fmt: skip
    """Return the whole loss of a step.

    Args:
        embeddings: (B, E), L2-normalised.
        truth: Strengths, (B, D), NaN where unknown.
        components: What the log-odds must still tell, (B, C).
        texts: All sentences.
        told: Measures that.
        given: The part `training` of the configuration.
        rng: Draws the sentences.
    """
    drawn = drawn_sentences(texts, given, rng)
    loss = sentence_loss(embeddings, drawn - texts.negative, truth, given)
    if given["statement"]:
        loss = loss + given["statement"] * statement_loss(embeddings, texts, truth, given, rng)
    if given["component"]:
        logits = given["scale"] * embeddings @ texts.curated.T
        loss = loss + given["component"] * told(logits, components)
    return loss
