"""Measure what the offline encoder must hold; workbench/encoders/weights/README.md has the result.

    python -m experiments.offline_encoder.evaluate WEIGHTS… --kodak FOLDER [--biq2021 FOLDER]
        [--new-types FOLDER] [--keep FOLDER] [--to FILE.json]

One file of weights per training seed; figures are mean and spread (largest minus smallest).
Kodak: 24 photographs at 512x384 px, 25 types at five levels and clean, the mean of four corner
crops of 224 px. BIQ2021: 2,000 images, four crops, ridge regression in five folds. New types: five
distortions that the training never saw, 16 shallow prompts tuned on photographs of FOLDER (views
that `collect` wrote) and tested on Kodak.
"""

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.lib.format import open_memmap
from safetensors.torch import load_file
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn
from torch.nn import functional as F

from experiments.offline_encoder.figures import identification
from experiments.offline_encoder.statistics import (
    BY_EFFECT,
    corner_crops,
    described,
    every_step,
    strengths,
    views_by_photograph,
)
from experiments.offline_encoder.train import (
    divided,
    embedded,
    embedded_phrases,
    sentence_directions,
    sentence_pool,
)
from workbench.datasets.biq2021 import load as load_biq2021
from workbench.datasets.photographs import load_photograph, read_image
from workbench.distortions import apply_sequence
from workbench.encoders.offline import LOGIT_SCALE, VISION, assembled
from workbench.encoders.statistics_tower import StatisticsStem, StatisticsTower
from workbench.evaluation.correlation import srcc
from workbench.settings import resource
from workbench.store.text import read_attributes
from workbench.training.modules import (
    AttributeHead,
    PromptedTower,
    attribute_probabilities,
    distortion_loss,
)
from workbench.training.regressor import warmup_cosine

CROPS = 4
CURATED = 5  # of the trained sentences; what a user starts from
NEW_TYPES = (
    "smoke", "uneven_illumination", "masked_noise", "high_frequency_noise", "chromatic_aberration"
)  # fmt: skip
RIDGE = np.logspace(-2, 5, 15)


def loaded(file: Path) -> StatisticsTower:
    """Return the tower of a file of weights, frozen."""
    visual = assembled(VISION).visual
    visual.load_state_dict({name: value.float() for name, value in load_file(file).items()})
    return StatisticsTower(visual).eval().requires_grad_(False)


def kept(file: Path | None, rows: int, stem: StatisticsStem, images: Iterable[np.ndarray]) -> Any:
    """Return the statistics of the corner crops of images, (rows·4, F); a file is used again."""
    if file is not None and file.exists():
        return np.load(file, mmap_mode="r")
    found: Any = np.empty((rows * CROPS, stem.statistics_width), np.float16)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        found = open_memmap(file, "w+", np.float16, found.shape)
    for place, image in enumerate(images):
        found[place * CROPS : (place + 1) * CROPS] = described(stem, corner_crops(image))
    return found


def at_every_level(files: Sequence[Path], names: Sequence[str]) -> Iterable[np.ndarray]:
    """Yield each photograph clean, and with each distortion at each level."""
    for seed, file in enumerate(files):
        image = load_photograph(file, 512, 384)
        for steps in every_step(names):
            yield apply_sequence(image, steps, seed=seed)


def truth_of(
    photographs: int, names: Sequence[str], by_effect: Sequence[str] = BY_EFFECT
) -> np.ndarray:
    """Return the strengths, (N, D), of what `at_every_level` yields."""
    rows = [strengths(steps, names, by_effect) for steps in every_step(names)]
    return np.stack(rows * photographs)


def by_image(values: Tensor) -> Tensor:
    """Return the mean over the crops of each image."""
    return values.unflatten(0, (-1, CROPS)).mean(1)


def kodak_figures(embeddings: Tensor, truth: np.ndarray, nominal: np.ndarray) -> dict[str, Any]:
    """Return identification by trained and by held-out sentences, and the dose-response's signs."""
    found: dict[str, Any] = {}
    for part in ("trained", "held_out"):
        names, positives, negative = sentence_directions(part)
        logits = LOGIT_SCALE * torch.einsum("be,dke->bdk", embeddings, positives - negative)
        probabilities = by_image(torch.sigmoid(logits))
        predicted = probabilities.mean(2).numpy()
        found[part] = identification(names, truth, predicted)
        found[part]["srcc_by_nominal_level"] = identification(names, nominal, predicted)["srcc"]
        found[part]["signs"] = dose_response(probabilities.numpy(), truth)
    agree = np.sign(found["held_out"].pop("signs")) == np.sign(
        np.mean(found["trained"].pop("signs"), 1, keepdims=True)
    )
    found["dose_response_agreement"] = float(agree.mean())
    return found


def dose_response(probabilities: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the SRCC of each sentence's probability with its distortion's strength, (D, K)."""
    clean = truth.max(1) == 0
    rows = [np.flatnonzero(clean | (truth[:, d] > 0)) for d in range(truth.shape[1])]
    return np.array([
        [srcc(probabilities[some, d, k], truth[some, d]) for k in range(probabilities.shape[2])]
        for d, some in enumerate(rows)
    ])  # fmt: skip


def quality_figures(
    features: dict[str, np.ndarray], scores: np.ndarray, subsets: np.ndarray
) -> dict[str, dict[str, float]]:
    """Return the SRCC of a ridge in five folds, over all images and over each subset."""
    found = {}
    for name, values in features.items():
        model = make_pipeline(StandardScaler(), RidgeCV(RIDGE))
        folds = KFold(5, shuffle=True, random_state=0)
        predicted = cross_val_predict(model, values, scores, cv=folds)
        parts = {"all": np.ones(len(scores), bool)} | {s: subsets == s for s in np.unique(subsets)}
        found[name] = {str(k): float(srcc(predicted[v], scores[v])) for k, v in parts.items()}
    return found


def quality_features(tower: StatisticsTower, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Return attribute probabilities, embedding and statistics, averaged over crops, of images."""
    embeddings = embedded(tower, rows)
    _, positives, negative = sentence_directions("trained")
    curated = positives[:, :CURATED].flatten(0, 1) - negative
    probabilities = torch.sigmoid(LOGIT_SCALE * embeddings @ curated.T)
    return {
        "attribute probabilities": by_image(probabilities).numpy(),
        "embedding": by_image(embeddings).numpy(),
        "statistics, no text": statistics_by_image(tower.visual.conv1, rows),
    }


def statistics_by_image(stem: StatisticsStem, rows: np.ndarray) -> np.ndarray:
    """Return the statistics of images, averaged over cells and crops, standardised."""
    view = len(stem.view_mean)
    found = []
    for start in range(0, len(rows), 256):
        part = torch.from_numpy(rows[start : start + 256].astype(np.float32))
        cells = part[:, :-view].reshape(len(part), stem.side**2, -1).mean(1)
        found.append(torch.cat([cells, part[:, -view:]], 1))
    return by_image(torch.cat(found)).numpy()


def transfer_figures(
    tower: StatisticsTower, train: np.ndarray, test: np.ndarray, seed: int
) -> dict[str, Any]:
    """Return identification of new types, with the tower as it is and with 16 shallow prompts."""
    phrases = {name: curated_phrases(name) for name in NEW_TYPES}
    positives, negative = embedded_phrases([p for some in phrases.values() for p in some])
    pairs = torch.stack([positives, negative.expand_as(positives)], 1)
    groups = torch.arange(len(NEW_TYPES)).repeat_interleave(CURATED)
    each = len(every_step(NEW_TYPES)) * CROPS
    seen, unseen = (truth_of(len(rows) // each, NEW_TYPES) for rows in (train, test))
    torch.manual_seed(seed)
    found = {}
    for name, prompts in (("as it is", 0), ("16 shallow prompts", 16)):
        prompted, head = PromptedTower(tower, "shallow", prompts), AttributeHead(groups)
        if prompts:
            tune_prompts(prompted, head, pairs, train, seen.repeat(CROPS, 0), seed)
        with torch.no_grad():
            p = attribute_probabilities(embedded(prompted, test), pairs, scale=LOGIT_SCALE)
            predicted = head(by_image(p)).numpy()
        found[name] = identification(NEW_TYPES, unseen, predicted)
    return found


def tune_prompts(
    tower: PromptedTower, head: AttributeHead, pairs: Tensor, rows: np.ndarray, truth: np.ndarray,
    seed: int, rate: float = 0.02, epochs: int = 12, batch: int = 32,
) -> None:  # fmt: skip
    """Tune prompts and head on statistics, (N, F), of known strengths, (N, D)."""
    parameters = [*tower.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=rate)
    rng, steps = np.random.default_rng(seed), epochs * (len(rows) // batch)
    targets = torch.from_numpy(truth)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate * warmup_cosine(step, steps, 0.2)
        some = np.sort(rng.choice(len(rows), batch, replace=False))
        embeddings = F.normalize(tower(torch.from_numpy(rows[some])), dim=-1)
        p = attribute_probabilities(embeddings, pairs, scale=LOGIT_SCALE)
        loss = distortion_loss(head(p), targets[some])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()


def curated_phrases(name: str) -> tuple[str, ...]:
    """Return the curated attributes of a distortion."""
    return read_attributes(resource("attribute_db/curated")).phrases()[name]


def summarised(found: Sequence[Any]) -> Any:
    """Return the same tree with [mean, spread] in the place of each number."""
    if isinstance(found[0], dict):
        return {key: summarised([some[key] for some in found]) for key in found[0]}
    return [round(float(np.mean(found)), 4), round(float(np.ptp(found)), 4)]


def main() -> None:
    """Measure every given file of weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path, nargs="+")
    parser.add_argument("--kodak", type=Path, required=True)
    parser.add_argument("--biq2021", type=Path)
    parser.add_argument("--new-types", type=Path)
    parser.add_argument("--keep", type=Path, help="where statistics are kept for another time")
    parser.add_argument("--to", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    towers = [loaded(file) for file in given.weights]
    measured: list[dict[str, Any]] = [{} for _ in towers]
    for measure in measures(given, towers[0].visual.conv1):
        for seed, (tower, results) in enumerate(zip(towers, measured, strict=True)):
            results.update(measure(tower, seed))
    text = json.dumps(summarised(measured), indent=1)
    if given.to:
        given.to.write_text(text, encoding="utf-8")
    print(text)


Measure = Callable[[StatisticsTower, int], dict[str, Any]]


def kept_file(given: argparse.Namespace, name: str) -> Path | None:
    """Return where statistics are kept, if they are to be."""
    return given.keep / f"{name}.npy" if given.keep else None


def measures(given: argparse.Namespace, stem: StatisticsStem) -> Iterable[Measure]:
    """Yield one function per question that the arguments give data for."""
    names, files = list(sentence_pool()["distortions"]), sorted(given.kodak.glob("*.png"))
    truth = truth_of(len(files), names)
    rows = kept(kept_file(given, "kodak"), len(truth), stem, at_every_level(files, names))
    nominal = truth_of(len(files), names, by_effect=())
    yield lambda tower, _: {"kodak": kodak_figures(embedded(tower, rows), truth, nominal)}
    if given.biq2021:
        images = load_biq2021(given.biq2021).images
        scores = np.array([image.quality for image in images])
        subsets = np.array([image.subset for image in images])
        pixels = (read_image(given.biq2021 / image.file) for image in images)
        some = kept(kept_file(given, "biq2021"), len(images), stem, pixels)
        yield lambda tower, _: {
            "biq2021": quality_figures(quality_features(tower, some), scores, subsets)
        }
    if given.new_types:
        views = views_by_photograph(given.new_types)
        training = [views[name][0] for name in divided(list(views), 6)[0]]
        parts = [
            kept(kept_file(given, f"new-{name}"), len(some) * len(every_step(NEW_TYPES)), stem,
                 at_every_level(some, NEW_TYPES))
            for name, some in (("train", training), ("test", files))
        ]  # fmt: skip
        yield lambda tower, seed: {"new types": transfer_figures(tower, *parts, seed)}


if __name__ == "__main__":
    main()
