"""What tests of several rooms need."""

import sys

import pytest

from workbench.cli import main


@pytest.fixture
def workbench(monkeypatch, capsys):
    """Return a function of the arguments that gives (exit status, stdout, stderr) of the command.

    It is the real command in this process: `main` with its exit status and both streams.
    """

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["workbench", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, *capsys.readouterr()

    return run
