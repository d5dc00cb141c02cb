"""Make a multi-distortion set on the command line."""

import re
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.console import (
    Db,
    ExecutorName,
    Json,
    RayAddress,
    emit,
    open_workbench,
    progress_bar,
    require_address_of_ray,
)
from workbench.domain.config import ImageForm
from workbench.errors import ConfigError


def generate(
    source: Annotated[str, typer.Argument(metavar="SRC", help="A folder, or 'packaged'.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder of the set.")],
    count: Annotated[int, typer.Option(min=1, help="Number of images.")],
    max_distortions: Annotated[
        int | None, typer.Option(help="Maximum distortions on one image; default all.")
    ] = None,
    clean_share: Annotated[float, typer.Option(min=0, max=1, help="Share left clean.")] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Random seed.")] = 0,
    workers: Annotated[
        int | None, typer.Option(min=1, help="How many at a time; default one for each core.")
    ] = None,
    distortions: Annotated[
        str | None,
        typer.Option(help="Ids separated by commas; default KADID-10k's 25."),
    ] = None,
    size: Annotated[
        str | None, typer.Option(help="WIDTHxHEIGHT; default each photograph's own.")
    ] = None,
    form: Annotated[ImageForm, typer.Option(help="Files, or one array (needs --size).")] = "png",
    quality: Annotated[
        int | None, typer.Option(min=1, max=100, help="JPEG or WebP quality.")
    ] = None,
    scores: Annotated[
        str | None,
        typer.Option(help="Weak scores to add: haarpsi, vsi, fsim, by commas."),
    ] = None,
    stretch: Annotated[
        bool, typer.Option("--stretch", help="Stretch values as KADID-10k's generator does.")
    ] = False,
    executor: ExecutorName = "local",
    address: RayAddress = None,
    json: Json = False,
    db: Db = None,
) -> None:
    """Make a multi-distortion set, or resume an interrupted one."""
    from workbench.datasets.generation.plan import generator_config
    from workbench.datasets.photographs import photograph_folder
    from workbench.distortions import kadid10k
    from workbench.workflow.generate import generate_set
    from workbench.workflow.spreading import spread

    with open_workbench(db) as (_, store):
        recipes = tuple(store.recipes.list())
    named = _names(distortions) if distortions else kadid10k()
    config = generator_config(
        count=count,
        distortions=named,
        max_distortions=max_distortions or len(named),
        clean_share=clean_share,
        seed=seed,
        size=_size(size),
        stretch=stretch,
        form=form,
        quality=quality,
        scores=_names(scores or ""),
    )
    require_address_of_ray(executor, address)
    folder = source if source == "packaged" else str(Path(source).absolute())
    spreading = spread(executor, address=address, workers=workers)
    with spreading as each, progress_bar("generate") as progress:
        made = generate_set(
            folder, out.absolute(), config, recipes=recipes, each=each, progress=progress
        )
    left_out = {} if source == "packaged" else photograph_folder(Path(source)).left_out
    rate = made.images_per_second
    document = {
        "images": made.images,
        "manifest": str(out / "manifest.parquet"),
        "images_per_second": rate,
        "made": made.made,
        "left_out": left_out,
    }
    suffix = f", {made.made} of them made now, {rate:.1f} a second" if rate else ", as it was"
    emit(json, document, lambda: f"{made.images} images in {out}{suffix}")


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    form = re.fullmatch(r"([0-9]+)x([0-9]+)", text)
    if not form:
        raise ConfigError(f"--size must be WIDTHxHEIGHT, for example 512x384, not '{text}'.")
    return int(form[1]), int(form[2])
