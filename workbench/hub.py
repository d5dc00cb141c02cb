"""Whether a model hub can be reached: found out once, within three seconds, never by a hang."""

import socket
import threading
from functools import cache

from workbench.settings import Settings

HUB = ("huggingface.co", 443)
TIME_LIMIT_S = 3.0


def hub_reachable(settings: Settings) -> bool:
    """Return whether model weights could be fetched; asked once per process.

    Args:
        settings: `offline` answers at once with False.
    """
    return not settings.offline and connects(*HUB)


@cache
def connects(host: str, port: int, limit_s: float = TIME_LIMIT_S) -> bool:
    """Return whether a TCP connection opens within the limit, name look-up included.

    The look-up has no time limit of its own, so it happens in a thread that nobody waits for.

    Example:
        >>> connects("127.0.0.1", 1, 0.5)
        False
    """
    opened = threading.Event()

    def attempt() -> None:
        try:
            socket.create_connection((host, port), timeout=limit_s).close()
        except OSError:
            return
        opened.set()

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(limit_s)
    return opened.is_set()
