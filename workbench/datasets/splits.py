"""Splits by photograph: all images of one photograph stay on one side."""

from collections.abc import Sequence

import numpy as np

from workbench.errors import ConfigError, SplitLeakageError


def photograph_folds(
    photographs: Sequence[str], *, folds: int, seed: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Divide images into folds by photograph; each photograph is held out exactly once.

    Args:
        photographs: Photograph of each image, length N.
        folds: Number of parts, at least 2 and at most the number of photographs.
        seed: Decides which photographs go together.

    Returns:
        One (train, test) pair of sorted index arrays for each fold.

    Raises:
        ConfigError: More folds than photographs.

    Example:
        >>> [test.tolist() for _, test in photograph_folds(["a", "a", "b"], folds=2, seed=0)]
        [[0, 1], [2]]
    """
    names = sorted(set(photographs))
    if folds > len(names):
        raise ConfigError(
            f"{folds} folds need at least as many photographs; there are {len(names)}. "
            "Lower split.folds or add photographs."
        )
    shuffled = np.random.default_rng(seed).permutation(len(names))
    fold_of = {names[index]: position % folds for position, index in enumerate(shuffled)}
    fold = np.array([fold_of[name] for name in photographs])
    pairs = [(np.flatnonzero(fold != f), np.flatnonzero(fold == f)) for f in range(folds)]
    for train, test in pairs:
        check_leakage(photographs, train, test)
    return pairs


def check_leakage(photographs: Sequence[str], train: np.ndarray, test: np.ndarray) -> None:
    """Fail if one photograph is on both sides.

    Raises:
        SplitLeakageError: Names the photographs.
    """
    both = sorted({photographs[i] for i in train} & {photographs[i] for i in test})
    if both:
        raise SplitLeakageError(
            f"{len(both)} photographs are in training and test alike: {', '.join(both[:5])}. "
            "Split by photograph, not by image."
        )
