"""Waiting by condition. The bound is there against hanging: no test passes or fails by speed."""

import time
from collections.abc import Callable

PATIENCE_S = 300.0  # many times what any step takes on a machine with a load of 15


def wait_until(happens: Callable[[], object], what: str, *, every_s: float = 0.02) -> None:
    """Return once something is so.

    Args:
        happens: Asked again and again until it is true.
        what: What is waited for, for the message if it never comes.
        every_s: Seconds between two questions.
    """
    until = time.monotonic() + PATIENCE_S
    while not happens():
        assert time.monotonic() < until, f"{what}: not within {PATIENCE_S:g} s"
        time.sleep(every_s)
