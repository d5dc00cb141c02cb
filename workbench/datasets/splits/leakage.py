"""No group of images, and no two photographs of one picture, on two sides of a split."""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

from workbench.datasets.labelled import ImageDataset
from workbench.datasets.splits.near_duplicates import NearDuplicate
from workbench.datasets.splits.split import Split
from workbench.errors import ConfigError, SplitLeakageError

NAMES = {"train": "training", "validation": "validation", "test": "test"}
MOST_NAMED = 5  # groups or pairs spelled out in a message


def check_leakage(photographs: Sequence[str], train: np.ndarray, test: np.ndarray) -> None:
    """Fail if one photograph is on both sides.

    Raises:
        SplitLeakageError: Names the photographs.
    """
    _check_sides(photographs, ("training", train), ("test", test))


def check_split(
    groups: Sequence[str], split: Split, *, duplicates: Sequence[NearDuplicate] = ()
) -> None:
    """Fail if any two parts of a split share an image, a group or a picture.

    Args:
        groups: Group of each image, length N.
        split: Rows below N.
        duplicates: Groups whose photographs show the same picture, from
            `near_duplicates(references_of(dataset))`.

    Raises:
        ConfigError: The split counts more images than there are.
        SplitLeakageError: Names what is divided.

    Example:
        >>> from workbench.datasets.splits.split import make_split
        >>> mine = make_split("mine", {"train": [0], "test": [1]}, rule="by hand")
        >>> check_split(["cat", "dog"], mine, duplicates=[NearDuplicate("cat", "dog", 0.99)])
        Traceback (most recent call last):
        workbench.errors.SplitLeakageError: 1 pair of photographs that show the same picture is \
divided by split mine: cat (training) and dog (test). Put each pair into one group: \
--near-duplicates merge, or merge_near_duplicates.
    """
    last = max((int(rows.max()) for rows in split.parts.values() if len(rows)), default=-1)
    if last >= len(groups):
        raise ConfigError(
            f"Split {split.name} counts image {last + 1}, but there are {len(groups)} images; it "
            "was made for another dataset. Name that one, or divide this one."
        )
    sides = [(NAMES[part], rows) for part, rows in split.parts.items()]
    for first, second in combinations(sides, 2):
        _check_sides(groups, first, second)
    side = {groups[row]: part for part, rows in sides for row in rows}
    divided = [
        f"{pair.first} ({side[pair.first]}) and {pair.second} ({side[pair.second]})"
        for pair in duplicates
        if pair.first in side and pair.second in side and side[pair.first] != side[pair.second]
    ]
    if divided:
        pairs = "1 pair" if len(divided) == 1 else f"{len(divided)} pairs"
        raise SplitLeakageError(
            f"{pairs} of photographs that show the same picture "
            f"{'is' if len(divided) == 1 else 'are'} divided by split {split.name}: "
            f"{'; '.join(divided[:MOST_NAMED])}. Put each pair into one group: "
            "--near-duplicates merge, or merge_near_duplicates."
        )


def references_of(dataset: ImageDataset) -> dict[str, Path]:
    """Return the photograph of each group: its reference, or its first image if it has none.

    Groups of video frames are left out, since a frame is no file.
    """
    references: dict[str, Path] = {}
    for image in dataset.images:
        if image.frame is None:
            references.setdefault(image.group, dataset.root / (image.reference or image.file))
    return references


def merge_near_duplicates(
    groups: Sequence[str], duplicates: Sequence[NearDuplicate]
) -> tuple[str, ...]:
    """Return the group of each image, with groups that show the same picture under one name.

    That is the first name, sorted, of those that a chain of pairs joins.

    Example:
        >>> merge_near_duplicates(["c", "a", "b"], [NearDuplicate("b", "c", 1.0)])
        ('b', 'a', 'b')
    """
    joined_to: dict[str, str] = {}

    def head(name: str) -> str:
        while name in joined_to:
            name = joined_to[name]
        return name

    for pair in duplicates:
        first, second = sorted((head(pair.first), head(pair.second)))
        if first != second:
            joined_to[second] = first
    return tuple(head(name) for name in groups)


def _check_sides(
    groups: Sequence[str], first: tuple[str, np.ndarray], second: tuple[str, np.ndarray]
) -> None:
    both = sorted({groups[row] for row in first[1]} & {groups[row] for row in second[1]})
    if both:
        raise SplitLeakageError(
            f"{len(both)} photographs are in {first[0]} and {second[0]} alike: "
            f"{', '.join(both[:MOST_NAMED])}. Split by photograph, not by image."
        )
