"""What tests of several rooms need."""

import os
import shutil
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from tests.cache import share_statistics
from workbench.cli import main

# One thread a process, those that tests start included: every core has a worker of its own, and
# threads of two processes on one core wait for each other. It is read when NumPy and torch load.
for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

# Stores wait for the disk at each commit: temporary folders lie in memory where there is room.
_MEMORY = Path("/dev/shm")
if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > 4 * 2**30:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))

# A job in the background and a worker of xdist ignore Ctrl-C, and so would every process that a
# test starts; some tests press it.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes is the machine's affair.
hypothesis_settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("any machine")


_STATISTICS = share_statistics()


def pytest_unconfigure():
    if _STATISTICS is not None:
        shutil.rmtree(_STATISTICS, ignore_errors=True)


def pytest_collection_modifyitems(items):
    """Begin with what takes long, so that no worker is left alone with it in the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


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
