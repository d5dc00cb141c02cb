"""The splits of a run: grouped folds, once or several times, or splits from files."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.datasets.image_set import ImageSet
from workbench.datasets.splits.grouped import photograph_folds, set_apart
from workbench.datasets.splits.leakage import check_leakage, check_split
from workbench.datasets.splits.split import Split
from workbench.datasets.splits.split_files import read_splits
from workbench.domain.config import SplitConfig
from workbench.errors import ConfigError


def locked_photographs(
    photographs: Sequence[str], share: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Divide images into open and locked ones, by photograph.

    Which photographs are locked depends on their names alone, on no seed, and a larger share locks
    the same ones and some more: another seed must not open what was locked.

    Args:
        photographs: Photograph of each image, length N.
        share: Share of the photographs to lock, in [0, 1); at least one if above 0.

    Returns:
        Rows of the open and of the locked images, both rising.

    Raises:
        ConfigError: Fewer than two photographs would stay open.

    Example:
        >>> [rows.tolist() for rows in locked_photographs(["a", "a", "b", "c"], 0.3)]
        [[0, 1, 3], [2]]
    """
    names = sorted(
        set(photographs), key=lambda name: hashlib.sha256(f"locked/{name}".encode()).hexdigest()
    )
    count = max(round(share * len(names)), 1) if share else 0
    if count and len(names) - count < 2:
        raise ConfigError(
            f"split.locked {share:g} would leave {len(names) - count} of {len(names)} photographs "
            "to tune on, and 2 are needed. Lower it or add photographs."
        )
    locked = np.isin(np.array(photographs), names[:count])
    rows = np.flatnonzero(~locked), np.flatnonzero(locked)
    check_leakage(photographs, *rows)
    return rows


def run_splits(data: ImageSet, config: SplitConfig) -> list[Split]:
    """Return the splits of a run, in the order in which it takes them.

    Args:
        data: The open images.
        config: Folds, repeats and the validation share; or the folder of splits.

    Raises:
        ConfigError: More folds than photographs, or splits from files of photographs that the
            workbench distorts itself.
        DatasetNotFoundError, DataError: The files are not there or do not fit.
        SplitLeakageError: A photograph is on two sides.
    """
    if config.published is not None:
        return _splits_from_files(data, Path(config.published))
    return [
        split
        for repeat in range(config.repeats)
        for split in _folds(data.photograph, config, repeat)
    ]


def _folds(photographs: tuple[str, ...], config: SplitConfig, repeat: int) -> list[Split]:
    seed = config.seed + repeat
    prefix = f"repeat {repeat + 1}, " if config.repeats > 1 else ""
    splits = []
    folds = photograph_folds(photographs, folds=config.folds, seed=seed)
    for fold, (rest, test) in enumerate(folds, start=1):
        validates = np.zeros(len(rest), dtype=bool)
        if config.validation:
            names = [photographs[row] for row in rest]
            chosen = set_apart(names, config.validation, seed)
            validates = np.array([name in chosen for name in names])
        name = f"{prefix}fold {fold} of {config.folds}"
        split = Split(name, rest[~validates], rest[validates], test, "grouped folds", seed)
        splits.append(split)
    return splits


def _splits_from_files(data: ImageSet, folder: Path) -> list[Split]:
    """Return splits of a dataset's official list as splits of the images that are in use."""
    if data.origin is None:
        raise ConfigError(
            "split.published divides a dataset in files; the photographs of this experiment are "
            "distorted by the workbench itself. Use split.folds, or make a set of them with "
            "`workbench generate` and divide that."
        )
    dataset, rows = data.origin
    row_in_use = {row: index for index, row in enumerate(rows.tolist())}
    splits = []
    for split in read_splits(folder, dataset):
        parts = {
            part: np.array(
                [row_in_use[row] for row in listed.tolist() if row in row_in_use], dtype=np.int64
            )
            for part, listed in split.parts.items()
        }
        used = Split(split.name, **parts, rule=split.rule, seed=split.seed)
        check_split(data.photograph, used)
        if len(used.train) and len(used.test):
            splits.append(used)
    if not splits:
        raise ConfigError(
            f"No split in {folder} has chosen images both to train and to test on. Raise "
            "data.images, name more data.distortions, or lower split.locked."
        )
    return splits
