"""Splits in files: the workbench's own JSON, and the two forms that others publish."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from workbench.atomic_files import atomic_write
from workbench.datasets.labelled import ImageDataset
from workbench.datasets.splits.leakage import check_split
from workbench.datasets.splits.split import PARTS, Split, make_split
from workbench.datasets.text_tables import first_few, read_text
from workbench.domain.canonical import Frozen, content_hash
from workbench.errors import ConfigError, DataError, DatasetNotFoundError
from workbench.text_files import MOST_TABLE, lines, name_key, read_file, read_json

ABBREVIATED = {"train": "train", "validation": "val", "test": "test"}
PADDING = -1  # fills rows of an array whose splits differ in size


def read_splits(path: Path, dataset: ImageDataset) -> list[Split]:
    """Return the splits of a folder, whichever form they have, or of one JSON file.

    Args:
        path: What `write_splits` wrote; a folder with train.npy, val.npy and test.npy; or LIQE's
            numbered folders.
        dataset: What they divide.

    Raises:
        DatasetNotFoundError: The folder holds none of the forms.
        DataError: A file cannot be read, or names images that the dataset does not have.
        SplitLeakageError: A split divides a group.
    """
    files = [path] if path.is_file() else _json_files(path)
    if files:
        splits = [read_split(file, dataset) for file in files]
    elif (path / "train.npy").is_file():
        splits = array_splits(path, len(dataset.images))
    else:
        splits = liqe_splits(path, dataset)
    groups = [image.group for image in dataset.images]
    for split in splits:
        check_split(groups, split)
    return splits


def write_splits(splits: Sequence[Split], dataset: ImageDataset, folder: Path) -> list[Path]:
    """Write one JSON file for each split and return the files, in the order of the splits.

    Args:
        splits: Each has a name of its own.
        dataset: What they divide.
        folder: Is made if need be; all of its JSON files together are what `read_splits` reads.

    Raises:
        ConfigError: The folder holds other JSON files, such as splits of an earlier call.
        DataError: The folder or a file cannot be written.
    """
    files = [folder / f"{split.name.replace(' ', '-')}.json" for split in splits]
    other = [file.name for file in _json_files(folder) if file not in files]
    if other:
        raise ConfigError(
            f"{folder} holds other JSON files, which would be read as splits too: "
            f"{first_few(other)}. Remove them, or name another folder with --to."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise DataError(
            f"The folder {folder} cannot be made: {fault.strerror}. Name another with --to."
        ) from fault
    for split, file in zip(splits, files, strict=True):
        write_split(split, dataset, file)
    return files


def _json_files(folder: Path) -> list[Path]:
    """Return the JSON files of a folder, "seed-9" before "seed-10"; none without the folder."""

    def key(file: Path) -> list[tuple[int, str]]:
        words = re.findall(r"\d+|\D+", file.name)
        return [(int(word), "") if word.isdecimal() else (0, word) for word in words]

    return sorted(folder.glob("*.json"), key=key)


class SplitFile(Frozen):
    """The document that a split is stored as."""

    format: Literal[1] = 1  # raised when older programs could not read it
    name: str  # as in `Split`, like rule and seed
    rule: str
    seed: int | None
    dataset: str  # name of the dataset
    images: int  # number of images that were divided
    images_sha256: str  # SHA-256 of the sorted list of their names
    train: tuple[str, ...]  # names of the images in each part
    validation: tuple[str, ...]
    test: tuple[str, ...]


def write_split(split: Split, dataset: ImageDataset, file: Path) -> None:
    """Write a split as JSON, atomically; the same split gives the same bytes.

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
        raise DataError(
            f"The split cannot be written to {file}: {fault.strerror}. Name another folder."
        ) from fault


def read_split(file: Path, dataset: ImageDataset) -> Split:
    """Read a split back for the dataset that it was made of.

    Args:
        file: As `write_split` wrote it.
        dataset: The same images, in any order.

    Raises:
        DatasetNotFoundError: No such file.
        DataError: The file is no split, was changed, or divides another list of images.
    """
    document = _read_document(file)
    names = _names(dataset)
    if content_hash(sorted(names)) != document.images_sha256:
        raise DataError(
            f"{file} divides another list of images than {dataset.root} holds: {document.images} "
            f"of {document.dataset} then, {len(names)} of {dataset.facts.name} now, by another "
            "hash. Restore the images, or divide the dataset anew."
        )
    rows = {name: row for row, name in enumerate(names)}
    parts = {part: getattr(document, part) for part in PARTS}
    listed = Counter(name for part in parts.values() for name in part)
    wrong = [name for name, count in listed.items() if count > 1 or name not in rows]
    if wrong:
        raise DataError(
            f"{file} was changed: {wrong[0]} is listed twice or is no image. Divide the dataset "
            "anew: workbench datasets split."
        )
    return make_split(
        document.name,
        {part: [rows[name] for name in listed] for part, listed in parts.items()},
        rule=document.rule,
        seed=document.seed,
    )


def _names(dataset: ImageDataset) -> list[str]:
    """Return the images' names as every disk has them: accents composed, unless two then meet."""
    names = [image.name for image in dataset.images]
    composed = [unicodedata.normalize("NFC", name) for name in names]
    return composed if len(set(composed)) == len(set(names)) else names


def _read_document(file: Path) -> SplitFile:
    try:
        return SplitFile.model_validate(read_json(read_file(file, MOST_TABLE)))
    except FileNotFoundError:
        raise DatasetNotFoundError(
            f"No split at {file}. Make one: workbench datasets split."
        ) from None
    except (OSError, ValueError) as fault:
        reason = str(fault).splitlines()[0]
        raise DataError(
            f"{file} is no split of this program ({reason}). Make one: workbench datasets split."
        ) from fault


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
        raise DataError(
            f"The arrays in {folder} hold different numbers of splits: {counts}. Download the "
            "three files again, from one release."
        )
    return [
        make_split(
            f"published {number + 1}",
            {part: array[number][array[number] != PADDING] for part, array in arrays.items()},
            rule=f"published split {number + 1} of {counts['train']}, {folder.name}",
        )
        for number in range(counts["train"])
    ]


def _read_array(file: Path, images: int) -> np.ndarray:
    if not file.is_file():
        raise DatasetNotFoundError(f"No {file.name} in {file.parent}; all three parts are needed.")
    try:
        array = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError) as fault:
        raise DataError(f"{file} is no array of numbers: {fault}. Download it again.") from fault
    if array.ndim != 2 or array.dtype.kind not in "iu":
        raise DataError(
            f"{file} must hold whole numbers in two dimensions, one row for each split; it holds "
            f"{array.dtype} of shape {array.shape}."
        )
    low, high = (int(array.min()), int(array.max())) if array.size else (0, 0)
    if low < PADDING or high >= images:
        raise DataError(
            f"{file} counts rows {low} to {high}, but the dataset has {images} images, 0 to "
            f"{images - 1}. The splits belong to another list; name their own dataset."
        )
    return np.asarray(array, np.int64)


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
            f"{folder} holds no splits: neither JSON files of `workbench datasets split`, nor "
            "train.npy, val.npy and test.npy, nor folders 1, 2, … with lists of files."
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


def _list_file(folder: Path, short: str) -> Path | None:
    for ending in (f"_{short}_clip.txt", f"_{short}.txt"):
        files = sorted(file for file in folder.glob("*") if file.name.endswith(ending))
        if len(files) > 1:
            raise DataError(
                f"{folder} holds {len(files)} lists named *{ending}: "
                f"{first_few([file.name for file in files])}. Leave the dataset's own."
            )
        if files:
            return files[0]
    if short == "val":
        return None
    raise DatasetNotFoundError(
        f"{folder} holds no list named *_{short}_clip.txt. Download LIQE's lists again."
    )


def _rows_by_name(dataset: ImageDataset) -> dict[str, int]:
    """Return the row of each path, and of each file name that only one image has."""
    paths = {name_key(image.file): row for row, image in enumerate(dataset.images)}
    named: dict[str, list[int]] = defaultdict(list)
    for path, row in paths.items():
        named[path.rpartition("/")[2]].append(row)
    return {name: rows[0] for name, rows in named.items() if len(rows) == 1} | paths


def _listed_rows(file: Path, rows: dict[str, int], title: str) -> list[int]:
    listed, unknown = [], []
    for number, line in enumerate(lines(read_text(file)), start=1):
        if not line.strip():
            continue
        path = name_key(re.sub(r"^(\./)+", "", line.split("\t")[0].strip().replace("\\", "/")))
        row = rows.get(path, rows.get(path.rpartition("/")[2]))
        if row is None:
            unknown.append(f"line {number} '{line.split(chr(9))[0]}'")
        else:
            listed.append(row)
    if unknown:
        raise DataError(
            f"{len(unknown)} lines of {file} name no image of {title}: {first_few(unknown)}. "
            "Check that the list and the dataset belong together."
        )
    return listed
