"""LIVE release 2: 29 references, 5 distortions without levels, 779 images."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import loadmat
from scipy.io.matlab import MatReadError

from workbench.datasets.labelled import (
    DatasetFacts,
    DatasetType,
    ImageDataset,
    LabelledImage,
    Present,
    quality_of,
)
from workbench.datasets.layout import Layout
from workbench.datasets.text_tables import finite, parse_rows, read_words
from workbench.errors import DataError


def quantile_levels(
    parameters: np.ndarray, train: np.ndarray, bins: int = 5, *, rising: bool = True
) -> np.ndarray:
    """Return a level from 1 to `bins` for each parameter, by the quantiles of the training part.

    The test part has no say in where the levels begin (METHOD §2).

    Args:
        parameters: Of the N images of one type, finite, in the dataset's unit.
        train: Indices of the training part among these N.
        bins: Number of levels.
        rising: Whether a larger parameter is a stronger distortion; a bit rate's is a weaker one.

    Returns:
        (N,), int64.

    Raises:
        DataError: A parameter is no finite number, or the training part has fewer than `bins`.

    Example:
        >>> bits = np.array([1., 2, 3, 4, 99])
        >>> quantile_levels(bits, np.arange(4), bins=2).tolist()
        [1, 1, 2, 2, 2]
        >>> quantile_levels(bits, np.arange(4), bins=2, rising=False).tolist()
        [2, 2, 1, 1, 1]
    """
    strength = np.asarray(parameters, np.float64) * (1 if rising else -1)
    if not np.isfinite(strength).all():
        raise DataError(
            f"{np.count_nonzero(~np.isfinite(strength))} of {strength.size} images have no finite "
            "parameter, so no level can be told."
        )
    if len(train) < bins:
        raise DataError(f"{bins} levels need as many training images; there are {len(train)}.")
    edges = np.quantile(strength[train], np.arange(1, bins) / bins)
    return 1 + np.searchsorted(edges, strength)


TYPES = (
    DatasetType(label="jp2k", distortion="jpeg2000", levels=0),
    DatasetType(label="jpeg", distortion="jpeg", levels=0),
    DatasetType(label="wn", distortion="white_noise", levels=0),
    DatasetType(label="gblur", distortion="gaussian_blur", levels=0),
    DatasetType(label="fastfading", distortion="fast_fading", levels=0),
)
COUNTS = (227, 233, 174, 174, 174)  # images of each folder, copies of references among them
# What info.txt gives, by the release's readme: bits per pixel, bits per pixel, standard deviation,
# standard deviation, the receiver's signal-to-noise ratio.
STRONGER_WHEN_LARGER = {
    "jp2k": False,
    "jpeg": False,
    "wn": True,
    "gblur": True,
    "fastfading": False,
}

FACTS = DatasetFacts(
    name="live",
    title="LIVE release 2",
    kind="synthetic",
    source="Sheikh, Sabir and Bovik: A statistical evaluation of recent full reference image "
    "quality assessment algorithms, IEEE TIP 15(11), 2006",
    obtain="Ask for databaserelease2 at https://live.ece.utexas.edu/research/Quality/, unpack it, "
    "and add dmos_realigned.mat, which comes separately.",
    layout=(
        "refimgs/bikes.bmp",
        "jp2k/img1.bmp and jp2k/info.txt, and so jpeg, wn, gblur, fastfading",
        "dmos_realigned.mat or dmos.mat",
        "refnames_all.mat",
    ),
    score="DMOS",
    score_range=(0, 100),
    observed_range=(-2.6401, 111.7747),
    polarity="lower is better",
    types=TYPES,
    images=779,
    references=29,
)


def load(root: Path) -> ImageDataset:
    """Read LIVE without its 203 copies of references, in the order of the score arrays.

    The realigned scores (`dmos_realigned.mat`) are taken where they are there; the facts of the
    returned dataset say which. An `info.txt` that is missing leaves the parameters out.

    Raises:
        DatasetNotFoundError: The scores, the references' names or all images are missing.
        DataError: A table cannot be read or has not 982 entries.
    """
    layout = Layout(root, FACTS)
    scores_file = layout.table("dmos_realigned.mat", "dmos.mat")
    realigned = "realigned" in scores_file.name.casefold()
    scores = _array(scores_file, "dmos_new" if realigned else "dmos")
    copies = _array(scores_file, "orgs")
    references = _array(layout.table("refnames_all.mat"), "refnames_all")
    parameters = {kind.label: _parameters(layout, kind.label) for kind in TYPES}
    places = [
        (kind, n) for kind, count in zip(TYPES, COUNTS, strict=True) for n in range(1, count + 1)
    ]
    images = (
        _image(
            layout,
            kind,
            n,
            float(scores[i]),
            str(references[i].item()).strip(),
            parameters[kind.label],
        )
        for i, (kind, n) in enumerate(places)
        if not copies[i]
    )
    words = f"DMOS {'realigned' if realigned else 'not realigned'} ({scores_file.name})"
    return layout.dataset(images, FACTS.model_copy(update={"score": words}))


def with_levels(dataset: ImageDataset, train: Sequence[int], bins: int = 5) -> ImageDataset:
    """Return LIVE with a level for each image, by the parameters of a split's training part.

    Args:
        dataset: As `load` gave it.
        train: Indices of the training part.
        bins: Number of levels.

    Raises:
        DataError: A parameter is missing, or the training part has fewer than `bins` of a type.
    """
    images = list(dataset.images)
    for kind in dataset.facts.types:
        own = [i for i, image in enumerate(images) if image.label == kind.label]
        given = np.array([images[i].parameter for i in own], np.float64)
        levels = quantile_levels(
            given,
            np.flatnonzero(np.isin(own, train)),
            bins,
            rising=STRONGER_WHEN_LARGER[kind.label],
        )
        for i, level in zip(own, levels.tolist(), strict=True):
            images[i] = replace(images[i], present=(Present(kind.distortion, level, bins),))
    types = tuple(kind.model_copy(update={"levels": bins}) for kind in dataset.facts.types)
    facts = dataset.facts.model_copy(update={"types": types})
    return replace(dataset, facts=facts, images=tuple(images))


def _image(
    layout: Layout,
    kind: DatasetType,
    number: int,
    score: float,
    reference: str,
    parameters: dict[int, float],
) -> LabelledImage:
    return LabelledImage(
        file=layout.name(f"{kind.label}/img{number}.bmp"),
        group=reference.casefold(),
        reference=layout.name(f"refimgs/{reference}"),
        present=(Present(kind.distortion, None, 0),),
        label=kind.label,
        score=score,
        quality=quality_of(score, FACTS),
        parameter=parameters.get(number),
    )


def _array(file: Path, name: str) -> np.ndarray:
    """Return an array of the release with its 982 entries, of which none may be missing."""
    try:
        content: dict[str, Any] = loadmat(file)
    except (OSError, ValueError, TypeError, NotImplementedError, MatReadError) as fault:
        raise DataError(f"{file} is no readable MATLAB file ({fault}).") from fault
    if name not in content:
        held = ", ".join(key for key in content if not key.startswith("__"))
        raise DataError(f"{file} has no array '{name}'; it has {held or 'none'}.")
    array = np.asarray(content[name]).ravel()
    if len(array) != sum(COUNTS):
        raise DataError(f"{file}: '{name}' has {len(array)} entries; {sum(COUNTS)} are expected.")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise DataError(f"{file}: '{name}' holds numbers that are not finite.")
    return array


def _parameters(layout: Layout, label: str) -> dict[int, float]:
    file = layout.optional(f"{label}/info.txt")
    return {} if file is None else dict(parse_rows(file, read_words(file), _parameter))


def _parameter(words: list[str]) -> tuple[int, float]:
    form = re.fullmatch(r"img(\d+)\.bmp", words[1].casefold()) if len(words) == 3 else None
    if form is None:
        raise ValueError(f"'{' '.join(words)}' is not like 'bikes.bmp img1.bmp 0.5'")
    return int(form[1]), finite(words[2], "parameter")
