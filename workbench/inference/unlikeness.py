"""How unlike all training images a picture is: noise, a screenshot or a chart gets a score too.

Two distances to the nearest training images are taken: of the tower's embedding, and of a few
statistics of the pixels. Each counts as a multiple of what is typical of held-out photographs, and
their geometric mean is compared with a threshold from the same photographs (decision 0028).

Shapes: N images, R training images that are compared with, S statistics, E embedding.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workbench.domain.image_score import Unlike
from workbench.errors import CheckpointMismatchError
from workbench.training.checkpoint import below

Floats = NDArray[np.float64]

# Decision 0028 says how all of these were chosen.
STATISTICS = ("equal", "flat", "commonest", "entropy", "steps", "outliers", "grain", "fall", "end")
NEIGHBOURS = 10  # nearest training images, whose mean distance counts
DEVIATIONS = 3.0  # robust standard deviations above the median of log distances
MOST_REFERENCES = 2000  # training images that are stored: 1.6 MB with an embedding of 384
QUANTILES = 1001  # of the held-out distances, for percentiles to a tenth
FEWEST = 8  # held-out images that a threshold can be had from

CELL = 16  # pixels a side; a flat cell has next to no step in it
HALVINGS = 5  # up to blocks of 32 px
SMALLEST_SPREAD = 0.02  # a statistic that no training image varies must not decide alone
SMALLEST_DEVIATION = 0.1  # likewise of log distances: held-out images that are all alike


def picture_statistics(image: np.ndarray) -> Floats:
    """Return what tells photographs from noise, drawings, text and charts, (S,), in that order.

    - equal: share of the pixels whose right and lower neighbour have the very same colour;
    - flat: share of the cells of 16 px in which nearly every pixel is such a one;
    - commonest: share of the commonest colour, of 64 levels a channel;
    - entropy: of those colours, in bits;
    - steps: log of the mean step of luma from a pixel to the next;
    - outliers: log of the steps' kurtosis: few strong edges in nothing, or steps everywhere;
    - grain, fall, end: by how many octaves the contrast of luma falls when pixels are averaged two
      by two, when that is done five times, and in the last of these. Noise loses one an octave.

    Args:
        image: (H, W, 3), uint8, RGB, at least 2 px a side.

    Example:
        >>> flat = picture_statistics(np.full((64, 64, 3), 7, np.uint8))
        >>> dict(zip(STATISTICS, flat.tolist()))["equal"]
        1.0
    """
    red, green, blue = (image[..., plane].astype(np.int32) for plane in range(3))
    colour = red << 16 | green << 8 | blue
    equal = (colour[:-1, 1:] == colour[:-1, :-1]) & (colour[1:, :-1] == colour[:-1, :-1])
    coarse = (red[::2, ::2] >> 2) << 12 | (green[::2, ::2] >> 2) << 6 | blue[::2, ::2] >> 2
    counts = np.bincount(coarse.ravel())
    shares = counts[counts > 0] / coarse.size
    luma = np.asarray(image @ np.array([0.299, 0.587, 0.114], np.float32), dtype=np.float32)
    square = np.square(luma[:, 1:] - luma[:, :-1], dtype=np.float64)
    falls = _contrast_falls(luma)
    values = (
        equal.mean(),
        _flat_cells(equal),
        shares.max(),
        -(shares * np.log2(shares)).sum(),
        np.log(np.sqrt(square).mean() + 0.3),
        np.log(np.square(square).mean() / (square.mean() ** 2 + 1e-3) + 1),
        falls[0],
        falls.sum(),
        falls[-1],
    )
    return np.array(values, dtype=np.float64)


def _flat_cells(equal: NDArray[np.bool_]) -> float:
    down, across = (side // CELL for side in equal.shape)
    if not down * across:
        return float(equal.mean() > 0.98)
    whole = equal[: down * CELL, : across * CELL].reshape(down, CELL, across, CELL)
    return float((whole.mean((1, 3)) > 0.98).mean())


def _contrast_falls(luma: NDArray[np.float32]) -> Floats:
    """Return by how many octaves the contrast falls in each halving, (HALVINGS,)."""
    contrasts = [float(luma.std())]
    for _ in range(HALVINGS):
        height, width = (side // 2 * 2 for side in luma.shape)
        if min(height, width) >= 4:  # a smaller picture keeps what it has
            even = luma[:height, :width]
            quarters = even[::2, ::2], even[1::2, ::2], even[::2, 1::2], even[1::2, 1::2]
            luma = np.asarray(sum(quarters) / 4, dtype=np.float32)
        contrasts.append(float(luma.std()))
    return -np.diff(np.log2(np.array(contrasts) + 0.25))


@dataclass(frozen=True)
class TrainingImages:
    """Where the training images lie: what a picture's distance is taken to.

    Attributes:
        statistics: Standardised by the two below, (R, S), float32.
        embeddings: L2-normalised, (R, E), float16.
        centre, spread: Mean and standard deviation of the statistics, (S,), float64.
    """

    statistics: NDArray[np.float32]
    embeddings: NDArray[np.float16]
    centre: Floats
    spread: Floats

    @classmethod
    def of(cls, statistics: Floats, embeddings: np.ndarray) -> "TrainingImages":
        """Return those of N images, (N, S) and (N, E); of many, evenly spaced ones."""
        centre = statistics.mean(0)
        spread = np.maximum(statistics.std(0), SMALLEST_SPREAD)
        count = min(len(statistics), MOST_REFERENCES)
        rows = np.linspace(0, len(statistics) - 1, count).round().astype(int)
        standard = ((statistics[rows] - centre) / spread).astype(np.float32)
        return cls(standard, _unit(embeddings[rows]).astype(np.float16), centre, spread)

    def distances(self, statistics: Floats, embeddings: np.ndarray) -> Floats:
        """Return how far N images lie from their nearest ones, (N, 2): statistics, embedding."""
        standard = (statistics - self.centre) / self.spread
        pairs = ((standard, self.statistics), (_unit(embeddings), self.embeddings))
        return np.stack([_to_nearest(*pair) for pair in pairs], axis=1)


def _unit(rows: np.ndarray) -> Floats:
    wide = rows.astype(np.float64)
    return np.asarray(wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-12))


def _to_nearest(rows: Floats, references: np.ndarray) -> Floats:
    """Return the mean distance of each row to its nearest references, (N,)."""
    known = references.astype(np.float64)
    products = rows @ known.T
    squares = np.square(rows).sum(1)[:, None] - 2 * products + np.square(known).sum(1)
    nearest = min(NEIGHBOURS, len(known))
    # Partitioned, not sorted: few of many are wanted.
    close = np.partition(np.maximum(squares, 0), nearest - 1, axis=1)[:, :nearest]
    return np.asarray(np.sqrt(close).mean(1), dtype=np.float64)


@dataclass(frozen=True)
class Familiarity:
    """What a model has been trained on, as far as telling the unlike from it takes.

    Attributes:
        images: The training images.
        typical: Median distances of held-out images, (2,): statistics, embedding; > 0.
        held_out: Quantiles of the held-out images' distances, evenly spaced, rising.
        threshold: Distance above which a picture is flagged; 1 is typical of held-out images.
    """

    images: TrainingImages
    typical: Floats
    held_out: Floats
    threshold: float

    @classmethod
    def of(cls, images: TrainingImages, held_out: Floats) -> "Familiarity | None":
        """Return it with the threshold from held-out images; None of too few of them.

        A few strange photographs among the held-out ones must not make everything usual: median
        and median deviation of the logarithms take no notice of them.

        Args:
            images: All training images.
            held_out: Distances of N held-out images, (N, 2), each to the images of its own
                training part.
        """
        if len(held_out) < FEWEST or not (np.median(held_out, axis=0) > 0).all():
            return None
        typical = np.median(held_out, axis=0)
        joined = _joined(held_out, typical)
        logs = np.log(joined)
        middle = np.median(logs)
        deviation = max(1.4826 * np.median(np.abs(logs - middle)), SMALLEST_DEVIATION)
        quantiles = np.quantile(joined, np.linspace(0, 1, QUANTILES))
        return cls(images, typical, quantiles, float(np.exp(middle + DEVIATIONS * deviation)))

    def judged(self, image: np.ndarray, embedding: np.ndarray) -> Unlike:
        """Return how unlike a picture is: its pixels, (H, W, 3), and its embedding, (E,)."""
        apart = self.images.distances(picture_statistics(image)[None], embedding[None])
        distance = float(_joined(apart, self.typical)[0])
        nearer = float(np.searchsorted(self.held_out, distance)) / len(self.held_out)
        return Unlike(
            distance=distance,
            threshold=self.threshold,
            percentile=100 * nearer,
            flagged=distance > self.threshold,
        )

    def words(self) -> str:
        """Return when a picture is flagged, in words."""
        flagged = 100 * float((self.held_out > self.threshold).mean())
        return (
            f"A picture that is more than {self.threshold:.2f} times as far from the training "
            "images as the median of the held-out ones is flagged as unlike them; "
            f"{flagged:.1f} % of the held-out ones were."
        )

    def state(self) -> dict[str, Tensor]:
        """Return all of it as tensors; `restored` takes them."""
        arrays = {
            "statistics": self.images.statistics,
            "embeddings": self.images.embeddings,
            "centre": self.images.centre,
            "spread": self.images.spread,
            "typical": self.typical,
            "held_out": self.held_out,
            "threshold": np.array([self.threshold]),
        }
        return {name: torch.from_numpy(np.ascontiguousarray(a)) for name, a in arrays.items()}

    @classmethod
    def restored(cls, state: Mapping[str, Tensor], *, width: int) -> "Familiarity":
        """Return that of `state`, of embeddings of a width.

        Raises:
            CheckpointMismatchError: A tensor is missing, of another shape, or not finite; a scale
                is not above 0.
        """
        count = len(state.get("statistics", ()))
        shapes = {
            "statistics": (count, len(STATISTICS)),
            "embeddings": (count, width),
            "centre": (len(STATISTICS),),
            "spread": (len(STATISTICS),),
            "typical": (2,),
            "held_out": (QUANTILES,),
            "threshold": (1,),
        }
        for name, shape in shapes.items():
            values = state.get(name)
            if values is None or tuple(values.shape) != shape or not count:
                got = "missing" if values is None else tuple(values.shape)
                raise CheckpointMismatchError(f"familiar.{name} is {got}, not {shape}.")
            positive = name in ("spread", "typical", "threshold")
            if not values.isfinite().all() or (positive and not (values > 0).all()):
                raise CheckpointMismatchError(f"familiar.{name} holds numbers that cannot be.")
        arrays = {name: state[name].numpy() for name in shapes}
        images = TrainingImages(
            arrays["statistics"], arrays["embeddings"], arrays["centre"], arrays["spread"]
        )
        threshold = float(arrays["threshold"][0])
        return cls(images, arrays["typical"], np.sort(arrays["held_out"]), threshold)


def familiarity_of(tensors: Mapping[str, Tensor], *, width: int) -> Familiarity | None:
    """Return what a saved model holds of it; None for one that was made without."""
    state = below(tensors, "familiar.")
    return Familiarity.restored(state, width=width) if state else None


def _joined(apart: Floats, typical: Floats) -> Floats:
    """Return the geometric mean of both distances in units of what is typical, (N,)."""
    ratios = np.maximum(apart, 1e-6) / typical
    return np.asarray(np.sqrt(ratios.prod(1)), dtype=np.float64)
