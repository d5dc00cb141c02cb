"""Measure what the offline encoder must hold; workbench/encoders/weights/README.md has the result.

    python -m experiments.offline_encoder.evaluate WEIGHTS… --kodak FOLDER [--biq2021 FOLDER]
        [--new-types FOLDER] [--keep FOLDER] [--processes 2] [--to FILE.json]

One file of weights per training seed; figures are mean and spread (largest minus smallest).
Kodak: 24 photographs at 512x384 px, KADID-10k's 25 types and the camera's 13, at five levels and
clean, the mean of four corner crops of 224 px. Severity: series of 13 values of the parameter on
one photograph. BIQ2021: 2,000 images, four crops and the whole picture, ridge regression in five
folds. New types: five distortions that the training never saw, 16 shallow prompts tuned on
photographs of FOLDER (views that `collect` wrote) and tested on Kodak.
"""

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
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

from experiments.offline_encoder.figures import (
    PARTS,
    RIDGE,
    embedded,
    identification,
    log_odds,
    pack_figures,
    shown_or_clean,
)
from experiments.offline_encoder.sentences import CURATED, embedded_phrases, sentence_directions
from experiments.offline_encoder.statistics import (
    BY_EFFECT,
    CAMERA,
    Describer,
    corner_crops,
    described,
    divided,
    every_step,
    strengths,
    views_by_photograph,
    whole_view,
)
from workbench.datasets.biq2021 import load as load_biq2021
from workbench.datasets.photographs import load_photograph, read_image
from workbench.distortions import apply_sequence, kadid10k, operators
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
NEW_TYPES = (
    "smoke", "uneven_illumination", "masked_noise", "high_frequency_noise", "chromatic_aberration"
)  # fmt: skip
SERIES = ("gaussian_blur", "motion_blur", "jpeg", "white_noise", "darken", "pixelate")
VALUES = 13  # of the parameter in each series, evenly spaced from level 1 to level 5
CLIPPED = 12.0  # log-odds on one crop
PICTURES = 50  # that a process reads at once


def loaded(file: Path) -> StatisticsTower:
    """Return the tower of a file of weights, frozen."""
    visual = assembled(VISION).visual
    visual.load_state_dict({name: value.float() for name, value in load_file(file).items()})
    return StatisticsTower(visual).eval().requires_grad_(False)


Crops = Callable[[int], list[np.ndarray]]


def write_pictures(crops: Crops, stem: Describer, file: Path, each: int, part: range) -> None:
    """Write the statistics of some pictures' crops into a file of all."""
    torch.set_num_threads(1)
    kept = np.load(file, mmap_mode="r+")
    for index in part:
        kept[index * each : (index + 1) * each] = described(stem, crops(index))


def kept(file: Path, count: int, each: int, stem: Describer, crops: Crops, jobs: int) -> Any:
    """Return the statistics, (count·each, F), of pictures' crops; a finished file is used again."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        passing = file.with_suffix(".part")
        open_memmap(passing, "w+", np.float16, (count * each, stem.statistics_width))
        parts = [range(k, min(k + PICTURES, count)) for k in range(0, count, PICTURES)]
        with ProcessPoolExecutor(jobs) as pool:
            list(pool.map(partial(write_pictures, crops, stem, passing, each), parts))
        passing.rename(file)
    return np.load(file, mmap_mode="r")


def at_every_level(files: Sequence[Path], names: Sequence[str], index: int) -> list[np.ndarray]:
    """Return the corner crops of picture `index`: each photograph at each level of each type."""
    steps = every_step(names)
    seed, step = divmod(index, len(steps))
    image = load_photograph(files[seed], 512, 384)
    return corner_crops(apply_sequence(image, steps[step], seed=seed))


def of_series(file: Path, index: int) -> list[np.ndarray]:
    """Return the corner crops of a photograph with one value of one type's parameter."""
    operator = operators()[SERIES[index // VALUES]]
    levels = operator.spec.levels
    at = np.linspace(0, len(levels) - 1, VALUES)[index % VALUES]
    value = float(np.interp(at, range(len(levels)), levels))
    image = load_photograph(file, 512, 384).astype(np.float32) / 255
    distorted = operator.function(image, value, np.random.default_rng(0))
    return corner_crops((distorted * 255).round().astype(np.uint8))


def as_distributed(files: Sequence[Path], index: int) -> list[np.ndarray]:
    """Return the corner crops of a picture of a dataset, and the whole of it."""
    image = read_image(files[index])
    return [*corner_crops(image), whole_view(image)]


def truth_of(
    photographs: int, names: Sequence[str], by_effect: Sequence[str] = BY_EFFECT
) -> np.ndarray:
    """Return the strengths, (N, D), of what `at_every_level` gives."""
    rows = [strengths(steps, names, by_effect) for steps in every_step(names)]
    return np.nan_to_num(np.stack(rows * photographs))


def by_image(values: Tensor, each: int = CROPS) -> Tensor:
    """Return the mean over the crops of each image."""
    return values.unflatten(0, (-1, each)).mean(1)


def kodak_figures(
    embeddings: Tensor, truth: np.ndarray, nominal: np.ndarray, pack: Sequence[str]
) -> dict[str, Any]:
    """Return identification by trained and held-out sentences, and the dose-response's signs."""
    found = pack_figures(embeddings, truth, pack, crops=CROPS, scale=LOGIT_SCALE)
    signs = {}
    for part in PARTS:
        names, positives, negative = sentence_directions(part)
        chosen = [names.index(name) for name in pack]
        p = torch.sigmoid(log_odds(embeddings, positives[chosen], negative, LOGIT_SCALE))
        probabilities = by_image(p)
        by_level = identification(pack, nominal, probabilities.mean(2).numpy())["srcc"]
        found[part]["srcc_by_nominal_level"] = by_level
        signs[part] = dose_response(probabilities.numpy(), truth)
    agree = np.sign(signs["held_out"]) == np.sign(signs["trained"].mean(1, keepdims=True))
    found["dose_response_agreement"] = float(agree.mean())
    return found


def dose_response(probabilities: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the SRCC of each sentence's probability with its type's strength, (D, K)."""
    rows = [shown_or_clean(truth, d) for d in range(truth.shape[1])]
    return np.array([
        [srcc(probabilities[some, d, k], truth[some, d]) for k in range(probabilities.shape[2])]
        for d, some in enumerate(rows)
    ])  # fmt: skip


def severity(embeddings: Tensor) -> dict[str, Any]:
    """Return the SRCC of each series' strength with the value of its parameter."""
    found: dict[str, Any] = {}
    for part in PARTS:
        names, positives, negative = sentence_directions(part)
        count = CURATED if part == "trained" else positives.shape[1]
        chosen = positives[[names.index(name) for name in SERIES], :count]
        p = by_image(torch.sigmoid(log_odds(embeddings, chosen, negative, LOGIT_SCALE)).mean(2))
        series = p.unflatten(0, (len(SERIES), VALUES)).numpy()
        found[part] = {
            name: float(srcc(series[d, :, d], np.arange(VALUES))) for d, name in enumerate(SERIES)
        }
        found[part]["smallest"] = min(found[part].values())
    return found


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
    """Return what a regressor may read of images, from curated sentences and without them."""
    embeddings = embedded(tower, rows).unflatten(0, (-1, CROPS + 1))
    _, positives, negative = sentence_directions("trained")
    logits = LOGIT_SCALE * torch.einsum(
        "nce,dke->ncdk", embeddings, positives[:, :CURATED] - negative
    )
    crops = logits[:, :CROPS].clamp(-CLIPPED, CLIPPED).mean(1)
    both = torch.cat([crops, logits[:, CROPS].clamp(-CLIPPED, CLIPPED)], 1)
    pack = len(kadid10k())
    statistics = statistics_of(tower.visual.conv1, rows).unflatten(0, (-1, CROPS + 1))
    mean = statistics[:, :CROPS].mean(1)
    features = {
        "log-odds": crops.flatten(1),
        "log-odds, whole view too": both.flatten(1),
        "log-odds of KADID-10k's types": crops[:, :pack].flatten(1),
        "mean log-odds of each type": crops.mean(2),
        "mean log-odds of each type, whole view too": both.mean(2),
        "probabilities": torch.sigmoid(logits[:, :CROPS]).mean(1).flatten(1),
        "embedding": embeddings[:, :CROPS].mean(1),
        "statistics, no text": mean,
        "statistics, no text, whole view too": torch.cat([mean, statistics[:, CROPS]], 1),
    }
    return {name: values.numpy() for name, values in features.items()}


def statistics_of(stem: StatisticsStem, rows: np.ndarray) -> Tensor:
    """Return the statistics of crops, (N, ·), averaged over their cells."""
    view = len(stem.view_mean)
    found = []
    for start in range(0, len(rows), 256):
        part = torch.from_numpy(rows[start : start + 256].astype(np.float32))
        cells = part[:, :-view].reshape(len(part), stem.side**2, -1).mean(1)
        found.append(torch.cat([cells, part[:, -view:]], 1))
    return torch.cat(found)


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
    parser.add_argument("--keep", type=Path, required=True, help="where statistics are kept")
    parser.add_argument("--processes", type=int, default=1, help="that compute statistics")
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


def measures(given: argparse.Namespace, stem: Describer) -> Iterable[Measure]:
    """Yield one function per question that the arguments give data for."""

    def rows(name: str, count: int, each: int, crops: Crops) -> Any:
        return kept(given.keep / f"{name}.npy", count, each, stem, crops, given.processes)

    def levels(name: str, files: Sequence[Path], types: Sequence[str]) -> Any:
        count = len(files) * len(every_step(types))
        return rows(name, count, CROPS, partial(at_every_level, files, types))

    files = sorted(given.kodak.glob("*.png"))
    for name, pack in (("kodak", kadid10k()), ("camera", CAMERA)):
        shown = levels(name, files, pack)
        truth, nominal = (truth_of(len(files), pack, by_effect=e) for e in (BY_EFFECT, ()))
        yield lambda tower, _, name=name, pack=pack, shown=shown, truth=truth, nominal=nominal: {
            name: kodak_figures(embedded(tower, shown), truth, nominal, pack)
        }
    series = rows("severity", len(SERIES) * VALUES, CROPS, partial(of_series, files[0]))
    yield lambda tower, _: {"severity": severity(embedded(tower, series))}
    if given.biq2021:
        images = load_biq2021(given.biq2021).images
        scores = np.array([image.quality for image in images])
        subsets = np.array([image.subset for image in images])
        paths = [given.biq2021 / image.file for image in images]
        some = rows("biq2021", len(paths), CROPS + 1, partial(as_distributed, paths))
        yield lambda tower, _: {
            "biq2021": quality_figures(quality_features(tower, some), scores, subsets)
        }
    if given.new_types:
        views = views_by_photograph(given.new_types)
        training = [views[name][0] for name in divided(list(views), 6)[0]]
        parts = [
            levels(f"new-{name}", some, NEW_TYPES)
            for name, some in (("train", training), ("test", files))
        ]
        yield lambda tower, seed: {"new types": transfer_figures(tower, *parts, seed)}


if __name__ == "__main__":
    main()
