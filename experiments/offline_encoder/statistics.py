"""Distort the training photographs and keep the statistics of their crops.

The paper's multi-distortion images (METHOD §4), mixed with images of one distortion and clean ones.
A photograph is for validation or for training, never for both.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.lib.format import open_memmap

from workbench.datasets.photographs import read_image
from workbench.distortions import apply_sequence, catalogue, effective_strength
from workbench.encoders.statistics_tower import StatisticsStem

SIZE = 224
LEVELS = 5  # of each of KADID-10k's types
# Their nominal level is not their strength (METHOD §2): level 3 of mean shift changes nothing.
BY_EFFECT = ("mean_shift", "contrast_change")

Steps = tuple[tuple[str, int], ...]


def views_by_photograph(folder: Path) -> dict[str, list[Path]]:
    """Return the views that `collect` wrote, by photograph, both sorted."""
    found: dict[str, list[Path]] = {}
    for file in sorted(folder.glob("*--*.png")):
        found.setdefault(file.name.split("--")[0], []).append(file)
    return dict(sorted(found.items()))


def divided(photographs: Sequence[str], every: int) -> tuple[list[str], list[str]]:
    """Return training and validation photographs."""
    validation = list(photographs[3::every])
    return [name for name in photographs if name not in validation], validation


def every_step(distortions: Sequence[str]) -> list[Steps]:
    """Return clean, and each distortion at each level."""
    known = catalogue()
    return [
        (), *(((name, level),) for name in distortions
              for level in range(1, len(known[name].levels) + 1))
    ]  # fmt: skip


def strengths(
    steps: Steps, distortions: Sequence[str], by_effect: Sequence[str] = BY_EFFECT
) -> np.ndarray:
    """Return the true strengths, (D,), float32, of an image made by these steps."""
    known, found = catalogue(), np.zeros(len(distortions), np.float32)
    for name, level in steps:
        spec = known[name]
        strength = effective_strength(spec, level) if name in by_effect else spec.strength(level)
        found[distortions.index(name)] = strength
    return found


def drawn_steps(
    rng: np.random.Generator, distortions: Sequence[str], given: dict[str, Any]
) -> Steps:
    """Return the distortions of one training image."""
    kind = np.searchsorted(np.cumsum([given["clean"], given["single"], given["few"]]), rng.random())
    low, high = ((0, 0), (1, 1), (2, 5), (1, len(distortions)))[kind]
    chosen = rng.permutation(len(distortions))[: int(rng.integers(low, high + 1))]
    return tuple((distortions[place], int(rng.integers(1, LEVELS + 1))) for place in chosen)


def random_crop(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a crop of 224 px, mirrored or not."""
    top = rng.integers(0, image.shape[0] - SIZE + 1)
    left = rng.integers(0, image.shape[1] - SIZE + 1)
    crop = image[top : top + SIZE, left : left + SIZE]
    return crop[:, ::-1] if rng.random() < 0.5 else crop


def corner_crops(image: np.ndarray) -> list[np.ndarray]:
    """Return the four crops of 224 px in the corners of an image."""
    down, right = image.shape[0] - SIZE, image.shape[1] - SIZE
    return [image[y : y + SIZE, x : x + SIZE] for y in (0, down) for x in (0, right)]


def described(stem: StatisticsStem, crops: Sequence[np.ndarray]) -> np.ndarray:
    """Return the statistics, (N, F), float16, of crops, (224, 224, 3) uint8 each."""
    images = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float() / 255
    return stem.statistics(images).half().numpy()


def write_statistics(
    stem: StatisticsStem,
    views: Sequence[Sequence[Path]],
    distortions: Sequence[str],
    given: dict[str, Any],
    to: Path,
    *,
    every_level: bool = False,
) -> None:
    """Write statistics.npy, (N·crops, F), and strengths.npy, (N·crops, D).

    Args:
        stem: The frozen stem.
        views: Views of each photograph.
        distortions: Ids of the D distortions.
        given: The part `statistics` of the configuration.
        to: Folder; made where it is missing.
        every_level: Each distortion at each level once, and clean, for validation, in place of a
            random draw.
    """
    to.mkdir(parents=True, exist_ok=True)
    fixed = every_step(distortions)
    count = len(views) * len(fixed) if every_level else given["images"]
    rows, crops = count * given["crops"], given["crops"]
    kept = open_memmap(to / "statistics.npy", "w+", np.float16, (rows, stem.statistics_width))
    truth = np.zeros((rows, len(distortions)), np.float32)
    for index in range(count):
        rng = np.random.default_rng([given["seed"] + every_level, index])
        if every_level:
            some, steps = views[index // len(fixed)], fixed[index % len(fixed)]
        else:
            some = views[rng.integers(len(views))]
            steps = drawn_steps(rng, distortions, given)
        image = read_image(some[rng.integers(len(some))])
        if not every_level and rng.random() < 0.5:
            image = np.ascontiguousarray(image[:, ::-1])
        distorted = apply_sequence(image, steps, seed=int(rng.integers(2**31)))
        place = slice(index * crops, (index + 1) * crops)
        kept[place] = described(stem, [random_crop(distorted, rng) for _ in range(crops)])
        truth[place] = strengths(steps, distortions)
    np.save(to / "strengths.npy", truth)
