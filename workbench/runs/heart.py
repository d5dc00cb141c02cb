"""A worker's heartbeat, from a thread of its own: steps of a run may take longer than a beat."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from workbench.errors import StoreError
from workbench.store import Store

BEAT_S = 3.0  # a tenth of the time after which a worker no longer counts as alive

_log = logging.getLogger(__name__)


@contextmanager
def beating(store: Store, worker: str) -> Iterator[None]:
    """Keep a worker and its run alive in the store while the block runs; then take it off.

    Args:
        store: The open store.
        worker: Name of the worker.

    Raises:
        StoreError: The first beat fails; later ones are logged and tried again.
    """
    store.runs.beat(worker)
    over = threading.Event()
    thread = threading.Thread(
        target=_beat, args=(store, worker, over), name="heartbeat", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        # A store that fails here has failed before, and that error is the one to be seen.
        with suppress(StoreError):
            store.runs.leave(worker)


def _beat(store: Store, worker: str, over: threading.Event) -> None:
    while not over.wait(BEAT_S):
        try:
            store.runs.beat(worker)
        except StoreError as error:
            _log.warning("heartbeat: %s", error)
