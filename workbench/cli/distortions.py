"""The catalogue of distortions on the command line, and types added to it as data."""

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from PIL import Image

from workbench.atomic_files import atomic_write
from workbench.cli.console import (
    Author,
    Db,
    Json,
    TypeId,
    emit,
    open_workbench,
    require_other_file,
    table,
    warn,
)
from workbench.errors import DataError

if TYPE_CHECKING:
    import numpy as np

distortions = typer.Typer(
    help="The catalogue of distortions.", no_args_is_help=True, add_completion=False
)

PREVIEW_SIZE = (256, 256)  # pixels


@distortions.command("list")
def list_distortions(json: Json = False, db: Db = None) -> None:
    """List the catalogue, recipes included."""
    with open_workbench(db) as (_, store):
        specs = store.recipes.catalogue().values()
    document = [
        spec.model_dump(mode="json", include={"id", "name", "group", "source", "explanation"})
        | {"levels": list(spec.levels), "has_operator": spec.has_operator, "near": list(spec.near)}
        for spec in specs
    ]
    rows = [
        (spec.id, spec.name, spec.group, " ".join(f"{v:g}" for v in spec.levels), spec.source)
        for spec in specs
    ]
    emit(json, document, lambda: table(("id", "name", "group", "levels", "source"), rows))


@distortions.command("apply")
def apply(
    id: TypeId,
    source: Annotated[Path, typer.Argument(metavar="IN", help="An image.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="The image to write.")],
    level: Annotated[int, typer.Option(min=0, help="Level; 0 is clean.")],
    seed: Annotated[int, typer.Option(min=0, help="Random seed.")] = 0,
    json: Json = False,
    db: Db = None,
) -> None:
    """Distort one image."""
    from workbench.datasets.image_reader import read_image
    from workbench.distortions import apply_distortion, operator_of
    from workbench.domain.config import require_sides

    with open_workbench(db) as (_, store):
        recipes = tuple(store.recipes.list())
    require_other_file(target, source)
    operator = operator_of(id, recipes)
    spec, form = operator.spec, writable_form(target)
    clean = read_image(source)
    require_sides(clean.shape[1], clean.shape[0], (form, *operator.forms))
    save_image(apply_distortion(clean, id, level, seed=seed, recipes=recipes), target)
    parameter = spec.levels[level - 1] if level else spec.neutral
    document = {"id": id, "level": level, "parameter": parameter, "seed": seed}
    emit(json, document, lambda: f"{target}: {spec.name}, level {level}")


@distortions.command("strip")
def preview(
    id: Annotated[str, typer.Argument(metavar="ID|FILE.yaml", help="A distortion, or a recipe.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="The image to write.")],
    photograph: Annotated[
        Path | None, typer.Option(help="Image to distort; default a packaged photograph.")
    ] = None,
    json: Json = False,
    db: Db = None,
) -> None:
    """Show a photograph clean and at every level, side by side in one image."""
    from workbench.datasets.photographs import load_photograph, photograph_files
    from workbench.distortions import operator_of, read_recipe, side_by_side, strip
    from workbench.distortions.apply import GAP
    from workbench.domain.config import require_sides

    with open_workbench(db) as (_, store):
        recipes = tuple(store.recipes.list())
    if photograph is not None:
        require_other_file(target, photograph)
    if Path(id).suffix in (".yaml", ".yml"):
        new = read_recipe(Path(id), recipes)
        id, recipes = new.id, (*(recipe for recipe in recipes if recipe.id != new.id), new)
    levels = len(operator_of(id, recipes).spec.levels)  # what is wrong is reported before the work
    require_sides((levels + 1) * (PREVIEW_SIZE[0] + GAP), PREVIEW_SIZE[1], [writable_form(target)])
    clean = load_photograph(photograph or photograph_files("packaged")["astronaut"], *PREVIEW_SIZE)
    images = strip(clean, id, recipes)
    save_image(side_by_side(images), target)
    document = {"id": id, "levels": len(images) - 1, "path": str(target)}
    emit(json, document, lambda: f"{target}: {id}, clean and {len(images) - 1} levels")


@distortions.command("add")
def add(
    path: Annotated[Path, typer.Argument(metavar="FILE.yaml", help="A recipe.")],
    author: Author = None,
    json: Json = False,
    db: Db = None,
) -> None:
    """Add a distortion type that a YAML recipe describes."""
    from workbench.distortions import read_recipe, recipe_warnings

    with open_workbench(db) as (settings, store):
        recipe = read_recipe(path, tuple(store.recipes.list()))
        store.recipes.add(recipe, author=author or settings.author)
    for warning in recipe_warnings(path):
        warn(f"warning: {warning}")
    emit(json, {"id": recipe.id}, lambda: f"{recipe.id}: {recipe.name}, {recipe.levels} levels")


@distortions.command("export")
def export(
    id: TypeId,
    path: Annotated[Path, typer.Argument(metavar="FILE.yaml", help="Where to write it.")],
    json: Json = False,
    db: Db = None,
) -> None:
    """Write a recipe as YAML."""
    from workbench.distortions import write_recipe

    with open_workbench(db) as (_, store):
        write_recipe(store.recipes.get(id), path)
    emit(json, {"id": id, "path": str(path)}, lambda: f"{id} in {path}")


@distortions.command("remove")
def remove(id: TypeId, author: Author = None, json: Json = False, db: Db = None) -> None:
    """Remove a recipe that no attribute names."""
    with open_workbench(db) as (settings, store):
        store.recipes.remove(id, author=author or settings.author)
    emit(json, {"id": id}, lambda: f"{id} was removed.")


# Forms that would keep a smaller or a grey picture.
_LOSING = frozenset({"ICNS", "ICO", "SPIDER"})


def writable_form(target: Path) -> str:
    """Return the form of image files that a file's name stands for, by Pillow's name.

    Raises:
        DataError: None can be written there; nothing has been.
    """
    form = Image.registered_extensions().get(target.suffix.lower(), "")
    try:
        if form in _LOSING:
            raise KeyError(form)
        Image.new("RGB", (1, 1)).save(BytesIO(), form)
    except (KeyError, OSError, ValueError):
        raise DataError(
            f"Cannot write the image {target}: no form that can be written ends in "
            f"'{target.suffix}'. Name another file, such as one that ends in .png."
        ) from None
    if target.is_dir() or not target.parent.is_dir():
        what = f"{target} is a folder" if target.is_dir() else f"no folder {target.parent}"
        raise DataError(f"Cannot write the image {target}: {what}. Name another file.")
    return form


def save_image(image: "np.ndarray", target: Path) -> None:
    """Write an image atomically."""
    try:
        with atomic_write(target) as passing:
            Image.fromarray(image).save(passing)
    except (OSError, ValueError) as fault:
        raise DataError(f"Cannot write the image {target}: {fault}. Name another file.") from fault
