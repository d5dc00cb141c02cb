"""How a long work tells how far it is."""

from collections.abc import Callable

Progress = Callable[[float, str], None]  # the share done, in [0, 1], and what is being done


def part(progress: Progress, start: float, end: float) -> Progress:
    """Return a progress function whose 0..1 is a part of the whole's."""
    return lambda share, text: progress(start + (end - start) * share, text)
