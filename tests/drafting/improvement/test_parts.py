"""The search reads its own part of the photographs, and no other one can be read through it."""

import shutil

import pytest

from workbench.datasets.photographs import photograph_files
from workbench.drafting.improvement import PhotographParts, PhotographsOfPart
from workbench.drafting.improvement.search import Budget, search
from workbench.errors import DataError, SplitLeakageError

from .conftest import TYPES, planted


def test_every_photograph_is_in_one_part(parts):
    listed = [*parts.search, *parts.validation, *parts.test]
    assert sorted(listed) == sorted(f"{n}.png" for n in (
        "astronaut", "chelsea", "china", "coffee", "flower", "rocket"))  # fmt: skip
    assert [len(parts.search), len(parts.validation), len(parts.test)] == [3, 1, 2]
    assert parts.part_of(parts.test[0]) == "test"


def test_names_decide_nothing_and_the_hash_tells_of_any_move(parts, folder, tmp_path):
    renamed = tmp_path / "renamed"
    renamed.mkdir()
    for file in folder.iterdir():
        shutil.copy(file, renamed / f"z-{file.name}")
    again = PhotographParts.of(photograph_files(str(renamed)))
    assert again.search == tuple(f"z-{name}" for name in parts.search)
    assert PhotographParts.of(photograph_files(str(folder))).hash == parts.hash
    moved = parts.model_copy(update={"search": parts.search[1:], "test": (*parts.test, "x")})
    assert moved.hash != parts.hash


def test_the_same_picture_under_two_names_is_in_one_part(folder, tmp_path):
    doubled = tmp_path / "doubled"
    shutil.copytree(folder, doubled)
    for file in folder.iterdir():
        shutil.copy(file, doubled / f"copy-{file.name}")
    split = PhotographParts.of(photograph_files(str(doubled)))
    for file in folder.iterdir():
        assert split.part_of(file.name) == split.part_of(f"copy-{file.name}")


def test_asking_for_a_photograph_of_another_part_raises(folder, parts):
    own = PhotographsOfPart(photograph_files(str(folder)), parts, "search")
    assert list(own) == list(parts.search)
    for name in (*parts.validation, *parts.test):
        with pytest.raises(SplitLeakageError, match="which a search may not see"):
            own[name]


def test_too_few_photographs_are_refused(folder, tmp_path):
    few = tmp_path / "few"
    few.mkdir()
    shutil.copy(folder / "coffee.png", few)
    with pytest.raises(DataError, match="at least 4 different photographs, and there are 1"):
        PhotographParts.of(photograph_files(str(few)))


def test_a_search_runs_where_touching_any_other_photograph_would_raise(
    folder, parts, bench_of, tmp_path, answers
):
    """The files of the other parts are gone: whoever opened one would not come through."""
    own = tmp_path / "own"
    shutil.copytree(folder, own)
    files = photograph_files(str(own))
    for name in (*parts.validation, *parts.test):
        (own / name).unlink()
    bench = bench_of(PhotographsOfPart(files, parts, "search"))
    found = search(
        planted(), bench, answers(), wanted=TYPES, rounds=1, budget=Budget(), seed=0,
        progress=lambda share, what: None,
    )  # fmt: skip
    assert found.changes
    assert bench.probe.photographs == parts.search
