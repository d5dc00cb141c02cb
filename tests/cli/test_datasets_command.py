"""The real command in this process: `main` with its exit status and both streams."""

import json

import pytest

from tests.datasets.layouts import BUILDERS, picture, write_csv


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))


def test_list_names_every_dataset_with_its_range_and_direction(workbench):
    status, out, _ = workbench("datasets", "list", "--json")
    listed = {entry["name"]: entry for entry in json.loads(out)}
    assert status == 0
    assert set(listed) >= set(BUILDERS)
    assert listed["live"]["polarity"] == "lower is better"
    assert listed["kadid10k"]["score_range"] == [1, 5]
    assert len(listed["tid2013"]["distortions"]) == 24
    status, out, _ = workbench("datasets", "list")
    assert (status, "MOS, 1 to 5," in out) == (0, True)


def test_check_answers_with_the_documented_keys_and_1_for_problems(workbench, built):
    root = built("csiq")
    status, out, err = workbench("datasets", "check", "csiq", root, "--deep", "--json")
    report = json.loads(out)
    assert status == 1
    assert err.splitlines()[-1] == (
        f"workbench: 2 problems with csiq in {root}. Stdout says what to do about each."
    )
    assert {"images", "references", "distortions", "score_range", "polarity", "problems"} <= set(
        report
    )
    assert report["images"] == 57
    assert report["distortions"][:2] == ["white_noise", "jpeg"]
    assert report["problems"][0].startswith("57 images instead of 866. Ask for the images")


def test_check_of_a_whole_dataset_ends_well(workbench, built):
    status, out, _ = workbench("datasets", "check", "table", built("table"))
    assert status == 0
    assert "8 images, 2 references, 1 distortion\n" in out
    assert "problem" not in out


def test_an_unknown_dataset_is_one_line_on_stderr(workbench, tmp_path):
    status, out, err = workbench("datasets", "check", "tid2031", tmp_path)
    assert (status, out) == (1, "")
    assert err == "workbench: Unknown dataset 'tid2031'. Did you mean 'tid2013'?\n"


def test_a_dry_run_previews_a_table_and_writes_nothing(workbench, built):
    root = built("table")
    before = sorted(root.rglob("*"))
    preview = ("datasets", "import", root / "mine.csv", "--dry-run", "--low", 0, "--high", 9)
    status, out, _ = workbench(*preview)
    assert status == 0
    assert "columns: image (image), score (score), reference (reference)" in out
    assert "clean/lake.png | 9 |  |  | " in out
    assert "8 of 8 rows can be used, 2 references, 1 distortion\n" in out
    assert "score from 0 to 9 (as stated), higher is better" in out
    assert sorted(root.rglob("*")) == before


def test_import_names_bad_rows_up_to_a_cap_in_text_and_all_in_json(workbench, tmp_path):
    picture(tmp_path / "a.png")
    rows = [("image", "score"), ("a.png", 1), *((f"{n}.png", n) for n in range(30))]
    file = write_csv(tmp_path / "bad.csv", *rows)
    status, out, _ = workbench("datasets", "import", file)
    assert status == 1
    assert out.count("problem: line ") == 20
    assert "and 10 more problems; --json names them all" in out
    status, out, _ = workbench("datasets", "import", file, "--lower-is-better", "--json")
    document = json.loads(out)
    assert status == 1
    assert len(document["problems"]) == 30
    assert document["polarity"] == "lower is better"
    assert document["bad"][-1]["line"] == 32


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_bytes_of_another_encoding_can_be_shown(workbench, tmp_path, form):
    (tmp_path / "a.csv").write_bytes("image,score,caf\xe9\n\xe9.png,1,2\n".encode("latin-1"))
    status, out, _ = workbench("datasets", "import", tmp_path / "a.csv", *form)
    assert status == 1
    assert "line 1: the header is not UTF-8; save the file as 'CSV UTF-8'" in out


def test_import_of_what_is_no_table_is_one_line_on_stderr(workbench, tmp_path):
    (tmp_path / "a.xlsx").write_bytes(b"PK\3\4\0")
    status, out, err = workbench("datasets", "import", tmp_path / "a.xlsx")
    assert (status, out) == (1, "")
    assert err.startswith("workbench: ")
    assert "is a workbook or an archive, no text; a spreadsheet saves it as 'CSV UTF-8'" in err
