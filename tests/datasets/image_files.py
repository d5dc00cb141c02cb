"""Image files and colour profiles made by the book, for what reads them."""

import io
import struct
import zlib

import numpy as np
import tifffile
from scipy.linalg import inv

RAMP = np.arange(24, dtype=np.uint8).reshape(4, 6) * 10


def file_of(image, form="PNG", **settings):
    file = io.BytesIO()
    image.save(file, form, **settings)
    return file.getvalue()


def tiff(values, **settings):
    file = io.BytesIO()
    tifffile.imwrite(file, values, **settings)
    return file.getvalue()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(values, bits, colour, *before, after=b"", width=None):
    """A PNG by the book: `values` are rows of bytes, or of 16-bit numbers, as they are stored."""
    rows = values.astype(">u2" if bits == 16 else "u1").reshape(len(values), -1)
    width = width or values.shape[1]
    header = struct.pack(">IIBBBBB", width, len(values), bits, colour, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    parts = (chunk(b"IHDR", header), *before, chunk(b"IDAT", pixels), after, chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def linear(values):
    """The curve of sRGB and Display P3 (IEC 61966-2-1), to light."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def coded(light):
    light = light.clip(0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def scaled(primaries):
    """RGB to XYZ of primaries given as (x, y), white D65 (Lindbloom)."""
    columns = np.array([(x / y, 1, (1 - x - y) / y) for x, y in primaries]).T
    return columns * (inv(columns) @ np.array([0.95047, 1, 1.08883]))


SRGB = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
DISPLAY_P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
ADOBE_RGB = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
ADOBE_GAMMA = 563 / 256


def s15(values):
    return b"".join(struct.pack(">i", round(float(value) * 65536)) for value in values)


def profile(space=b"RGB ", tags=()):
    """An ICC profile of version 2 by the book: a header, a table, the tags' data."""
    blocks, table = b"", b""
    for name, data in tags:
        data += b"\0" * (-len(data) % 4)
        table += struct.pack(">4sII", name, 132 + 12 * len(tags) + len(blocks), len(data))
        blocks += data
    header = struct.pack(
        ">I4sI4s4s4s12s4s4sII4sII4s12s4s44s",
        132 + len(table) + len(blocks), b"test", 0x02400000, b"prtr" if space == b"CMYK" else
        b"mntr", space, b"Lab " if space == b"CMYK" else b"XYZ ", bytes(12), b"acsp", b"", 0, 0,
        b"", 0, 0, b"", s15((0.9642, 1, 0.8249)), b"", b"",
    )  # fmt: skip
    return header + struct.pack(">I", len(tags)) + table + blocks


def curve(gamma=None):
    """A power, or sRGB's curve as a table."""
    if gamma is not None:
        return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))
    table = np.rint(linear(np.linspace(0, 1, 1024)) * 65535).astype(">u2")
    return b"curv\0\0\0\0" + struct.pack(">I", len(table)) + table.tobytes()


BRADFORD = np.array(
    [
        [1.0478112, 0.0228866, -0.0501270],
        [0.0295424, 0.9904844, -0.0170491],
        [-0.0092345, 0.0150436, 0.7521316],
    ]
)  # fmt: skip  D65 to D50


def matrix_profile(primaries, gamma=None):
    columns = (BRADFORD @ scaled(primaries)).T
    colours = zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True)
    tags = [(name, b"XYZ \0\0\0\0" + s15(column)) for name, column in colours]
    tags += [(name, curve(gamma)) for name in (b"rTRC", b"gTRC", b"bTRC")]
    tags += [(b"wtpt", b"XYZ \0\0\0\0" + s15((0.9642, 1, 0.8249)))]
    return profile(tags=tags)


COLOUR_LATTICE = np.stack(
    np.meshgrid(*[np.linspace(0, 255, 9).round()] * 3, indexing="ij"), -1
).reshape(27, 27, 3).astype(np.uint8)  # fmt: skip
