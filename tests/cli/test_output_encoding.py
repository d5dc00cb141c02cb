"""Output survives every terminal, and documents are UTF-8 whatever the terminal is."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.cli.console import emit
from workbench.domain.attributes import AttributeSet
from workbench.settings import read_settings
from workbench.store import open_store
from workbench.workflow.versions import freeze_version


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    monkeypatch.delenv("WORKBENCH_DB", raising=False)
    words = {"jpeg": ["“blocky” tiles − everywhere", "moiré rings", "8×8 squares", "縞模様"]}
    with open_store(read_settings().database_url) as store:
        content = AttributeSet.from_phrases(words)
        freeze_version(store, content, message="first", author="ann", alias="first")
    return tmp_path


@pytest.fixture
def printed(workbench, monkeypatch):
    """Return the bytes that a command writes to a stdout of an encoding."""

    def run(encoding, *arguments):
        out = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        with monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", out)
            status, _, err = workbench(*arguments)
        out.flush()
        assert status == 0, err
        return out.buffer.getvalue()

    return run


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("utf-8", ["“blocky” tiles − everywhere", "moiré rings", "8×8 squares", "縞模様"]),
        ("cp1252", ["“blocky” tiles - everywhere", "moiré rings", "8×8 squares", r"\u7e1e"]),
        ("ascii", ['"blocky" tiles - everywhere', r"moir\xe9 rings", "8x8 squares", r"\u7e1e"]),
    ],
)
def test_text_takes_what_the_terminal_lacks_plainly(encoding, shown, home, printed):
    text = printed(encoding, "versions", "show", "first").decode(encoding)
    for phrase in shown:
        assert phrase in text


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "ascii", "utf-16"])
def test_json_is_utf_8_on_every_terminal(encoding, home, printed):
    document = json.loads(printed(encoding, "versions", "show", "first", "--json").decode("utf-8"))
    assert "moiré rings" in json.dumps(document, ensure_ascii=False)


@pytest.mark.parametrize("form", ["json", "csv"])
def test_an_export_to_stdout_is_utf_8_on_every_terminal(form, home, printed):
    written = printed("ascii", "attributes", "export", "-", "--ref", "first", "--as", form)
    assert "縞模様" in written.decode("utf-8")


def test_what_no_utf_8_can_hold_is_escaped_as_json_escapes_it(capfdbinary):
    document = {"image": "caf\udce9.jpg"}
    emit(True, document, str)
    assert json.loads(capfdbinary.readouterr().out.decode("utf-8")) == document


@pytest.mark.process
@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_full_disk_is_one_plain_line(form, home):
    command = [sys.executable, "-m", "workbench", "distortions", "list", *form]
    with Path("/dev/full").open("wb", buffering=0) as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert ended.returncode == 1
    assert ended.stderr == (
        "workbench: The output cannot be written: No space left on device. "
        "Send it to another file or disk.\n"
    )
