"""Logs and bundles in and out of stores with the real command."""

import json

import pytest

from tests.store.store_examples import a_call
from workbench.domain.attributes import Attribute, AttributeSet
from workbench.store import open_store


@pytest.fixture
def command(workbench, tmp_path, monkeypatch):
    """Return the command in a place of its own; with `--json`, stdout is read."""
    monkeypatch.setenv("WORKBENCH_DB", f"sqlite:///{tmp_path}/store.sqlite")
    monkeypatch.setenv("WORKBENCH_AUTHOR", "ann")

    def run(*arguments):
        status, out, err = workbench(*arguments)
        return status, json.loads(out) if "--json" in arguments and out else out, err

    return run


@pytest.fixture
def version(command, tmp_path):
    """A version one of whose attributes came from a call, in the command's store."""
    with open_store(f"sqlite:///{tmp_path}/store.sqlite") as store:
        call = store.calls.add(a_call())
        words = Attribute(phrase="rings", origin="llm", call_id=call.id)
        named = AttributeSet(by_distortion={"jpeg": (words,)})
        yield store.versions.freeze(named, message="first", author="ann", alias="best")


def test_a_log_goes_from_store_to_store(command, version, tmp_path):
    file, other = tmp_path / "log.jsonl", ("--db", f"sqlite:///{tmp_path}/other.sqlite")
    assert command("calls", "export", file)[:2] == (0, f"1 calls in {file}\n")
    assert command("calls", "import", file, "--json", *other)[1] == {"calls": 1, "new": 1}
    assert command("calls", "import", file, *other)[1] == "1 calls read, 0 of them new\n"
    here, there = (command("calls", "list", "--json", *db)[1] for db in ((), other))
    assert here == there
    assert [total["model"] for total in there["usage"]] == ["tiny"]
    assert command("calls", "export", file, "--distortion", "blur")[1] == f"0 calls in {file}\n"


def test_a_call_is_shown_whole(command, version):
    shown = command("calls", "show", "1")[1]
    assert "What does é look like?" in shown
    assert '[reply]\n["blocky edges"]' in shown
    assert command("calls", "show", "1", "--json")[1]["request"]["template"] == "few_shot"
    assert command("calls", "show", "7")[0] == 1
    assert "tiny" in command("calls", "list")[1]


def test_a_bundle_goes_from_store_to_store(command, version, tmp_path):
    file, other = tmp_path / "best.zip", ("--db", f"sqlite:///{tmp_path}/other.sqlite")
    words = "1 versions, 1 calls, 0 recipes, 0 comments, 0 runs\n"
    assert command("bundle", "export", file, "best", "--without-runs")[1] == f"{file}: {words}"
    assert command("bundle", "verify", file)[1] == f"{file} holds: {words}"
    would = command("bundle", "import", file, "--dry-run", "--json", *other)[1]
    done = command("bundle", "import", file, "--json", *other)[1]
    assert done == would | {"dry_run": False}
    assert done["versions"] == [version.hash]
    assert "1 versions were here before" in command("bundle", "import", file, *other)[1]
    assert command("versions", "verify", *other)[0] == 0


def test_verifying_touches_no_store_and_a_fault_is_one_line(command, tmp_path):
    (tmp_path / "no.zip").write_text("no zip")
    status, out, err = command("bundle", "verify", tmp_path / "no.zip")
    assert (status, out) == (1, "")
    assert err == (
        f"workbench: The bundle {tmp_path}/no.zip cannot be used: it is no zip, or only the "
        "beginning of one. None of it was used.\n"
    )
    assert not (tmp_path / "store.sqlite").exists()
