"""Photographs that show the same picture: re-encoded, rescaled, cropped, mirrored, or shot twice.

The whole picture is compared by a perceptual hash, parts of it by local features, and every pair
that either finds is laid one upon the other and correlated before it is reported. Decision 0010
holds what was measured.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from workbench.datasets.image_reader import read_image
from workbench.datasets.splits.picture_features import (
    Picture,
    aligned_correlation,
    correlation,
    describe_picture,
    sharing_pairs,
)

ALIKE = 0.9  # least correlation of one picture laid upon the other
HASH_DISTANCE = 10  # bits of 64 up to which a pair is compared
CLOSE_DISTANCE = 4  # bits up to which thumbnails decide where there are no features to align
BLOCK = 2**24  # distances at a time: 128 MB


@dataclass(frozen=True, slots=True, order=True)
class NearDuplicate:
    """Two photographs that show the same picture."""

    first: str  # name of one
    second: str  # name of the other, after the first in the order given
    correlation: float  # of their lightness where they overlap, laid one upon the other
    mirrored: bool = False  # whether one is the other's mirror image


def near_duplicates(
    photographs: Mapping[str, Path | np.ndarray],
    *,
    threshold: float = ALIKE,
    crops: bool = True,
    progress: Callable[[float, str], None] = lambda _share, _text: None,
) -> list[NearDuplicate]:
    """Return the pairs of photographs that show the same picture.

    Args:
        photographs: Name to file, or to an image (H, W, 3), uint8, RGB.
        threshold: Least correlation of one picture laid upon the other, in [0, 1].
        crops: Also look for crops by local features; without, only whole pictures are compared,
            with 16 bytes for each instead of 35 kB.
        progress: Takes the share done.

    Returns:
        Pairs in the order of the names given; every pair once.

    Raises:
        CorruptImageError: A file is no readable image.

    Example:
        >>> from workbench.datasets.photographs import photograph_files
        >>> coffee = read_image(photograph_files("packaged")["coffee"])
        >>> pairs = near_duplicates({"whole": coffee, "part": coffee[40:340, 150:550]})
        >>> [(pair.first, pair.second) for pair in pairs]
        [('whole', 'part')]
    """
    names, sources = list(photographs), list(photographs.values())
    hashes = np.zeros((len(names), 2), np.uint64)
    pictures: dict[int, Picture] = {}
    for row, source in enumerate(sources):
        progress(0.9 * row / len(names), f"looking at {names[row]}")
        grey = _grey(source)
        hashes[row] = perceptual_hash(grey), perceptual_hash(grey[:, ::-1])
        if crops:
            pictures[row] = describe_picture(grey)
    distances = _close_hashes(hashes)
    crop_pairs = sharing_pairs(list(pictures.values())) if len(pictures) > 1 else []
    candidates = sorted({*distances, *crop_pairs})
    duplicates: dict[tuple[int, int], NearDuplicate] = {}
    for done, (first, second, mirrored) in enumerate(candidates):
        progress(0.9 + 0.1 * done / len(candidates), "laying pictures upon each other")
        for row in {first, second} - set(pictures):
            pictures[row] = describe_picture(_grey(sources[row]))
        close = distances.get((first, second, mirrored), 64) <= CLOSE_DISTANCE
        similarity = _similarity(pictures[first], pictures[second], mirrored, thumbnails=close)
        if similarity >= threshold and (first, second) not in duplicates:
            pair = NearDuplicate(names[first], names[second], round(similarity, 3), mirrored)
            duplicates[first, second] = pair
    return list(duplicates.values())


def perceptual_hash(grey: np.ndarray) -> int:
    """Return 64 bits that change little when a picture is re-encoded, rescaled or brightened.

    The signs, about their median, of the 8 x 8 lowest frequencies but the mean's row and column of
    the cosine transform of 32 x 32 pixels (Zauner, "Implementation and Benchmarking of Perceptual
    Image Hash Functions", 2010, section 3.2.1).

    Args:
        grey: (H, W), uint8.

    Example:
        >>> ramp = np.tile(np.arange(64, dtype=np.uint8), (64, 1))
        >>> perceptual_hash(ramp) == perceptual_hash(ramp + 50)
        True
    """
    small = cv2.resize(np.ascontiguousarray(grey), (32, 32), interpolation=cv2.INTER_AREA)
    low = cv2.dct(small.astype(np.float32))[1:9, 1:9]
    return int.from_bytes(np.packbits(low > np.median(low)).tobytes(), "big")


def _grey(source: Path | np.ndarray) -> np.ndarray:
    image = read_image(source) if isinstance(source, Path) else source
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))


def _close_hashes(hashes: np.ndarray) -> dict[tuple[int, int, bool], int]:
    """Return (first, second, whether one is mirrored) of close hashes, and their distance.

    Args:
        hashes: (N, 2), uint64: of each photograph, and of its mirror image.
    """
    count = len(hashes)
    step = max(1, BLOCK // max(count, 1))
    close = {}
    for mirrored in (False, True):
        for start in range(0, count, step):
            block = hashes[start : start + step, :1]
            distance = np.bitwise_count(block ^ hashes[None, start:, int(mirrored)])
            for row, column in np.argwhere(distance <= HASH_DISTANCE).tolist():
                if row < column:
                    pair = start + row, start + column, mirrored
                    close[pair] = int(distance[row, column])
    return close


def _similarity(first: Picture, second: Picture, mirrored: bool, *, thumbnails: bool) -> float:
    """Return the correlation of two pictures, aligned or, where allowed, of their thumbnails."""
    aligned = aligned_correlation(first, second, mirrored=mirrored)
    if not thumbnails:
        return aligned
    flipped = second.thumbnail[:, ::-1] if mirrored else second.thumbnail
    small = [
        cv2.resize(np.ascontiguousarray(thumbnail), (32, 32), interpolation=cv2.INTER_AREA)
        for thumbnail in (first.thumbnail, flipped)
    ]
    return max(aligned, correlation(*small))
