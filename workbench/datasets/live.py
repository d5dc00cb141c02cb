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
)
from workbench.datasets.layout import Layout
from workbench.datasets.text_tables import finite, read_words
from workbench.errors import DataError

# Folder, distortion, number of images (copies of references among them), and whether a larger
# parameter of info.txt is a stronger distortion: by the release's readme it is bits per pixel
# (jp2k, jpeg), a standard deviation (wn, gblur) or the receiver's signal-to-noise ratio.
_FOLDERS = (
    ("jp2k", "jpeg2000", 227, False),
    ("jpeg", "jpeg", 233, False),
    ("wn", "white_noise", 174, True),
    ("gblur", "gaussian_blur", 174, True),
    ("fastfading", "fast_fading", 174, False),
)
_STRONGER_WHEN_LARGER = {folder: rising for folder, _, _, rising in _FOLDERS}
_ENTRIES = sum(count for _, _, count, _ in _FOLDERS)
_TAKE_ANEW = "Take it anew from the release."

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
    types=tuple(
        DatasetType(label=folder, distortion=distortion, levels=0)
        for folder, distortion, _, _ in _FOLDERS
    ),
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
    images: list[LabelledImage] = []
    entry = 0
    for type, (folder, _, count, _) in zip(FACTS.types, _FOLDERS, strict=True):
        parameters = _parameters(layout, folder)
        for number in range(1, count + 1):
            reference = str(references[entry].item()).strip()
            if not copies[entry]:
                image = layout.image(
                    f"{folder}/img{number}.bmp",
                    reference.casefold(),
                    score=float(scores[entry]),
                    reference=f"refimgs/{reference}",
                    type=type,
                    parameter=parameters.get(number),
                )
                images.append(image)
            entry += 1
    score = f"DMOS {'realigned' if realigned else 'not realigned'} ({scores_file.name})"
    return layout.dataset(images, FACTS.model_copy(update={"score": score}))


def with_levels(dataset: ImageDataset, train: Sequence[int], bins: int = 5) -> ImageDataset:
    """Return LIVE with a level for each image, by the parameters of a split's training part.

    Args:
        dataset: As `load` returned it.
        train: Rows of the training part.
        bins: Number of levels.

    Raises:
        DataError: A parameter is missing, or the training part has fewer than `bins` of a type.
    """
    images = list(dataset.images)
    for type in dataset.facts.types:
        rows = [row for row, image in enumerate(images) if image.label == type.label]
        levels = quantile_levels(
            np.array([images[row].parameter for row in rows], np.float64),
            np.flatnonzero(np.isin(rows, train)),
            bins,
            rising=_STRONGER_WHEN_LARGER[type.label],
        )
        for row, level in zip(rows, levels.tolist(), strict=True):
            images[row] = replace(images[row], present=(Present(type.distortion, level, bins),))
    types = tuple(type.model_copy(update={"levels": bins}) for type in dataset.facts.types)
    facts = dataset.facts.model_copy(update={"types": types})
    return replace(dataset, facts=facts, images=tuple(images))


def quantile_levels(
    parameters: np.ndarray, train: np.ndarray, bins: int = 5, *, rising: bool = True
) -> np.ndarray:
    """Return a level from 1 to `bins` for each parameter, by the quantiles of the training part.

    The test part has no say in where the levels begin (METHOD §2).

    Args:
        parameters: Of the N images of one type, finite, in the dataset's unit.
        train: Rows of the training part among these N.
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
            "parameter, so they have no level. Put info.txt back into the type's folder."
        )
    if len(train) < bins:
        raise DataError(
            f"{bins} levels need as many training images; there are {len(train)}. Raise "
            "data.images or the training part of the split."
        )
    edges = np.quantile(strength[train], np.arange(1, bins) / bins)
    return 1 + np.searchsorted(edges, strength)


def _array(file: Path, name: str) -> np.ndarray:
    """Return an array of the release; none of its 982 entries may be missing."""
    try:
        content: dict[str, Any] = loadmat(file)
    except (OSError, ValueError, TypeError, NotImplementedError, MatReadError) as fault:
        raise DataError(f"{file} is no readable MATLAB file ({fault}). {_TAKE_ANEW}") from fault
    if name not in content:
        names = ", ".join(key for key in content if not key.startswith("__"))
        raise DataError(f"{file} has no array '{name}'; it has {names or 'none'}. {_TAKE_ANEW}")
    array = np.asarray(content[name]).ravel()
    if len(array) != _ENTRIES:
        raise DataError(
            f"{file}: '{name}' has {len(array)} entries; {_ENTRIES} are expected. {_TAKE_ANEW}"
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise DataError(f"{file}: '{name}' holds numbers that are not finite. {_TAKE_ANEW}")
    return array


def _parameters(layout: Layout, folder: str) -> dict[int, float]:
    file = layout.optional(f"{folder}/info.txt")
    return {} if file is None else dict(read_words(file, _parameter))


def _parameter(words: list[str]) -> tuple[int, float]:
    form = re.fullmatch(r"img(\d+)\.bmp", words[1].casefold()) if len(words) == 3 else None
    if form is None:
        raise ValueError(f"'{' '.join(words)}' is not like 'bikes.bmp img1.bmp 0.5'")
    return int(form[1]), finite(words[2], "parameter")
