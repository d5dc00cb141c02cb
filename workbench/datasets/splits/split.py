"""What a split is: rows to train on, to choose by and to test on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

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
