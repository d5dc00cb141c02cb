"""How well a perfect image tower would do with these sentences and this loss (decision 0007).

    python -m experiments.offline_encoder.ceiling [--scale 25]

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

from experiments.offline_encoder.figures import identification
from experiments.offline_encoder.statistics import every_step, strengths
from experiments.offline_encoder.train import (
    HERE,
    combined_sentences,
    drawn_sentences,
    fault_directions,
    loss_of,
    sentence_directions,
)

STEPS, RATE = 600, 0.02


def fitted(truth: Tensor, given: dict[str, Any]) -> Tensor:
    """Return one L2-normalised embedding, (N, 384), for each row of strengths, (N, D)."""
    _, positives, negative = sentence_directions("trained")
    combined = combined_sentences()
    basis = fault_directions(positives, combined, negative)
    start = torch.randn(len(truth), len(basis), generator=torch.Generator().manual_seed(0))
    place, rng = nn.Parameter(start), np.random.default_rng(0)
    optimizer = torch.optim.Adam([place], lr=RATE)
    for step in range(STEPS):
        optimizer.param_groups[0]["lr"] = RATE * (1 - step / STEPS)
        drawn = drawn_sentences(positives, combined, given, rng)
        loss = loss_of(F.normalize(place @ basis, dim=-1), drawn - negative, truth, given)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return F.normalize(place.detach() @ basis, dim=-1)


def main() -> None:
    """Print the figures by trained and by held-out sentences."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float)
    asked = parser.parse_args().scale
    torch.set_num_threads(1)
    given = yaml.safe_load((HERE / "train.yaml").read_text(encoding="utf-8"))["training"]
    given["scale"] = asked or given["scale"]
    names = sentence_directions("trained")[0]
    truth = np.stack([strengths(steps, names) for steps in every_step(names)])
    embeddings, found = fitted(torch.from_numpy(truth), given), {}
    for part in ("trained", "held_out"):
        _, positives, negative = sentence_directions(part)
        logits = given["scale"] * torch.einsum("be,dke->bdk", embeddings, positives - negative)
        found[part] = identification(names, truth, torch.sigmoid(logits).mean(2).numpy())
    kept = ("top1_type", "strength_srcc", "rmse_to_best_constant", "accuracy_present")
    print(json.dumps({part: {k: round(v[k], 3) for k in kept} for part, v in found.items()}))


if __name__ == "__main__":
    main()
