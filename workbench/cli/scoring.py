"""Scoring images and exporting models on the command line."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from workbench.cli.console import Db, Json, emit, table, workplace
from workbench.domain.metrics import Undefined
from workbench.domain.score import Counterfactual, Score
from workbench.errors import ConfigError

if TYPE_CHECKING:
    from workbench.scoring.quality_model import QualityModel

Scored = tuple[Score, list[Counterfactual]]

SHOWN = 3  # distortions, and contributions either way, that the table shows of each image


def score(
    images: Annotated[
        list[str], typer.Argument(metavar="IMAGE...", help="Images, or folders of images.")
    ],
    run: Annotated[int | None, typer.Option(help="Id of a run; or")] = None,
    model: Annotated[Path | None, typer.Option(help="folder of an exported model.")] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(help="Phrase or distortion that is taken to be absent, repeatable."),
    ] = None,
    json: Json = False,
    db: Db = None,
) -> None:
    """Score images: quality, strengths, attributes, and what each does to the quality.

    The contributions of the attributes add up to the quality. With --without, also the quality
    that the model would give if these attributes were absent, each by itself and all together.
    """
    loaded, absent = _model(run, model, db), _variants(without or [])
    for names in absent:
        loaded.places(names)  # a wrong name is said before anything is scored
    found = [
        (one, [loaded.without(one, names) for names in absent]) for one in loaded.score_all(images)
    ]
    emit(json, [_document(*one) for one in found], lambda: _table(found))


def export(
    run_id: Annotated[int, typer.Argument(metavar="RUN_ID")],
    out: Annotated[Path, typer.Argument(help="Folder that is made.")],
    onnx: Annotated[bool, typer.Option("--onnx", help="Write model.onnx too.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a model that is there.")] = False,
    json: Json = False,
    db: Db = None,
) -> None:
    """Write the model of a run as one folder that loads with three lines of Python."""
    from workbench.scoring.exporting import export_model
    from workbench.scoring.model_files import run_folder

    with workplace(db) as (settings, store):
        source = run_folder(settings, store.runs.get(run_id))
    files = export_model(source, out, settings, onnx=onnx, force=force)
    document = {"out": str(out), "files": {file.name: file.stat().st_size for file in files}}
    rows = [(str(file), f"{file.stat().st_size / 1e6:.1f} MB") for file in files]
    emit(json, document, lambda: table(("file", "size"), rows))


def _model(run: int | None, folder: Path | None, db: str | None) -> "QualityModel":
    from workbench.scoring import load_model
    from workbench.scoring.model_files import run_folder

    if (run is None) == (folder is None):
        raise ConfigError("Name either a run (--run ID) or a model's folder (--model FOLDER).")
    if folder is not None:
        return load_model(folder)
    with workplace(db) as (settings, store):
        return load_model(run_folder(settings, store.runs.get(run or 0)), settings)


def _variants(names: list[str]) -> list[tuple[str, ...]]:
    each = tuple(dict.fromkeys(names))
    alone = [(name,) for name in each]
    return [*alone, each] if len(each) > 1 else [*alone]


def _document(found: Score, others: list[Counterfactual]) -> dict[str, Any]:
    told = [other.model_dump(mode="json") for other in others]
    return found.model_dump(mode="json") | ({"without": told} if told else {})


def _table(found: list[Scored]) -> Table:
    columns = ["image", "quality", "strongest distortions", "lowers it most", "raises it most"]
    if found[0][1]:
        columns.append("if absent")
    rows = [_row(one) + ["\n".join(map(_would_be, others))] * bool(others) for one, others in found]
    return table(columns, rows)


def _would_be(other: Counterfactual) -> str:
    return f"{other.quality:.3f} ({other.change:+.3f}) without {' and '.join(other.without)}"


def _row(found: Score) -> list[str]:
    strongest = sorted(found.distortions.items(), key=lambda item: -item[1])[:SHOWN]
    quality = f"{found.quality:.3f}{f' (clipped from {found.unclipped:.3f})' * found.clipped}"
    told = [found.image, quality, "\n".join(f"{name} {value:.2f}" for name, value in strongest)]
    if isinstance(found.contributions, Undefined):
        return [*told, found.contributions.undefined, ""]
    every = sorted(
        (value, f"{name}: {phrase}")
        for name, some in found.contributions.items()
        for phrase, value in some.items()
    )
    lowest = [f"{value:+.3f} {words}" for value, words in every[:SHOWN] if value < 0]
    highest = [f"{value:+.3f} {words}" for value, words in every[::-1][:SHOWN] if value > 0]
    return [*told, "\n".join(lowest), "\n".join(highest)]
