"""python -m experiments.saliency PHOTOGRAPHS [--cases N] [--sheet FILE.png]

Does a saliency map show what the model goes by? Judged on photographs whose distortion is known:
in place (one square of them is distorted) and in effect (cells are given back their clean pixels).
PHOTOGRAPHS is a folder of photographs on which nothing was trained. The offline encoder is judged
as it is and with the demo's 16 shallow prompts, tuned on the packaged photographs. Prints the
tables of docs/saliency.md as Markdown and draws a sheet after Fig. 3 of ExIQA. 24 photographs with
two cases each take about ten minutes on one core.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure

from experiments.faithfulness import faithfulness, mass_share, peak_inside, region_auc
from workbench.atomic_files import atomic_write
from workbench.datasets.photographs import load_photograph, photograph_files
from workbench.distortions import apply_distortion
from workbench.domain.attributes import AttributeSet
from workbench.domain.config import EncoderConfig, RunConfig, TuningConfig
from workbench.encoders import Encoder, load_encoder
from workbench.evaluation.bootstrap import draw_photographs
from workbench.evaluation.correlation import srcc
from workbench.experiment.config_files import load_experiment
from workbench.inference.saliency import Method, attribute_weights, saliency, target_logit
from workbench.report.figures.style import title_of
from workbench.report.saliency_overlay import draw_map
from workbench.settings import read_settings, resource
from workbench.store.text import read_attributes
from workbench.training.crops import grid_crops
from workbench.training.loop import tune, untrained_model
from workbench.training.prompt_pairs import EncodedAttributes, encode_attributes
from workbench.training.tuned_model import Examples, TunedModel

VIEW, CELL, CELLS = 224, 32, 7
SQUARE = 4  # cells; of 49, 16 are distorted
LEVEL = 4
LEVELS = 5
ORDERS, STEPS = 20, 7  # random orders; parts of a curve
RESAMPLES, SEED = 2000, 0
# Name in the tables to the method, and whether it gets the clean image.
METHODS: dict[str, tuple[Method, bool]] = {
    "gradient rollout": ("gradient_rollout", False),
    "plain rollout": ("rollout", False),
    "occlusion, mean colour": ("occlusion", False),
    "occlusion, clean pixels": ("occlusion", True),
}
LOCAL = ("mass inside", "peak inside", "AUC of cells", "SRCC with occlusion by clean pixels")
GLOBAL = ("deletion gain", "insertion gain", "SRCC with occlusion by clean pixels")
SHEET = ("gaussian_blur", "jpeg", "white_noise", "pixelate")
SHEET_SIZE = (448, 448)

# Model, method and measure to the number of a photograph and a value, for each case.
Figures = dict[tuple[str, str, str], list[tuple[int, float]]]


@dataclass(frozen=True)
class Models:
    """The models to judge by name, and the attributes that they share."""

    by_name: dict[str, TunedModel]
    attributes: AttributeSet

    @property
    def distortions(self) -> tuple[str, ...]:
        """Ids, in the order of the head."""
        return tuple(self.attributes.phrases())


def load_models() -> Models:
    """Return the offline encoder untuned, and tuned as the demo tunes it."""
    config = load_experiment(resource("experiments/demo.yaml"))
    everything = read_attributes(resource("attribute_db/curated"))
    attributes = everything.restricted_to(config.data.distortions)
    encoder = load_encoder(EncoderConfig(name="offline"), read_settings(), seed=0)
    encoded = encode_attributes(encoder, attributes)
    untuned = untrained_model(encoder, encoded, TuningConfig(mode="none", precision="fp32"))
    tuned = _tuned(encoder, encoded, tuple(attributes.phrases()), config)
    return Models({"untuned": untuned, "16 prompts": tuned}, attributes)


def _tuned(
    encoder: Encoder, encoded: EncodedAttributes, distortions: Sequence[str], config: RunConfig
) -> TunedModel:
    images, strengths = [], []
    for file in photograph_files("packaged").values():
        clean = load_photograph(file, 384, 288)
        for column, name in enumerate(distortions):
            for level in range(1, LEVELS + 1):
                images.append(apply_distortion(clean, name, level, seed=SEED))
                strengths.append(np.eye(len(distortions))[column] * level / LEVELS)
        images.append(clean)
        strengths.append(np.zeros(len(distortions)))
    examples = Examples(np.stack(images), np.array(strengths, np.float32))
    return tune(
        encoder, encoded, examples, config.tuning,
        seed=SEED, progress=lambda _share, _text: None,
    )  # fmt: skip


def measured(models: Models, folder: str, cases: int) -> tuple[Figures, Figures]:
    """Return the figures in place and in effect, each photograph with some of the distortions."""
    local: Figures = defaultdict(list)
    effect: Figures = defaultdict(list)
    for number, file in enumerate(photograph_files(folder).values()):
        clean = load_photograph(file, VIEW, VIEW)
        for case in range(cases):
            column = (number * cases + case) % len(models.distortions)
            bad = apply_distortion(clean, models.distortions[column], LEVEL, seed=number)
            region = _square(np.random.default_rng([SEED, number, case]))
            mixed = np.where(np.kron(region[..., None], np.ones((CELL, CELL, 1), bool)), bad, clean)
            for name, model in models.by_name.items():
                for method, measure, value in _located(model, mixed, clean, column, region):
                    local[name, method, measure].append((number, value))
                for method, measure, value in _effective(model, bad, clean, column, number):
                    effect[name, method, measure].append((number, value))
    return local, effect


def _square(rng: np.random.Generator) -> np.ndarray:
    region = np.zeros((CELLS, CELLS), dtype=bool)
    top, left = rng.integers(0, CELLS - SQUARE + 1, size=2)
    region[top : top + SQUARE, left : left + SQUARE] = True
    return region


def _maps(
    model: TunedModel, image: np.ndarray, clean: np.ndarray, distortion: int
) -> dict[str, np.ndarray]:
    return {
        name: saliency(
            model,
            image,
            distortion=distortion,
            method=method,
            reference=clean if with_clean else None,
        ).cells[0]
        for name, (method, with_clean) in METHODS.items()
    }


def _located(
    model: TunedModel, mixed: np.ndarray, clean: np.ndarray, distortion: int, region: np.ndarray
) -> Iterator[tuple[str, str, float]]:
    maps = _maps(model, mixed, clean, distortion)
    for method, cells in maps.items():
        truth = srcc(cells.ravel(), maps["occlusion, clean pixels"].ravel())
        values = mass_share(cells, region), peak_inside(cells, region), region_auc(cells, region)
        for measure, value in zip(LOCAL, (*values, _number(truth)), strict=True):
            yield method, measure, value


def _effective(
    model: TunedModel, bad: np.ndarray, clean: np.ndarray, distortion: int, seed: int
) -> Iterator[tuple[str, str, float]]:
    maps = _maps(model, bad, clean, distortion)
    score = target_logit(model, attribute_weights(model, distortion=distortion))
    image, replacement = (grid_crops(pixels, VIEW)[0] for pixels in (bad, clean))
    results = faithfulness(
        score, image, replacement, maps, cell=CELL, steps=STEPS, orders=ORDERS, seed=seed
    )
    for method, result in results.items():
        truth = srcc(maps[method].ravel(), maps["occlusion, clean pixels"].ravel())
        values = result.deletion_gain, result.insertion_gain, _number(truth)
        for measure, value in zip(GLOBAL, values, strict=True):
            yield method, measure, value
        yield method, "fall", result.fall


def _number(value: object) -> float:
    return value if isinstance(value, float) else float("nan")


def mean_and_interval(cases: Sequence[tuple[int, float]]) -> tuple[float, float, float]:
    """Return the mean over cases and its 95 % interval, photographs drawn with replacement.

    NaN, an empty map or an undefined correlation, is left out.
    """
    photos = np.array([photo for photo, _ in cases])
    values = np.array([value for _, value in cases])
    known = ~np.isnan(values)
    count = int(photos.max()) + 1
    sums = np.bincount(photos[known], values[known], minlength=count)
    sizes = np.bincount(photos[known], minlength=count)
    copies = draw_photographs(count, RESAMPLES, SEED).astype(float)
    low, high = np.quantile((copies @ sums) / (copies @ sizes), [0.025, 0.975])
    return float(values[known].mean()), float(low), float(high)


def print_table(title: str, measures: Sequence[str], figures: Figures) -> None:
    """Print Markdown: a row for each model and method, mean and interval in each cell."""
    print(f"\n{title}\n\n| model | map | {' | '.join(measures)} |\n|{'---|' * (len(measures) + 2)}")
    for model, method in dict.fromkeys((model, method) for model, method, _ in figures):
        cells = []
        for measure in measures:
            mean, low, high = mean_and_interval(figures[model, method, measure])
            cells.append(f"{mean:.2f} ({low:.2f} to {high:.2f})")
        print(f"| {model} | {method} | {' | '.join(cells)} |", flush=True)


def write_sheet(models: Models, folder: str, file: Path) -> None:
    """Draw photographs with one distorted square each, and the maps of three of its attributes."""
    model, phrases = models.by_name["16 prompts"], models.attributes.phrases()
    figure = Figure(figsize=(13, 3.6 * len(SHEET)), layout="constrained")
    files = list(photograph_files(folder).values())
    for row, name in zip(figure.subplots(len(SHEET), 4), SHEET, strict=True):
        number = 5 * SHEET.index(name) % len(files)
        clean = load_photograph(files[number], *SHEET_SIZE)
        bad = apply_distortion(clean, name, LEVEL, seed=number)
        image = clean.copy()
        image[128:320, 128:320] = bad[128:320, 128:320]
        row[0].imshow(image)
        row[0].set_title(f"{title_of(name)}, level {LEVEL}, in the square", fontsize=10)
        row[0].set_axis_off()
        first = sum(len(texts) for other, texts in phrases.items() if other < name)
        for offset, axes in enumerate(row[1:]):
            drawn = saliency(model, image, attribute=first + offset)
            draw_map(axes, image, drawn)
            axes.set_title(
                f"{phrases[name][offset]}\nprobability {drawn.probability:.2f}", fontsize=9
            )
        for axes in row:
            axes.plot([128, 320, 320, 128, 128], [128, 128, 320, 320, 128], color="white", lw=1)
    with atomic_write(file) as passing:
        figure.savefig(passing, format="png", dpi=80)


def main(folder: str, cases: int, sheet: Path | None) -> None:
    """Print both tables and draw the sheet."""
    torch.set_num_threads(1)
    models = load_models()
    if sheet is not None:
        write_sheet(models, folder, sheet)
    local, effect = measured(models, folder, cases)
    share = SQUARE**2 / CELLS**2
    print_table(f"In place; the square has {share:.2f} of the area.", LOCAL, local)
    print_table("In effect, gains over random order in logits.", GLOBAL, effect)
    for name in models.by_name:
        mean, low, high = mean_and_interval(effect[name, "gradient rollout", "fall"])
        print(f"\n{name}: all clean, the logit falls by {mean:.2f} ({low:.2f} to {high:.2f}).")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photographs")
    parser.add_argument("--cases", type=int, default=2)
    parser.add_argument("--sheet", type=Path)
    arguments = parser.parse_args()
    main(arguments.photographs, arguments.cases, arguments.sheet)
