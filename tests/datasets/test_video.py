import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.datasets.layouts import VIDEO_FRAMES, video
from workbench.datasets.frames import count_frames, even_frames, read_frame, read_pixels
from workbench.datasets.labelled import DatasetFacts, ImageDataset, LabelledImage
from workbench.errors import CorruptImageError


@given(st.integers(1, 500), st.integers(1, 50))
def test_even_frames_are_different_in_range_and_symmetric(count, wanted):
    frames = even_frames(count, wanted)
    assert len(frames) == len(set(frames)) == min(count, wanted)
    assert frames == sorted(frames)
    assert frames[0] >= 0
    assert frames[-1] < count
    assert abs(frames[0] - (count - 1 - frames[-1])) <= 1


def test_a_frame_beyond_the_end_is_refused(tmp_path):
    video(tmp_path / "a.avi", 100)
    assert count_frames(tmp_path / "a.avi") == VIDEO_FRAMES
    with pytest.raises(CorruptImageError, match=r"a\.avi breaks off before frame 20"):
        read_frame(tmp_path / "a.avi", VIDEO_FRAMES)


def test_a_missing_video_is_said_to_be_missing(tmp_path):
    with pytest.raises(CorruptImageError, match=r"none\.avi does not exist"):
        count_frames(tmp_path / "none.avi")


def test_a_video_that_breaks_off_is_refused(tmp_path, capfd):
    video(tmp_path / "a.avi", 100)
    whole = (tmp_path / "a.avi").read_bytes()
    (tmp_path / "a.avi").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CorruptImageError, match=r"a\.avi"):
        read_frame(tmp_path / "a.avi", VIDEO_FRAMES - 1)


def test_a_path_that_is_no_unicode_is_one_line(tmp_path):
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    video(tmp_path / "a.avi", 100)
    (tmp_path / "a.avi").rename(folder / "a.avi")
    with pytest.raises(CorruptImageError, match=r"its path is no UTF-8\. Rename"):
        count_frames(folder / "a.avi")


@pytest.mark.parametrize("content", [b"", b"no array", b"\x93NUMPY\1\0\2\0{}"])
def test_an_array_that_is_none_is_refused(tmp_path, content):
    (tmp_path / "images.npy").write_bytes(content)
    facts = DatasetFacts(name="x", title="X", kind="any", source="", obtain="", layout=())
    image = LabelledImage(file="images.npy", group="x", frame=0)
    with pytest.raises(CorruptImageError, match=r"images\.npy has no row 0"):
        read_pixels(ImageDataset(facts, tmp_path, (image,)), image)
