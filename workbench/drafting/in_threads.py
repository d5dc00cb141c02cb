"""Several questions at once: a bounded number of threads, each answer handed on when it comes."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from queue import SimpleQueue
from threading import Thread
from typing import TypeVar

from workbench.errors import WorkbenchError

Job = TypeVar("Job")
Result = TypeVar("Result")


def in_threads(
    jobs: Iterable[Job], work: Callable[[Job], Result], limit: int
) -> Iterator[tuple[Job, Result | WorkbenchError]]:
    """Yield each job with what came of it, in the order in which they end.

    The threads are daemons: a break does not wait for a server that says nothing.

    Args:
        jobs: What is to be done; started in this order.
        work: Does one job.
        limit: Most jobs under way at once, ≥ 1.

    Yields:
        A job and its result; a `WorkbenchError` is handed on and stops no other job.

    Raises:
        Exception: Whatever else a job raised; no further job is started.

    Example:
        >>> sorted(in_threads([1, 2, 3], lambda number: number**2, limit=2))
        [(1, 1), (2, 4), (3, 9)]
    """
    waiting, answers = deque(jobs), SimpleQueue[tuple[Job, Result | Exception]]()
    count = len(waiting)

    def work_on() -> None:
        while True:
            try:
                job = waiting.popleft()
            except IndexError:  # the last one is taken, perhaps just now
                return
            try:
                answers.put((job, work(job)))
            except Exception as fault:
                answers.put((job, fault))

    for _ in range(min(limit, count)):
        Thread(target=work_on, daemon=True).start()
    try:
        for _ in range(count):
            job, found = answers.get()
            if isinstance(found, Exception) and not isinstance(found, WorkbenchError):
                raise found
            yield job, found
    finally:
        waiting.clear()
