import logging
import os
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from workbench.datasets.layout import FileIndex
from workbench.datasets.photographs import (
    PACKAGED,
    load_photograph,
    photograph_file,
    photograph_files,
    photograph_folder,
    readable_name,
)
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


@pytest.fixture
def folder(tmp_path):
    """A folder with one photograph, a.png, and a function that adds more under any name."""
    (tmp_path / "own").mkdir()

    def put(name):
        file = tmp_path / "own" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4)).save(file, "PNG")
        return file

    put("a.png")
    return put


def listed(tmp_path):
    return photograph_folder(tmp_path / "own")


def test_photographs_are_found_in_subfolders_by_any_known_ending(folder, tmp_path):
    for name in ("b/c.JPEG", "d.e/f.tga", "g.jfif", "album.jpg/h.webp", "a b.avif"):
        folder(name)
    assert list(listed(tmp_path).files) == [
        "a b.avif", "a.png", "album.jpg/h.webp", "b/c.JPEG", "d.e/f.tga", "g.jfif",
    ]  # fmt: skip
    assert listed(tmp_path).said() == ""


@pytest.mark.parametrize(
    ("name", "reason", "noted"),
    [
        ("._a.jpg", "hidden", "._a.jpg"),
        (".ipynb_checkpoints/a-checkpoint.jpg", "hidden", ".ipynb_checkpoints/"),
        ("b/.thumbnails/a.jpg", "hidden", "b/.thumbnails/"),
        ("__MACOSX/._a.jpg", "made by an operating system", "__MACOSX/"),
        ("@eaDir/a.jpg", "made by an operating system", "@eaDir/"),
        ("notes.txt", "of no kind that is read", "notes.txt"),
        ("raw.cr2", "of no kind that is read", "raw.cr2"),
    ],
)
def test_what_is_no_photograph_is_left_out_and_said(folder, tmp_path, name, reason, noted):
    folder(name)
    assert list(listed(tmp_path).files) == ["a.png"]
    assert listed(tmp_path).left_out == {reason: (noted,)}
    assert f"1 photograph is read. Left out: 1 {reason} ({noted})." in listed(tmp_path).said()


def test_links_are_followed_once_and_those_that_lead_nowhere_are_named(folder, tmp_path):
    own, other = tmp_path / "own", tmp_path / "other"
    other.mkdir()
    folder("a.png").rename(other / "elsewhere.png")
    folder("a.png")
    folder("deep/b.png")
    for name, target in {
        "0same.png": "a.png",
        "0again": "deep",
        "deep/up": "..",
        "deep/far": tmp_path,
        "gone.jpg": "nowhere.jpg",
        "round.png": "round.png",
        "out": other,
        "out.png": other / "elsewhere.png",
    }.items():
        (own / name).symlink_to(target)
    assert list(listed(tmp_path).files) == ["a.png", "deep/b.png", "out/elsewhere.png"]
    assert listed(tmp_path).left_out == {
        "linked to a file that is read already": ("0same.png", "out.png"),
        "linked to a folder that is read already": ("0again/", "deep/far/", "deep/up/"),
        "linked to nowhere": ("gone.jpg", "round.png"),
    }


def test_what_is_no_file_does_not_wait_to_be_opened(folder, tmp_path):
    os.mkfifo(tmp_path / "own" / "pipe.jpg")
    assert listed(tmp_path).left_out == {"that is no file": ("pipe.jpg",)}


def test_heic_is_left_out_where_its_package_is_missing(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("workbench.datasets.image_reader.find_spec", lambda name: None)
    folder("is-png.heic")
    (tmp_path / "own" / "IMG_1.HEIC").write_bytes(b"\0\0\0\x18ftypheic" + bytes(99))
    assert list(listed(tmp_path).files) == ["a.png", "is-png.heic"]
    assert (
        "2 photographs are read. Left out: 1 that needs pip install 'attribute-workbench[heic]' "
        "(IMG_1.HEIC)." in listed(tmp_path).said()
    )


def test_many_names_are_counted_and_the_first_spelled_out(folder, tmp_path):
    for number in range(5):
        folder(f"{number}.txt")
    assert "5 of no kind that is read (0.txt, 1.txt, 2.txt and 2 more)" in listed(tmp_path).said()


def test_every_command_that_takes_a_folder_says_what_is_left_out(folder, tmp_path, caplog):
    folder(".hidden.png")
    with caplog.at_level(logging.WARNING):
        assert list(photograph_files(str(tmp_path / "own"))) == ["a.png"]
    assert caplog.messages == [listed(tmp_path).said()]


def test_a_folder_where_everything_is_left_out_says_so(folder, tmp_path):
    folder("a.png").rename(tmp_path / "own" / ".a.png")
    with pytest.raises(DatasetNotFoundError, match=r"holds no photograph .*1 hidden \(\.a\.png\)"):
        photograph_files(str(tmp_path / "own"))


COMPOSED = unicodedata.normalize("NFC", "Zoë/café.png")
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)


@pytest.mark.parametrize("on_disk", [COMPOSED, DECOMPOSED], ids=["composed", "decomposed"])
def test_a_name_is_the_same_in_both_forms_of_unicode(folder, tmp_path, on_disk):
    file = folder(on_disk)
    assert listed(tmp_path).files[COMPOSED] == file
    assert photograph_file(str(tmp_path / "own"), COMPOSED).samefile(file)
    for asked in (COMPOSED, DECOMPOSED, COMPOSED.upper()):
        assert FileIndex(tmp_path / "own").find(asked) == on_disk


def test_two_files_whose_names_look_the_same_remain_two(folder, tmp_path):
    files = {folder(COMPOSED), folder(DECOMPOSED)}
    assert set(listed(tmp_path).files.values()) == {*files, folder("a.png")}
    for name in (COMPOSED, DECOMPOSED):
        assert FileIndex(tmp_path / "own").find(name) == name


def test_a_name_that_is_no_unicode_is_escaped_and_found_again(folder, tmp_path):
    file = folder(os.fsdecode(b"caf\xe9.png"))
    assert list(listed(tmp_path).files) == ["a.png", r"caf\xe9.png"]
    assert photograph_file(str(tmp_path / "own"), r"caf\xe9.png") == file


@given(st.binary(min_size=1, max_size=20))
def test_any_name_becomes_text(name):
    assert readable_name(os.fsdecode(name)).encode()
