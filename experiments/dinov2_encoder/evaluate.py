"""Measure the encoder dinov2; workbench/encoders/weights/dinov2.md has the result.

    python -m experiments.dinov2_encoder.evaluate HEAD… --kodak FOLDER --keep FOLDER
        [--biq2021 FOLDER [--statistics FILE]] [--offline WEIGHTS] [--new-types VIEWS] [--to JSON]

One file of the head per training seed; figures are mean and spread (largest minus smallest).
Kodak: 4 photographs, each distorted picture as its centre crop of 224 px and as the whole of it at
224 px. BIQ2021: 2,000 whole views, ridge regression in five folds, beside the offline encoder's
features and both together where its statistics are given. New types: five distortions that the
training never saw, prompts tuned on 8 photographs of VIEWS.
"""

import argparse
import json
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from experiments.dinov2_encoder.train import Aligned, PooledTokens
from experiments.offline_encoder.evaluate import (
    BY_EFFECT,
    CLIPPED,
    NEW_TYPES,
    kept,
    loaded,
    quality_figures,
    summarised,
    truth_of,
    tune_prompts,
)
from experiments.offline_encoder.evaluate import curated_phrases as curated
from experiments.offline_encoder.evaluate import quality_features as offline_quality_features
from experiments.offline_encoder.figures import embedded, identification, pack_figures
from experiments.offline_encoder.sentences import CURATED, embedded_phrases, sentence_directions
from experiments.offline_encoder.statistics import (
    CAMERA,
    SIZE,
    divided,
    every_step,
    views_by_photograph,
    whole_view,
)
from workbench.datasets.biq2021 import load as load_biq2021
from workbench.datasets.photographs import load_photograph, read_image
from workbench.distortions import apply_sequence, kadid10k
from workbench.encoders.dinov2 import LOGIT_SCALE, MEAN, STD, CutTransformer, TokenHead
from workbench.encoders.offline import WEIGHTS
from workbench.encoders.openclip import TimmTower
from workbench.encoders.statistics_tower import StatisticsTower
from workbench.training.modules import AttributeHead, PromptedTower, attribute_probabilities
from workbench.training.tuned_model import computing

VIEWS = ("crop", "whole view")
CPU = torch.device("cpu")
TUNED_ON = 8  # photographs, of the prompts' new types
EPOCHS = 5
EVERY = 6  # photograph of Kodak's: 4 of 24
TUNINGS = {
    "as it is": ("shallow", 0),
    "16 shallow": ("shallow", 16),
    "100 shallow": ("shallow", 100),
    "16 deep": ("deep", 16),
}


def both_views(image: np.ndarray) -> list[np.ndarray]:
    """Return the centre crop and the whole view of an image, (224, 224, 3) each."""
    top, left = (image.shape[0] - SIZE) // 2, (image.shape[1] - SIZE) // 2
    return [image[top : top + SIZE, left : left + SIZE], whole_view(image)]


def at_every_level(files: Sequence[Path], names: Sequence[str], index: int) -> list[np.ndarray]:
    """Return both views of picture `index`: each photograph at each level of each type."""
    steps = every_step(names)
    photograph, step = divmod(index, len(steps))
    image = load_photograph(files[photograph], 512, 384)
    return both_views(apply_sequence(image, steps[step], seed=photograph))


def of_file(files: Sequence[Path], index: int) -> list[np.ndarray]:
    """Return the whole view of a picture of a dataset."""
    return [whole_view(read_image(files[index]))]


def kodak_figures(embeddings: Tensor, truth: np.ndarray, pack: Sequence[str]) -> dict[str, Any]:
    """Return identification by each view, (N·2, E), and by the mean of both."""
    views = embeddings.unflatten(0, (-1, 2))
    found = {
        name: pack_figures(views[:, place], truth, pack, crops=1, scale=LOGIT_SCALE)
        for place, name in enumerate(VIEWS)
    }
    return found | {"both": pack_figures(embeddings, truth, pack, crops=2, scale=LOGIT_SCALE)}


def curated_log_odds(embeddings: Tensor) -> Tensor:
    """Return clipped log-odds of the curated sentences, (N, D, 5), of embeddings, (N, E)."""
    _, positives, negative = sentence_directions("trained")
    directions = positives[:, :CURATED] - negative
    logits = LOGIT_SCALE * torch.einsum("ne,dke->ndk", embeddings, directions)
    return logits.clamp(-CLIPPED, CLIPPED)


def quality_features(embeddings: Tensor, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Return what a ridge may read of whole views: embeddings, (N, E); pooled tokens, (N, F)."""
    logits = curated_log_odds(embeddings)
    return {
        "log-odds": logits.flatten(1).numpy(),
        "mean log-odds of each type": logits.mean(2).numpy(),
        "probabilities": torch.sigmoid(logits).flatten(1).numpy(),
        "features, no text": np.asarray(rows, np.float32),
    }


def offline_features(tower: StatisticsTower, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Return what a ridge may read of the offline encoder, from statistics, (N·5, F)."""
    found = offline_quality_features(tower, rows)
    return {
        "log-odds": found["log-odds, whole view too"],
        "mean log-odds of each type": found["mean log-odds of each type, whole view too"],
        "features, no text": found["statistics, no text, whole view too"],
    }


class InBfloat16(nn.Module):
    """A tower that computes as the workbench does on this processor."""

    def __init__(self, tower: nn.Module) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, images: Tensor) -> Tensor:
        """Return embeddings, (B, E), float32, of normalised images, (B, 3, S, S)."""
        with computing("bf16", CPU):
            embeddings: Tensor = self.tower(images)
        return embeddings.float()


def images_at_every_level(files: Sequence[Path]) -> np.ndarray:
    """Return the normalised centre crops, (N, 3, 224, 224), of the new types at each level."""
    count = len(files) * len(every_step(NEW_TYPES))
    crops = np.stack([at_every_level(files, NEW_TYPES, index)[0] for index in range(count)])
    return ((crops.astype(np.float32) / 255 - MEAN) / STD).astype(np.float32).transpose(0, 3, 1, 2)


def prompt_figures(head: TokenHead, stem: PooledTokens, train: Sequence[Path],
                   test: Sequence[Path], seed: int) -> dict[str, Any]:  # fmt: skip
    """Return identification of five new types without prompts and with prompts of each kind."""
    visual = CutTransformer(len(stem.trunk.blocks))
    visual.trunk, visual.head = stem.trunk, head
    tower = TimmTower(visual.eval().requires_grad_(False))
    positives, negative = embedded_phrases([p for name in NEW_TYPES for p in curated(name)])
    pairs = torch.stack([positives, negative.expand_as(positives)], 1)
    groups = torch.arange(len(NEW_TYPES)).repeat_interleave(CURATED)
    seen, unseen = (images_at_every_level(files) for files in (train, test))
    found: dict[str, Any] = {}
    for name, (mode, prompts) in TUNINGS.items():
        torch.manual_seed(seed)
        prompted, weights = InBfloat16(PromptedTower(tower, mode, prompts)), AttributeHead(groups)
        started = time.process_time()
        if prompts:
            truth = truth_of(len(train), NEW_TYPES)
            tune_prompts(prompted, weights, pairs, seen, truth, seed, epochs=EPOCHS)
        tuned = time.process_time()
        with torch.no_grad():
            p = attribute_probabilities(embedded(prompted, unseen), pairs, scale=LOGIT_SCALE)
            predicted = weights(p).numpy()
        found[name] = identification(NEW_TYPES, truth_of(len(test), NEW_TYPES), predicted)
        found[name] |= {"tuning_s": tuned - started, "scoring_s": time.process_time() - tuned}
    return found


def views_a_second(stem: PooledTokens, head: TokenHead, offline: nn.Module) -> dict[str, float]:
    """Return how many views each encoder embeds in a second of one core, best of three."""
    visual = CutTransformer(len(stem.trunk.blocks))
    visual.trunk, visual.head = stem.trunk, head
    images = torch.rand(32, 3, SIZE, SIZE)
    found = {}
    for name, tower in (
        ("dinov2, bf16", InBfloat16(visual)),
        ("dinov2", visual),
        ("offline", offline),
    ):
        times = []
        for _ in range(3):
            started = time.process_time()
            with torch.no_grad():
                tower(images)
            times.append(time.process_time() - started)
        found[name] = len(images) / min(times)
    return found


def main() -> None:
    """Measure every given head."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("heads", type=Path, nargs="+")
    parser.add_argument("--kodak", type=Path, required=True)
    parser.add_argument("--keep", type=Path, required=True, help="where features are kept")
    parser.add_argument("--biq2021", type=Path)
    parser.add_argument("--offline", type=Path, default=WEIGHTS, help="weights to compare with")
    parser.add_argument("--statistics", type=Path, help="biq2021.npy of offline_encoder.evaluate")
    parser.add_argument("--new-types", type=Path)
    parser.add_argument("--to", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    stem, offline = PooledTokens(), loaded(given.offline)
    heads = [loaded_head(file) for file in given.heads]
    speed = views_a_second(stem, heads[0], offline)
    measured: list[dict[str, Any]] = [{"views a second": speed} for _ in heads]
    files = sorted(given.kodak.glob("*.png"))[::EVERY]

    def rows(name: str, count: int, each: int, crops: Any) -> Any:
        return kept(given.keep / f"{name}.npy", count, each, stem, crops, 1)

    for name, pack in (("kodak", kadid10k()), ("camera", CAMERA)):
        truth = truth_of(len(files), pack, BY_EFFECT)
        shown = rows(name, len(truth), 2, partial(at_every_level, files, pack))
        for head, results in zip(heads, measured, strict=True):
            results[name] = kodak_figures(embedded(Aligned(head), shown), truth, pack)
    if given.biq2021:
        images = load_biq2021(given.biq2021).images
        paths = [given.biq2021 / image.file for image in images]
        scores = np.array([image.quality for image in images])
        subsets = np.array([image.subset for image in images])
        shown = rows("biq2021", len(paths), 1, partial(of_file, paths))
        beside = offline_features(offline, np.load(given.statistics)) if given.statistics else {}
        for head, results in zip(heads, measured, strict=True):
            own = quality_features(embedded(Aligned(head), shown), shown)
            pairs = {f"{name}, both encoders": np.hstack([own[name], values])
                     for name, values in beside.items() if name in own}  # fmt: skip
            alone = {f"{name}, offline encoder": values for name, values in beside.items()}
            results["biq2021"] = quality_figures(own | alone | pairs, scores, subsets)
    if given.new_types:
        views = views_by_photograph(given.new_types)
        train = [views[name][0] for name in divided(list(views), 6)[0]][:TUNED_ON]
        for seed, (head, results) in enumerate(zip(heads, measured, strict=True)):
            results["new types"] = prompt_figures(head, stem, train, files, seed)
    text = json.dumps(summarised(measured), indent=1)
    if given.to:
        given.to.write_text(text, encoding="utf-8")
    print(text)


def loaded_head(file: Path) -> TokenHead:
    """Return the head of a file of weights, frozen."""
    head = TokenHead()
    head.load_state_dict({name: values.float() for name, values in load_file(file).items()})
    return head.eval().requires_grad_(False)


if __name__ == "__main__":
    main()
