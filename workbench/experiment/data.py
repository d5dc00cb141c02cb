"""A run's images, open and locked, and other data without what it was tuned on (leakage)."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from workbench.datasets.dataset_images import chosen_set
from workbench.datasets.distorted_set import distorted_set
from workbench.datasets.image_set import ImageSet
from workbench.datasets.splits.near_duplicates import near_duplicates
from workbench.datasets.splits.run_splits import locked_photographs
from workbench.distortions import apply_distortion, catalogue
from workbench.domain.canonical import Progress, content_hash
from workbench.domain.config import AnyData, DataConfig, DatasetConfig, RunConfig
from workbench.domain.distortion import Recipe
from workbench.domain.number_format import count_text
from workbench.errors import ConfigError, DataError
from workbench.settings import Settings


def make_data(
    config: AnyData,
    settings: Settings,
    progress: Progress,
    recipes: tuple[Recipe, ...] = (),
) -> ImageSet:
    """Return the images of a configuration, distorted or decoded now or read from the cache."""
    if isinstance(config, DatasetConfig):
        return chosen_set(config, home=settings.home, cache=settings.cache, progress=progress)
    data = distorted_set(
        config,
        catalogue(recipes),
        lambda image, distortion, level, seed: apply_distortion(
            image, distortion, level, seed=seed, recipes=recipes
        ),
        cache=settings.cache,
        progress=progress,
    )
    used = [recipe for recipe in recipes if recipe.id in data.distortions]
    sources = "".join(f"; {recipe.id} is {recipe.spec().source}" for recipe in used)
    return replace(data, dataset=f"{data.dataset}{sources}")


def open_and_locked(data: ImageSet, share: float) -> tuple[ImageSet, ImageSet]:
    """Divide a run's images into those that folds are made of and the locked ones."""
    rows, locked = locked_photographs(data.photograph, share)
    return data.only(rows), data.only(locked)


def require_disjoint_data(config: RunConfig) -> None:
    """Raise a ConfigError if other data are made of the photographs that are tuned on."""
    for number, other in enumerate(config.transfer):
        if _same_photographs(config.data, other):
            raise ConfigError(
                f"transfer.{number} takes the photographs that data is tuned on, so nothing in it "
                "is new to the model. Name another folder."
            )


def without_leaked_photographs(other: ImageSet, tuned: ImageSet, progress: Progress) -> ImageSet:
    """Return other data without photographs that show a picture that was tuned on.

    TID2013, LIVE and Kodak share photographs, so a model could be tested on what it was tuned on.
    Of each photograph the least distorted image is compared, as `near_duplicates` does. The rest
    has a hash of its own, and its description says how many were left out.

    Raises:
        DataError: Nothing would be left.
    """
    # Tuned pictures first: of a pair, `first` is then the tuned one.
    pictures = {
        (side, name): data.images[row]
        for side, data in (("tuned", tuned), ("other", other))
        for name, row in _least_distorted(data).items()
    }
    keys = {f"{side}/{name}": (side, name) for side, name in pictures}
    duplicates = near_duplicates(dict(zip(keys, pictures.values(), strict=True)), progress=progress)
    pairs = [(keys[pair.first], keys[pair.second]) for pair in duplicates]
    leaked = {b for (side, _), (other_side, b) in pairs if (side, other_side) == ("tuned", "other")}
    if not leaked:
        return other
    rows = np.flatnonzero([name not in leaked for name in other.photograph])
    if not len(rows):
        raise DataError(
            f"Every photograph of {other.dataset} shows a picture that the run was tuned on, so "
            "nothing in it is new to the model. Name other data."
        )
    left = other.only(rows)
    return replace(
        left,
        dataset=f"{other.dataset}, without {count_text(len(leaked), 'photograph')} that the run "
        "was tuned on",
        hash=content_hash({"of": other.hash, "images": left.names}),
    )


def _least_distorted(data: ImageSet) -> dict[str, int]:
    """Return the row of each photograph's least distorted image."""
    rows = sorted(
        range(len(data)),
        key=lambda row: (data.distortion[row].count("+"), data.distortion[row] != "",
                         data.level[row]),
    )  # fmt: skip
    return {data.photograph[row]: row for row in reversed(rows)}


def _same_photographs(data: AnyData, other: AnyData) -> bool:
    if isinstance(data, DataConfig) and isinstance(other, DataConfig):
        return Path(data.photographs).resolve() == Path(other.photographs).resolve()
    if isinstance(data, DatasetConfig) and isinstance(other, DatasetConfig):
        same_root = Path(data.root).resolve() == Path(other.root).resolve()
        return data.dataset == other.dataset and same_root
    return False
