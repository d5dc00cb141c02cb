"""What strangers wrote can neither steer a terminal nor pass for a line of the program's own."""

import json

import pytest

from tests.databases import fresh_database
from workbench.domain.attributes import AttributeSet
from workbench.store import open_store
from workbench.workflow.versions import freeze_version

FORGED = "hi\x1b[2J\x9b31m\u202e\nworkbench: done"


@pytest.fixture
def store_url(tmp_path, monkeypatch):
    url = fresh_database(tmp_path / "store.sqlite")
    monkeypatch.setenv("WORKBENCH_DB", url)
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    with open_store(url) as store:
        content = AttributeSet.from_phrases({"jpeg": ["blocky [/b] edges"]})
        freeze_version(store, content, message=FORGED, author=FORGED, alias="first")
    return url


def assert_harmless(text):
    assert not {*text} & {"\x1b", "\x9b", "\u202e", "\r"}
    assert not any(line.startswith("workbench: done") for line in text.splitlines())


def test_a_table_shows_control_characters_as_escapes(workbench, store_url):
    status, out, _ = workbench("versions", "list")
    assert status == 0
    assert_harmless(out)
    assert "hi\\x1b[2J\\x9b31m\\u202e" in out


def test_json_keeps_them_exactly(workbench, store_url):
    _, out, _ = workbench("versions", "list", "--json")
    assert json.loads(out)[0]["message"] == FORGED
    assert "\x1b" not in out


def test_an_error_that_quotes_them_is_one_harmless_line(workbench, store_url, tmp_path):
    for arguments in (("versions", "show", FORGED), ("score", tmp_path / "\x1b]0;x\nb.png")):
        status, out, err = workbench(*arguments)
        assert (status, out) in ((1, ""), (2, ""))
        assert_harmless(err)


def test_what_looks_like_markup_is_text(workbench, store_url):
    assert "blocky [/b] edges" in workbench("versions", "show", "first")[1]


def test_a_number_past_64_bits_is_one_line(workbench, store_url):
    status, out, err = workbench("runs", "show", 10**30)
    assert (status, out) == (1, "")
    assert "has more than 64 bits" in err
    assert "internal error" not in err


def test_a_password_in_a_database_url_is_never_shown(workbench, monkeypatch, tmp_path):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    for url in ("postgresql://eva:tell-nobody@127.0.0.1:1/x", "postgres//eva:tell-nobody@host"):
        for command in (("doctor",), ("versions", "list")):
            _, out, err = workbench(*command, "--db", url)
            assert "tell-nobody" not in out + err
            assert "eva" in out + err


def test_a_fault_of_the_program_is_one_line_wherever_its_traceback_can_be_kept(
    workbench, monkeypatch, tmp_path
):
    def broken(*_arguments, **_options):
        raise RuntimeError("\x1b[2J" + "x" * 10_000)

    monkeypatch.setattr("workbench.cli.cli", broken)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("WORKBENCH_HOME", "/dev/null")
    for threads in ("1", "many"):  # with settings that can be read, and without
        monkeypatch.setenv("WORKBENCH_THREADS", threads)
        status, out, err = workbench("versions", "list")
        assert (status, out, err.count("\n")) == (1, "", 1)
        assert_harmless(err)
        assert len(err) < 4200
    kept = list(tmp_path.glob("workbench-*.log"))
    assert len(kept) == 2
    assert all("RuntimeError" in file.read_text() for file in kept)
