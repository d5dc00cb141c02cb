import numpy as np
import pytest
from PIL import Image

from workbench.datasets.photographs import PACKAGED, load_photograph, photograph_files, read_image
from workbench.errors import CorruptImageError, DatasetNotFoundError


def test_every_packaged_photograph_is_there_in_colour():
    for file in photograph_files("packaged").values():
        image = load_photograph(file, 96, 72)
        assert image.shape == (72, 96, 3)
        assert np.ptp(image.astype(int), axis=2).max() > 8
    assert len(PACKAGED) == 10


def test_a_photograph_is_scaled_to_cover_and_cropped_at_its_centre(tmp_path):
    pixels = np.zeros((40, 120, 3), np.uint8)
    pixels[:, 40:80] = 255
    Image.fromarray(pixels).save(tmp_path / "bars.png")
    assert (load_photograph(tmp_path / "bars.png", 40, 40) == 255).mean() > 0.9


@pytest.mark.parametrize("content", [b"", b"this is text", b"\x89PNG\r\n\x1a\n\x00\x00"])
def test_a_file_that_is_no_image_is_named(tmp_path, content):
    (tmp_path / "x.png").write_bytes(content)
    with pytest.raises(CorruptImageError, match=r"x\.png is no readable image"):
        load_photograph(tmp_path / "x.png", 64, 64)


def test_a_truncated_jpeg_is_refused(tmp_path):
    whole = photograph_files("packaged")["china"].read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CorruptImageError, match=r"cut\.jpg is no readable image"):
        load_photograph(tmp_path / "cut.jpg", 64, 64)


def test_a_missing_or_empty_folder_says_where_it_looked(tmp_path):
    with pytest.raises(DatasetNotFoundError, match=r"No folder of photographs at .*nowhere"):
        photograph_files(str(tmp_path / "nowhere"))
    with pytest.raises(DatasetNotFoundError, match="holds no photograph"):
        photograph_files(str(tmp_path))


def read(tmp_path, image, name="x.png", **settings):
    image.save(tmp_path / name, **settings)
    return read_image(tmp_path / name)


def test_an_image_is_read_as_viewers_show_it(tmp_path):
    ramp = np.arange(24, dtype=np.uint8).reshape(4, 6) * 10
    grey = np.repeat(ramp[..., None], 3, axis=2)
    assert np.array_equal(read(tmp_path, Image.fromarray(ramp)), grey)
    assert np.array_equal(read(tmp_path, Image.fromarray(grey).convert("RGBA")), grey)
    assert np.array_equal(read(tmp_path, Image.fromarray(ramp.astype(np.uint16) * 257)), grey)
    assert np.array_equal(read(tmp_path, Image.fromarray(grey).convert("P", palette=1)), grey)
    assert set(np.unique(read(tmp_path, Image.fromarray(ramp > 100)))) == {0, 255}


def test_the_orientation_of_a_camera_is_undone(tmp_path):
    upright = np.zeros((40, 20, 3), np.uint8)
    upright[:10] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    turned = Image.fromarray(np.rot90(upright))
    assert np.array_equal(read(tmp_path, turned, exif=exif), upright)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (Image.new("RGBA", (3, 3), (9, 9, 9, 128)), "parts of it are transparent"),
        (Image.new("LA", (3, 3), (9, 0)), "parts of it are transparent"),
        (Image.new("F", (3, 3), 0.5), "floating-point values have no agreed white"),
        (Image.new("I", (3, 3), 70_000), "no 16-bit image"),
    ],
)
def test_what_has_no_single_look_is_refused(tmp_path, image, message):
    with pytest.raises(CorruptImageError, match=message):
        read(tmp_path, image, "x.tif" if image.mode in "FI" else "x.png")
