"""The sentences that the offline encoder is trained and judged by, as its text tower reads them.

`sentences.yaml` has for each type phrases that must follow it, and statements that must not: the
opposite said of a fault, praise, content, nonsense. Of each kind some are never trained with.
"""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

import torch
import yaml
from torch import Tensor
from torch.nn import functional as F

from workbench.encoders.minilm import MiniLM, load_minilm, word_pieces
from workbench.training.prompt_pairs import sentence_pairs

ARTICLE = re.compile(r"^(an?|the) ")  # "no a block grid"
Part = Literal["trained", "held_out"]

FILE = Path(__file__).with_name("sentences.yaml")
CURATED = 5  # of a type's trained phrases, the first; what a user starts from
CLOSEST = 0.8  # cosine of a trained sentence to a held-out one of the same type


@cache
def sentence_pool() -> dict[str, Any]:
    """Return the types' phrases, the contexts and the statements, as `sentences.yaml` has them."""
    found: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return found


@cache
def _text_tower() -> MiniLM:
    return load_minilm().eval()


@torch.no_grad()
def embedded_phrases(phrases: Sequence[str], negative: str = "") -> tuple[Tensor, Tensor]:
    """Return embeddings of the positive sentences, (K, 384), and of the fixed negative, (384,).

    Args:
        phrases: K phrases.
        negative: The negative sentence; "" is that of the polarity "pristine".
    """
    text, pairs = _text_tower(), sentence_pairs(phrases, "pristine")
    sentences = [*(positive for positive, _ in pairs), negative or pairs[0][1]]
    found = F.normalize(text(word_pieces(sentences)), dim=-1)
    return found[:-1], found[-1]


def sentence_directions(part: Part, negative: str = "") -> tuple[list[str], Tensor, Tensor]:
    """Return the types and their sentences' embeddings.

    Args:
        part: Sentences of the training, or held-out ones.
        negative: See `embedded_phrases`.

    Returns:
        D ids; embeddings of the positive sentences, (D, K, 384); of the fixed negative, (384,).
    """
    pool = sentence_pool()["distortions"]
    phrases = [phrase for parts in pool.values() for phrase in parts[part]]
    positives, clean = embedded_phrases(phrases, negative)
    return list(pool), positives.unflatten(0, (len(pool), -1)), clean


def combined_sentences() -> list[Tensor]:
    """Return embeddings of the short phrases in every context, (K_d, 384) for each type.

    The same contexts for all types teach that a place in the picture says nothing about the kind of
    fault. A combination too close to a held-out sentence is left out.
    """
    pool, found = sentence_pool(), []
    held_out = sentence_directions("held_out")[1]
    for parts, unseen in zip(pool["distortions"].values(), held_out, strict=True):
        phrases = [context.format(some) for some in parts["short"] for context in pool["contexts"]]
        positives, _ = embedded_phrases(phrases)
        found.append(positives[(positives @ unseen.T).amax(1) < CLOSEST])
    return found


def opposites(part: Part) -> list[tuple[Tensor, Tensor]]:
    """Return embeddings of the antonyms, (K, 384), and negations, (M, 384), of each type.

    A negation is a template with one of the type's short phrases.
    """
    pool, found = sentence_pool(), []
    for name, parts in pool["distortions"].items():
        antonyms = pool["statements"]["antonyms"][name][part]
        negations = [
            template.format(ARTICLE.sub("", short))
            for template in pool["statements"]["negations"][part]
            for short in parts["short"]
        ]
        found.append((embedded_phrases(antonyms)[0], embedded_phrases(negations)[0]))
    return found


def statements(part: Part) -> dict[str, Tensor]:
    """Return embeddings, (K, 384), of praise, content and nonsense."""
    return {
        kind: embedded_phrases(sentence_pool()["statements"][kind][part])[0]
        for kind in ("praise", "content", "nonsense")
    }
