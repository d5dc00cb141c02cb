"""Colours of every space become those of sRGB, as viewers show them."""

import numpy as np
import pytest
from PIL import Image, ImageCms
from scipy.linalg import inv

from tests.datasets.image_files import (
    ADOBE_GAMMA,
    ADOBE_RGB,
    BRADFORD,
    COLOUR_LATTICE,
    DISPLAY_P3,
    RAMP,
    SRGB,
    coded,
    curve,
    file_of,
    linear,
    matrix_profile,
    profile,
    s15,
    scaled,
    tiff,
)
from workbench.datasets.image_reader import read_image
from workbench.datasets.photographs import photograph_files


@pytest.mark.parametrize(
    ("primaries", "gamma"), [(DISPLAY_P3, None), (ADOBE_RGB, ADOBE_GAMMA)], ids=["P3", "Adobe"]
)
@pytest.mark.parametrize("form", ["PNG", "TIFF", "WEBP"])
def test_colours_of_another_space_become_those_of_srgb(read, primaries, gamma, form):
    light = linear(COLOUR_LATTICE / 255) if gamma is None else (COLOUR_LATTICE / 255) ** gamma
    expected = coded(light @ (inv(scaled(SRGB)) @ scaled(primaries)).T) * 255
    settings = {"lossless": True, "exact": True} if form == "WEBP" else {}
    image = Image.fromarray(COLOUR_LATTICE)
    data = file_of(image, form, icc_profile=matrix_profile(primaries, gamma), **settings)
    assert np.abs(read(data, f"x.{form.lower()}") - expected).max() <= 3


def test_profiles_of_srgb_leave_every_byte_as_it_is(read):
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for icc in (own, matrix_profile(SRGB)):
        data = file_of(Image.fromarray(COLOUR_LATTICE), icc_profile=icc)
        assert np.array_equal(read(data), COLOUR_LATTICE)


def test_the_packaged_photograph_in_adobe_rgb_is_converted_and_the_others_are_not():
    for name, file in photograph_files("packaged").items():
        stored = np.asarray(Image.open(file).convert("RGB"))
        assert np.array_equal(read_image(file), stored) == (name != "rocket")


def test_a_grey_profile_and_grey_in_a_profile_of_rgb_are_followed(read):
    expected = coded((RAMP / 255) ** 1.8) * 255
    white = b"XYZ \0\0\0\0" + s15((0.9642, 1, 0.8249))
    grey = profile(b"GRAY", [(b"kTRC", curve(1.8)), (b"wtpt", white)])
    for icc in (grey, matrix_profile(SRGB, 1.8)):
        image = read(file_of(Image.fromarray(RAMP), icc_profile=icc))
        assert np.abs(image - expected[..., None]).max() <= 2


def lut_profile():
    """Inks that print as grey of a lightness that falls with cyan alone: no ink has its colour."""
    grid = [(255 - 255 * corner[0], 128, 128) for corner in np.ndindex(2, 2, 2, 2)]
    ramp = bytes(range(256))
    lut = (
        b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + s15(np.eye(3).ravel()) + ramp * 4
        + bytes(np.array(grid, np.uint8).tobytes()) + ramp * 3
    )  # fmt: skip
    white = b"XYZ \0\0\0\0" + s15((0.9642, 1, 0.8249))
    return profile(b"CMYK", [(b"A2B0", lut), (b"A2B1", lut), (b"wtpt", white)])


def test_cmyk_goes_through_its_own_profile_if_it_has_one(read):
    inks = np.zeros((1, 3, 4), np.uint8)
    inks[0, :, 0] = 0, 128, 255
    inks[0, :, 1] = 200  # magenta, which this printer does not have
    image = Image.frombytes("CMYK", (3, 1), inks.tobytes())
    printed = read(file_of(image, "TIFF", icc_profile=lut_profile()), "x.tif")
    lightness = np.array([100, 100 * (1 - 128 / 255), 0])
    light = np.where(lightness > 8, ((lightness + 16) / 116) ** 3, lightness / 903.3)
    assert np.abs(printed[0] - (coded(light) * 255)[:, None]).max() <= 3
    without = read(file_of(image, "TIFF"), "x.tif")
    assert without[0, :, 1].tolist() == [55, 55, 55]


def test_inverted_inks_of_adobe_jpegs_are_turned(read):
    image = Image.new("CMYK", (16, 16), (0, 255, 255, 0))  # red
    assert np.abs(read(file_of(image, "JPEG"), "x.jpg") - [255, 0, 0]).max() <= 3


def test_lab_is_read_by_its_definition(read):
    values = np.zeros((1, 2, 3), np.uint8)
    values[0] = (128, 60, 236), (200, 246, 30)  # a and b are bytes with a sign
    image = read(tiff(values, photometric="cielab"), "x.tif")
    lab = values[0].astype(np.int8).astype(float)
    lab[:, 0] = values[0, :, 0] / 2.55
    y = (lab[:, 0] + 16) / 116
    cubes = np.stack([y + lab[:, 1] / 500, y, y - lab[:, 2] / 200], 1)
    xyz = np.where(cubes > 6 / 29, cubes**3, (116 * cubes - 16) / 903.3) * (0.9642, 1, 0.8249)
    expected = coded(xyz @ inv(BRADFORD).T @ inv(scaled(SRGB)).T) * 255
    assert np.abs(image[0] - expected).max() <= 3


@pytest.mark.parametrize(
    "icc", [b"junk" * 99, lut_profile(), matrix_profile(DISPLAY_P3)[:300]], ids=len
)
def test_a_profile_of_no_use_is_passed_over_with_a_warning(read, caplog, icc):
    image = Image.fromarray(COLOUR_LATTICE)
    assert np.array_equal(read(file_of(image, icc_profile=icc)), COLOUR_LATTICE)
    assert "its colour profile is passed over" in caplog.text
