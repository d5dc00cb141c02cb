"""Where an image shows an attribute or a distortion, on the command line: a map as a PNG."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.console import Db, Json, emit, open_workbench, table
from workbench.domain.image_score import Counterfactual, Score
from workbench.domain.metrics import Undefined
from workbench.errors import ConfigError, DataError, UnknownNameError

if TYPE_CHECKING:
    from rich.table import Table

    from workbench.inference.quality_model import QualityModel

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
    from workbench.inference.export import export_model
    from workbench.inference.model_files import run_folder

    with open_workbench(db) as (settings, store):
        source = run_folder(settings, store.runs.get(run_id))
    files = export_model(source, out, settings, onnx=onnx, force=force)
    document = {"out": str(out), "files": {file.name: file.stat().st_size for file in files}}
    rows = [(str(file), f"{file.stat().st_size / 1e6:.1f} MB") for file in files]
    emit(json, document, lambda: table(("file", "size"), rows))


def _model(run: int | None, folder: Path | None, db: str | None) -> "QualityModel":
    from workbench.inference import load_model
    from workbench.inference.model_files import run_folder

    if (run is None) == (folder is None):
        raise ConfigError("Name either a run (--run ID) or a model's folder (--model FOLDER).")
    if folder is not None:
        return load_model(folder)
    with open_workbench(db) as (settings, store):
        return load_model(run_folder(settings, store.runs.get(run or 0)), settings)


def _variants(names: list[str]) -> list[tuple[str, ...]]:
    each = tuple(dict.fromkeys(names))
    alone = [(name,) for name in each]
    return [*alone, each] if len(each) > 1 else [*alone]


def _document(found: Score, others: list[Counterfactual]) -> dict[str, Any]:
    told = [other.model_dump(mode="json") for other in others]
    return found.model_dump(mode="json") | ({"without": told} if told else {})


def _table(found: list[Scored]) -> "Table":
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


if TYPE_CHECKING:
    import numpy as np

    from workbench.inference.saliency import SaliencyMap


def explain(
    image: Annotated[Path, typer.Argument(help="A photograph.")],
    out: Annotated[Path, typer.Option(help="Where the map goes; a PNG.")],
    run: Annotated[int | None, typer.Option(help="Id of a run; or")] = None,
    model: Annotated[Path | None, typer.Option(help="folder of an exported model.")] = None,
    attribute: Annotated[str | None, typer.Option(help="Phrase of an attribute; or")] = None,
    distortion: Annotated[str | None, typer.Option(help="id of a distortion.")] = None,
    method: Annotated[
        str, typer.Option(help="gradient_rollout, rollout or occlusion.")
    ] = "gradient_rollout",
    reference: Annotated[
        Path | None, typer.Option(help="The image before distortion, for occlusion.")
    ] = None,
    json: Json = False,
    db: Db = None,
) -> None:
    """Draw where an image shows an attribute or a distortion.

    Of the methods, occlusion with the image before distortion (--reference) can be trusted most.
    """
    if (run is None) == (model is None):
        raise ConfigError("Name either a run (--run ID) or a model's folder (--model FOLDER).")
    if (attribute is None) == (distortion is None):
        raise ConfigError("Name either an --attribute by its phrase or a --distortion by its id.")
    if out.suffix.lower() != ".png":
        raise ConfigError(f"The map is a PNG, got --out {out}. Give a name that ends in .png.")
    with open_workbench(db) as (settings, store):
        if model is None:
            from workbench.inference import run_folder

            model = run_folder(settings, store.runs.get(run or 0))
    found = _written(image, out, model, attribute, distortion, method, reference)
    document = {
        "out": str(out),
        "method": found.method,
        "target": found.target,
        "probability": found.probability,
        "logit": found.logit,
        "resolution": found.resolution,
    }
    emit(json, document, lambda: f"{out}: {found.target}, probability {found.probability:.2f}")


def attribute_place(phrase: str, attributes: Mapping[str, Sequence[str]]) -> int:
    """Return the place of an attribute among all, named "phrase" or "distortion: phrase".

    Args:
        phrase: In any case.
        attributes: Phrases by distortion, in the model's order.

    Raises:
        ConfigError: Two distortions have it, or it is a distortion.
        UnknownNameError: None has.

    Example:
        >>> attribute_place("blur: Soft look", {"noise": ["grain"], "blur": ["soft look"]})
        1
    """
    from workbench.inference.quality_model import named_places

    found = named_places([phrase], attributes)
    if phrase.casefold() in map(str.casefold, attributes):
        raise ConfigError(f"'{phrase}' is a distortion, not an attribute. Give it as --distortion.")
    if len(found) > 1:
        owner = [name for name, some in attributes.items() for _ in some][found[0]]
        raise ConfigError(
            f"{len(found)} distortions have the attribute '{phrase}'. "
            f"Name one as '{owner}: {phrase}'."
        )
    return found[0]


def distortion_place(name: str, attributes: Mapping[str, Sequence[str]]) -> int:
    """Return the place of a distortion in the model.

    Raises:
        UnknownNameError: The model does not know it.

    Example:
        >>> distortion_place("blur", {"noise": ["grain"], "blur": ["soft look"]})
        1
    """
    if name not in attributes:
        raise UnknownNameError("distortion", name, attributes)
    return list(attributes).index(name)


def _written(
    image: Path,
    out: Path,
    model: Path,
    attribute: str | None,
    distortion: str | None,
    method: str,
    reference: Path | None,
) -> "SaliencyMap":
    from workbench.datasets.photographs import read_image
    from workbench.encoders.protocol import computing_threads
    from workbench.inference import load_model
    from workbench.inference.saliency import as_method, saliency
    from workbench.report.saliency_overlay import write_overlay

    asked = as_method(method)
    pixels = read_image(image)
    clean: np.ndarray | None = None if reference is None else read_image(reference)
    loaded = load_model(model)
    phrases = loaded.attributes
    with computing_threads(loaded.tuned.encoder.threads):
        found = saliency(
            loaded.tuned,
            pixels,
            attribute=None if attribute is None else attribute_place(attribute, phrases),
            distortion=None if distortion is None else distortion_place(distortion, phrases),
            method=asked,
            reference=clean,
            target=attribute or distortion or "",
        )
    try:
        write_overlay(pixels, found, out)
    except OSError as fault:
        raise DataError(f"Cannot write the map {out}: {fault.strerror}.") from fault
    return found
