"""Work in several processes, in bounded memory, that never outlives its parent."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from typing import Protocol, TypeVar

import cv2
import psutil
from loky import get_reusable_executor

from workbench.errors import DataError, WorkbenchError

T = TypeVar("T")
R = TypeVar("R")


class Each(Protocol):
    """Applies a function to items somewhere: in processes of this machine, or on a cluster.

    What the function raises as a WorkbenchError is raised as a DataError. Function, items and
    results can be pickled, and doing an item twice must do no harm.
    """

    def __call__(self, function: Callable[[T], R], items: Iterable[T], /) -> Iterator[R]:
        """Yield the function's result for every item, in the order in which they are done."""


def each_in_parallel(
    function: Callable[[T], R], items: Iterable[T], *, workers: int
) -> Iterator[R]:
    """Yield the function's result for every item, in the order in which they are done.

    One worker works in this process. More are processes of their own that end with this one, even
    if it is killed, and have no more than two items each waiting, however many there are. Each
    worker keeps to one core.

    Args:
        function: Can be pickled; raises WorkbenchError for what the user can mend.
        items: Can be pickled.
        workers: >= 1.

    Raises:
        DataError: What the function raised, or a worker that was killed.
    """
    if workers == 1:
        with one_thread():
            yield from map(function, items)
        return
    pool = get_reusable_executor(max_workers=workers, initializer=_begin)
    try:
        yield from _drain(pool, function, iter(items), 2 * workers)
    except BrokenProcessPool as fault:
        raise DataError(
            "A worker process was killed, perhaps for want of memory. What is done stays: give the "
            "same command again with fewer --workers to go on."
        ) from fault
    except BaseException:
        pool.shutdown(kill_workers=True)
        raise


def _drain(
    pool: Executor, function: Callable[[T], R], items: Iterator[T], most: int
) -> Iterator[R]:
    running: set[Future[R]] = set()
    while True:
        new = islice(items, most - len(running))
        running |= {pool.submit(_work, function, item) for item in new}
        if not running:
            return
        done, running = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            yield future.result()


def _begin() -> None:
    """Prepare a worker process: one core, no answer to Ctrl-C, and an end with its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _work(function: Callable[[T], R], item: T) -> R:
    """Call the function; an error crosses to the parent as its message alone."""
    try:
        return function(item)
    except WorkbenchError as fault:
        raise DataError(str(fault)) from None


def _end_with_parent() -> None:
    # A pipe to the parent would not do: workers inherit one another's and keep it open.
    parent = os.getppid()
    while os.getppid() == parent and psutil.pid_exists(parent):
        time.sleep(0.5)
    os._exit(1)


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep OpenCV to one thread; the other libraries use one here anyway."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
