"""KADID-10k #9 and #10: what two codecs throw away."""

from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from workbench.distortions.base import ByteImage, FloatImage, Operator, deterministic
from workbench.distortions.pixels import to_bytes, to_floats
from workbench.domain.distortion import Distortion


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
    return _round_trip(
        image, "JPEG2000", quality_mode="rates", quality_layers=[float(ratio)], irreversible=True
    )


def jpeg(image: FloatImage, quality: float) -> FloatImage:
    """Compress with baseline JPEG (libjpeg's quality scale, 4:2:0 colour), and decompress.

    Args:
        image: (H, W, 3), float32 in [0, 1]; rounded to 8 bits first.
        quality: 1..100, rounded down.
    """
    return to_floats(_round_trip(to_bytes(image), "JPEG", quality=int(quality))[0])


def _round_trip(image: ByteImage, codec: str, **settings: Any) -> tuple[ByteImage, int]:
    file = BytesIO()
    Image.fromarray(image).save(file, codec, **settings)
    with Image.open(file) as decoded:
        return np.asarray(decoded.convert("RGB"), np.uint8), file.tell()


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
        ),
        jpeg,
    ),
)
