import pytest

from tests.datasets.layouts import picture, write_csv
from workbench.datasets.labelled import DatasetType, Present
from workbench.datasets.table import load as load_table
from workbench.datasets.table import read_table
from workbench.errors import ConfigError, DataError, DatasetNotFoundError


@pytest.fixture
def two(tmp_path):
    """Write two images and a table of them; the table's rows are given."""
    for name in ("a.png", "b.png"):
        picture(tmp_path / name)
    return lambda *rows: write_csv(tmp_path / "two.csv", *rows)


def test_scores_are_mapped_from_the_range_that_is_found_unless_one_is_stated(two):
    file = two(("image", "score"), ("a.png", 2), ("b.png", 6))
    assert [image.quality for image in read_table(file).images] == [0, 1]
    stated = read_table(file, low=0, high=8, polarity="lower is better")
    assert [image.quality for image in stated.images] == [0.75, 0.25]
    assert stated.facts.score_range == (0, 8)
    assert read_table(file, high=10).facts.score_range == (2, 10)


def test_a_distorted_image_and_its_clean_reference_are_one_group(load):
    dataset = load("table")
    groups = {image.file: image.group for image in dataset.images}
    assert groups["clean/lake.png"] == groups["lake_1.PNG"] == "clean/lake.png"
    assert dataset.images[1].present == (Present("jpeg", 1, 3),)
    assert dataset.images[0].present == ()
    assert dataset.facts.types == (DatasetType(label="jpeg", distortion="jpeg", levels=3),)


def test_a_column_of_levels_says_how_many_there_are(two):
    heads = ("image", "score", "distortion", "level", "levels", "group", "subset")
    file = two(heads, ("a.png", 1, "rain", 2, 7, "g", "one"), ("b.png", 2, "", "", "", "", ""))
    dataset = read_table(file)
    assert dataset.images[0].present == (Present("rain", 2, 7),)
    assert (dataset.images[0].group, dataset.images[0].subset) == ("g", "one")


def test_a_distortion_may_go_without_levels(two):
    file = two(("image", "score", "distortion"), ("a.png", 1, "rain"), ("b.png", 2, "rain"))
    assert read_table(file).images[0].present == (Present("rain", None, 0),)


def test_paths_may_be_relative_to_another_folder_or_absolute(two, tmp_path):
    elsewhere = write_csv(
        tmp_path / "tables" / "t.csv", ("image", "score"), ("A.PNG", 1), (tmp_path / "b.png", 2)
    )
    dataset = read_table(elsewhere, tmp_path)
    assert [image.file for image in dataset.images] == ["a.png", "b.png"]
    assert dataset.path(dataset.images[0]) == tmp_path / "a.png"


def test_a_folder_stands_for_its_one_table(two, tmp_path):
    file = two(("image", "score"), ("a.png", 1), ("b.png", 2))
    assert load_table(tmp_path) == load_table(file)
    write_csv(tmp_path / "other.CSV", ("image", "score"))
    with pytest.raises(DatasetNotFoundError, match=r"one CSV; found other\.CSV, two\.csv"):
        load_table(tmp_path)


def test_one_bad_row_refuses_the_table_whole(two):
    file = two(("image", "score"), ("a.png", 1), ("b.png", 2), ("c.png", 3))
    with pytest.raises(DataError, match=r"1 bad row, so nothing was read: line 4: image 'c\.png'"):
        read_table(file)


def test_a_range_upside_down_is_refused(two):
    with pytest.raises(ConfigError, match="smallest score, 5, must be below the largest, 1"):
        read_table(two(("image", "score")), low=5, high=1)
