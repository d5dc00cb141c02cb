"""What an image's numbers mean: their white, what is transparent, their colours in sRGB."""

import logging
from collections.abc import Iterator
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageCms, ImageFile
from PIL.PngImagePlugin import PngImageFile

_log = logging.getLogger(__name__)

BAND = 4_000_000  # pixels that are converted at a time, so that memory stays near the result's
_BITS, _PHOTOMETRIC, _PLANES, _SAMPLE_FORMAT = 258, 262, 284, 339  # TIFF tags
_WHITE_IS_ZERO, _SEPARATE, _SIGNED = 0, 2, 2  # values of the last three
_OF_8_BITS = {"1": 255, "L;2": 85, "L;4": 17}  # a PNG's grey of fewer bits, as 8 bits

# Relative colorimetric with black point compensation, the default of Photoshop and GIMP. For
# profiles made of a matrix and curves (Display P3, Adobe RGB) every intent is the same.
_INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
_FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION | ImageCms.Flags.NOCACHE  # threads share it

# Code values. Two makers' profiles of sRGB itself differ by one or two, which is rounding; the
# pixels of such an image stay as they are.
_SAME = 2
_SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}
_RAMP = np.linspace(0, 255, 17).round().astype(np.uint8)
_LATTICE = np.stack(np.meshgrid(_RAMP, _RAMP, _RAMP, indexing="ij"), -1).reshape(1, -1, 3)
_GREYS = np.arange(256, dtype=np.uint8)[None]


class RefusedError(ValueError):
    """The file is intact, but has no single look."""


def bands(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """Yield an image from top to bottom, with the row that each part begins at."""
    width, height = image.size
    rows = max(1, BAND // width)
    if rows >= height:
        yield 0, image
        return
    for top in range(0, height, rows):
        yield top, image.crop((0, top, width, min(top + rows, height)))


def require_known_white(image: ImageFile.ImageFile) -> None:
    """Raise a RefusedError if nobody can say which number is white, or Pillow reads wrong ones."""
    if image.mode == "F":
        raise RefusedError("floating-point values have no agreed white; save it with 8 bits")
    if image.mode == "L" and _SIGNED in tag_values(image, _SAMPLE_FORMAT):
        raise RefusedError("8-bit values with a sign have no agreed white; save it without")
    if _SEPARATE in tag_values(image, _PLANES) and 16 in tag_values(image, _BITS):
        raise RefusedError("16-bit colours in separate planes are not read; save it interleaved")


def depth(image: ImageFile.ImageFile) -> tuple[int, int | None]:
    """Return how many bits whole numbers have above 8, and their white where it is 0."""
    if not image.mode.startswith("I"):
        return 0, None
    values = (np.asarray(band) for _, band in bands(image))
    extremes = [(int(part.min()), int(part.max())) for part in values]
    low, high = min(low for low, _ in extremes), max(high for _, high in extremes)
    if low < 0 or high > 65535:
        raise RefusedError(
            f"values from {low} to {high} are no 16-bit image; save it with 16 or 8 bits"
        )
    if image.mode == "I":  # the form does not say how many bits are meant, but a PGM's does
        if high > 255 and 16 in tag_values(image, _BITS):
            raise RefusedError("16-bit values with a sign have no agreed white; save it without")
        return (8 if high > 255 or image.format == "PPM" else 0), None
    bits = next(iter(tag_values(image, _BITS)), 16)
    if bits == 16 and 0 < high <= 255:
        raise RefusedError(
            f"of 16 bits, but no value is above {high}, which is almost black; if 255 is white, "
            "save it with 8 bits"
        )
    inverted = _WHITE_IS_ZERO in tag_values(image, _PHOTOMETRIC)
    return bits - 8, 2**bits - 1 if inverted else None


def tag_values(image: ImageFile.ImageFile, tag: int) -> tuple[int, ...]:
    """Return the values of a TIFF's tag; none of another form."""
    if image.format != "TIFF":
        return ()
    value = image.tag_v2.get(tag, ())  # type: ignore[attr-defined]  # a TIFF has it
    return value if isinstance(value, tuple) else (value,)


def eight_bits(band: Image.Image, shift: int, white: int | None) -> Image.Image:
    """Return whole numbers as grey of 8 bits; the other arguments are what `depth` returns."""
    values = np.asarray(band, np.int64)
    values = values if white is None else white - values
    return Image.fromarray((values >> shift).astype(np.uint8))


def require_opaque(band: Image.Image, raw: str, stream: BinaryIO) -> None:
    """Raise if a pixel is transparent; a colour that would be, but occurs nowhere, is no fault.

    Args:
        band: Part of the image.
        raw: How the file stores a pixel, where Pillow says so.
        stream: The file, for the bits of a pixel that Pillow dropped.
    """
    colour = band.info.get("transparency")
    if band.mode in ("La", "LA", "PA", "RGBA", "RGBa") or (band.mode == "P" and _clear(band)):
        if band.mode == "La":
            band = band.convert("LA")
        transparent = band.convert("RGBA").getchannel("A").getextrema() != (255, 255)
    elif colour is None:
        return
    elif band.mode == "RGB":
        wanted = np.asarray(colour)
        deep = raw.startswith("RGB;16")
        same = (np.asarray(band) == (wanted >> 8 if deep else wanted)).all(-1)
        transparent = bool(same.any()) and (not deep or _has_colour(stream, wanted))
    elif band.mode == "1":
        transparent = bool((np.asarray(band) == bool(colour)).any())
    else:
        transparent = bool((np.asarray(band) == colour * _OF_8_BITS.get(raw, 1)).any())
    if transparent:
        raise RefusedError("parts of it are transparent; put it on a background first")


def _clear(band: Image.Image) -> bool:
    return "transparency" in band.info or (
        band.palette is not None and band.palette.mode.endswith("A")
    )


def _has_colour(stream: BinaryIO, colour: np.ndarray) -> bool:
    """Return whether a PNG of 16-bit colours has a pixel of one; Pillow keeps 8 bits at a time."""
    halves: list[np.ndarray] = []
    for part in ("RGB;16B", "RGB;16L"):  # the other byte order gives the lower byte
        stream.seek(0)
        with PngImageFile(stream) as image:
            image.tile = [image.tile[0]._replace(args=part)]
            halves.append(np.asarray(image) == (colour & 255 if halves else colour >> 8))
    return bool((halves[0] & halves[1]).all(-1).any())


def bare(band: Image.Image) -> Image.Image:
    """Return a band, opaque as is known by now, without what would make Pillow think otherwise."""
    band.info.pop("transparency", None)
    return band.convert("LA").convert("L") if band.mode == "La" else band


class Colours:
    """How the colours of one image become sRGB.

    Args:
        mode: Pillow's mode of its pixels with 8 bits: "L", "RGB", "CMYK" or "LAB".
        profile: The ICC profile in the file; None or one of no use leaves numbers as they are. A
            grey image with a profile of RGB is read as grey in that RGB.
        file: For the warning about a profile that cannot be used.
    """

    def __init__(self, mode: str, profile: bytes | None, file: Path) -> None:
        self._transform: ImageCms.ImageCmsTransform | None = None
        self._mode = mode
        if mode == "LAB":
            self._transform = _lab_transform()
        elif profile:
            fault, self._mode, self._transform = _profile_transform(profile, mode)
            if fault:
                _log.warning(
                    "%s: its colour profile is passed over (%s); its colours are read without one.",
                    file,
                    fault,
                )

    def as_srgb(self, image: Image.Image) -> Image.Image:
        """Return an image of the stated mode, or of one that converts to it, as RGB in sRGB."""
        if self._transform is None:
            return image if image.mode == "RGB" else image.convert("RGB")
        if image.mode != self._mode:
            image = image.convert(self._mode)
        converted = ImageCms.applyTransform(image, self._transform)
        if converted is None:  # only a call that converts in place returns None
            raise ValueError("the colours cannot be converted")
        return converted


@lru_cache(maxsize=1)
def _lab_transform() -> ImageCms.ImageCmsTransform:
    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    return ImageCms.buildTransform(lab, srgb, "LAB", "RGB", _INTENT, _FLAGS)


@lru_cache(maxsize=8)
def _profile_transform(
    profile: bytes, mode: str
) -> tuple[str, str, ImageCms.ImageCmsTransform | None]:
    """Return a fault or "", the mode that is converted, and how; None where nothing changes."""
    try:
        opened = ImageCms.ImageCmsProfile(BytesIO(profile))
        space = opened.profile.xcolor_space.strip()
        if mode == "L" and space == "RGB":
            mode = "RGB"
        if space != _SPACES[mode]:
            return f"it is of {space}, the image of {_SPACES[mode]}", mode, None
        srgb = ImageCms.createProfile("sRGB")
        transform = ImageCms.buildTransform(opened, srgb, mode, "RGB", _INTENT, _FLAGS)
        return "", mode, None if _changes_nothing(transform, mode) else transform
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError, AttributeError) as fault:
        return str(fault) or type(fault).__name__, mode, None


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    if mode == "CMYK":
        return False
    before = _GREYS if mode == "L" else _LATTICE
    after = np.asarray(ImageCms.applyTransform(Image.fromarray(before), transform), np.int16)
    expected = before[..., None] if mode == "L" else before
    return bool(np.abs(after - expected).max() <= _SAME)
