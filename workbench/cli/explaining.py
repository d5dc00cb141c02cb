"""Where an image shows an attribute or a distortion, on the command line: a map as a PNG."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.console import Db, Json, emit, workplace
from workbench.errors import ConfigError, DataError, UnknownNameError

if TYPE_CHECKING:
    import numpy as np

    from workbench.scoring.saliency import SaliencyMap


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
    with workplace(db) as (settings, store):
        if model is None:
            from workbench.scoring import run_folder

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
    from workbench.scoring.counterfactual import named_places

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
    from workbench.scoring import load_model
    from workbench.scoring.overlay import write_overlay
    from workbench.scoring.saliency import as_method, saliency
    from workbench.tuning.threads import computing_threads

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
