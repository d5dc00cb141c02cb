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
from workbench.domain.metrics import Undefined
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


@distortions.command("show")
def show(
    id: TypeId,
    runs: Annotated[
        bool,
        typer.Option("--runs", help="How the newest runs found it; a test-set access of each."),
    ] = False,
    author: Author = None,
    json: Json = False,
    db: Db = None,
) -> None:
    """Show one type: what it does, its attributes in the draft, and what names it."""
    from workbench.domain.number_format import count_text, figure_text
    from workbench.workflow.distortions import found_in_runs, near_types, runs_with_type

    with open_workbench(db) as (settings, store):
        specs = store.recipes.catalogue()
        spec, use = specs[id], store.recipes.use(id)
        steps = [recipe.steps for recipe in store.recipes.list() if recipe.id == id]
        phrases = [row.attribute.phrase for row in store.draft.rows(id)]
        near = [other.id for other in near_types(specs, id)]
        found = found_in_runs(
            store,
            id,
            runs_with_type(store, id) if runs else [],
            purpose=f"distortions show {id}",
            author=author or settings.author,
        )
    document = spec.model_dump(mode="json") | {
        "near": near,
        "steps": [step.model_dump(mode="json") for step in steps[0]] if steps else [],
        "attributes": phrases,
        "used_by": {"draft": use.drafted, "versions": list(use.versions)},
        "runs": [
            {"run": one.run.id, "version": one.label, "figures": one.figures.model_dump()}
            | {"accesses": one.accesses.model_dump(exclude={"choice"})}
            for one in found
        ],
    }
    lines = [
        f"{spec.name} ({id}), {spec.group}, {spec.source}",
        spec.explanation,
        f"levels: {' '.join(f'{v:g}' for v in spec.levels)} ({spec.parameter})"
        if spec.has_operator
        else "cannot be applied here",
        *(
            f"{step.operator}: {' '.join(f'{v:g}' for v in step.parameters)}"
            for s in steps
            for step in s
        ),
        *([f"near: {', '.join(near)}"] if near else []),
        f"{count_text(len(phrases), 'attribute')} in the draft, "
        f"{count_text(len(use.versions), 'version')}",
        *(f"- {phrase}" for phrase in phrases),
    ]
    for one in found:
        line = f"run {one.run.id}, {one.label}: "
        if isinstance(one.figures, Undefined):
            lines.append(f"{line}undefined, {one.figures.undefined}")
        else:
            figures = (
                ("F1", one.figures.f1),
                ("AP", one.figures.average_precision),
                ("strength SRCC", one.figures.strength_srcc),
            )
            lines.append(line + ", ".join(f"{name} {figure_text(v)}" for name, v in figures))
    emit(json, document, lambda: "\n".join(lines))


@distortions.command("apply")
def apply(
    id: TypeId,
    source: Annotated[Path, typer.Argument(metavar="IN", help="An image.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="The image to write.")],
    level: Annotated[int | None, typer.Option(min=0, help="Level; 0 is clean.")] = None,
    parameter: Annotated[
        float | None, typer.Option(help="Instead of a level: any strength, in the type's unit.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Random seed.")] = 0,
    json: Json = False,
    db: Db = None,
) -> None:
    """Distort one image, at a level or at any strength in between."""
    from workbench.datasets.image_reader import read_image
    from workbench.distortions import apply_distortion, apply_parameter, operator_of
    from workbench.domain.config import require_sides

    if (level is None) == (parameter is None):
        raise typer.BadParameter("give either --level or --parameter")
    with open_workbench(db) as (_, store):
        recipes = tuple(store.recipes.list())
    require_other_file(target, source)
    operator = operator_of(id, recipes)
    spec, form = operator.spec, writable_form(target)
    clean = read_image(source)
    require_sides(clean.shape[1], clean.shape[0], (form, *operator.forms))
    if level is None:
        value = parameter if parameter is not None else 0.0
        distorted = apply_parameter(clean, id, value, seed=seed, recipes=recipes)
        strength = f"{value:g} ({spec.parameter})"
    else:
        distorted = apply_distortion(clean, id, level, seed=seed, recipes=recipes)
        parameter = spec.levels[level - 1] if level else spec.neutral
        strength = f"level {level}"
    save_image(distorted, target)
    document = {"id": id, "level": level, "parameter": parameter, "seed": seed}
    emit(json, document, lambda: f"{target}: {spec.name}, {strength}")


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
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace a recipe of that id that nothing names.")
    ] = False,
    author: Author = None,
    json: Json = False,
    db: Db = None,
) -> None:
    """Add a distortion type that a YAML recipe describes."""
    from workbench.distortions import read_recipe, recipe_warnings

    with open_workbench(db) as (settings, store):
        recipe = read_recipe(path, tuple(store.recipes.list()))
        store.recipes.add(recipe, author=author or settings.author, replace=replace)
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
