"""Local features of a picture: they find a crop of it again, rescaled, turned or mirrored."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

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
    return Picture(
        thumbnail=cv2.GaussianBlur(thumbnail, (0, 0), 1),
        plain=_features(stretched),
        mirrored=_features(np.ascontiguousarray(stretched[:, ::-1])),
    )


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


def _features(grey: np.ndarray) -> Features:
    orb = cv2.ORB.create(nfeatures=1200, fastThreshold=7)
    height, width = grey.shape
    detected = orb.detect(grey, None) if min(height, width) >= LEAST_SIDE else ()
    room = {(row, column): PER_CELL for row in range(CELLS) for column in range(CELLS)}
    strongest = []
    for point in sorted(detected, key=lambda point: -point.response):
        x, y = point.pt
        cell = int(y * CELLS / height), int(x * CELLS / width)
        if room[cell]:
            room[cell] -= 1
            strongest.append(point)
    if not strongest:
        return Features(np.zeros((0, 2), np.float32), np.zeros((0, 32), np.uint8))
    points, descriptors = orb.compute(grey, strongest)
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
    matcher = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True)
    matches = matcher.match(first.descriptors, second.descriptors)
    matches = [match for match in matches if match.distance < MATCH_BITS]
    if len(matches) < LEAST_ALIGNED:
        return None
    alignment, agreeing = cv2.estimateAffinePartial2D(
        first.points[[match.queryIdx for match in matches]],
        second.points[[match.trainIdx for match in matches]],
        ransacReprojThreshold=REPROJECTION,
    )
    if alignment is None or agreeing.sum() < LEAST_ALIGNED:
        return None
    return np.asarray(alignment, np.float64)
