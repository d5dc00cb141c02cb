"""Photographs that show the same picture: re-encoded, rescaled, cropped, mirrored, or shot twice.

The whole picture is compared by a perceptual hash, parts of it by local features, and every pair
that either finds is laid one upon the other and correlated before it is reported. Decision 0010
holds what was measured.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from workbench.datasets.image_reader import read_image

T = TypeVar("T")
R = TypeVar("R")

SIDE = 384  # px, longest side at which features are looked for
REDUCED = 3  # thumbnails are this much smaller again
CELLS = 4  # a picture is divided into CELLS x CELLS, so that a crop keeps its share of the features
PER_CELL = 20
LEAST_SIDE = 64  # px; ORB finds nothing within 31 px of an edge
KEY_BYTES = 4  # of a descriptor's 32: two features with one key in common are taken to be alike
CROWDED = 16  # a key that more features have tells no picture from another
FOLLOWED = 10  # pairs looked at closely for each picture, so that their number grows as N
MATCH_BITS = 64  # of a descriptor's 256 that may differ in a match
REPROJECTION = 4.0  # px by which a match may miss the common alignment
LEAST_ALIGNED = 8  # matches under one alignment; unrelated photographs reached 6 (decision 0010)
LEAST_OVERLAP = 0.4  # of the smaller picture


@dataclass(frozen=True, slots=True)
class Features:
    """Features of one picture."""

    points: np.ndarray  # x and y in pixels, (n, 2), float32
    descriptors: np.ndarray  # ORB's 256 bits each, (n, 32), uint8


@dataclass(frozen=True, slots=True)
class Picture:
    """What identifies a photograph."""

    thumbnail: np.ndarray  # blurred lightness, longest side SIDE / REDUCED, (h, w), uint8
    plain: Features  # features as it is
    mirrored: Features  # features of the picture mirrored left to right


def describe_picture(grey: np.ndarray) -> Picture:
    """Return what identifies a photograph, (H, W), uint8; it takes about 35 kB."""
    scale = SIDE / max(grey.shape)
    size = [max(1, round(side * scale)) for side in reversed(grey.shape)]
    sized = cv2.resize(grey, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    small = [max(1, side // REDUCED) for side in size]
    thumbnail = cv2.resize(sized, small, interpolation=cv2.INTER_AREA)
    low, high = np.percentile(sized, (1, 99))  # a dark picture has features too
    stretched = np.clip((sized - low) * (255 / max(high - low, 1)), 0, 255).astype(np.uint8)
    return Picture(cv2.GaussianBlur(thumbnail, (0, 0), 1), *_both_features(stretched))


def sharing_pairs(pictures: Sequence[Picture]) -> list[tuple[int, int, bool]]:
    """Return the pairs that share most features: (first, second, whether one is mirrored).

    Descriptors are cut into keys, and pictures with the same key are found by sorting, so that no
    two pictures are compared (locality-sensitive hashing by sampled bits: Indyk and Motwani, 1998).

    Returns:
        At most FOLLOWED * N pairs, first before second.
    """
    count = len(pictures)
    sides = [p.plain for p in pictures] + [p.mirrored for p in pictures]
    descriptors = np.concatenate([side.descriptors for side in sides])
    owner = np.repeat(np.arange(2 * count), [len(side.descriptors) for side in sides])
    keys = np.ascontiguousarray(descriptors).view(f"<u{KEY_BYTES}")
    codes = np.concatenate([_sharing(column, owner, count) for column in keys.T])
    distinct, shared = np.unique(codes, return_counts=True)
    best = distinct[np.argsort(-shared, kind="stable")[: FOLLOWED * count]]
    return [(code // 2 // count, code // 2 % count, bool(code % 2)) for code in best.tolist()]


def aligned_correlation(first: Picture, second: Picture, *, mirrored: bool) -> float:
    """Return how alike two pictures are where they overlap once one is laid upon the other.

    The second is mirrored before, if asked for.

    Returns:
        Correlation of lightness, -1..1; 0 where too few features agree on an alignment.
    """
    features = second.mirrored if mirrored else second.plain
    thumbnail = second.thumbnail[:, ::-1] if mirrored else second.thumbnail
    alignment = _alignment(first.plain, features)
    if alignment is None:
        return 0.0
    alignment[:, 2] /= REDUCED
    height, width = thumbnail.shape
    moved = cv2.warpAffine(first.thumbnail, alignment, (width, height))
    inside = cv2.warpAffine(np.ones_like(first.thumbnail), alignment, (width, height)) > 0.99
    area = abs(np.linalg.det(alignment[:, :2])) * first.thumbnail.size
    if inside.sum() < LEAST_OVERLAP * min(area, thumbnail.size):
        return 0.0
    return correlation(moved[inside], thumbnail[inside])


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Return Pearson's correlation; 0 where one of them is constant.

    Example:
        >>> rising = np.array([1.0, 2.0, 4.0])
        >>> round(correlation(rising, 3 - rising), 6), correlation(rising, np.ones(3))
        (-1.0, 0.0)
    """
    x, y = (values.astype(np.float64).ravel() - values.mean() for values in (first, second))
    size = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / size if size > 0 else 0.0


def _both_features(grey: np.ndarray) -> tuple[Features, Features]:
    """Return the features of a picture and of its mirror image, which has them at the same places.

    So they are looked for once; only their descriptors differ.
    """
    orb = cv2.ORB.create(nfeatures=1200, fastThreshold=7)
    height, width = grey.shape
    detected = orb.detect(grey, None) if min(height, width) >= LEAST_SIDE else ()
    strongest = _spread(detected, height, width)
    mirrored = [
        cv2.KeyPoint(
            width - 1 - point.pt[0], point.pt[1], point.size, (180 - point.angle) % 360,
            point.response, point.octave, point.class_id,
        )
        for point in strongest
    ]  # fmt: skip
    return (
        _described(orb, grey, strongest),
        _described(orb, np.ascontiguousarray(grey[:, ::-1]), mirrored),
    )


def _spread(detected: Sequence[cv2.KeyPoint], height: int, width: int) -> list[cv2.KeyPoint]:
    """Return the strongest features, no more than PER_CELL of a cell, the strongest first."""
    if not detected:
        return []
    x, y = np.asarray(cv2.KeyPoint.convert(detected)).T
    cell = (y * CELLS / height).astype(int) * CELLS + (x * CELLS / width).astype(int)
    order = np.argsort([-point.response for point in detected], kind="stable")
    by_cell = order[np.argsort(cell[order], kind="stable")]
    starts = np.searchsorted(cell[by_cell], cell[by_cell])
    first = by_cell[np.arange(len(by_cell)) - starts < PER_CELL]
    rank = np.empty(len(order), int)
    rank[order] = np.arange(len(order))
    return [detected[index] for index in first[np.argsort(rank[first])]]


def _described(orb: cv2.ORB, grey: np.ndarray, points: Sequence[cv2.KeyPoint]) -> Features:
    if not points:
        return Features(np.zeros((0, 2), np.float32), np.zeros((0, 32), np.uint8))
    points, descriptors = orb.compute(grey, points)
    return Features(np.array([point.pt for point in points], np.float32), descriptors)


def _sharing(keys: np.ndarray, owner: np.ndarray, count: int) -> np.ndarray:
    """Return one code for each two features of different pictures with the same key."""
    order = np.argsort(keys, kind="stable")
    keys, owner = keys[order], owner[order]
    starts = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]])
    sizes = np.diff(np.r_[starts, len(keys)])
    telling = np.repeat((sizes > 1) & (sizes <= CROWDED), sizes)
    keys, owner = keys[telling], owner[telling]
    codes = [np.zeros(0, np.int64)]
    for step in range(1, min(CROWDED, len(keys))):
        same = keys[step:] == keys[:-step]
        # The stable sort keeps owners in order: plain pictures 0..N-1 before mirrored N..2N-1.
        first, second = owner[:-step][same], owner[step:][same]
        mirrored = second >= count
        useful = (first < count) & (first != second - count * mirrored)
        first, second, mirrored = first[useful], (second % count)[useful], mirrored[useful]
        low, high = np.minimum(first, second), np.maximum(first, second)
        codes.append((low * count + high) * 2 + mirrored)
    return np.concatenate(codes)


def _alignment(first: Features, second: Features) -> np.ndarray | None:
    """Return the turn, scale and shift that lays the first upon the second, (2, 3), if any."""
    if min(len(first.points), len(second.points)) < LEAST_ALIGNED:
        return None
    own, other = _matches(first.descriptors, second.descriptors)
    if len(own) < LEAST_ALIGNED:
        return None
    alignment, agreeing = cv2.estimateAffinePartial2D(
        first.points[own], second.points[other], ransacReprojThreshold=REPROJECTION
    )
    if alignment is None or agreeing.sum() < LEAST_ALIGNED:
        return None
    return np.asarray(alignment, np.float64)


def _matches(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of features that are each other's nearest, by less than MATCH_BITS.

    Of two vectors of -1 and 1, the product says how many bits differ; it is a quarter of the work
    of counting them.
    """
    signs = [2 * np.unpackbits(bits, axis=1).astype(np.float32) - 1 for bits in (first, second)]
    alike = signs[0] @ signs[1].T  # (n, m): bits less twice those that differ
    nearest = alike.argmax(1)
    own = np.arange(len(nearest))
    both = alike.argmax(0)[nearest] == own
    close = alike[own, nearest] > 8 * first.shape[1] - 2 * MATCH_BITS
    return own[both & close], nearest[both & close]


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
    looked = _in_threads(partial(_look, crops=crops), sources)
    for row, (plain, mirrored_hash, picture) in enumerate(looked):
        progress(0.9 * row / len(names), f"looking at {names[row]}")
        hashes[row] = plain, mirrored_hash
        if picture is not None:
            pictures[row] = picture
    distances = _close_hashes(hashes)
    crop_pairs = sharing_pairs(list(pictures.values())) if len(pictures) > 1 else []
    candidates = sorted({*distances, *crop_pairs})
    lacking = sorted({row for first, second, _ in candidates for row in (first, second)})
    lacking = [row for row in lacking if row not in pictures]
    described = _in_threads(lambda row: describe_picture(_grey(sources[row])), lacking)
    pictures.update(zip(lacking, described, strict=True))

    def compared(candidate: tuple[int, int, bool]) -> float:
        first, second, mirrored = candidate
        close = distances.get(candidate, 64) <= CLOSE_DISTANCE
        return _similarity(pictures[first], pictures[second], mirrored, thumbnails=close)

    duplicates: dict[tuple[int, int], NearDuplicate] = {}
    for done, similarity in enumerate(_in_threads(compared, candidates)):
        first, second, mirrored = candidates[done]
        progress(0.9 + 0.1 * done / len(candidates), "laying pictures upon each other")
        if similarity >= threshold and (first, second) not in duplicates:
            pair = NearDuplicate(names[first], names[second], round(similarity, 3), mirrored)
            duplicates[first, second] = pair
    return list(duplicates.values())


def _look(source: Path | np.ndarray, *, crops: bool) -> tuple[int, int, Picture | None]:
    """Return the hash of a picture and of its mirror image, and what tells crops of it."""
    grey = _grey(source)
    picture = describe_picture(grey) if crops else None
    return perceptual_hash(grey), perceptual_hash(grey[:, ::-1]), picture


def _in_threads(function: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
    """Yield the function's results in the items' order, a thread for each core.

    OpenCV, Pillow and NumPy let other threads run while they compute.
    """
    cores = os.cpu_count() or 1
    with ThreadPoolExecutor(cores) as pool:
        left = iter(items)
        waiting = deque(pool.submit(function, item) for item in islice(left, 4 * cores))
        try:
            while waiting:
                yield waiting.popleft().result()
                waiting.extend(pool.submit(function, item) for item in islice(left, 1))
        finally:
            pool.shutdown(cancel_futures=True)


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
