"""KADID-10k #9 and #10, TID2013 #12 and #24: what codecs, lines and sampling throw away."""

import re
from io import BytesIO
from typing import Any

import numpy as np
import scipy.fft
from PIL import Image
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile
from PIL.JpegImagePlugin import JpegImageFile

from workbench.distortions.operator import ByteImage, FloatImage, Operator, deterministic
from workbench.distortions.pixels import to_bytes, to_floats
from workbench.domain.config import require_sides
from workbench.domain.distortion import Distortion


def jpeg2000(image: FloatImage, ratio: float) -> FloatImage:
    """Round to 8 bits, compress to a ratio with lossy JPEG 2000 (OpenJPEG), and decompress.

    Irreversible 9/7 wavelet, one tile, one quality layer. A very small image cannot reach a high
    ratio: the headers alone are larger.
    """
    return to_floats(jpeg2000_round_trip(to_bytes(image), ratio)[0])


def jpeg2000_round_trip(image: ByteImage, ratio: float) -> tuple[ByteImage, int]:
    """Return what is left of the image, (H, W, 3), uint8, and the size of its file in bytes."""
    file = encoded(
        image, "JPEG2000", quality_mode="rates", quality_layers=[float(ratio)], irreversible=True
    )
    return decoded(file), len(file)


def jpeg(image: FloatImage, quality: float) -> FloatImage:
    """Round to 8 bits, compress with baseline JPEG (libjpeg's scale, 4:2:0 colour), decompress."""
    return to_floats(decoded(encoded_jpeg(to_bytes(image), quality=int(quality))))


def encoded_jpeg(image: ByteImage, **settings: Any) -> bytes:
    """Return an image as a baseline JPEG file in memory; DataError if a side is too long for it."""
    return encoded(image, "JPEG", **settings)


def encoded(image: ByteImage, codec: str, **settings: Any) -> bytes:
    """Return an image, (H, W, 3), uint8, as a file in memory, with the settings of its codec."""
    height, width = image.shape[:2]
    require_sides(width, height, [codec])
    file = BytesIO()
    Image.fromarray(image).save(file, codec, **settings)
    return file.getvalue()


def decoded(file: bytes) -> ByteImage:
    """Return the image of a file in memory, (H, W, 3), uint8."""
    reader = JpegImageFile if file.startswith(b"\xff\xd8") else Jpeg2KImageFile
    with reader(BytesIO(file)) as image:  # of our own making: no size is too large to be safe
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
        rng: Draws for every interval whether it is hit, then for every interval the bit.
    """
    start = file.rindex(_START_OF_SCAN) + _SCAN_HEADER_SIZE
    parts = _RESTART.split(file[start:-_END_SIZE])  # interval, marker, interval, ...
    draws, positions = rng.random((2, len(parts[::2])))
    for index in np.flatnonzero(draws < share):
        parts[2 * index] = _with_bit_error(parts[2 * index], positions[index])
    return file[:start] + b"".join(parts) + file[-_END_SIZE:]


def _with_bit_error(interval: bytes, position: float) -> bytes:
    data = bytearray(interval.replace(b"\xff\x00", b"\xff"))
    byte, bit = divmod(int(position * 8 * len(data)), 8)
    data[byte] ^= 0x80 >> bit
    return bytes(data).replace(b"\xff", b"\xff\x00")


def sparse_sampling(image: FloatImage, share: float) -> FloatImage:
    """Keep the largest coefficients of a cosine transform of the whole image; drop the rest.

    A frequency is kept for all three channels or for none, by the sum of their squares, and at
    least one is. TID2013's images were sampled sparsely and reconstructed by compressive sensing,
    which is iterative and far slower; the best sparse approximation stands in for it here and is
    NOT equivalent.
    """
    spectrum = scipy.fft.dctn(image, axes=(0, 1), norm="ortho")
    energy = np.einsum("hwc,hwc->hw", spectrum, spectrum)
    dropped = energy.size - max(1, round(share * energy.size))
    if dropped > 0:
        least = np.partition(energy, dropped, axis=None)[dropped]
        spectrum[energy < least] = 0
    sparse = scipy.fft.idctn(spectrum, axes=(0, 1), norm="ortho", overwrite_x=True)
    return np.clip(np.asarray(sparse, np.float32), 0, 1)


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
        ("JPEG2000",),
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
        ("JPEG",),
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
        ("JPEG",),
    ),
    # TID2013 did not publish its parameters; these levels put the PSNR of photographs near 33, 30,
    # 27, 24 and 21 dB.
    deterministic(
        Distortion(
            id="sparse_sampling",
            name="Sparse sampling",
            group="compression",
            source="TID2013 #24",
            explanation="Only a small share of the measurements that make up the image is kept and "
            "the rest is guessed, so that texture and fine lines vanish, edges soften, and weak "
            "ripples run across the whole picture.",
            parameter="share of the coefficients that are kept",
            levels=(0.2, 0.1, 0.04, 0.012, 0.004),
            limits=(0, 1),
            neutral=1,
        ),
        sparse_sampling,
    ),
)
