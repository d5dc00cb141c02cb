"""Free ports of this machine; tests that run beside each other never get the same one."""

import itertools
import os
import re
import socket

FIRST, EACH, WORKERS = 20_000, 1_500, 8  # below the ports that systems hand out by themselves

_turns = itertools.count(os.getpid())  # two runs beside each other begin at different ones


def free_port() -> int:
    """Return a port that nobody listens on, another one each time.

    Each of pytest-xdist's workers has ports of its own to choose from.
    """
    number = int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or 0) % WORKERS
    for turn in itertools.islice(_turns, EACH):
        port = FIRST + number * EACH + turn % EACH
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError("No port is free.")
