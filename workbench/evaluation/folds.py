"""Images of known quality, and the folds that hold each photograph out exactly once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.datasets.image_set import Images
from workbench.datasets.splits.leakage import check_leakage
from workbench.errors import ConfigError, ShapeError

Floats = NDArray[np.float64]
Predict = Callable[[Floats], Floats]  # features (M, F) to quality (M,)
# Training features (n, F), their quality (n,), their photographs, and the fold's number.
Fit = Callable[[Floats, Floats, Sequence[str], int], Predict]


@dataclass(frozen=True)
class FoldedData:
    """The images and folds of a run.

    Attributes:
        images: N images, each (H, W, 3), uint8.
        quality: (N,), in [0, 1], higher is better.
        photographs: Photograph of each image, length N.
        folds: (train, test) index arrays, as `photograph_folds` returns them.

    Raises:
        ShapeError: The lengths differ.
        ConfigError: An image is held out never or twice.
        SplitLeakageError: A photograph is on both sides of a fold.
    """

    images: Images
    quality: Floats
    photographs: Sequence[str]
    folds: Sequence[tuple[np.ndarray, np.ndarray]]

    def __post_init__(self) -> None:
        lengths = len(self.images), len(self.quality), len(self.photographs)
        if len(set(lengths)) != 1:
            raise ShapeError(
                "Images, quality and photographs must be of one length, not "
                f"{lengths[0]}, {lengths[1]} and {lengths[2]}."
            )
        tested = sorted(row for _, test in self.folds for row in test.tolist())
        if tested != list(range(lengths[0])):
            raise ConfigError(
                f"The folds hold out {len(set(tested))} of {lengths[0]} images, {len(tested)} in "
                "all; each image must be held out exactly once."
            )
        for train, test in self.folds:
            check_leakage(self.photographs, train, test)

    @property
    def fold_of(self) -> NDArray[np.intp]:
        """The fold that holds each image out, (N,)."""
        folds = np.zeros(len(self.quality), dtype=np.intp)
        for fold, (_, test) in enumerate(self.folds):
            folds[test] = fold
        return folds

    def predict(self, features: Floats, fit: Fit) -> Floats:
        """Return quality, (N,), in [0, 1], of features, (N, F), each image predicted unseen."""
        predicted = np.zeros(len(self.quality))
        for fold, (train, test) in enumerate(self.folds):
            photographs = [self.photographs[row] for row in train]
            model = fit(features[train], self.quality[train], photographs, fold)
            predicted[test] = model(features[test])
        return np.clip(predicted, 0, 1)
