"""Distort the training photographs and keep the statistics of their crops.

Two packs: KADID-10k's types (the paper's multi-distortion images, METHOD §4, mixed with images of
one distortion and clean ones), and the faults of cameras, several on one picture in the order in
which a camera commits them. A photograph is for validation or for training, never for both.
"""

import io
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.lib.format import open_memmap
from PIL import Image
from torch import Tensor

from workbench.datasets.photographs import read_image
from workbench.distortions import apply_sequence, catalogue, effective_strength, kadid10k
from workbench.domain.distortion import are_near
from workbench.training.crops import whole_view as squashed

SIZE = 224
LEVELS = 5  # of each type
# Their nominal level is not their strength (METHOD §2): level 3 of mean shift changes nothing.
BY_EFFECT = ("mean_shift", "contrast_change")
# In the order in which light, lens, sensor, processor and network commit them.
CAMERA = (
    "missed_focus", "camera_shake", "haze", "vignetting", "under_exposure", "over_exposure",
    "colour_cast", "sensor_grain", "noise_reduction", "flat_contrast", "over_processing",
    "low_resolution", "repeated_compression",
)  # fmt: skip
TYPES = (*kadid10k(), *CAMERA)
JPEG_QUALITY = (78, 98)  # of the file in which half of the camera pack's pictures were stored
CHUNK = 100  # images that a process writes at once

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
    """Return the true strengths, (D,), float32, of an image made by these steps.

    NaN for a type that was not applied but shows the same fault as one that was.
    """
    known, found = catalogue(), np.zeros(len(distortions), np.float32)
    for name, _ in steps:
        near = [are_near(known[name], known[other]) for other in distortions]
        found[np.array(near)] = np.nan
    for name, level in steps:
        spec = known[name]
        strength = effective_strength(spec, level) if name in by_effect else spec.strength(level)
        found[distortions.index(name)] = strength
    return found


def drawn_steps(
    rng: np.random.Generator, distortions: Sequence[str], given: dict[str, Any]
) -> Steps:
    """Return the distortions of one training image of KADID-10k's types, in a random order."""
    kind = np.searchsorted(np.cumsum([given["clean"], given["single"], given["few"]]), rng.random())
    low, high = ((0, 0), (1, 1), (2, 5), (1, len(distortions)))[kind]
    chosen = rng.permutation(len(distortions))[: int(rng.integers(low, high + 1))]
    return tuple((distortions[place], int(rng.integers(1, LEVELS + 1))) for place in chosen)


def camera_steps(rng: np.random.Generator, given: dict[str, Any]) -> Steps:
    """Return the faults of one training image of the camera pack, in the camera's order."""
    kind = np.searchsorted(np.cumsum([given["clean"], given["single"]]), rng.random())
    count = (0, 1, int(rng.integers(2, 6)))[kind]
    levels = {CAMERA[k]: int(rng.integers(1, LEVELS + 1)) for k in rng.permutation(13)[:count]}
    if "over_exposure" in levels:
        levels.pop("under_exposure", None)
    return tuple((name, levels[name]) for name in CAMERA if name in levels)


def stored_as_jpeg(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the image as a JPEG file of good quality gives it back."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=int(rng.integers(*JPEG_QUALITY)))
    return np.asarray(Image.open(file))


def whole_view(image: np.ndarray) -> np.ndarray:
    """Return the whole image at the encoder's size, (224, 224, 3)."""
    return np.asarray(squashed(image, SIZE)[0].permute(1, 2, 0))


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


class Describer(Protocol):
    """What turns crops into numbers that no training changes, such as the frozen stem."""

    @property
    def statistics_width(self) -> int:
        """Numbers that describe one crop, F."""

    def statistics(self, images: Tensor) -> Tensor:
        """Return (B, F) of images in [0, 1], (B, 3, 224, 224)."""


def described(stem: Describer, crops: Sequence[np.ndarray]) -> np.ndarray:
    """Return the statistics, (N, F), float16, of crops, (224, 224, 3) uint8 each."""
    images = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float() / 255
    return stem.statistics(images).half().numpy()


class Pack:
    """The distorted images of one set, by index: photograph, steps and crops of each.

    Args:
        views: Views of each photograph.
        distortions: Ids of the types that are applied.
        given: The part of the configuration about this pack: `images`, shares, `crops`, `seed`,
            `camera` (whether faults come in the camera's order, and the whole view joins).
        every_level: Each type at each level once, and clean, in place of a random draw.
    """

    def __init__(
        self,
        views: Sequence[Sequence[Path]],
        distortions: Sequence[str],
        given: dict[str, Any],
        *,
        every_level: bool = False,
    ) -> None:
        self.views, self.distortions, self.given = views, distortions, given
        self.fixed = every_step(distortions) if every_level else []
        self.count = len(views) * len(self.fixed) if every_level else int(given["images"])
        self.rows = self.count * (given["crops"] + given["camera"])

    def crops(self, index: int) -> tuple[list[np.ndarray], Steps]:
        """Return the crops of an image, each (224, 224, 3) uint8, and what was done to it."""
        given = self.given
        rng = np.random.default_rng([given["seed"] + bool(self.fixed), index])
        if self.fixed:
            some, steps = self.views[index // len(self.fixed)], self.fixed[index % len(self.fixed)]
        else:
            some = self.views[rng.integers(len(self.views))]
            steps = (
                camera_steps(rng, given)
                if given["camera"]
                else drawn_steps(rng, self.distortions, given)
            )
        image = read_image(some[rng.integers(len(some))])
        if not self.fixed and rng.random() < 0.5:
            image = np.ascontiguousarray(image[:, ::-1])
        distorted = apply_sequence(image, steps, seed=int(rng.integers(2**31)))
        if given["camera"] and not self.fixed and rng.random() < 0.5:
            distorted = stored_as_jpeg(distorted, rng)
        crops = [random_crop(distorted, rng) for _ in range(given["crops"])]
        return [*crops, whole_view(distorted)] if given["camera"] else crops, steps


def write_chunk(pack: Pack, stem: Describer, to: Path, start: int) -> tuple[int, np.ndarray]:
    """Write the statistics of CHUNK images from one on; return it and the strengths of the rows."""
    torch.set_num_threads(1)
    kept = np.load(to / "statistics.npy", mmap_mode="r+")
    each, truth = pack.rows // pack.count, []
    for index in range(start, min(start + CHUNK, pack.count)):
        crops, steps = pack.crops(index)
        kept[index * each : (index + 1) * each] = described(stem, crops)
        truth += [strengths(steps, TYPES)] * each
    return start, np.stack(truth)


def write_statistics(stem: Describer, pack: Pack, to: Path, *, processes: int = 1) -> None:
    """Write statistics.npy, (N, F), and strengths.npy, (N, D), of a pack's N crops.

    Args:
        stem: The frozen stem.
        pack: The images.
        to: Folder; made where it is missing.
        processes: How many share the work; the files do not depend on it.
    """
    to.mkdir(parents=True, exist_ok=True)
    open_memmap(to / "statistics.npy", "w+", np.float16, (pack.rows, stem.statistics_width))
    starts = range(0, pack.count, CHUNK)
    with ProcessPoolExecutor(processes) as pool:
        parts = dict(pool.map(partial(write_chunk, pack, stem, to), starts))
    np.save(to / "strengths.npy", np.concatenate([parts[start] for start in starts]))
