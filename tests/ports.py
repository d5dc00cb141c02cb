"""A free port of this machine; tests that run beside each other never get the same one."""

import os
import re
import socket

WORKERS = 64


def free_port() -> int:
    """Return a port that nobody listens on, one of those that are this pytest-xdist worker's."""
    number = int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or 0) % WORKERS
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port % WORKERS == number:
            return port
