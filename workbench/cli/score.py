"""Score images with a run's model, export it, and draw where an image shows an attribute."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from workbench.cli.console import (
    Db,
    ExecutorName,
    Json,
    RayAddress,
    emit,
    open_workbench,
    require_address_of_ray,
    require_other_file,
    require_writable,
    table,
)
from workbench.domain.image_score import Counterfactual, Score, Unlike, Weakened
from workbench.domain.metrics import Undefined
from workbench.errors import ConfigError, DataError, UnknownNameError
from workbench.settings import read_settings
from workbench.text_files import one_line

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

    from workbench.inference import QualityModel
    from workbench.workflow.spreading import Place


class Scored(NamedTuple):
    """An image's score, with what the model would say if some attributes were absent or weaker."""

    score: Score
    absent: list[Counterfactual]
    weakened: Weakened | None


TOP = 3  # distortions, and contributions either way, that the table lists for each image

Run = Annotated[int | None, typer.Option(help="Id of a run; or")]
Model = Annotated[Path | None, typer.Option(help="folder of an exported model.")]


def score(
    images: Annotated[
        list[str], typer.Argument(metavar="IMAGE...", help="Images, or folders of images.")
    ],
    run: Run = None,
    model: Model = None,
    without: Annotated[
        list[str] | None,
        typer.Option(help="Phrase or distortion to treat as absent; repeatable."),
    ] = None,
    weaken: Annotated[
        list[str] | None,
        typer.Option(
            metavar="name=share",
            help="Phrase or distortion of which a share, 0 to 1, is left; repeatable, together.",
        ),
    ] = None,
    csv: Annotated[
        Path | None, typer.Option(help="Also write a row for each image to this CSV file.")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, help="How many at a time; 1 here, as many as there is room for by Ray."
        ),
    ] = None,
    executor: ExecutorName = "local",
    address: RayAddress = None,
    json: Json = False,
    db: Db = None,
) -> None:
    """Score images: quality, strengths, attributes, and what each does to the quality.

    The contributions of the attributes add up to the quality. With --without, also the quality
    that the model would give if these attributes were absent, each by itself and all together.
    With --weaken, the quality that it would give if the image showed these attributes less.
    A picture unlike all that the model was trained on is flagged: its score means nothing.
    """
    require_address_of_ray(executor, address)
    require_writable(csv)
    left = dict(map(_share_left, weaken or []))
    (loaded, folder), absent = _load(run, model, db), _variants(without or [])
    for names in (*absent, *([tuple(left)] if left else [])):
        loaded.removable(names)  # a wrong name is reported before anything is scored
    scored = [
        Scored(
            score,
            [loaded.without(score, names) for names in absent],
            loaded.weakened(score, left) if left else None,
        )
        for score in _scores(loaded, folder, images, executor, address, workers)
    ]
    if csv is not None:
        _write_csv(csv, [one.score for one in scored])
    emit(json, list(map(_document, scored)), lambda: _told(scored))


def export(
    run_id: Annotated[int, typer.Argument(metavar="RUN_ID", help="A finished run.")],
    out: Annotated[Path, typer.Argument(help="Folder that is made.")],
    onnx: Annotated[bool, typer.Option("--onnx", help="Write model.onnx too.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing model.")] = False,
    json: Json = False,
    db: Db = None,
) -> None:
    """Write the model of a run as one folder that loads with three lines of Python."""
    from workbench.inference import run_folder
    from workbench.inference.export import export_model

    with open_workbench(db) as (settings, store):
        source = run_folder(settings, store.runs.get(run_id))
    files = export_model(source, out, settings, onnx=onnx, force=force)
    document = {"out": str(out), "files": {file.name: file.stat().st_size for file in files}}
    rows = [(str(file), f"{file.stat().st_size / 1e6:.1f} MB") for file in files]
    emit(json, document, lambda: table(("file", "size"), rows))


def explain(
    image: Annotated[Path, typer.Argument(help="A photograph.")],
    out: Annotated[Path, typer.Option(help="PNG file to write.")],
    run: Run = None,
    model: Model = None,
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
    _require_one_model(run, model)
    if (attribute is None) == (distortion is None):
        raise ConfigError("Name either an --attribute by its phrase or a --distortion by its id.")
    if out.suffix.lower() != ".png":
        raise ConfigError(f"The map is a PNG, got --out {out}. Give a name that ends in .png.")
    require_other_file(out, image)
    from workbench.datasets.image_reader import read_image
    from workbench.encoders.protocol import computing_threads
    from workbench.inference.saliency import as_method, saliency
    from workbench.report.saliency_overlay import write_overlay

    checked = as_method(method)
    pixels = read_image(image)
    clean = None if reference is None else read_image(reference)
    loaded, _ = _load(run, model, db)
    phrases, tuned = loaded.attributes, loaded.tuned
    with computing_threads(tuned.encoder.threads):
        drawn = saliency(
            tuned,
            pixels,
            attribute=None if attribute is None else attribute_index(attribute, phrases),
            distortion=None if distortion is None else distortion_index(distortion, phrases),
            method=checked,
            reference=clean,
            target=attribute or distortion or "",
        )
    try:
        write_overlay(pixels, drawn, out)
    except OSError as fault:
        raise DataError(f"Cannot write the map {out}: {fault.strerror}.") from fault
    document = {
        "out": str(out),
        "method": drawn.method,
        "target": drawn.target,
        "probability": drawn.probability,
        "logit": drawn.logit,
        "resolution": drawn.resolution,
    }
    emit(json, document, lambda: f"{out}: {drawn.target}, probability {drawn.probability:.2f}")


def attribute_index(phrase: str, attributes: Mapping[str, Sequence[str]]) -> int:
    """Return the index of one attribute, named "phrase" or "distortion: phrase", in any case.

    Raises:
        ConfigError: Several distortions have it, or it is a distortion.
        UnknownNameError: None has.

    Example:
        >>> attribute_index("blur: Soft look", {"noise": ["grain"], "blur": ["soft look"]})
        1
    """
    from workbench.inference.quality_model import attribute_indices

    indices = attribute_indices([phrase], attributes)
    if phrase.casefold() in map(str.casefold, attributes):
        raise ConfigError(f"'{phrase}' is a distortion, not an attribute. Give it as --distortion.")
    if len(indices) > 1:
        distortion = [name for name, phrases in attributes.items() for _ in phrases][indices[0]]
        raise ConfigError(
            f"{len(indices)} distortions have the attribute '{phrase}'. "
            f"Name one as '{distortion}: {phrase}'."
        )
    return indices[0]


def distortion_index(name: str, attributes: Mapping[str, Sequence[str]]) -> int:
    """Return the index of a distortion in the model; raises an UnknownNameError.

    Example:
        >>> distortion_index("blur", {"noise": ["grain"], "blur": ["soft look"]})
        1
    """
    if name not in attributes:
        raise UnknownNameError("distortion", name, attributes)
    return list(attributes).index(name)


def _require_one_model(run: int | None, folder: Path | None) -> None:
    if (run is None) == (folder is None):
        raise ConfigError("Name either a run (--run ID) or a model's folder (--model FOLDER).")


def _load(run: int | None, folder: Path | None, db: str | None) -> "tuple[QualityModel, Path]":
    _require_one_model(run, folder)
    from workbench.inference import load_model, run_folder

    if folder is not None:
        return load_model(folder), folder
    with open_workbench(db) as (settings, store):
        folder = run_folder(settings, store.runs.get(run or 0))
        return load_model(folder, settings), folder


def _scores(
    loaded: "QualityModel",
    folder: Path,
    images: list[str],
    executor: "Place",
    address: str | None,
    workers: int | None,
) -> Iterator[Score]:
    """Yield the scores from wherever they are computed, always the same."""
    if executor == "local" and workers in (None, 1):
        yield from loaded.score_all(images)
        return
    from workbench.workflow.spreading import score_over, spread

    with spread(executor, address=address, workers=workers) as each:
        yield from score_over(each, folder.absolute(), images, read_settings())


def _variants(names: list[str]) -> list[tuple[str, ...]]:
    """Return each name alone, and all of them together."""
    distinct = tuple(dict.fromkeys(names))
    alone = [(name,) for name in distinct]
    return [*alone, distinct] if len(distinct) > 1 else [*alone]


def _share_left(text: str) -> tuple[str, float]:
    """Return the name and the share of "name=share"; a name may hold an equals sign.

    Example:
        >>> _share_left("blur: soft = hazy=.5")
        ('blur: soft = hazy', 0.5)
    """
    name, equals, share = text.rpartition("=")
    try:
        if not (equals and share.isascii() and 0 <= float(share) <= 1):
            raise ValueError
    except ValueError:
        raise ConfigError(
            f"--weaken takes a name and a share from 0 to 1, such as jpeg=0.5; got '{text}'."
        ) from None
    return name, float(share)


def _document(scored: Scored) -> dict[str, Any]:
    document = scored.score.model_dump(mode="json")
    if scored.absent:
        document["without"] = [variant.model_dump(mode="json") for variant in scored.absent]
    if scored.weakened:
        document["weakened"] = scored.weakened.model_dump(mode="json")
    return document


def _write_csv(file: Path, scores: Sequence[Score]) -> None:
    from workbench.atomic_files import atomic_write
    from workbench.report.render import csv_table
    from workbench.report.score_table import score_table

    try:
        with atomic_write(file) as partial:
            partial.write_text(csv_table(score_table(scores)), encoding="utf-8")
    except OSError as fault:
        raise DataError(f"Cannot write the table {file}: {fault.strerror}.") from fault


def _told(scored: list[Scored]) -> "Group | Table":
    from rich.console import Group
    from rich.text import Text

    warnings = _warnings(scored)
    return Group(_table(scored), Text(warnings)) if warnings else _table(scored)


def _table(scored: list[Scored]) -> "Table":
    columns = [
        "image",
        "quality",
        "unlike the training",
        "strongest distortions",
        "lowers it most",
        "raises it most",
    ]
    if scored[0].absent:
        columns.append("if absent")
    if scored[0].weakened:
        columns.append("if weaker")
    return table(columns, [_row(one.score) + _variant_cells(one) for one in scored])


def _variant_cells(scored: Scored) -> list[str]:
    cells = []
    if scored.absent:
        cells.append("\n".join(map(_absent_text, scored.absent)))
    if weakened := scored.weakened:
        left = ", ".join(f"{name} at {share:g}" for name, share in weakened.left.items())
        cells.append(f"{weakened.quality:.3f} ({weakened.change:+.3f}) with {left}")
    return cells


def _unlike_text(score: Score) -> str:
    if not isinstance(score.unlike, Unlike):
        return "unknown"
    return f"yes, > {score.unlike.percentile:.1f} %" if score.unlike.flagged else "no"


def _warnings(scored: list[Scored]) -> str:
    """Return a line for each flagged picture, "" without any."""
    told = [(one.image, one.unlike) for one, *_ in scored if isinstance(one.unlike, Unlike)]
    return "\n".join(
        f"{one_line(image)}: {unlike.words}" for image, unlike in told if unlike.flagged
    )


def _absent_text(variant: Counterfactual) -> str:
    names = " and ".join(variant.without)
    return f"{variant.quality:.3f} ({variant.change:+.3f}) without {names}"


def _row(score: Score) -> list[str]:
    strongest = sorted(score.distortions.items(), key=lambda item: -item[1])[:TOP]
    quality = f"{score.quality:.3f}{f' (clipped from {score.unclipped:.3f})' * score.clipped}"
    strengths = "\n".join(f"{name} {value:.2f}" for name, value in strongest)
    cells = [score.image, quality, _unlike_text(score), strengths]
    if isinstance(score.contributions, Undefined):
        return [*cells, score.contributions.undefined, ""]
    ranked = sorted(
        (value, f"{name}: {phrase}")
        for name, phrases in score.contributions.items()
        for phrase, value in phrases.items()
    )
    lowest = [f"{value:+.3f} {words}" for value, words in ranked[:TOP] if value < 0]
    highest = [f"{value:+.3f} {words}" for value, words in ranked[::-1][:TOP] if value > 0]
    return [*cells, "\n".join(lowest), "\n".join(highest)]
