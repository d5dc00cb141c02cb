"""The images that a configuration asks for."""

from dataclasses import replace

from workbench.datasets.chosen_set import chosen_set
from workbench.datasets.distorted import distorted_set
from workbench.datasets.image_set import ImageSet
from workbench.datasets.splits.locked import locked_photographs
from workbench.distortions import apply_distortion, catalogue
from workbench.domain.config import AnyData, DatasetConfig
from workbench.domain.progress import Progress
from workbench.domain.recipe import Recipe
from workbench.settings import Settings


def make_data(
    config: AnyData,
    settings: Settings,
    progress: Progress,
    recipes: tuple[Recipe, ...] = (),
) -> ImageSet:
    """Return the images of a configuration, distorted or decoded now or read from the cache.

    Raises:
        DataError: Images cannot be made or read.
    """
    if isinstance(config, DatasetConfig):
        return chosen_set(config, cache=settings.cache, progress=progress)
    found = distorted_set(
        config,
        catalogue(recipes),
        lambda image, distortion, level, seed: apply_distortion(
            image, distortion, level, seed=seed, recipes=recipes
        ),
        cache=settings.cache,
        progress=progress,
    )
    used = [recipe for recipe in recipes if recipe.id in found.distortions]
    made = "".join(f"; {recipe.id} is {recipe.spec().source}" for recipe in used)
    return replace(found, dataset=f"{found.dataset}{made}")


def open_and_locked(data: ImageSet, share: float) -> tuple[ImageSet, ImageSet]:
    """Divide a run's images into those that folds are made of and the locked ones."""
    rows, locked = locked_photographs(data.photograph, share)
    return data.only(rows), data.only(locked)
