"""Held-out quality by folds: from features of images, or refitted to any choice of attributes.

Shapes: F folds, N images, V views, U attributes to choose from, C chosen ones, K parts.

Source of the penalty's choice: cross-validation over photographs, never over single images, whose
neighbours of the same photograph would stay behind and give the answer away.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.datasets.image_set import Images
from workbench.datasets.splits.leakage import check_leakage
from workbench.errors import ConfigError, ShapeError
from workbench.evaluation.bootstrap import Floats

Columns = NDArray[np.intp]
Predict = Callable[[NDArray[np.float32]], Floats]
Fit = Callable[[NDArray[np.float32], Floats, int], Predict]
Refit = Callable[[Columns], Floats]
Model = Callable[[Floats], Floats]  # features (M, F) to quality (M,)
# Training features (n, F), their quality (n,), their photographs, and the fold's number.
FitFeatures = Callable[[Floats, Floats, Sequence[str], int], Model]

# Of standardised inputs, times n: from almost least squares to almost the mean.
PENALTIES = 10.0 ** np.arange(-4.0, 2.01, 0.5)
PARTS = 5  # of the training photographs, each left out once to choose the penalty
SMALLEST_SPREAD = 1e-3  # an input that hardly varies in training must not decide elsewhere


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

    def predict(self, features: Floats, fit: FitFeatures) -> Floats:
        """Return held-out quality, (N,), in [0, 1], from features, (N, F)."""
        predicted = np.zeros(len(self.quality))
        for fold, (train, test) in enumerate(self.folds):
            photographs = [self.photographs[row] for row in train]
            model = fit(features[train], self.quality[train], photographs, fold)
            predicted[test] = model(features[test])
        return np.clip(predicted, 0, 1)


@dataclass(frozen=True)
class Pool:
    """Attributes that a refit may choose from.

    Attributes:
        inputs: What a regressor reads of the attributes of every image in V views, by every fold's
            tuned tower, (F, N, V, U), float32.
        fold_of: The fold that held each image out, (N,), 0..F-1.
        target: Quality, (N,), float64.
        photograph: Number of each image's photograph, (N,), 0..G-1.
    """

    inputs: NDArray[np.float32]
    fold_of: NDArray[np.intp]
    target: Floats
    photograph: NDArray[np.intp]

    def __post_init__(self) -> None:
        shapes = [column.shape for column in (self.fold_of, self.target, self.photograph)]
        if self.inputs.ndim != 4 or set(shapes) != {self.inputs.shape[1:2]}:
            raise ShapeError(
                f"Inputs (F, N, V, U) and folds, targets and photographs (N,) do not fit: "
                f"{self.inputs.shape} and {', '.join(map(str, shapes))}."
            )

    @property
    def folds(self) -> int:
        """Number of folds F."""
        return len(self.inputs)


def fold_refit(pool: Pool, fit: Fit) -> Refit:
    """Return the refit of any regressor, fold by fold.

    Args:
        pool: Attributes of all folds.
        fit: From training inputs, (n, V·C), targets, (n,), and the fold's number to a function that
            predicts.

    Returns:
        From columns of the pool to held-out quality, (N,); without any column all of it is 0.
    """

    def refit(columns: Columns) -> Floats:
        quality = np.zeros(len(pool.target))
        for fold, of_fold in enumerate(pool.inputs if len(columns) else ()):
            chosen = np.ascontiguousarray(of_fold[:, :, columns]).reshape(len(of_fold), -1)
            test = pool.fold_of == fold
            quality[test] = fit(chosen[~test], pool.target[~test], fold)(chosen[test])
        return quality

    return refit


def ridge_refit(pool: Pool) -> Refit:
    """Return the refit of a ridge regression, milliseconds each.

    Everything that does not depend on the choice is summed up once: (V·U, V·U) products per part
    of the training photographs. A choice then takes submatrices, their eigenvectors and no image.

    Takes a pool and returns what `fold_refit` does.

    Example:
        >>> good = np.linspace(0, 1, 24)
        >>> both = np.stack([good, good % 0.3], 1).astype(np.float32)  # (N, U)
        >>> pool = Pool(both[None, :, None].repeat(2, 0),
        ...             np.arange(24) // 12, good, np.arange(24) // 2)
        >>> bool(np.abs(ridge_refit(pool)(np.array([0])) - good).max() < 0.01)
        True
    """
    folds = [_Fold.of(pool, fold) for fold in range(pool.folds)]
    views, attributes = pool.inputs.shape[2:]

    def refit(columns: Columns) -> Floats:
        quality = np.zeros(len(pool.target))
        of_views = (attributes * np.arange(views)[:, None] + columns).ravel()  # (V·C,)
        for fold in folds if len(columns) else ():
            quality[fold.held_out] = fold.predict(of_views)
        return quality

    return refit


@dataclass(frozen=True)
class _Fold:
    """One fold, summed up: K parts of its training images, and the standardised held-out ones."""

    squares: Floats  # (K, V·U, V·U)
    products: Floats  # (K, V·U)
    energies: Floats  # (K,)
    count: int  # n training images
    mean: float  # of their targets
    held_out: NDArray[np.intp]  # (m,) rows
    tested: Floats  # (m, V·U) standardised inputs

    @classmethod
    def of(cls, pool: Pool, fold: int) -> "_Fold":
        train, test = np.flatnonzero(pool.fold_of != fold), np.flatnonzero(pool.fold_of == fold)
        every = pool.inputs[fold].reshape(len(pool.target), -1)  # (N, V·U)
        x = every[train].astype(np.float64)
        centre, spread = x.mean(axis=0), np.maximum(x.std(axis=0), SMALLEST_SPREAD)
        x, mean = (x - centre) / spread, float(pool.target[train].mean())
        target = pool.target[train] - mean
        _, order = np.unique(pool.photograph[train], return_inverse=True)
        parts = [order % PARTS == part for part in range(min(PARTS, int(order.max()) + 1))]
        return cls(
            squares=np.stack([x[part].T @ x[part] for part in parts]),
            products=np.stack([x[part].T @ target[part] for part in parts]),
            energies=np.array([target[part] @ target[part] for part in parts]),
            count=len(train),
            mean=mean,
            held_out=test,
            tested=(every[test] - centre) / spread,
        )

    def predict(self, columns: Columns) -> Floats:
        """Return held-out quality, (m,), of C chosen columns under the best penalty."""
        squares = self.squares[:, columns[:, None], columns]  # (K, C, C)
        products = self.products[:, columns]  # (K, C)
        best = PENALTIES[int(np.argmin(self._errors(squares, products)))]
        penalised = squares.sum(axis=0) + best * self.count * np.eye(len(columns))
        weights = np.linalg.solve(penalised, products.sum(axis=0))
        return np.asarray(self.tested[:, columns] @ weights + self.mean)

    def _errors(self, squares: Floats, products: Floats) -> Floats:
        """Return the summed squared error on the parts, each left out once, per penalty."""
        values, vectors = np.linalg.eigh(squares.sum(axis=0) - squares)  # (K, C), (K, C, C)
        turned = np.einsum("kij,ki->kj", vectors, products.sum(axis=0) - products)
        shrunk = turned / (values + self.count * PENALTIES[:, None, None])  # (penalties, K, C)
        weights = np.einsum("kij,pkj->pki", vectors, shrunk)
        linear = np.einsum("pki,ki->pk", weights, products)
        square = np.einsum("pki,kij,pkj->pk", weights, squares, weights, optimize=True)
        return np.asarray((self.energies - 2 * linear + square).sum(axis=1))
