"""What runs do in the tests of executors; a child process imports them by name."""

import os
import signal
import time

from tests.factories import make_result
from tests.waiting import wait_until


def done(store, run, settings, report, afresh, losses):
    report(0.5, "half")
    losses("tuning", 1, 0.25)
    return make_result(run.version, run.config)


def dies(store, run, settings, report, afresh, losses):
    report(0.5, f"try {run.claim}")
    os.kill(os.getpid(), signal.SIGKILL)


def together(store, run, settings, report, afresh, losses):
    """Wait until another run is under way as well."""
    report(0.5, "waiting")
    beside = lambda: [r for r in store.runs.list() if r.stage == "waiting" or r.status == "done"]  # noqa: E731
    wait_until(lambda: len(beside()) == 2, "the other run is under way")
    return make_result(run.version, run.config)


def once_only(store, run, settings, report, afresh, losses):
    """Go on for ever in the first attempt; the second is done at once."""
    report(0.5, f"try {run.claim}")
    while run.claim == 1:
        time.sleep(0.05)
    return make_result(run.version, run.config)
