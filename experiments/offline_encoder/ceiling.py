"""How well a perfect image tower would do with these sentences and this loss (decision 0007).

    python -m experiments.offline_encoder.ceiling [--set scale=40 …]

One embedding for each distortion at each level, and one for clean, is fitted with the truth known,
to the very loss and sentences of the training. What is still missing then is not for want of images
or steps: at a fixed scale, sentences that lie apart have a mean probability well below 1.
"""

import argparse
import json
from typing import Any

import numpy as np
import torch
import yaml
from torch import Tensor, nn
from torch.nn import functional as F

from experiments.offline_encoder.figures import pack_figures
from experiments.offline_encoder.objective import (
    drawn_sentences,
    sentence_loss,
    statement_loss,
    training_texts,
)
from experiments.offline_encoder.statistics import CAMERA, TYPES, every_step, strengths
from experiments.offline_encoder.train import HERE, fault_directions
from workbench.distortions import kadid10k

STEPS, RATE = 600, 0.02
KEPT = ("top1_type", "strength_srcc", "rmse_to_best_constant", "accuracy_present", "silence")


def fitted(truth: Tensor, given: dict[str, Any]) -> Tensor:
    """Return one L2-normalised embedding, (N, 384), for each row of strengths, (N, D)."""
    texts = training_texts()
    directions = fault_directions(texts.trained, texts.combined, texts.negative)
    basis = directions if given["subspace"] else torch.eye(directions.shape[1])
    start = torch.randn(len(truth), len(basis), generator=torch.Generator().manual_seed(0))
    place, rng = nn.Parameter(start), np.random.default_rng(0)
    optimizer = torch.optim.Adam([place], lr=RATE)
    for step in range(STEPS):
        optimizer.param_groups[0]["lr"] = RATE * (1 - step / STEPS)
        embeddings = F.normalize(place @ basis, dim=-1)
        drawn = drawn_sentences(texts, given, rng)
        loss = sentence_loss(embeddings, drawn - texts.negative, truth, given)
        loss = loss + given["statement"] * statement_loss(embeddings, texts, truth, given, rng)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return F.normalize(place.detach() @ basis, dim=-1)


def main() -> None:
    """Print the figures by trained and by held-out sentences."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", nargs="*", default=[], help="as scale=40 or statement=0")
    torch.set_num_threads(1)
    given = yaml.safe_load((HERE / "train.yaml").read_text(encoding="utf-8"))["training"]
    given |= {k: yaml.safe_load(v) for k, v in (s.split("=") for s in parser.parse_args().set)}
    for pack in (kadid10k(), CAMERA):
        steps = every_step(pack)
        truth = np.stack([strengths(some, TYPES) for some in steps])
        embeddings = fitted(torch.from_numpy(truth), given)
        own = np.nan_to_num(truth[:, [TYPES.index(name) for name in pack]])
        found = pack_figures(embeddings, own, pack, crops=1, scale=given["scale"])
        for part, figures in found.items():
            print(len(pack), part, json.dumps({k: figures[k] for k in KEPT}))


if __name__ == "__main__":
    main()
