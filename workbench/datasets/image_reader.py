"""One reader for image files: upright, 8 bits, sRGB as viewers show them, or a plain refusal."""

import re
import struct
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageFile, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from workbench.datasets.pixel_values import (
    Colours,
    RefusedError,
    bands,
    bare,
    depth,
    eight_bits,
    require_known_white,
    require_opaque,
    tag_values,
)
from workbench.errors import CorruptImageError, WorkbenchError
from workbench.settings import max_megapixels

READER = 2  # raised when the same file would give other pixels

# What Pillow decodes by itself and a photograph comes in. Left to other programs: forms that start
# one (EPS, WMF), that only name what they hold (FITS, GRIB, HDF5), that show a smaller picture than
# they hold (PCD, ICNS, ICO), and games' and scientists' own.
FORMS = (
    "AVIF", "BMP", "DIB", "GIF", "JPEG", "JPEG2000", "PCX", "PNG", "PPM", "QOI", "SGI", "TIFF",
    "WEBP",
)  # fmt: skip
TGA = frozenset({".icb", ".tga", ".vda", ".vst"})  # nothing in the file itself says that it is one
HEIF = frozenset({".heic", ".heics", ".heif", ".heifs", ".hif"})
SUFFIXES = frozenset(
    {".apng", ".avif", ".avifs", ".bmp", ".dib", ".gif", ".j2c", ".j2k", ".jfif", ".jp2", ".jpc",
     ".jpe", ".jpeg", ".jpf", ".jpg", ".jpx", ".mpo", ".pbm", ".pcx", ".pgm", ".png", ".pnm",
     ".ppm", ".qoi", ".rgb", ".sgi", ".tif", ".tiff", ".webp"}
) | TGA | HEIF  # fmt: skip
_HEIF_BRAND = re.compile(rb"....ftyp(?:heic|heix|heim|heis|hevc|hevx|mif1|msf1)", re.DOTALL)
HEIF_HINT = "needs pip install 'attribute-workbench[heic]'"

_PROCESS = threading.Lock()  # held while settings of the whole process are others
_ORIENTATION = 0x0112  # EXIF tag
_ADOBE_SIZE = 14  # bytes of the segment that says how a JPEG's colours are coded


def read_image(file: Path) -> np.ndarray:
    """Return an image as viewers show it: upright, 8 bits, RGB, sRGB.

    Grey is repeated in three channels; 16 bits keep their upper 8, and whole numbers of 32 bits
    are taken as 8 bits if none is above 255, as 16 if none is above 65,535. A colour profile is
    followed, and one that cannot be read is passed over with a warning. What a tag says of the
    orientation is done; no other metadata is read. Of several pictures, the first is taken.
    Transparency is refused: what lies behind it only the caller knows.

    Returns:
        (H, W, 3), uint8.

    Raises:
        CorruptImageError: The file is no image, broken off, partly transparent, of no known white,
            or larger than `WORKBENCH_MAX_MEGAPIXELS`.
        ConfigError: That setting is no number.
    """
    try:
        with file.open("rb") as stream:
            pixels, orientation = _decoded(stream, file)
            return np.ascontiguousarray(_upright(pixels, orientation))
    except FileNotFoundError:
        raise CorruptImageError(f"{file} does not exist. Name an image that is there.") from None
    except WorkbenchError:
        raise
    except MemoryError as fault:
        raise CorruptImageError(
            f"{file} does not fit into memory. Scale it down, or use a machine with more."
        ) from fault
    except Exception as fault:  # a decoder raises anything: KeyError, struct.error, ZeroDivision…
        raise CorruptImageError(
            f"{file} is no readable image ({_words(fault)}). Replace it or take it out of the "
            "folder."
        ) from fault


def needs_heif_package(file: Path) -> bool:
    """Return whether a file is HEIF, which nothing that is installed reads."""
    if find_spec("pillow_heif"):
        return False
    try:
        with file.open("rb") as stream:
            return _HEIF_BRAND.match(stream.read(12)) is not None
    except OSError:
        return False


def _decoded(stream: BinaryIO, file: Path) -> tuple[np.ndarray, int]:
    if not stream.seekable():
        stream = BytesIO(stream.read())
    try:
        return _pixels(stream, file)
    except (RefusedError, WorkbenchError, MemoryError):
        raise
    except Exception:
        stream.seek(0)
        for shorter in _without_metadata(stream):
            try:
                return _pixels(BytesIO(shorter), file)
            except (RefusedError, WorkbenchError):
                raise
            except Exception:  # the first fault is the one that is reported
                continue
        raise


def _pixels(stream: BinaryIO, file: Path) -> tuple[np.ndarray, int]:
    """Return the pixels as they are stored, (H, W, 3), uint8, and the orientation to obey."""
    with _opened(stream, file) as image:
        width, height = image.size
        if width * height > max_megapixels() * 1_000_000:
            raise CorruptImageError(
                f"{file} is too large to be safe: {width} x {height} pixels are more than "
                f"{max_megapixels()} million. Scale it down, or set WORKBENCH_MAX_MEGAPIXELS to a "
                "higher number."
            )
        raw = image.tile[0].args if image.tile else None
        raw = raw if isinstance(raw, str) else ""
        if image.format == "TIFF":
            _load_tiff(image)
        image.load()
        width, height = image.size
        require_known_white(image)
        shift, white = depth(image)
        colours = Colours(_colour_mode(image.mode), image.info.get("icc_profile"), file)
        pixels = np.empty((height, width, 3), np.uint8)
        for top, band in bands(image):
            require_opaque(band, raw, stream)
            if band.mode.startswith("I"):
                band = eight_bits(band, shift, white)
            pixels[top : top + band.height] = np.asarray(colours.as_srgb(bare(band)))
        return pixels, _orientation(image)


def _opened(stream: BinaryIO, file: Path) -> ImageFile.ImageFile:
    """Read the header alone; the size is checked after it."""
    heif = _register_heif()
    start = stream.read(12)
    stream.seek(0)
    if not start:
        raise RefusedError("it is empty")
    if not heif and _HEIF_BRAND.match(start):
        raise RefusedError(f"HEIC {HEIF_HINT}")
    forms = (*FORMS, *heif, *(("TGA",) if file.suffix.lower() in TGA else ()))
    with _own_limits():
        try:
            if start.startswith(b"\xff\xd8\xff"):  # the first picture of an MPO too
                return JpegImageFile(stream)
            return Image.open(stream, formats=forms)
        except UnidentifiedImageError:
            raise ValueError("of no form that is known, or broken") from None


@contextmanager
def _own_limits() -> Iterator[None]:
    """Lift Pillow's limit on pixels, for there is a setting, and hush what it says of tags."""
    with _PROCESS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        most, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = most


def _load_tiff(image: ImageFile.ImageFile) -> None:
    """Load a TIFF as it is stored; Pillow would turn it and write all of its tags anew."""
    image.load_end = lambda: None  # type: ignore[method-assign]  # of this image alone
    with _own_limits():
        image.load()
    image._size = image.im.size


def _register_heif() -> tuple[str, ...]:
    if find_spec("pillow_heif") is None:
        return ()
    import pillow_heif

    pillow_heif.register_heif_opener()
    return ("HEIF",)


def _colour_mode(mode: str) -> str:
    if mode in ("CMYK", "LAB"):
        return mode
    return "L" if mode[:1] in ("1", "L", "I") else "RGB"


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Turn and mirror as an EXIF orientation, 1 to 8, asks for."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def _orientation(image: ImageFile.ImageFile) -> int:
    """Return the orientation that is stated; 1 if none is or it makes no sense."""
    value = next(iter(tag_values(image, _ORIENTATION)), None)
    if value is None:
        value = _exif_orientation(_exif(image))
    if value is None:
        xmp = image.info.get("XML:com.adobe.xmp") or image.info.get("xmp") or ""
        text = xmp.decode("latin-1") if isinstance(xmp, bytes) else str(xmp)
        stated = re.search(r'tiff:Orientation(?:="|>)([1-8])\b', text)
        value = int(stated[1]) if stated else None
    return value if isinstance(value, int) and value in range(1, 9) else 1


def _exif(image: Image.Image) -> bytes:
    """Return the EXIF block; ImageMagick writes it as text into PNG."""
    raw = image.info.get("Raw profile type exif")
    if isinstance(raw, str) and not image.info.get("exif"):
        try:
            return bytes.fromhex("".join(raw.split("\n")[3:]))
        except ValueError:
            return b""
    exif = image.info.get("exif")
    return exif if isinstance(exif, bytes) else b""


def _exif_orientation(exif: bytes) -> int | None:
    """Read one tag and no other: they may be of any type, cut off, or point anywhere.

    Example:
        >>> _exif_orientation(b"MM\\0*\\0\\0\\0\\x08\\0\\1\\x01\\x12\\0\\3\\0\\0\\0\\1\\0\\6\\0\\0")
        6
    """
    while exif.startswith(b"Exif\0\0"):
        exif = exif[6:]
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return None
    try:
        (start,) = struct.unpack_from(order + "I", exif, 4)
        (count,) = struct.unpack_from(order + "H", exif, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(order + "HH", exif, entry)
            if tag == _ORIENTATION:
                size = {1: "B", 3: "H", 4: "I"}.get(kind)
                return int(struct.unpack_from(order + size, exif, entry + 8)[0]) if size else None
    except struct.error:
        pass
    return None


def _without_metadata(stream: BinaryIO) -> Iterator[bytes]:
    """Yield a PNG or JPEG without what is no picture, then without a PNG's profile either."""
    data = stream.read()
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        for kept in (b"tRNS eXIf iCCP", b"tRNS eXIf", b"tRNS"):
            yield _png_of(data, kept.split())
    elif data.startswith(b"\xff\xd8\xff"):
        yield _jpeg_of(data)


def _png_of(data: bytes, kept: list[bytes]) -> bytes:
    """Return a PNG with its critical chunks, which begin with a capital, and those named."""
    parts, at = [data[:8]], 8
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if kind[:1].isupper() or kind in kept:
            parts.append(data[at : at + size + 12])
        at += size + 12
    return b"".join(parts)


def _jpeg_of(data: bytes) -> bytes:
    """Return a JPEG without comments and applications' segments but EXIF, ICC and Adobe's."""
    parts, at = [data[:2]], 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        marker, size = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        segment = data[at : at + 2 + size]
        kept = segment[4:].startswith((b"Exif\0", b"ICC_PROFILE\0", b"Adobe"))
        if marker not in (*range(0xE0, 0xF0), 0xFE) or (kept and size >= _ADOBE_SIZE):
            parts.append(segment)
        at += 2 + size
    return b"".join([*parts, data[at:]])


def _words(fault: Exception) -> str:
    """Return what went wrong in one line; errors not meant for people are named by their kind."""
    if isinstance(fault, OSError) and fault.strerror:
        return fault.strerror
    words = " ".join(str(fault).split())
    if isinstance(fault, (OSError, SyntaxError, ValueError)) and words:
        return words
    return f"{type(fault).__name__}: {words}"
