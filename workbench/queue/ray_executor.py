"""Runs and work over many items on a Ray cluster.

Of a run, Ray finds the machine and the GPUs, and the store does all else.

Nothing is asked of Ray that the store does already: a run is cancelled, given up and taken up again
in the same way whatever does it, so Ray retries nothing by itself.
"""

import logging
import os
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

from workbench.datasets.generation.parallel import Each, one_thread
from workbench.domain.run import Run
from workbench.errors import ConfigError, DataError, RunError, WorkbenchError
from workbench.queue.executors import attempt
from workbench.settings import Settings

T = TypeVar("T")
R = TypeVar("R")

TRIES = 2  # more, of an item whose process died
ANSWER_S = 10.0  # within which a cluster must take a connection
_INSTALL = "pip install 'attribute-workbench[ray]'"


class RayExecutor:
    """Does each run as a task of a Ray cluster; see `workbench.queue.executors`.

    Args:
        address: Of the cluster, "HOST:PORT"; None starts one on this machine, gone afterwards.
        at_once: How many at most; None for as many as the cluster has room for.
        gpus: Of each run; None for 1 where the cluster has any, else 0.

    Raises:
        ConfigError: Ray is not installed, or there is no cluster at the address.
    """

    def __init__(
        self, address: str | None = None, *, at_once: int | None = None, gpus: float | None = None
    ) -> None:
        self._ray, self._at_once = _connected(address), at_once
        has_gpus = self._ray.cluster_resources().get("GPU", 0) > 0
        self._gpus = float(has_gpus) if gpus is None else gpus
        if self._gpus > self._ray.cluster_resources().get("GPU", 0):
            self._ray.shutdown()
            raise ConfigError(
                f"The cluster has fewer than {gpus:g} GPUs, so no run would ever start. Name fewer "
                "with --gpus, or add a machine."
            )
        # A process of its own for each run: nothing of one is left in the next.
        options = {"num_cpus": 1, "num_gpus": self._gpus, "max_retries": 0, "max_calls": 1}
        self._task = self._ray.remote(**options)(_attempt_on_node)

    def room(self) -> int:
        """See `Executor`."""
        has = self._ray.cluster_resources()
        fit = has.get("CPU", 0)
        if self._gpus:
            fit = min(fit, has.get("GPU", 0) / self._gpus)
        return int(fit if self._at_once is None else min(fit, self._at_once))

    def start(self, run: Run, url: str, settings: Settings) -> "RayAttempt":
        """See `Executor`."""
        # A run asks no language model; its key stays here.
        settings = settings.model_copy(update={"api_key": None})
        return RayAttempt(self._ray, self._task.remote(run, url, settings, socket.gethostname()))

    def close(self) -> None:
        """See `Executor`."""
        self._ray.shutdown()


class RayAttempt:
    """A run as a task of Ray; see `workbench.queue.executors.Attempt`."""

    def __init__(self, ray: Any, task: Any) -> None:
        self._ray, self._task = ray, task

    def ended(self) -> str | None:
        """See `Attempt`."""
        if not self._ray.wait([self._task], timeout=0)[0]:
            return None
        faults = self._ray.exceptions
        try:
            self._ray.get(self._task)
        except faults.TaskCancelledError:
            return ""
        except faults.RayTaskError as fault:
            raise RunError(_reason(fault)) from fault
        except faults.RayError as fault:
            return f"its process died on the cluster ({type(fault).__name__})"
        return ""

    def stop(self) -> None:
        """See `Attempt`."""
        self._ray.cancel(self._task, force=False)

    def kill(self) -> None:
        """See `Attempt`."""
        self._ray.cancel(self._task, force=True)


def _attempt_on_node(run: Run, url: str, settings: Settings, host: str) -> None:
    """Do a claimed run on whichever machine Ray has chosen."""
    if url.startswith("sqlite") and socket.gethostname() != host:
        raise RunError(
            f"The store is an SQLite file on {host}, which {socket.gethostname()} must not use. "
            "Use PostgreSQL for several machines, or a worker with --executor local."
        )
    attempt(run, url, settings)


@contextmanager
def each_on_ray(address: str | None = None, *, at_once: int | None = None) -> Iterator[Each]:
    """Yield a function that applies another one to items on a Ray cluster; see `Each`.

    Unlike a run, an item may be done twice, so Ray itself tries one again whose process died.

    Args:
        address: Of the cluster, "HOST:PORT"; None starts one on this machine, gone afterwards.
        at_once: How many items at most; None for as many as the cluster has cores.

    Raises:
        ConfigError: Ray is not installed, or there is no cluster at the address.
    """
    ray = _connected(address)
    apply = ray.remote(num_cpus=1, max_retries=TRIES)(_applied)

    def each(function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        running: list[Any] = []
        shared, left = ray.put(function), iter(items)
        while True:
            cores = max(1, int(ray.cluster_resources().get("CPU", 1)))
            # One for each core waits there, so that none is idle while its next item is on the way;
            # where fewer are wanted than there are cores, it would begin at once.
            most = at_once if at_once and at_once < cores else 2 * cores
            new = islice(left, most - len(running))
            running += [apply.remote(shared, item) for item in new]
            if not running:
                return
            done, running = ray.wait(running)
            try:
                results = ray.get(done)
            except ray.exceptions.RayTaskError as fault:
                raise DataError(f"An item failed: {_reason(fault)}.") from fault
            except ray.exceptions.RayError as fault:
                raise DataError(
                    f"A process on the cluster died again and again ({type(fault).__name__}), "
                    "perhaps for want of memory. What is done stays: give the same command again."
                ) from fault
            for is_done, result in results:
                if not is_done:
                    raise DataError(result)
                yield result

    try:
        yield each
    finally:
        ray.shutdown()  # ends what is under way


def _applied(function: Callable[[T], R], item: T) -> tuple[bool, R | str]:
    """Return whether an item is done, and the result or what the user can mend."""
    try:
        with one_thread():
            return True, function(item)
    except WorkbenchError as fault:
        return False, str(fault)


def _connected(address: str | None) -> Any:
    # Ray would report its use to its makers; nobody has asked for that. A run without GPUs keeps
    # the machine's own setting.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError as error:
        raise ConfigError(
            f"Ray is not installed. Install it with {_INSTALL}, or leave --executor out."
        ) from error
    try:
        if address and address.rpartition(":")[2].isdecimal():  # Ray itself tries for minutes
            host, _, port = address.removeprefix("ray://").rpartition(":")
            socket.create_connection((host, int(port)), timeout=ANSWER_S).close()
        ray.init(
            address or "local",
            include_dashboard=None if address else False,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except (OSError, RuntimeError, ValueError, OverflowError) as error:
        where = f"at {address}" if address else "here"
        said = getattr(error, "strerror", None) or " ".join(str(error).split())[:200]
        raise ConfigError(
            f"No Ray cluster can be used {where}: {said}. Start one "
            "with 'ray start --head' and name its HOST:PORT."
        ) from error
    return ray


def _reason(fault: Any) -> str:
    """Return why a task could not do its run at all, in one line."""
    cause = getattr(fault, "cause", None) or fault
    if isinstance(cause, RunError):
        return str(cause)
    said = (str(cause).strip() or "no reason given").splitlines()[-1]
    return (
        f"the cluster could not do it: {type(cause).__name__}: {said}. Every machine needs the "
        "same workbench, and the store and folders within its reach"
    )
