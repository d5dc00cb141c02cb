"""Splits that others published: arrays of rows, and LIQE's lists of files."""

import re
from collections import defaultdict
from pathlib import Path

import numpy as np

from workbench.datasets.labelled import ImageDataset
from workbench.datasets.splits.leakage import check_split
from workbench.datasets.splits.split import Split, make_split
from workbench.datasets.text_tables import first_few, read_text
from workbench.errors import DataError, DatasetNotFoundError

ABBREVIATED = {"train": "train", "validation": "val", "test": "test"}
PADDING = -1  # fills rows of an array whose splits differ in size


def published_splits(folder: Path, dataset: ImageDataset) -> list[Split]:
    """Return the splits of a folder, whichever of the two forms it has.

    Args:
        folder: Holds train.npy, val.npy and test.npy, or LIQE's numbered folders.
        dataset: What they divide.

    Raises:
        DatasetNotFoundError: The folder holds neither form.
        DataError: A file cannot be read, or names images that the dataset does not have.
        SplitLeakageError: A split divides a group.
    """
    arrays = (folder / "train.npy").is_file()
    splits = array_splits(folder, len(dataset.images)) if arrays else liqe_splits(folder, dataset)
    groups = [image.group for image in dataset.images]
    for split in splits:
        check_split(groups, split)
    return splits


def array_splits(folder: Path, images: int) -> list[Split]:
    """Return splits from train.npy, val.npy and test.npy, as IQA packages distribute them.

    Args:
        folder: Holds the three arrays, (S, n), whole numbers: rows of the official list, from 0;
            -1 fills up the shorter splits.
        images: Number of images N in the official list.

    Returns:
        S splits.

    Raises:
        DatasetNotFoundError: A file is missing.
        DataError: An array is no such table, or counts beyond N.
    """
    arrays = {
        part: _read_array(folder / f"{short}.npy", images) for part, short in ABBREVIATED.items()
    }
    counts = {part: len(array) for part, array in arrays.items()}
    if len(set(counts.values())) > 1:
        raise DataError(f"The arrays in {folder} hold different numbers of splits: {counts}.")
    return [
        make_split(
            f"published {number + 1}",
            {part: array[number][array[number] != PADDING] for part, array in arrays.items()},
            rule=f"published split {number + 1} of {counts['train']}, {folder.name}",
        )
        for number in range(counts["train"])
    ]


def liqe_splits(folder: Path, dataset: ImageDataset) -> list[Split]:
    """Return splits from the lists of files that LIQE distributes.

    Each numbered folder holds <dataset>_train_clip.txt, _val_clip.txt and _test_clip.txt; a line is
    an image's path, its score and words on the scene, separated by tabs (github.com/zwx8981/LIQE,
    IQA_Database/*/splits2). Older lists lack "_clip" or the validation part.

    Args:
        folder: Holds the folders 1, 2, ….
        dataset: Its images are matched by path, else by name if that is unique, in any case.

    Raises:
        DatasetNotFoundError: No numbered folder, or one without its lists.
        DataError: Names the lines that match no image.
    """
    numbered = sorted(
        (f for f in folder.glob("*") if f.name.isdecimal()), key=lambda f: int(f.name)
    )
    if not numbered:
        raise DatasetNotFoundError(
            f"{folder} holds no published splits: neither train.npy, val.npy and test.npy nor "
            "folders 1, 2, … with lists of files."
        )
    rows = _rows_by_name(dataset)
    splits = []
    for number in numbered:
        files = {part: _list_file(number, short) for part, short in ABBREVIATED.items()}
        parts = {
            part: _listed_rows(file, rows, dataset.facts.title)
            for part, file in files.items()
            if file is not None
        }
        rule = f"published list {number.name} of {len(numbered)}, {folder.name}"
        splits.append(make_split(f"published {number.name}", parts, rule=rule))
    return splits


def _read_array(file: Path, images: int) -> np.ndarray:
    if not file.is_file():
        raise DatasetNotFoundError(f"No {file.name} in {file.parent}; all three parts are needed.")
    try:
        array = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError) as fault:
        raise DataError(f"{file} is no array of numbers: {fault}.") from fault
    if array.ndim != 2 or array.dtype.kind not in "iu":
        raise DataError(
            f"{file} must hold whole numbers in two dimensions, splits by rows; it holds "
            f"{array.dtype} of shape {array.shape}."
        )
    low, high = (int(array.min()), int(array.max())) if array.size else (0, 0)
    if low < PADDING or high >= images:
        raise DataError(
            f"{file} counts rows {low} to {high}, but the dataset has {images} images, 0 to "
            f"{images - 1}. The splits belong to another list."
        )
    return np.asarray(array, np.int64)


def _list_file(folder: Path, short: str) -> Path | None:
    for ending in (f"_{short}_clip.txt", f"_{short}.txt"):
        found = sorted(file for file in folder.glob("*") if file.name.endswith(ending))
        if len(found) > 1:
            raise DataError(
                f"{folder} holds {len(found)} lists named *{ending}: "
                f"{first_few([file.name for file in found])}. Leave the dataset's own."
            )
        if found:
            return found[0]
    if short == "val":
        return None
    raise DatasetNotFoundError(f"{folder} holds no list named *_{short}_clip.txt.")


def _rows_by_name(dataset: ImageDataset) -> dict[str, int]:
    """Return the row of each path, and of each file name that only one image has."""
    paths = {image.file.casefold(): row for row, image in enumerate(dataset.images)}
    named: dict[str, list[int]] = defaultdict(list)
    for path, row in paths.items():
        named[path.rpartition("/")[2]].append(row)
    return {name: rows[0] for name, rows in named.items() if len(rows) == 1} | paths


def _listed_rows(file: Path, rows: dict[str, int], title: str) -> list[int]:
    found, unknown = [], []
    for number, line in enumerate(read_text(file).splitlines(), start=1):
        if not line.strip():
            continue
        path = re.sub(r"^(\./)+", "", line.split("\t")[0].strip().replace("\\", "/")).casefold()
        row = rows.get(path, rows.get(path.rpartition("/")[2]))
        if row is None:
            unknown.append(f"line {number} '{line.split(chr(9))[0]}'")
        else:
            found.append(row)
    if unknown:
        raise DataError(
            f"{len(unknown)} lines of {file} name no image of {title}: {first_few(unknown)}. "
            "Check that the list and the dataset belong together."
        )
    return found
