import numpy as np
import pytest
from PIL import Image

from workbench.datasets.photographs import PACKAGED, load_photograph, photograph_files
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
