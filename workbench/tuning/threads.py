"""How many threads compute a run."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def computing_threads(count: int | None) -> Iterator[None]:
    """Let torch compute on so many threads; None leaves it as it is.

    A small tower's operations are so short that two threads spend their time waiting for each
    other: beside one other busy process, tuning the offline encoder took 53 s on two threads and
    3 s on one. One thread also makes the bits of a result independent of the number of cores.
    """
    before = torch.get_num_threads()
    if count is not None:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
