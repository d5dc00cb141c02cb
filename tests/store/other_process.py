"""Processes of their own for what one process cannot show: races, kills, and lost rights."""

import os
import subprocess
import sys
from dataclasses import dataclass

from tests.waiting import PATIENCE_S

# Each script waits for a line on its standard input once its imports are done.
_START = """
import sys
from workbench.domain.attributes import Attribute, AttributeSet
from workbench.errors import EditConflictError, StoreError
from workbench.store import open_store
print("ready", flush=True)
sys.stdin.readline()
"""


@dataclass
class Finished:
    """What a script left: its exit status, and what it printed and complained of."""

    status: int
    said: list[str]
    complaints: str


def run_together(script, *argument_lists, prefix=()):
    """Run a script once for each list of arguments; all start their work at the same moment."""
    racers = [
        subprocess.Popen(
            [*prefix, sys.executable, "-W", "error", "-c", _START + script, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for arguments in argument_lists
    ]
    for racer in racers:
        racer.stdout.readline()
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    finished = []
    for racer in racers:
        said, complaints = racer.communicate(timeout=PATIENCE_S)
        finished.append(Finished(racer.returncode, said.splitlines(), complaints))
    return finished


def without_rights(script, *arguments):
    """Run a script for which the permissions of files count, even where the tests are root's."""
    as_anyone = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
    prefix = as_anyone if os.geteuid() == 0 else ()
    return run_together(script, arguments, prefix=prefix)[0]
