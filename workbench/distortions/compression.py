"""KADID-10k #9 and #10: what two codecs throw away."""

from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from workbench.distortions.base import ByteImage, FloatImage, Operator, deterministic
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
)
