import json
from unicodedata import normalize

import numpy as np
import pytest

from tests.datasets.test_splits import dataset_of
from workbench.datasets.labelled import LabelledImage
from workbench.datasets.splits.split import make_split
from workbench.datasets.splits.split_files import (
    array_splits,
    liqe_splits,
    read_split,
    read_splits,
    write_split,
    write_splits,
)
from workbench.errors import ConfigError, DataError, DatasetNotFoundError, SplitLeakageError

# As LIQE lists CSIQ: folders in lower case where the dataset has AWGN and BLUR.
IMAGES = tuple(
    LabelledImage(file=f"dst_imgs/{kind}/{scene}.{kind}.1.png", group=scene)
    for scene in ("1600", "boston", "elk")
    for kind in ("AWGN", "BLUR")
)
DATA = dataset_of(*IMAGES)


def save_arrays(folder, **parts):
    for short, rows in parts.items():
        np.save(folder / f"{short}.npy", np.asarray(rows))


def write_lists(folder, ending="_clip.txt", **parts):
    folder.mkdir(exist_ok=True)
    for short, paths in parts.items():
        lines = [f"{path}\t0.97\twhite noise\tanimal\tinvalid\tinvalid\n" for path in paths]
        (folder / f"csiq_{short}{ending}").write_text("".join(lines))


def rows_of(split):
    return [rows.tolist() for rows in split.parts.values()]


def test_arrays_of_rows_are_read_and_their_padding_is_dropped(tmp_path):
    save_arrays(
        tmp_path,
        train=[[1, 0, -1, -1], [5, 4, 2, 3]],
        val=[[2, 3], [-1, -1]],
        test=[[4, 5], [0, 1]],
    )
    splits = read_splits(tmp_path, DATA)
    assert [rows_of(split) for split in splits] == [
        [[0, 1], [2, 3], [4, 5]],
        [[2, 3, 4, 5], [], [0, 1]],
    ]
    assert splits[1].name == "published 2"
    assert splits[1].seed is None


@pytest.mark.parametrize(
    ("test", "message"),
    [
        ([[4, 6]], r"test\.npy counts rows 4 to 6, but the dataset has 6 images, 0 to 5"),
        ([[-2, 4]], "counts rows -2 to 4"),
        ([[4.0, 5.0]], r"test\.npy must hold whole numbers in two dimensions.* float64"),
        ([4, 5], r"of shape \(2,\)"),
        ([[4], [5]], "hold different numbers of splits: .*'test': 2"),
        ([[None]], r"test\.npy is no array of numbers: .*allow_pickle"),
    ],
)
def test_an_array_that_cannot_be_a_split_is_refused(tmp_path, test, message):
    save_arrays(tmp_path, train=[[0, 1]], val=[[2, 3]], test=test)
    with pytest.raises(DataError, match=message):
        array_splits(tmp_path, len(IMAGES))


def test_a_missing_array_is_named(tmp_path):
    save_arrays(tmp_path, train=[[0, 1]], test=[[2]])
    with pytest.raises(DatasetNotFoundError, match=r"No val\.npy in"):
        array_splits(tmp_path, len(IMAGES))


def test_a_published_split_that_divides_a_reference_fails(tmp_path):
    save_arrays(tmp_path, train=[[0, 1, 2]], val=[[4, 5]], test=[[3, -1]])
    with pytest.raises(SplitLeakageError, match="training and test alike: boston"):
        read_splits(tmp_path, DATA)


def test_lists_of_files_are_matched_in_any_case_and_folders_counted_as_numbers(tmp_path):
    paths = [image.file.replace("AWGN/", "awgn/") for image in IMAGES]
    for number in ("10", "2", "1"):
        write_lists(tmp_path / number, train=paths[:2], val=paths[2:4], test=paths[4:])
    (tmp_path / "csiq_all.txt").write_text("not a split\n")
    splits = read_splits(tmp_path, DATA)
    assert [split.name for split in splits] == ["published 1", "published 2", "published 10"]
    assert rows_of(splits[0]) == [[0, 1], [2, 3], [4, 5]]


def test_a_list_may_use_other_folders_where_the_file_name_is_enough(tmp_path):
    paths = [f".\\{image.file.rpartition('/')[2].upper()}" for image in IMAGES]
    write_lists(tmp_path / "1", ending=".txt", train=paths[:4], test=paths[4:])
    assert rows_of(liqe_splits(tmp_path, DATA)[0]) == [[0, 1, 2, 3], [], [4, 5]]


def test_a_file_name_that_two_images_have_is_no_match(tmp_path):
    live = dataset_of(*(LabelledImage(file=f"{k}/img2.bmp", group=k) for k in ("jpeg", "wn")))
    write_lists(tmp_path / "1", train=["jpeg/img2.bmp"], test=["other/img2.bmp"])
    with pytest.raises(DataError, match=r"line 1 'other/img2\.bmp'"):
        liqe_splits(tmp_path, live)


def test_every_line_without_an_image_is_named(tmp_path):
    write_lists(tmp_path / "1", train=[IMAGES[0].file, "a.png", "", "b.png"], test=[])
    with pytest.raises(DataError) as caught:
        liqe_splits(tmp_path, DATA)
    assert "3 lines of" in str(caught.value)
    assert "name no image of Tiny: line 2 'a.png', line 3 '', line 4 'b.png'." in str(caught.value)


def test_a_folder_without_splits_and_one_without_its_lists_are_named(tmp_path):
    with pytest.raises(
        DatasetNotFoundError, match=r"neither JSON.* nor train\.npy.* nor folders 1, 2"
    ):
        read_splits(tmp_path, DATA)
    (tmp_path / "1").mkdir()
    with pytest.raises(DatasetNotFoundError, match=r"holds no list named \*_train_clip\.txt"):
        read_splits(tmp_path, DATA)


def test_two_lists_of_one_part_are_not_guessed_at(tmp_path):
    write_lists(tmp_path / "1", train=[], test=[])
    (tmp_path / "1" / "koniq10k_test_clip.txt").write_text("")
    with pytest.raises(DataError, match=r"2 lists named \*_test_clip\.txt: csiq_test_clip"):
        liqe_splits(tmp_path, DATA)


SPLIT = make_split("seed 3", {"train": [0, 1], "validation": [2, 3], "test": [4, 5]}, rule="r")


def test_a_written_split_comes_back_whatever_the_order_of_the_images(tmp_path):
    write_split(SPLIT, DATA, tmp_path / "s.json")
    back = read_split(tmp_path / "s.json", dataset_of(*reversed(IMAGES)))
    assert rows_of(back) == [[4, 5], [2, 3], [0, 1]]
    assert (back.name, back.rule, back.seed) == ("seed 3", "r", None)
    write_split(SPLIT, DATA, tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "s.json").read_bytes()


def test_a_split_and_a_list_hold_on_a_disk_that_composes_accents(tmp_path):
    files = [f"{name}.png" for name in ("cafe\u0301", "cafz", "e\u0301lan")]
    here = dataset_of(*(LabelledImage(file=file, group=file) for file in files))
    there = dataset_of(*(LabelledImage(file=normalize("NFC", file), group=file) for file in files))
    split = make_split("s", {"train": [0, 1], "validation": [], "test": [2]}, rule="r", seed=None)
    write_split(split, here, tmp_path / "s.json")
    assert rows_of(read_split(tmp_path / "s.json", there)) == rows_of(split)
    write_lists(tmp_path / "1", train=files[:2], test=[f"x\u2028/{files[2].upper()}"])
    assert rows_of(liqe_splits(tmp_path, there)[0]) == rows_of(split)


def test_a_frame_is_named_by_its_number(tmp_path):
    film = dataset_of(*(LabelledImage(file="v.avi", group=str(n), frame=n) for n in range(6)))
    write_split(SPLIT, film, tmp_path / "s.json")
    assert json.loads((tmp_path / "s.json").read_text())["test"] == ["v.avi#4", "v.avi#5"]
    assert rows_of(read_split(tmp_path / "s.json", film)) == rows_of(SPLIT)


def test_a_split_of_another_list_of_images_is_refused(tmp_path):
    write_split(SPLIT, DATA, tmp_path / "s.json")
    with pytest.raises(DataError, match="6 of tiny then, 5 of tiny now, by another hash"):
        read_split(tmp_path / "s.json", dataset_of(*IMAGES[1:]))


def test_a_split_that_was_edited_is_refused(tmp_path):
    write_split(SPLIT, DATA, tmp_path / "s.json")
    document = json.loads((tmp_path / "s.json").read_text())
    document["train"] = document["test"]
    (tmp_path / "s.json").write_text(json.dumps(document))
    with pytest.raises(DataError, match=r"was changed: .* is listed twice"):
        read_split(tmp_path / "s.json", DATA)


def test_a_file_that_is_no_split_or_cannot_be_written_is_one_plain_line(tmp_path):
    (tmp_path / "s.json").write_text('{"format": 2}')
    with pytest.raises(DataError, match="is no split of this program"):
        read_split(tmp_path / "s.json", DATA)
    with pytest.raises(DatasetNotFoundError, match="workbench datasets split"):
        read_split(tmp_path / "none.json", DATA)
    with pytest.raises(DataError, match=r"cannot be written to .*No such file"):
        write_split(SPLIT, DATA, tmp_path / "missing" / "s.json")


def test_made_arrays_and_lists_are_read_by_one_door_into_the_same_split(tmp_path):
    made = make_split("seed 3", {"train": [0, 1], "validation": [2, 3], "test": [4, 5]}, rule="r")
    write_splits([made], DATA, tmp_path / "made")
    folders = [tmp_path / name for name in ("made", "arrays", "lists")]
    folders[1].mkdir()
    save_arrays(folders[1], train=[[0, 1]], val=[[2, 3]], test=[[4, 5]])
    paths = [image.file for image in IMAGES]
    folders[2].mkdir()
    write_lists(folders[2] / "1", train=paths[:2], val=paths[2:4], test=paths[4:])
    for folder in folders:
        (split,) = read_splits(folder, DATA)
        assert rows_of(split) == rows_of(made)
    (alone,) = read_splits(tmp_path / "made" / "seed-3.json", DATA)
    assert (alone.name, alone.rule) == ("seed 3", "r")


def test_made_splits_are_read_in_the_order_of_their_numbers(tmp_path):
    splits = [make_split(f"seed {n}", {"train": [0], "test": [4]}, rule="r") for n in (10, 9, 2)]
    write_splits(splits, DATA, tmp_path)
    names = [split.name for split in read_splits(tmp_path, DATA)]
    assert names == ["seed 2", "seed 9", "seed 10"]


def test_splits_of_an_earlier_call_are_not_mixed_with_others(tmp_path):
    splits = [make_split(f"seed {n}", {"train": [0], "test": [4]}, rule="r") for n in range(3)]
    write_splits(splits, DATA, tmp_path)
    write_splits(splits, DATA, tmp_path)  # the same again
    with pytest.raises(ConfigError, match=r"holds other JSON files.*: seed-2\.json\. Remove them"):
        write_splits(splits[:2], DATA, tmp_path)


def test_a_made_split_that_divides_a_group_fails_when_it_is_read(tmp_path):
    write_split(make_split("bad", {"train": [0], "test": [1]}, rule="r"), DATA, tmp_path / "s.json")
    with pytest.raises(SplitLeakageError, match="training and test alike: 1600"):
        read_splits(tmp_path, DATA)
