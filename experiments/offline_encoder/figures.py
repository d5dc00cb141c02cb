"""The figures by which an offline encoder is chosen and judged."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import KFold, cross_val_predict
from torch import Tensor, nn
from torch.nn import functional as F

from experiments.offline_encoder.fitting import Components
from experiments.offline_encoder.objective import READOUT
from experiments.offline_encoder.sentences import (
    CURATED,
    Part,
    opposites,
    sentence_directions,
    statements,
)
from experiments.offline_encoder.statistics import CAMERA
from workbench.distortions import catalogue, kadid10k
from workbench.evaluation.correlation import srcc
from workbench.evaluation.identification import all_clean, identification_metrics

PARTS: tuple[Part, ...] = ("trained", "held_out")
RIDGE = np.logspace(-2, 5, 15)
LEADING = 50  # principal components of the statistics that R² is over
CROPS = 2  # of each validation picture; the camera pack's drawn ones have the whole view as third


@torch.no_grad()
def embedded(tower: nn.Module, statistics: np.ndarray) -> Tensor:
    """Return L2-normalised embeddings, (N, 384), of statistics, (N, F)."""
    parts = range(0, len(statistics), 128)
    rows = [tower(torch.from_numpy(np.array(statistics[at : at + 128]))) for at in parts]
    return F.normalize(torch.cat(rows).float(), dim=-1)


def log_odds(embeddings: Tensor, positives: Tensor, negative: Tensor, scale: float) -> Tensor:
    """Return the log-odds, (N, D, K), of sentences, (D, K, E), against the negative, (E,)."""
    return scale * torch.einsum("ne,dke->ndk", embeddings, positives - negative)


def identification(
    names: Sequence[str], truth: np.ndarray, predicted: np.ndarray
) -> dict[str, Any]:
    """Return the figures of METHOD §2 over images with at most one distortion.

    Args:
        names: Ids of the D distortions.
        truth: True strengths, (N, D), in [0, 1].
        predicted: Predicted strengths, (N, D), in [0, 1].
    """
    known = catalogue()
    levels = [len(known[name].levels) for name in names]
    truth = np.asarray(truth, np.float64)
    predicted = np.clip(np.asarray(predicted, np.float64), 0, 1)
    found: dict[str, Any] = identification_metrics(truth, predicted, levels=levels).model_dump()
    baseline = all_clean(truth, levels=levels)
    found["all_clean_accuracy"] = baseline.accuracy
    found["all_clean_rmse"] = baseline.rmse
    found["rmse_to_best_constant"] = found["rmse"] / truth.std()
    found["srcc"] = {
        name: srcc(predicted[rows, place], truth[rows, place])
        for place, name in enumerate(names)
        for rows in [shown_or_clean(truth, place)]
    }
    return found


def shown_or_clean(truth: np.ndarray, place: int) -> np.ndarray:
    """Return which images, (N,), show a type or nothing at all; truth is (N, D)."""
    return (truth.max(1) == 0) | (truth[:, place] > 0)


def pack_figures(
    embeddings: Tensor, truth: np.ndarray, pack: Sequence[str], *, crops: int, scale: float
) -> dict[str, Any]:
    """Return identification and silence over one pack's images at every level.

    Args:
        embeddings: Of all crops, (N·crops, E).
        truth: Strengths of the pack's own types, (N, D).
        pack: Ids of these types.
        crops: Of each image.
        scale: Of the log-odds.
    """
    found: dict[str, Any] = {}
    for part in PARTS:
        names, positives, negative = sentence_directions(part)
        chosen = [names.index(name) for name in pack]
        logits = log_odds(embeddings, positives[chosen], negative, scale)
        predicted = torch.sigmoid(logits).unflatten(0, (-1, crops)).mean((1, 3))
        found[part] = identification(pack, truth, predicted.numpy())
        found[part]["silence"] = silence(
            embeddings, truth, chosen, negative, part, crops=crops, scale=scale
        )
    return found


def silence(
    embeddings: Tensor, truth: np.ndarray, chosen: Sequence[int], negative: Tensor, part: Part,
    *, crops: int, scale: float,
) -> dict[str, float]:  # fmt: skip
    """Return how far what denies a fault, or has nothing to do with it, keeps silent.

    Of antonyms and negations the median SRCC with their own fault's strength, clean images
    included, and the share above .5 at its full strength; of praise, content and nonsense the share
    above .5 on all images, and of praise on distorted ones.
    """
    found, full = {}, truth == 1
    by_type = opposites(part)
    for kind, pools in zip(("antonyms", "negations"), zip(*by_type, strict=True), strict=True):
        responses, fired = [], []
        for d, index in enumerate(chosen):
            p = torch.sigmoid(scale * embeddings @ (pools[index] - negative).T)
            mean = p.unflatten(0, (-1, crops)).mean(1).numpy()
            own = shown_or_clean(truth, d)
            responses += [srcc(column, truth[own, d]) for column in mean[own].T]
            fired.append((mean[full[:, d]] > 0.5).mean())
        found[f"{kind}_srcc"] = float(np.median(responses))
        found[f"{kind}_fired"] = float(np.mean(fired))
    for kind, pool in statements(part).items():
        p = torch.sigmoid(scale * embeddings @ (pool - negative).T)
        mean = p.unflatten(0, (-1, crops)).mean(1).numpy()
        rows = truth.max(1) > 0 if kind == "praise" else np.ones(len(truth), bool)
        found[f"{kind}_fired"] = float((mean[rows] > 0.5).mean())
    return found


def told_of_components(embeddings: Tensor, components: np.ndarray, scale: float) -> dict[str, Any]:
    """Return R² of the statistics' components, (N, C), in log-odds of curated sentences.

    A ridge in five folds, from each sentence or from the mean of each type, over all components
    together as their variances weigh them.
    """
    _, positives, negative = sentence_directions("trained")
    logits = log_odds(embeddings, positives[:, :CURATED], negative, scale) / READOUT
    inputs = {"sentences": logits.flatten(1), "types": logits.mean(2)}
    total = np.square(components - components.mean(0)).sum()
    found = {}
    for words, values in inputs.items():
        folds = KFold(5, shuffle=True, random_state=0)
        predicted = cross_val_predict(RidgeCV(RIDGE), values.numpy(), components, cv=folds)
        found[words] = float(1 - np.square(predicted - components).sum() / total)
    return found


def validation_figures(
    tower: nn.Module, folder: Path, pooled: Callable[[Tensor], Tensor], *, scale: float
) -> dict[str, Any]:
    """Return all figures on the validation photographs, whose statistics lie under a folder."""
    found: dict[str, Any] = {}
    names = sentence_directions("trained")[0]
    for name, pack in (("kadid", kadid10k()), ("camera", CAMERA)):
        truth = np.load(folder / f"{name}-levels/strengths.npy")
        rows = np.load(folder / f"{name}-levels/statistics.npy", mmap_mode="r")
        own = truth[::CROPS, [names.index(one) for one in pack]]
        found[name] = pack_figures(
            embedded(tower, rows), np.nan_to_num(own), pack, crops=CROPS, scale=scale
        )
    rows = np.load(folder / "camera-drawn/statistics.npy", mmap_mode="r")
    rows = rows[np.arange(len(rows)) % (CROPS + 1) < CROPS]
    values = pooled(torch.from_numpy(rows).float())
    leading = Components(values, LEADING)
    components = (leading.of(values) * leading.spreads).numpy()
    found["r2"] = told_of_components(embedded(tower, rows), components, scale)
    return found
