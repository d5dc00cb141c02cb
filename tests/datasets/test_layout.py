import pytest

from workbench.datasets.kadid10k import FACTS
from workbench.datasets.layout import FileIndex, Layout
from workbench.errors import DatasetNotFoundError


def test_files_are_found_whatever_the_case_of_any_part(tmp_path):
    (tmp_path / "Images" / "Sub").mkdir(parents=True)
    (tmp_path / "Images" / "Sub" / "a.PNG").touch()
    assert FileIndex(tmp_path).find("images/SUB/A.png") == "Images/Sub/a.PNG"


def test_of_two_names_that_differ_in_case_the_exact_one_is_meant(tmp_path):
    for name in ("A.png", "a.png"):
        (tmp_path / name).touch()
    assert [FileIndex(tmp_path).find(name) for name in ("A.png", "a.png")] == ["A.png", "a.png"]


def test_a_name_is_found_in_either_normal_form(tmp_path):
    composed, decomposed = "\u00c9t\u00e9.png", "E\u0301te\u0301.png"
    (tmp_path / decomposed).touch()
    names = (composed, decomposed, composed.upper())
    assert {FileIndex(tmp_path).find(name) for name in names} == {decomposed}
    (tmp_path / composed).touch()  # a disk may hold both
    files = FileIndex(tmp_path)
    assert [files.find(name) for name in (composed, decomposed)] == [composed, decomposed]


@pytest.mark.parametrize("path", ["", ".", "../x.png", "/etc/passwd", "x.png/y.png", "z.png"])
def test_what_is_not_below_the_root_is_not_found(tmp_path, path):
    (tmp_path / "root").mkdir()
    (tmp_path / "x.png").touch()
    (tmp_path / "root" / "x.png").touch()
    assert FileIndex(tmp_path / "root").find(path) is None


def test_an_archive_unpacked_one_folder_deeper_is_pointed_out(tmp_path):
    (tmp_path / "KADID10K").mkdir()
    (tmp_path / "KADID10K" / "DMOS.csv").touch()
    with pytest.raises(DatasetNotFoundError, match=r"It lies in .*KADID10K: name that folder"):
        Layout(tmp_path, FACTS).table("dmos.csv")
