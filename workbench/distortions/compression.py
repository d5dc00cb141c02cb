"""KADID-10k #9 and #10: what two codecs throw away."""

import re
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from workbench.distortions.operator import ByteImage, FloatImage, Operator, deterministic
from workbench.distortions.pixels import to_bytes, to_floats
from workbench.domain.distortion import Distortion
from workbench.errors import DataError

_LONGEST_JPEG = 65_500  # pixels; libjpeg's JPEG_MAX_DIMENSION


def jpeg2000(image: FloatImage, ratio: float) -> FloatImage:
    """Compress to a ratio of the raw size with lossy JPEG 2000 (OpenJPEG), and decompress.

    Irreversible 9/7 wavelet, one tile, one quality layer. A very small image cannot reach a high
    ratio: the headers alone are larger.

    Args:
        image: (H, W, 3), float32 in [0, 1]; rounded to 8 bits first.
        ratio: Raw size / compressed size, >= 1.
    """
    return to_floats(jpeg2000_round_trip(to_bytes(image), ratio)[0])


def jpeg2000_round_trip(image: ByteImage, ratio: float) -> tuple[ByteImage, int]:
    """Return what is left of the image, (H, W, 3), uint8, and the size of its file in bytes."""
    file = encoded(
        image, "JPEG2000", quality_mode="rates", quality_layers=[float(ratio)], irreversible=True
    )
    return decoded(file), len(file)


def jpeg(image: FloatImage, quality: float) -> FloatImage:
    """Compress with baseline JPEG (libjpeg's quality scale, 4:2:0 colour), and decompress.

    Args:
        image: (H, W, 3), float32 in [0, 1]; rounded to 8 bits first.
        quality: 1..100, rounded down.
    """
    return to_floats(decoded(encoded_jpeg(to_bytes(image), quality=int(quality))))


def encoded_jpeg(image: ByteImage, **settings: Any) -> bytes:
    """Return an image as a baseline JPEG file in memory.

    Raises:
        DataError: A side is longer than the format can say.
    """
    if max(image.shape[:2]) > _LONGEST_JPEG:
        height, width = image.shape[:2]
        raise DataError(
            f"JPEG holds at most {_LONGEST_JPEG:,} pixels a side, got {width} x {height}: scale "
            "the image down or cut it first."
        )
    return encoded(image, "JPEG", **settings)


def encoded(image: ByteImage, codec: str, **settings: Any) -> bytes:
    """Return an image as a file in memory.

    Args:
        image: (H, W, 3), uint8.
        codec: As Pillow calls it.
        settings: What Pillow's writer of that codec takes.
    """
    file = BytesIO()
    Image.fromarray(image).save(file, codec, **settings)
    return file.getvalue()


def decoded(file: bytes) -> ByteImage:
    """Return the image of a file in memory, (H, W, 3), uint8."""
    with Image.open(BytesIO(file)) as image:
        return np.asarray(image.convert("RGB"), np.uint8)


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
    deterministic(
        Distortion(
            id="jpeg2000",
            name="JPEG2000",
            group="compression",
            source="KADID-10k #9",
            explanation="The image is stored as soft waves of many sizes of which most are thrown "
            "away to make a small file, so that texture is wiped out, surfaces look smeared, and "
            "faint ripples and smudges run along edges.",
            parameter="compression ratio, raw size / file size",
            levels=(16, 32, 45, 120, 400),
            limits=(1, None),
        ),
        jpeg2000,
    ),
    deterministic(
        Distortion(
            id="jpeg",
            name="JPEG",
            group="compression",
            source="KADID-10k #10",
            explanation="The image is cut into squares of 8 by 8 pixels and each is stored with "
            "few details and still fewer colours, so that the squares become visible as blocks, "
            "smooth areas break into steps, and specks surround edges.",
            parameter="quality setting of libjpeg, 1 to 100",
            levels=(43, 36, 24, 7, 4),
            limits=(1, 100),
        ),
        jpeg,
    ),
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
