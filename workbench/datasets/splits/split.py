"""What a split is: rows to train on, to choose by and to test on."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import ValidationError

from workbench.atomic_files import atomic_write
from workbench.datasets.labelled import ImageDataset, LabelledImage
from workbench.domain.canonical import Frozen, content_hash
from workbench.errors import DataError, DatasetNotFoundError

PARTS = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class Split:
    """Which images to train on, to choose by and to test on.

    Attributes:
        name: What it is called in files and results ("seed 3").
        train, validation, test: Rows of the images, (n,), int64, rising.
        rule: How it was made, for the record of a run.
        seed: That decided it; None where it was published.
    """

    name: str
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    rule: str
    seed: int | None = None

    @property
    def parts(self) -> dict[str, np.ndarray]:
        """Rows by the part's name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}


def make_split(
    name: str, parts: Mapping[str, Iterable[int]], *, rule: str, seed: int | None = None
) -> Split:
    """Return a split of rows in any order; a part that is not named is empty.

    Example:
        >>> make_split("mine", {"train": [2, 0], "test": [1]}, rule="by hand").train
        array([0, 2])
    """
    train, validation, test = (
        np.unique(np.fromiter(parts.get(part, ()), np.int64)) for part in PARTS
    )
    return Split(name, train, validation, test, rule, seed)


class SplitFile(Frozen):
    """The document that a split is kept as.

    Attributes:
        format: Raised when older programs could not read it.
        name, rule, seed: As in `Split`.
        dataset: Name of the dataset.
        images: Number of images that were divided.
        images_sha256: SHA-256 of the sorted list of their names.
        train, validation, test: Names of the images in each part.
    """

    format: Literal[1] = 1
    name: str
    rule: str
    seed: int | None
    dataset: str
    images: int
    images_sha256: str
    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]


def write_split(split: Split, dataset: ImageDataset, file: Path) -> None:
    """Write a split as JSON, whole or not at all; the same split gives the same bytes.

    Args:
        split: Rows of the dataset's images.
        dataset: What it divides.
        file: Is replaced if it exists; its folder exists.

    Raises:
        DataError: The file cannot be written.
    """
    names = _names(dataset)
    document = SplitFile(
        name=split.name,
        rule=split.rule,
        seed=split.seed,
        dataset=dataset.facts.name,
        images=len(names),
        images_sha256=content_hash(sorted(names)),
        **{part: tuple(names[row] for row in rows) for part, rows in split.parts.items()},
    )
    try:
        with atomic_write(file) as passing:
            passing.write_text(document.model_dump_json(indent=1) + "\n", encoding="utf-8")
    except OSError as fault:
        raise DataError(f"The split cannot be written to {file}: {fault.strerror}.") from fault


def read_split(file: Path, dataset: ImageDataset) -> Split:
    """Read a split back for the dataset that it was made of.

    Args:
        file: As `write_split` wrote it.
        dataset: The same images, in any order.

    Raises:
        DatasetNotFoundError: No such file.
        DataError: The file is no split, was changed, or divides another list of images.
    """
    document = _read(file)
    names = _names(dataset)
    if content_hash(sorted(names)) != document.images_sha256:
        raise DataError(
            f"{file} divides another list of images than {dataset.root} holds: {document.images} "
            f"of {document.dataset} then, {len(names)} of {dataset.facts.name} now, by another "
            "hash. Restore the images, or divide the dataset anew."
        )
    row = {name: number for number, name in enumerate(names)}
    parts = {part: getattr(document, part) for part in PARTS}
    listed = Counter(name for part in parts.values() for name in part)
    wrong = [name for name, times in listed.items() if times > 1 or name not in row]
    if wrong:
        raise DataError(f"{file} was changed: {wrong[0]} is listed twice or is no image.")
    rows = {part: [row[name] for name in some] for part, some in parts.items()}
    return make_split(document.name, rows, rule=document.rule, seed=document.seed)


def _read(file: Path) -> SplitFile:
    try:
        return SplitFile.model_validate(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise DatasetNotFoundError(
            f"No split at {file}. Make one: workbench datasets split."
        ) from None
    except (OSError, ValueError, ValidationError) as fault:
        reason = str(fault).splitlines()[0]
        raise DataError(f"{file} is no split of this program ({reason}).") from fault


def _names(dataset: ImageDataset) -> list[str]:
    return [_name(image) for image in dataset.images]


def _name(image: LabelledImage) -> str:
    return image.file if image.frame is None else f"{image.file}#{image.frame}"
