"""Commands that only read or edit text start without what training needs."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.process

# What each of these drags in takes longer to import than the commands take to do their work.
HEAVY = {
    "torch",
    "scipy",
    "numpy",
    "matplotlib",
    "cv2",
    "sklearn",
    "streamlit",
    "openai",
    "pyarrow",
}
DATABASE = {"sqlalchemy", "sqlmodel"}
LIST_MODULES = """
import json, sys
from workbench.cli import main
sys.argv = ["workbench", *sys.argv[1:]]
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
sys.stderr.write("\\n" + json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def loaded(tmp_path, *arguments):
    """Return the top-level packages that a command has imported when it ends."""
    home = {"WORKBENCH_HOME": str(tmp_path), "WORKBENCH_DB": f"sqlite:///{tmp_path / 'db.sqlite'}"}
    command = [sys.executable, "-c", LIST_MODULES, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **home})
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize("command", ["--help", "freeze --help", "run --help", "compare --help"])
def test_help_loads_no_library_that_computes_and_no_database(tmp_path, command):
    assert not loaded(tmp_path, *command.split()) & (HEAVY | DATABASE)


@pytest.mark.parametrize(
    "command",
    [
        "versions list",
        "runs list",
        "calls list",
        "attributes list",
        "versions verify",
    ],
)
def test_text_commands_load_no_library_that_computes(tmp_path, command):
    modules = loaded(tmp_path, *command.split())
    assert not modules & HEAVY
    assert modules >= DATABASE  # else the list would say nothing
