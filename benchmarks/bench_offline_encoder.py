"""How fast the offline encoder reads and is tuned, against ViT-B-32 on the same images.

    python benchmarks/bench_offline_encoder.py

Scoring reads crops of 224 px for the first time; a tuning step takes crops whose statistics are
remembered, as they are from the second epoch on, with 16 shallow prompts and AdamW. ViT-B-32 has
random weights, which cost the same arithmetic. Both take all cores, in turn, in wall-clock time,
and the best of several repeats stands: other work on the machine only adds.
"""

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from workbench.domain.config import EncoderConfig
from workbench.encoders import Encoder, load_encoder
from workbench.settings import read_settings
from workbench.training.modules import PromptedTower

IMAGES = 32
REPEATS = 5
AIMS = {"scoring": 50.0, "tuning step": 300.0}  # images a second


def rows() -> list[dict[str, Any]]:
    """Return one row for scoring and one for tuning."""
    offline, vit = (
        load_encoder(EncoderConfig(name=name), read_settings(), seed=0)
        for name in ("offline", "ViT-B-32-quickgelu")
    )
    images = torch.randint(0, 256, (IMAGES, 3, 224, 224), dtype=torch.uint8)
    with torch.no_grad():
        crops = {one: one.normalise(images) for one in (offline, vit)}
        kept = offline.tower.prepare(crops[offline])
    scoring = fastest(lambda: scored(offline, crops[offline]), lambda: scored(vit, crops[vit]))
    tuning = fastest(step(offline, kept), step(vit, crops[vit]))
    return [row("scoring", *scoring), row("tuning step", *tuning)]


@torch.no_grad()
def scored(encoder: Encoder, crops: Tensor) -> None:
    encoder.tower(crops)


def step(encoder: Encoder, crops: Tensor) -> Callable[[], None]:
    tower = PromptedTower(encoder.tower, "shallow", 16)
    optimizer = torch.optim.AdamW(tower.parameters())

    def once() -> None:
        optimizer.zero_grad()
        tower(crops).square().sum().backward()
        optimizer.step()

    return once


def fastest(ours: Callable[[], None], theirs: Callable[[], None]) -> tuple[float, float]:
    """Return the images that each handles in a second, at its best."""
    best = [0.0, 0.0]
    for _ in range(REPEATS):
        for which, work in enumerate((ours, theirs)):
            start = time.perf_counter()
            work()
            best[which] = max(best[which], IMAGES / (time.perf_counter() - start))
    return best[0], best[1]


def row(name: str, ours: float, theirs: float) -> dict[str, Any]:
    aim = AIMS[name]
    return {
        "name": f"offline encoder, {name} on {torch.get_num_threads()} threads",
        "value": round(ours),
        "unit": "images/s",
        "reference": f"ViT-B-32, {theirs:.0f} images/s",
        "ratio": round(ours / theirs, 2),
        "target": f">= {aim:g} images/s",
        "holds": ours >= aim,
    }


if __name__ == "__main__":
    for one in rows():
        print(one)
