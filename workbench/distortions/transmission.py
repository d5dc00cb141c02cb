"""TID2013 #12: what is left of a JPEG file when bits arrive wrong.

TID2013 did not publish how it damaged its files, so the way and the levels are ours; the levels
put the PSNR of photographs near 33, 30, 27, 24 and 21 dB.
"""

import re

import numpy as np

from workbench.distortions.base import FloatImage, Operator
from workbench.distortions.compression import decoded, encoded_jpeg
from workbench.distortions.pixels import to_bytes, to_floats
from workbench.domain.distortion import Distortion

# The codes are those of ITU-T T.81, table B.1. In coded data 0xFF is always followed by 0.
_START_OF_SCAN, _SCAN_HEADER_SIZE = b"\xff\xda", 14  # bytes, of a scan of three components
_RESTART = re.compile(rb"(\xff[\xd0-\xd7])")
_END_SIZE = 2  # bytes of the marker that ends the file

_QUALITY = 90  # libjpeg's; what is seen is then the damage, hardly the compression
_INTERVAL = 4  # blocks of 16 x 16 pixels from one restart marker to the next


def jpeg_transmission_errors(
    image: FloatImage, share: float, rng: np.random.Generator
) -> FloatImage:
    """Send as JPEG over a line that gets bits wrong, and decode what arrives.

    The file restarts after every four blocks of 16 x 16 pixels. Each such interval is hit with
    the same probability: one bit of it, anywhere, arrives inverted. What follows in the interval
    is read wrongly, what lies beyond is not, and libjpeg fills in what is missing.

    Args:
        image: (H, W, 3), float32 in [0, 1]; rounded to 8 bits first.
        share: Of the intervals that are hit, in [0, 1].
        rng: Draws which intervals are hit, and where.

    Raises:
        DataError: A side is longer than JPEG allows.
    """
    file = encoded_jpeg(to_bytes(image), quality=_QUALITY, restart_marker_blocks=_INTERVAL)
    return to_floats(decoded(with_bit_errors(file, share, rng)))


def with_bit_errors(file: bytes, share: float, rng: np.random.Generator) -> bytes:
    """Return a JPEG file with one bit inverted in some of its restart intervals.

    Markers are not hit and none arises, so every decoder finds its way at the next one.

    Args:
        file: Baseline JPEG with three components in one scan, ending with its end marker.
        share: Probability that an interval is hit, in [0, 1].
        rng: Draws for every interval whether it is hit, then for every interval the place.
    """
    start = file.rindex(_START_OF_SCAN) + _SCAN_HEADER_SIZE
    parts = _RESTART.split(file[start:-_END_SIZE])  # interval, marker, interval, ...
    draws, places = rng.random((2, len(parts[::2])))
    for index in np.flatnonzero(draws < share):
        parts[2 * index] = _with_bit_error(parts[2 * index], places[index])
    return file[:start] + b"".join(parts) + file[-_END_SIZE:]


def _with_bit_error(interval: bytes, place: float) -> bytes:
    data = bytearray(interval.replace(b"\xff\x00", b"\xff"))
    byte, bit = divmod(int(place * 8 * len(data)), 8)
    data[byte] ^= 0x80 >> bit
    return bytes(data).replace(b"\xff", b"\xff\x00")


OPERATORS: tuple[Operator, ...] = (
    Operator(
        Distortion(
            id="jpeg_transmission_errors",
            name="JPEG transmission errors",
            group="compression",
            source="TID2013 #12",
            explanation="Single bits of the compressed file arrive wrong, so that here and there a "
            "short horizontal strip of blocks shows garbled patterns, a wrong colour or a wrong "
            "brightness, while the rest of the picture is intact.",
            parameter="share of the strips of four blocks that are hit",
            levels=(0.02, 0.05, 0.12, 0.3, 0.7),
            limits=(0, 1),
            stochastic=True,
        ),
        jpeg_transmission_errors,
    ),
)
