"""Where things stand and who did what, on the command line."""

import json

import pytest

from tests.databases import fresh_database


@pytest.fixture(autouse=True)
def own_store(monkeypatch, tmp_path):
    monkeypatch.setenv("WORKBENCH_DB", fresh_database(tmp_path / "store.sqlite"))


def said(answer):
    code, out, err = answer
    assert (code, err) == (0, "")
    return json.loads(out)


def test_an_empty_store_has_nothing_and_says_so(workbench):
    document = said(workbench("status", "--json"))
    assert document["attributes"] == {}
    assert document["best"] == []
    assert len(document["without_attributes"]) == document["types"]
    assert "attributes   none" in workbench("status")[1]


def test_the_audit_log_is_filtered_shown_and_written(workbench, tmp_path):
    file = tmp_path / "set.csv"
    file.write_text("distortion,phrase\njpeg,small squares\n")
    assert workbench("attributes", "import", str(file), "--author", "ann")[0] == 0
    document = said(workbench("audit", "--person", "ann", "--kind", "attribute", "--json"))
    assert document["total"] == 1
    assert document["events"][0]["after"]["phrase"] == "small squares"
    assert said(workbench("audit", "--person", "nobody", "--json"))["events"] == []
    out = tmp_path / "audit.csv"
    assert said(workbench("audit", "--out", str(out), "--json"))["events"] == 1
    assert "small squares" in out.read_text()


def test_a_file_of_another_kind_is_refused_in_one_line(workbench, tmp_path):
    code, out, err = workbench("audit", "--out", str(tmp_path / "audit.txt"))
    assert (code, out) == (1, "")
    assert "name it so" in err
