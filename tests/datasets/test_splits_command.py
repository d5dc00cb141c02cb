"""The real command in this process, on a table of photographs that installed packages ship."""

import json

import numpy as np
import pytest
from PIL import Image

from workbench.datasets.image_reader import read_image
from workbench.datasets.photographs import photograph_files
from workbench.datasets.splits.split_files import read_split
from workbench.datasets.table import load

pytestmark = pytest.mark.slow

COPIES = {"again.jpg": "coffee", "part.png": "chelsea"}


@pytest.fixture
def photographs(tmp_path):
    """Return a folder of ten photographs, two copies and their table."""
    folder = tmp_path / "own"
    folder.mkdir()
    for name, file in photograph_files("packaged").items():
        Image.fromarray(read_image(file)).reduce(2).save(folder / f"{name}.png")
    Image.open(folder / "coffee.png").save(folder / "again.jpg", quality=60)
    Image.open(folder / "chelsea.png").crop((20, 10, 180, 130)).save(folder / "part.png")
    names = sorted(file.name for file in folder.iterdir())
    lines = [f"{name},{number}" for number, name in enumerate(names)]
    (folder / "scores.csv").write_text("\n".join(["image,score", *lines]))
    return folder


@pytest.fixture
def split(photographs, tmp_path, workbench):
    """Return a function of the options that gives exit status, stdout and stderr."""
    words = ["datasets", "split", "table", photographs, "--to", tmp_path / "made"]
    return lambda *options: workbench(*words, *options)


def test_a_picture_on_two_sides_fails_and_nothing_is_written(split, tmp_path):
    status, out, told = split()
    assert (status, out) == (1, "")
    assert "show the same picture" in told
    assert "--near-duplicates merge" in told
    assert not (tmp_path / "made").exists()


def test_merging_keeps_the_copies_together_in_files_that_can_be_read_back(split, photographs):
    status, out, _ = split("--near-duplicates", "merge", "--seeds", "4", "--json")
    document = json.loads(out)
    assert (status, document["groups"], len(document["splits"])) == (0, 10, 4)
    data = load(photographs)
    row = {image.file: number for number, image in enumerate(data.images)}
    for made in document["splits"]:
        parts = read_split(photographs.parent / "made" / made["file"], data).parts
        assert [made[part] for part in parts] == [len(rows) for rows in parts.values()]
        for copy, name in COPIES.items():
            together = {row[copy], row[f"{name}.png"]}
            assert any(together <= set(rows.tolist()) for rows in parts.values())


def test_copies_can_be_ignored_and_the_table_names_each_file(split):
    status, out, _ = split("--near-duplicates", "ignore", "--seeds", "1")
    assert status == 0
    assert "seed-0.json" in out
    assert "70/10/20 by group, 12 groups" in out


def test_a_published_split_is_read_but_cannot_be_regrouped(split, tmp_path):
    for short, rows in {"train": [[*range(10)]], "val": [[10]], "test": [[11]]}.items():
        np.save(tmp_path / f"{short}.npy", rows)
    status, _, told = split("--published", tmp_path, "--near-duplicates", "merge")
    assert status == 1
    assert "a split that others made cannot be regrouped" in told
    status, out, _ = split("--published", tmp_path, "--near-duplicates", "ignore", "--json")
    (made,) = json.loads(out)["splits"]
    assert (made["name"], made["train"], made["validation"]) == ("published 1", 10, 1)


def test_a_table_has_no_official_split(split):
    status, _, told = split("--official")
    assert status == 1
    assert "has no official split" in told
