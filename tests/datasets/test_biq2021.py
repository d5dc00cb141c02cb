import pytest

from workbench.datasets.biq2021 import load as load_biq2021
from workbench.errors import DatasetNotFoundError


def test_both_tables_their_part_and_subset(load):
    dataset = load("biq2021")
    assert [image.official for image in dataset.images] == ["train"] * 4 + ["test"] * 2
    assert [image.subset for image in dataset.images] == [
        "ss02", "ss03", "ss01", "ss02", "ss03", "ss01",
    ]  # fmt: skip
    assert [image.quality for image in dataset.images] == pytest.approx(
        [n / 10 for n in range(1, 7)]
    )
    assert dataset.images[4].file == "Images/ss03 (5).JPG"
    assert all(image.present == () and image.reference is None for image in dataset.images)


@pytest.mark.parametrize(("absent", "part"), [("Train", "test"), ("Test", "train")])
def test_one_table_is_enough(built, absent, part):
    root = built("biq2021")
    (root / f"{absent} (Images and MOS).csv").unlink()
    assert {image.official for image in load_biq2021(root).images} == {part}


def test_without_tables_or_images_it_says_what_is_missing(built):
    root = built("biq2021")
    for file in (root / "Images").iterdir():
        file.unlink()
    with pytest.raises(DatasetNotFoundError, match=r"has the tables, but not 'Images/ss02 \(1\)"):
        load_biq2021(root)
    for file in root.glob("*.csv"):
        file.unlink()
    with pytest.raises(DatasetNotFoundError, match=r"no 'Train .*' or 'Test .*github\.com"):
        load_biq2021(root)
