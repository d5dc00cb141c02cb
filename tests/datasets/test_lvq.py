import pytest

from tests.datasets.layouts import LVQ, VIDEO_FRAMES
from workbench.datasets.frames import read_pixels
from workbench.datasets.labelled import Present
from workbench.datasets.lvq import load as load_lvq
from workbench.errors import DataError


def test_frames_are_spread_evenly_over_each_video(load):
    dataset = load("lvq")
    assert len(dataset.images) == 5 * 2 * 4 * 5
    first = dataset.images[:5]
    assert {image.file for image in first} == {"awgn/video1_1.avi"}
    assert [image.frame for image in first] == [2, 6, 10, 14, 18]
    assert list(dict.fromkeys(image.label for image in dataset.images)) == list(LVQ)


def test_the_number_of_frames_can_be_chosen(built):
    root = built("lvq")
    assert len(load_lvq(root, frames=1).images) == 40
    assert len(load_lvq(root, frames=999).images) == 40 * VIDEO_FRAMES


def test_a_source_video_is_one_group_over_all_types_and_levels(load):
    dataset = load("lvq")
    of_group = {image.file for image in dataset.images if image.group == "video2"}
    assert len(of_group) == 5 * 4
    assert all("Video2_" in file for file in of_group)
    last = dataset.images[-1]
    assert last.present == (Present("uneven_illumination", 4, 4),)
    assert (last.score, last.quality) == (pytest.approx(0.6), pytest.approx(0.2))


def test_the_pixels_are_those_of_the_frame_in_rgb(load):
    dataset = load("lvq")
    for image in (dataset.images[0], dataset.images[4], dataset.images[7]):
        red, green, blue = read_pixels(dataset, image).reshape(-1, 3).mean(axis=0)
        level = image.present[0].level
        assert (red, green, blue) == pytest.approx((60 * level, 10 * image.frame, 0), abs=6)


def test_without_the_manifest_there_are_no_scores(built):
    root = built("lvq")
    (root / "lvq_scores.csv").unlink()
    assert {image.quality for image in load_lvq(root).images} == {None}


def test_a_score_of_a_video_that_is_not_there_is_named(built):
    root = built("lvq")
    (root / "lvq_scores.csv").write_text("video,score\nAWGN/VIDEO1_1.avi,2\nawgn/video9_1.avi,1\n")
    with pytest.raises(DataError, match=r"line 3: there is no video 'awgn/video9_1\.avi'"):
        load_lvq(root)


@pytest.mark.parametrize("content", [b"", b"this is no video"])
def test_a_file_that_is_no_video_is_named(built, content, capfd):
    root = built("lvq")
    (root / "smoke" / "video1_2.avi").write_bytes(content)
    with pytest.raises(DataError, match=r"1 video cannot be read: smoke/video1_2\.avi\. Replace"):
        load_lvq(root)
