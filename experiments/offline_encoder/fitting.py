"""What every training against the frozen sentences does alike, whatever is trained."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from experiments.offline_encoder.statistics import (
    CAMERA,
    Describer,
    Pack,
    divided,
    write_statistics,
)
from workbench.distortions import kadid10k
from workbench.training.regressor import warmup_cosine

SMALLEST_SPREAD = 1e-3
LARGEST = 8.0  # standard deviations
SAMPLED = 4000  # crops from which means, spreads and principal components are taken
DRAWN = 1000  # validation pictures with faults of cameras as drawn for the training


class Components:
    """The leading principal components of standardised values, each of unit variance.

    Args:
        values: Of some crops, (N, F).
        count: C, how many.
    """

    def __init__(self, values: Tensor, count: int) -> None:
        self.mean, self.spread = values.mean(0), values.std(0).clamp_min(SMALLEST_SPREAD)
        _, singular, axes = torch.linalg.svd(self._standard(values), full_matrices=False)
        self.spreads = singular[:count] / math.sqrt(len(values))
        self.axes = axes[:count].T / self.spreads

    def of(self, values: Tensor) -> Tensor:
        """Return the components, (N, C), of values, (N, F)."""
        return self._standard(values) @ self.axes

    def _standard(self, values: Tensor) -> Tensor:
        return ((values - self.mean) / self.spread).clamp(-LARGEST, LARGEST)


class Crops:
    """The crops of the packs under a folder, drawn in given shares.

    Args:
        folder: With a folder of statistics for each pack.
        shares: Share of each pack among the crops shown.
        rng: Decides the order.
    """

    def __init__(self, folder: Path, shares: Mapping[str, float], rng: np.random.Generator) -> None:
        self.truth = {name: np.load(folder / f"{name}-train/strengths.npy") for name in shares}
        self.rows = {
            name: np.load(folder / f"{name}-train/statistics.npy", mmap_mode="r")[: len(truth)]
            for name, truth in self.truth.items()
        }
        self.shares, self.rng = shares, rng
        self._order = {name: np.empty(0, int) for name in shares}

    def drawn(self, total: int) -> tuple[Tensor, Tensor]:
        """Return statistics, (B, F) float16, and strengths, (B, D); B is about the total."""
        rows, truth = [], []
        for name, share in self.shares.items():
            count = round(share * total)
            if len(self._order[name]) < count:
                fresh = self.rng.permutation(len(self.truth[name]))
                self._order[name] = np.concatenate([self._order[name], fresh])
            chosen, self._order[name] = np.split(self._order[name], [count])
            rows.append(self.rows[name][np.sort(chosen)])
            truth.append(self.truth[name][np.sort(chosen)])
        return torch.from_numpy(np.concatenate(rows)), torch.from_numpy(np.concatenate(truth))


def make_statistics(
    stem: Describer, views: dict[str, list[Path]], config: dict[str, Any], to: Path, processes: int
) -> None:
    """Write the statistics of both packs under a folder, where they are missing.

    For validation each type at each level, whatever the pack, and faults of cameras as drawn for
    the training; two crops of each picture.
    """
    train, validation = (
        [views[name] for name in part] for part in divided(list(views), config["validation_every"])
    )
    types = {"kadid": kadid10k(), "camera": CAMERA}
    for name, given in config["packs"].items():
        levels = given | {"camera": False, "crops": 2}
        some = validation[: config.get("validation")]
        packs = {
            "levels": Pack(some, types[name], levels, every_level=True),
            "train": Pack(train, types[name], given),
        }
        if given["camera"]:
            drawn = {"images": config.get("drawn", DRAWN), "crops": 2, "seed": given["seed"] + 2}
            packs["drawn"] = Pack(validation, types[name], given | drawn)
        for part, pack in packs.items():
            if not (to / f"{name}-{part}" / "strengths.npy").exists():
                write_statistics(stem, pack, to / f"{name}-{part}", processes=processes)


def fit(
    parameters: Sequence[nn.Parameter], given: dict[str, Any], loss_of_step: Callable[[], Tensor]
) -> None:
    """Minimise a loss that is drawn anew in each step, by AdamW with warm-up and cosine.

    Args:
        parameters: What is trained.
        given: The part `training` of the configuration.
        loss_of_step: Returns the loss on a fresh batch.
    """
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": given["weight_decay"]},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=given["learning_rate"], betas=(0.9, 0.98))
    steps = math.ceil(given["samples"] / given["batch"])
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = given["learning_rate"] * warmup_cosine(step, steps, given["warmup"])
        loss = loss_of_step()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        if step % 200 == 0:
            print(f"step {step} of {steps}, loss {loss.item():.4f}", flush=True)
