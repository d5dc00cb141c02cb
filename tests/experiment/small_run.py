"""A run small enough for tests: few photographs, the small encoder, one or two epochs."""

from pathlib import Path

import numpy as np
from PIL import Image

from tests.training.small_encoder import small_encoder
from workbench.datasets.image_set import ImageSet
from workbench.domain.attributes import AttributeSet
from workbench.domain.config import RunConfig
from workbench.experiment.training_plan import TrainingPlan
from workbench.settings import read_settings

TYPES, LEVELS = ("gaussian_blur", "white_noise"), 2
ATTRIBUTES = AttributeSet.from_phrases(
    {"gaussian_blur": ["soft edges", "hazy look"], "white_noise": ["grain", "speckle", "static"]}
)


def silent(share, text):
    """Tell nobody."""


def configured(*, tuning=None, split=None, **fields):
    return RunConfig(
        data={"distortions": TYPES, **fields.pop("data", {})},
        tuning={"prompts": 2, "epochs": 1, "crops": 1, "batch_size": 16, **(tuning or {})},
        regressor={"hidden": (8, 4), "epochs": 3},
        split={"folds": 2, **(split or {})},
        **fields,
    )


def made_set(photographs=6, *, types=TYPES, name="mine", seed=0):
    """Return every type at every level on every photograph, and each photograph clean."""
    rng = np.random.default_rng(seed)
    levels = range(1, LEVELS + 1)
    kinds = [("", 0), *((distortion, level) for distortion in types for level in levels)]
    rows = [(p, *kind) for p in range(photographs) for kind in kinds]
    strengths = np.zeros((len(rows), len(types)), dtype=np.float32)
    for row, (_, distortion, level) in enumerate(rows):
        if distortion:
            strengths[row, types.index(distortion)] = level / LEVELS
    return ImageSet(
        images=rng.integers(0, 256, (len(rows), 36, 40, 3), dtype=np.uint8),
        names=tuple(f"{p}/{distortion}/{level}" for p, distortion, level in rows),
        photograph=tuple(f"photograph {p}" for p, *_ in rows),
        distortion=tuple(distortion for _, distortion, _ in rows),
        level=tuple(level for *_, level in rows),
        quality=rng.random(len(rows)),
        truth=strengths,
        distortions=types,
        levels=(LEVELS,) * len(types),
        hash=f"hash of {name}",
        dataset=name,
        target="made up",
    )


def planned(folder: Path, *, config=None, parent=None, attributes=ATTRIBUTES):
    folder.mkdir(exist_ok=True)
    config = config or configured()
    return TrainingPlan(small_encoder(), attributes, config, read_settings(), folder, parent)


def scored_photographs(root: Path, count=6, size=36):
    """Write photographs with scores and nothing else, as a table; they are of two subsets."""
    rng = np.random.default_rng(5)
    lines = ["image,score,subset"]
    for number in range(count):
        pixels = rng.integers(0, 256, (size, size + number, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(root / f"{number}.png")
        lines.append(f"{number}.png,{(7 * number) % 5},ss0{number % 2}")
    (root / "scores.csv").write_text("\n".join(lines))
    return root
