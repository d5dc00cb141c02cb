"""How a worker hears that it is to stop: between runs by looking, inside a run by an exception."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any


class WorkerStopped(BaseException):
    """Raised inside a run when the worker is told to stop; nothing that means well catches it."""


class Stopping:
    """Turns SIGTERM and SIGINT into a wish that the worker grants where it is safe.

    A signal during a store operation waits until that is over; one during the run itself raises
    `WorkerStopped` there. In another thread than the main one signals stay as they are.

    Attributes:
        requested: Whether a signal has come.
    """

    def __init__(self) -> None:
        self.requested = False
        self._armed = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Stopping":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._before[number] = signal.signal(number, self._heard)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Let a signal break off the block.

        Raises:
            WorkerStopped: A signal came, now or before.
        """
        yield from self._set(True)

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Let nothing break off the block, which is part of an interruptible one.

        Raises:
            WorkerStopped: After the block, if a signal came in it.
        """
        yield from self._set(False)

    def wait(self, seconds: float) -> None:
        """Sleep, but not past a signal.

        Args:
            seconds: How long.
        """
        end = time.monotonic() + seconds
        while not self.requested and (left := end - time.monotonic()) > 0:
            time.sleep(min(0.1, left))

    def _set(self, armed: bool) -> Iterator[None]:
        before, self._armed = self._armed, armed
        self._raise_if_due()
        try:
            yield
        finally:
            self._armed = before
        self._raise_if_due()

    def _heard(self, _number: int, _frame: FrameType | None) -> None:
        self.requested = True
        self._raise_if_due()

    def _raise_if_due(self) -> None:
        if self.requested and self._armed:
            self._armed = False  # once: what cleans up after it is not broken off again
            raise WorkerStopped
