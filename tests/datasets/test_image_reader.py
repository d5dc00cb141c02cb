"""Images of any camera and program: the pixels that viewers show, or one plain line."""

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.datasets.image_files import (
    COLOUR_LATTICE,
    DISPLAY_P3,
    RAMP,
    chunk,
    file_of,
    matrix_profile,
    png,
    tiff,
)
from workbench.datasets.image_reader import read_image
from workbench.errors import CorruptImageError


def clear(*values):
    """The chunk that names one colour as transparent."""
    return chunk(b"tRNS", struct.pack(f">{len(values)}H", *values))


def test_an_image_is_read_as_viewers_show_it(read):
    grey = np.repeat(RAMP[..., None], 3, 2)
    assert np.array_equal(read(file_of(Image.fromarray(RAMP))), grey)
    assert np.array_equal(read(file_of(Image.fromarray(grey).convert("RGBA"))), grey)
    assert np.array_equal(read(file_of(Image.fromarray(grey).convert("P", palette=1))), grey)
    assert set(np.unique(read(file_of(Image.fromarray(RAMP > 100))))) == {0, 255}


@pytest.mark.parametrize("image", [Image.new("RGBA", (3, 3), (9, 9, 9, 128)),
                                   Image.new("LA", (3, 3), (9, 0))])  # fmt: skip
def test_transparency_has_no_single_look_and_is_refused(read, image):
    with pytest.raises(CorruptImageError, match="parts of it are transparent"):
        read(file_of(image))


GREY, RGB, PALETTE = 0, 2, 3
DEEP = np.array([[0, 300, 65535, 40000]])
COLOURS = np.array([[[77, 5077, 10077], [65535, 300, 5]]])


@pytest.mark.parametrize(
    ("bits", "colour", "values", "absent", "present", "width"),
    [
        (16, GREY, DEEP, (301,), (300,), 4),
        (16, RGB, COLOURS, (78, 5077, 10077), (77, 5077, 10077), 2),
        (8, GREY, DEEP[:, :2] // 2, (151,), (150,), 2),
        (8, RGB, COLOURS % 256, (1, 2, 3), (255, 44, 5), 2),
        (4, GREY, np.array([[0xF1]]), (2,), (15,), 2),
        (2, GREY, np.array([[0b11000110]]), None, (2,), 4),
        (1, GREY, np.array([[0xFF]]), (0,), (1,), 8),
    ],
)
def test_a_transparent_colour_is_refused_only_where_a_pixel_has_it(
    read, bits, colour, values, absent, present, width
):
    plain = read(png(values, bits, colour, width=width))
    if absent:
        assert np.array_equal(read(png(values, bits, colour, clear(*absent), width=width)), plain)
    with pytest.raises(CorruptImageError, match="parts of it are transparent"):
        read(png(values, bits, colour, clear(*present), width=width))


def test_an_entry_of_the_palette_may_be_transparent_if_no_pixel_uses_it(read):
    entries = chunk(b"PLTE", bytes([1, 2, 3, 40, 50, 60])), chunk(b"tRNS", b"\0")
    assert read(png(np.array([[1, 1]]), 8, PALETTE, *entries)).tolist() == [[[40, 50, 60]] * 2]
    with pytest.raises(CorruptImageError, match="parts of it are transparent"):
        read(png(np.array([[1, 0]]), 8, PALETTE, *entries))


def test_sixteen_bits_keep_their_upper_eight_in_every_form(read):
    upper = np.repeat((DEEP >> 8).astype(np.uint8)[..., None], 3, 2)
    values = DEEP.astype(np.uint16)
    colours = np.repeat(values[..., None], 3, 2)
    portable = b"P5 4 1 65535\n" + DEEP.astype(">u2").tobytes()
    inverted = tiff(np.uint16(65535) - values, photometric="miniswhite")
    assert np.array_equal(read(png(DEEP, 16, GREY)), upper)
    assert np.array_equal(read(png(np.repeat(DEEP[..., None], 3, 2), 16, RGB)), upper)
    assert np.array_equal(read(tiff(values), "x.tif"), upper)
    assert np.array_equal(read(tiff(values, byteorder=">"), "x.tif"), upper)
    assert np.array_equal(read(inverted, "x.tif"), upper)
    assert np.array_equal(read(tiff(colours, photometric="rgb", byteorder=">"), "x.tif"), upper)
    assert np.array_equal(read(portable, "x.pgm"), upper)


def test_whole_numbers_of_32_bits_are_taken_by_their_range(read):
    grey = np.repeat(RAMP[..., None], 3, 2)
    assert np.array_equal(read(tiff(RAMP.astype(np.int32)), "x.tif"), grey)
    assert np.array_equal(read(tiff(RAMP.astype(np.uint32)), "x.tif"), grey)
    assert np.array_equal(read(tiff(RAMP.astype(np.int32) * 257), "x.tif"), grey)


def test_twelve_bits_fill_the_range(read):
    """A TIFF by the book, for no writer here makes one: 2 x 1 pixels, 0xFFF and 0x800."""
    entries = [(256, 2), (257, 1), (258, 12), (259, 1), (262, 1), (273, 200), (277, 1), (278, 1),
               (279, 3)]  # fmt: skip
    tags = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries)
    data = b"II*\0" + struct.pack("<IH", 8, len(entries)) + tags + b"\0" * 4
    image = read(data.ljust(200, b"\0") + b"\xff\xf8\x00", "x.tif")
    assert image[0, :, 0].tolist() == [255, 128]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.array([[0, 65536]], np.int32), "values from 0 to 65536 are no 16-bit image"),
        (np.array([[-1, 9]], np.int32), "values from -1 to 9 are no 16-bit image"),
        (np.array([[0, 200]], np.uint16), "no value is above 200, which is almost black"),
        (np.array([[0, 32767]], np.int16), "16-bit values with a sign have no agreed white"),
        (np.array([[-5, 5]], np.int8), "8-bit values with a sign have no agreed white"),
        (np.array([[0, 0.5]], np.float32), "floating-point values have no agreed white"),
        (np.array([[0, 0.5]], np.float64), "of no form that is known"),
    ],
)
def test_numbers_without_an_agreed_white_are_refused(read, values, message):
    with pytest.raises(CorruptImageError, match=message):
        read(tiff(values), "x.tif")


def test_planes_that_pillow_would_read_wrongly_are_refused(read):
    planes = np.arange(24, dtype=np.uint16).reshape(3, 2, 4) * 2000
    data = tiff(planes, photometric="rgb", planarconfig="separate")
    with pytest.raises(CorruptImageError, match="in separate planes are not read"):
        read(data, "x.tif")


def exif(*entries, order=">"):
    """An EXIF block of entries (tag, type, four bytes)."""
    mark = b"MM\0*" if order == ">" else b"II*\0"
    packed = [struct.pack(f"{order}HHI4s", tag, kind, 1, value) for tag, kind, value in entries]
    block = struct.pack(f"{order}IH", 8, len(entries)) + b"".join(packed) + bytes(4)
    return b"Exif\0\0" + mark + block


UPRIGHT = np.zeros((40, 24, 3), np.uint8)
UPRIGHT[:10, :6], UPRIGHT[30:, :6] = 255, 128
TURNED = (0x0112, 3, b"\0\6\0\0")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["PNG", "TIFF", "WEBP", "JPEG"])
def test_every_orientation_is_obeyed_as_pillow_does(read, orientation, form):
    settings = {"exif": exif((0x0112, 3, bytes([0, orientation, 0, 0])))}
    if form == "WEBP":
        settings |= {"lossless": True}
    image = Image.fromarray(UPRIGHT)
    if form == "TIFF":
        settings = {"tiffinfo": {0x0112: orientation}}
    moves = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}  # Image.Transpose, of ImageOps
    turned = image.transpose(Image.Transpose(moves[orientation])) if orientation > 1 else image
    shown = read(file_of(image, form, **settings), f"x.{form.lower()}")
    assert shown.shape == np.asarray(turned).shape
    assert np.abs(shown.astype(int) - np.asarray(turned)).mean() < 4


@pytest.mark.parametrize(
    "others",
    [
        [(0x0100, 2, b"text"), (0x011A, 2, b"72\0\0")],  # text where a number belongs
        [(0x011A, 10, b"\xff\xff\xff\xff")],  # a fraction with a sign, somewhere outside
        [(0x8769, 4, b"\xff\xff\xff\xff"), (0x8825, 2, b"gps\0")],  # a directory that is nowhere
        [(0x9999, 99, b"\0\0\0\1")],  # a type that does not exist
        [(0x0111, 0, b"\0\0\0\0"), (0x013E, 12, b"\1\1\1\1")],
    ],
)
def test_the_orientation_is_obeyed_whatever_stands_beside_it(read, others):
    block = exif(*others, TURNED, *others)
    data = file_of(Image.fromarray(np.rot90(UPRIGHT)), exif=block)
    assert np.array_equal(read(data), UPRIGHT)


@pytest.mark.parametrize(
    "block",
    [
        exif((0x0112, 3, b"\0\x09\0\0")),
        exif((0x0112, 3, b"\0\0\0\0")),
        exif((0x0112, 2, b"6\0\0\0")),
        exif(TURNED)[:20],
        b"Exif\0\0MM\0*\xff\xff\xff\xff",
        b"Exif\0\0not at all",
    ],
)
def test_an_orientation_of_no_sense_is_upright(read, block):
    assert np.array_equal(read(file_of(Image.fromarray(UPRIGHT), exif=block)), UPRIGHT)


@given(st.binary(max_size=80))
def test_no_exif_block_is_too_broken(tmp_path_factory, block):
    file = tmp_path_factory.getbasetemp() / "exif.png"
    file.write_bytes(file_of(Image.fromarray(RAMP), exif=b"Exif\0\0MM" + block))
    assert set(read_image(file).shape) == {4, 6, 3}


BULKY = chunk(b"zTXt", b"note\0\0" + zlib.compress(bytes(3_000_000)))


@pytest.mark.parametrize(
    "metadata",
    [
        BULKY,
        BULKY * 30,
        chunk(b"tEXt", b"a\0b")[:-1] + b"!",  # a wrong checksum
        chunk(b"pHYs", b"?"),
        chunk(b"iCCP", b"k\0\0no zlib"),
        chunk(b"iCCP", b"k\0\0" + zlib.compress(bytes(3_000_000))),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0broken"),
    ],
)
@pytest.mark.parametrize("where", ["before", "after"])
def test_nothing_fails_on_metadata_that_nobody_keeps(read, metadata, where):
    before, after = ((metadata,), b"") if where == "before" else ((), metadata)
    image = read(png(RAMP, 8, GREY, *before, after=after))
    assert np.array_equal(image, np.repeat(RAMP[..., None], 3, 2))


@pytest.mark.parametrize(
    "segment",
    [
        b"\xff\xe0\0\7JFIF\0",
        b"\xff\xe2\0\x10MPF\0MM\0*\xff\xff\xff\xff!!",
        b"\xff\xed\0\x1aPhotoshop 3.0\x008BIM\3\xed\xff\xff\xff",
        b"\xff\xe2\0\x12ICC_PROFILE\0\5\1xx",
        b"\xff\xee\0\7Adobe",
    ],
)
def test_a_broken_segment_of_a_jpeg_costs_nothing(read, segment):
    whole = file_of(Image.fromarray(UPRIGHT), "JPEG", quality=95)
    data = whole[:2] + segment + whole[2:]
    assert np.array_equal(read(data, "x.jpg"), read(whole, "y.jpg"))


def test_the_first_of_several_pictures_is_taken(read):
    first, second = Image.fromarray(UPRIGHT), Image.fromarray(255 - UPRIGHT)
    for form, name in (("TIFF", "x.tif"), ("PNG", "x.png"), ("MPO", "x.mpo"), ("GIF", "x.gif")):
        data = file_of(first, form, save_all=True, append_images=[second])
        assert np.abs(read(data, name).astype(int) - UPRIGHT).mean() < 4


@pytest.mark.parametrize(
    ("form", "name"),
    [("AVIF", "x.avif"), ("JPEG2000", "x.jp2"), ("PPM", "x.ppm"), ("TGA", "x.tga"),
     ("GIF", "x.gif"), ("QOI", "x.qoi"), ("SGI", "x.sgi"), ("PCX", "x.pcx"), ("DIB", "x.dib"),
     ("JPEG", "x.jfif"), ("JPEG", "x.heic")],
)  # fmt: skip
def test_a_form_is_known_by_its_content(read, form, name):
    shown = read(file_of(Image.fromarray(UPRIGHT), form), name)
    assert np.abs(shown.astype(int) - UPRIGHT).mean() < 6


def test_a_program_that_passes_for_an_image_is_not_run(read):
    for name in ("x.png", "x.eps"):
        with pytest.raises(CorruptImageError, match="of no form that is known"):
            read(file_of(Image.fromarray(UPRIGHT), "EPS"), name)


def test_heic_is_read_where_its_package_is_installed(read):
    heif = pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    heif.from_pillow(Image.fromarray(UPRIGHT)).save(file, quality=95)
    assert np.abs(read(file.getvalue(), "x.heic").astype(int) - UPRIGHT).mean() < 4


def test_heic_names_the_package_it_needs(read, monkeypatch):
    monkeypatch.setattr("workbench.datasets.image_reader.find_spec", lambda name: None)
    with pytest.raises(CorruptImageError, match=r"needs pip install 'attribute-workbench\[heic\]'"):
        read(b"\0\0\0\x18ftypheic" + bytes(99), "x.heic")


def test_bands_of_a_large_image_give_the_pixels_of_the_whole(read, monkeypatch):
    icc = matrix_profile(DISPLAY_P3)
    files = [
        (file_of(Image.fromarray(COLOUR_LATTICE), icc_profile=icc, exif=exif(TURNED)), "a.png"),
        (png(np.arange(4096).reshape(64, 64) * 16, 16, GREY, clear(5)), "b.png"),
        (file_of(Image.fromarray(UPRIGHT).convert("P")), "c.png"),
        (file_of(Image.fromarray(UPRIGHT).convert("RGBA")), "d.png"),
    ]
    whole = [read(*file) for file in files]
    monkeypatch.setattr("workbench.datasets.pixel_values.BAND", 100)
    for file, expected in zip(files, whole, strict=True):
        assert np.array_equal(read(*file), expected)


def test_more_megapixels_than_the_setting_are_refused_and_fewer_are_read(read, monkeypatch):
    data = file_of(Image.new("RGB", (2000, 1001)))
    assert read(data).shape == (1001, 2000, 3)
    monkeypatch.setenv("WORKBENCH_MAX_MEGAPIXELS", "2")
    with pytest.raises(
        CorruptImageError,
        match=r"too large to be safe: 2000 x 1001 pixels are more than 2 million.*MAX_MEGAPIXELS",
    ):
        read(data)


def test_a_photograph_of_108_megapixels_passes_the_default(read, monkeypatch):
    """The header alone is looked at: the pixels are missing."""
    data = png(np.zeros((1, 1), int), 8, GREY).replace(
        chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)),
        chunk(b"IHDR", struct.pack(">IIBBBBB", 12000, 9000, 8, 0, 0, 0, 0)),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(CorruptImageError, match="no readable image"):
            read(data)


@given(st.data())
def test_no_damage_gives_anything_but_pixels_or_one_plain_line(tmp_path_factory, data):
    forms = ("PNG", "JPEG", "TIFF", "GIF", "WEBP", "BMP", "PPM", "TGA", "JPEG2000", "AVIF", "QOI")
    form = data.draw(st.sampled_from(forms))
    content = bytearray(file_of(Image.fromarray(RAMP).convert("RGB"), form))
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=6)):
        content[at] = data.draw(st.integers(0, 255))
    file = tmp_path_factory.getbasetemp() / ("x.tga" if form == "TGA" else "x.dat")
    file.write_bytes(bytes(content))
    try:
        pixels = read_image(file)
    except CorruptImageError as fault:
        pixels, words = np.zeros((1, 1, 3), np.uint8), str(fault)
    else:
        words = ""
    assert "\n" not in words
    assert pixels.dtype == np.uint8
    assert pixels.shape[2:] == (3,)
