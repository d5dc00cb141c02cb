"""What a run is tuned and tested on, wherever it came from, in one order.

Shapes: N images, D distortions.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.datasets.labelled import ImageDataset, Present


class Images(Protocol):
    """N images, each (H, W, 3), uint8; sizes may differ, and most lie on disk."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> np.ndarray: ...

    def __iter__(self) -> Iterator[np.ndarray]: ...


@dataclass(frozen=True)
class ChosenImages:
    """The images of some rows; nothing is copied."""

    images: Images
    rows: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int, /) -> np.ndarray:
        return self.images[int(self.rows[index])]

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self.images[int(row)] for row in self.rows)


@dataclass(frozen=True)
class ImageSet:
    """N images with their labels, in one order."""

    images: Images  # their pixels
    names: tuple[str, ...]  # stable ids ("coffee/jpeg/3")
    # what never sits on both sides of a split: the photograph, reference or video that each image
    # was made from
    photograph: tuple[str, ...]
    # distortion id, several joined by "+", "" for an image that shows none
    distortion: tuple[str, ...]
    level: tuple[int, ...]  # 1..L; 0 for an image that shows none, or several
    quality: NDArray[np.float64]  # (N,), float64 in [0, 1], higher is better
    truth: NDArray[np.float32]  # true strengths, (N, D), float32: l/L, 0 where absent (METHOD §2)
    # ids of the D distortions, sorted: the order of the strengths' columns
    distortions: tuple[str, ...]
    levels: tuple[int, ...]  # number of levels L of each distortion
    hash: str  # SHA-256 over pixels or files, labels and scores
    dataset: str  # what the images are, in words
    target: str  # what the quality is, in words
    # part of the dataset that is reported by itself ("ss01"), "" without
    subset: tuple[str, ...] = ()
    # true strengths, (N, D), where the training part decides the levels; takes its rows. None where
    # the dataset has levels
    by_training: Callable[[NDArray[np.intp]], NDArray[np.float32]] | None = field(
        default=None, repr=False
    )
    # the dataset as it lies on disk and the row of each image in it; splits in files count by them
    origin: tuple[ImageDataset, NDArray[np.intp]] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.names)

    def strengths(self, train: NDArray[np.intp] | None = None) -> NDArray[np.float32]:
        """Return the true strengths, (N, D), float32.

        Args:
            train: Rows of the training part; None takes all rows.
        """
        if self.by_training is None:
            return self.truth
        return self.by_training(np.arange(len(self)) if train is None else train)

    def only(self, rows: NDArray[np.intp]) -> "ImageSet":
        """Return the images of these rows, in their order; pixels stay where they are."""
        if np.array_equal(rows, np.arange(len(self))):
            return self
        by_training = self.by_training
        return replace(
            self,
            images=ChosenImages(self.images, rows),
            names=tuple(self.names[row] for row in rows),
            photograph=tuple(self.photograph[row] for row in rows),
            distortion=tuple(self.distortion[row] for row in rows),
            level=tuple(self.level[row] for row in rows),
            quality=self.quality[rows],
            truth=self.truth[rows],
            subset=tuple(self.subset[row] for row in rows) if self.subset else (),
            by_training=None
            if by_training is None
            else lambda train: by_training(rows[train])[rows],
            origin=self.origin and (self.origin[0], self.origin[1][rows]),
        )


def strengths(
    images: Sequence[Sequence[Present]], distortions: Sequence[str]
) -> NDArray[np.float32]:
    """Return the true strengths of images, (N, D), float32: l/L, 0 where absent (METHOD §2).

    Args:
        images: The distortions of each of N images.
        distortions: The D ids in the order of the columns; others are left out.

    Example:
        >>> strengths([[Present("jpeg", 2, 5)], []], ["blur", "jpeg"]).round(1).tolist()
        [[0.0, 0.4000000059604645], [0.0, 0.0]]
    """
    column = {name: index for index, name in enumerate(distortions)}
    truth = np.zeros((len(images), len(distortions)), dtype=np.float32)
    for row, present in enumerate(images):
        for distortion in present:
            if distortion.level and distortion.distortion in column:
                truth[row, column[distortion.distortion]] = distortion.level / distortion.levels
    return truth
