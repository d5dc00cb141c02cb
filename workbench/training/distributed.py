"""One training in several processes: each computes its part of every batch.

The caller is the first process, so progress, validation and checkpoints stay where they were. The
others are started beside it with all that the training holds at that moment. All draw the same
order and crops; gradients are summed to those of the joined batch before they are clipped, so that
every process takes the same step. Lightning Fabric connects the processes; decision 0016 says what
it is used for.
"""

import logging
import multiprocessing
import os
import pickle
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from copy import copy
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
import torch
from torch import Tensor, nn

from workbench.domain.canonical import Progress
from workbench.encoders import Encoder
from workbench.encoders.protocol import computing_threads
from workbench.errors import ConfigError, RunError, WorkbenchError
from workbench.training.checkpoint import random_state, set_random_state


class _Pickler(pickle.Pickler):
    """Sends memory-mapped arrays as the place of their file, and an encoder without its texts."""

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, Encoder):
            bare = copy(value)
            texts = dict.fromkeys(("model", "_tokenise", "_count_tokens"))
            # No index: the GPU of the process that reads it.
            vars(bare).update(texts, device=torch.device(value.device.type))
            return bare.__reduce_ex__(pickle.HIGHEST_PROTOCOL)
        if isinstance(value, np.memmap) and value.filename and value.flags.c_contiguous:
            return _mapped, (value.filename, value.dtype, _offset(value), value.shape)
        return NotImplemented


def _mapped(file: Path, dtype: np.dtype[Any], offset: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.memmap(file, dtype, "r", offset, shape)


def _offset(array: np.memmap[Any, Any]) -> int:
    """Return where in its file a part of a memory-mapped array begins."""
    whole: Any = array
    while isinstance(whole.base, np.memmap):
        whole = whole.base
    return int(whole.offset + array.ctypes.data - whole.ctypes.data)


# What torch.save takes for a pickle module.
PICKLE = SimpleNamespace(__name__=__name__, Pickler=_Pickler)

if TYPE_CHECKING:
    from lightning_fabric import Fabric

HERE = "127.0.0.1"
ENDING_S = 10  # that a process which fails has to say why
# The others wait while the first validates; one that dies ends the wait at once all the same.
WAITING = timedelta(days=1)


class Training(Protocol):
    """What several processes can share: anything that trains by epochs and can be pickled."""

    team: "ProcessGroup | None"

    def epoch(self, number: int, progress: Progress) -> None:
        """Train one epoch, with `team.part` and `team.join` in each step."""


@dataclass(frozen=True)
class ProcessGroup:
    """This process among those that train together.

    Attributes:
        fabric: Connects them.
        lost: Says why the connection broke.
    """

    fabric: "Fabric"
    lost: Callable[[], Exception]

    def part(self, size: int) -> tuple[slice, float]:
        """Return the rows of a batch of `size` that are this process's, and their share of it."""
        return part(size, self.fabric.global_rank, self.fabric.world_size)

    def join(self, loss: Tensor, parameters: Iterable[nn.Parameter]) -> Tensor:
        """Sum gradients, in place, and losses over all processes.

        Args:
            loss: Of this process's part, (), times its share.
            parameters: With the gradients of that.

        Returns:
            The loss of the joined batch, ().

        Raises:
            RunError: Another process failed or is gone.
        """
        gradients = [one.grad for one in parameters if one.grad is not None]
        flat = torch.cat([loss.detach().view(1), *(one.flatten() for one in gradients)])
        try:
            summed = cast(Tensor, self.fabric.all_reduce(flat, reduce_op="sum"))
        except RuntimeError as fault:
            raise self.lost() from fault
        joined, *parts = torch.split(summed, [1, *(one.numel() for one in gradients)])
        for gradient, values in zip(gradients, parts, strict=True):
            gradient.copy_(values.view_as(gradient))
        return joined.squeeze()


def part(size: int, process: int, processes: int) -> tuple[slice, float]:
    """Return the rows of a batch that a process computes, and their share of the batch.

    A process without rows takes one with the share 0, so that it draws the random numbers that the
    others draw.

    Example:
        >>> [part(5, process, 2) for process in (0, 1)]
        [(slice(0, 2, None), 0.4), (slice(2, 5, None), 0.6)]
        >>> [part(1, process, 2) for process in (0, 1)]
        [(slice(0, 1, None), 0.0), (slice(0, 1, None), 1.0)]
    """
    start, stop = process * size // processes, (process + 1) * size // processes
    return slice(start, max(stop, start + 1)), (stop - start) / size


@contextmanager
def together(
    training: Training, epochs: range, *, processes: int, device: torch.device
) -> Iterator[None]:
    """Share the epochs that the block trains with other processes; one process shares nothing.

    The block may leave early: the others end with it, however it ends, and with this process.

    Args:
        training: As it stands before the first of the epochs.
        epochs: Those that the block trains, unless it stops early.
        processes: >= 1, this one among them.
        device: Where this one computes. On a CPU its threads are divided among the processes.

    Raises:
        ConfigError: There are fewer GPUs.
        RunError: A process failed or was killed. What a process raised is raised as it is, if it
            is a WorkbenchError.
    """
    if processes == 1:
        yield
        return
    if device.type == "cuda" and torch.cuda.device_count() < processes:
        raise ConfigError(
            f"Tuning in {processes} processes needs as many GPUs, found "
            f"{torch.cuda.device_count()}. Lower WORKBENCH_DEVICES."
        )
    threads = torch.get_num_threads()
    threads = max(1, threads // processes) if device.type == "cpu" else threads
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(ignore_cleanup_errors=True))
        job = Path(folder) / "training"
        _write(job, (training, epochs, random_state(device)))
        port = _free_port()
        others = [
            stack.enter_context(_started(job, _Place(process, processes, port, device, threads)))
            for process in range(1, processes)
        ]
        stack.enter_context(computing_threads(threads))
        place = _Place(0, processes, port, device, threads)
        fabric = stack.enter_context(place.joined(lambda: _await_ready(others)))
        training.team = ProcessGroup(fabric, lambda: _why_lost(others))
        stack.callback(setattr, training, "team", None)
        yield


def _write(job: Path, everything: object) -> None:
    try:
        torch.save(everything, job, pickle_module=PICKLE)
    except (OSError, RuntimeError) as fault:  # torch's own writer raises the latter
        raise RunError(
            f"What the processes share cannot be written to {job.parent}: {fault}. Make room there "
            "or set TMPDIR to another folder, then resume the run."
        ) from fault


def _free_port() -> int:
    with socket.create_server((HERE, 0)) as server:
        return int(server.getsockname()[1])


@dataclass(frozen=True)
class _Place:
    """Where a process stands among the others."""

    process: int
    processes: int
    port: int
    device: torch.device
    threads: int

    @contextmanager
    def joined(self, ready: Callable[[], None]) -> Iterator["Fabric"]:
        """Connect to the others, for the block; `ready` is called just before."""
        places = {
            "LOCAL_RANK": self.process, "NODE_RANK": 0, "WORLD_SIZE": self.processes,
            "MASTER_ADDR": HERE, "MASTER_PORT": self.port, "OMP_NUM_THREADS": self.threads,
        }  # fmt: skip
        with _environment({name: str(value) for name, value in places.items()}):
            fabric = self._fabric()
            ready()
            fabric.launch()
            try:
                yield fabric
            finally:
                torch.distributed.destroy_process_group()

    def _fabric(self) -> "Fabric":
        from lightning_fabric import Fabric  # takes a second, which one process need not wait
        from lightning_fabric.plugins.environments.lightning import LightningEnvironment
        from lightning_fabric.strategies.ddp import DDPStrategy

        logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
        strategy = DDPStrategy(
            cluster_environment=LightningEnvironment(),
            process_group_backend="gloo",
            timeout=WAITING,
        )
        return Fabric(accelerator=self.device.type, devices=self.processes, strategy=strategy)


@dataclass(frozen=True)
class _Other:
    """A process beside this one, and what it tells: None when it is ready, or a fault."""

    process: BaseProcess
    told: Connection

    def fault(self) -> Exception | None:
        """Wait for what it tells; None if it is ready, or only ended as another had failed."""
        try:
            return self.told.recv()  # type: ignore[no-any-return]
        except EOFError:
            self.process.join(ENDING_S)
        if self.process.exitcode == 0:
            return None
        return RunError(
            "A process that tuned beside this one ended with exit code "
            f"{self.process.exitcode}; -9 is often want of memory. Lower tuning.batch_size or "
            "WORKBENCH_DEVICES, then resume the run."
        )


@contextmanager
def _started(job: Path, place: _Place) -> Iterator[_Other]:
    """Start another process, for the block."""
    # "spawn", since a process that has computed on threads or a GPU cannot be forked.
    context = multiprocessing.get_context("spawn")
    told, tell = context.Pipe(duplex=False)
    process = context.Process(target=_accompany, args=(job, place, tell), daemon=True)
    process.start()
    tell.close()  # the other now holds its only end, so its death is seen
    try:
        yield _Other(process, told)
    finally:
        process.kill()
        process.join()
        told.close()


def _accompany(job: Path, place: _Place, tell: Connection) -> None:
    """Train beside the caller until it ends this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the caller hears Ctrl-C and ends this process
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(place.threads)
    try:
        # Memory-mapped: what is not trained stays one copy for all processes.
        training, epochs, random = torch.load(
            job, {f"cuda:{place.device.index or 0}": f"cuda:{place.process}"},
            mmap=True, weights_only=False,
        )  # fmt: skip
        with place.joined(lambda: tell.send(None)) as fabric:
            set_random_state(random, fabric.device)
            training.team = ProcessGroup(fabric, _PartedError)
            _train(training, epochs, tell)
    except _PartedError:
        pass  # whoever broke the connection says why


def _train(training: Training, epochs: range, tell: Connection) -> None:
    try:
        for number in epochs:
            training.epoch(number, _silent)
    except _PartedError:
        raise
    except WorkbenchError as fault:
        tell.send(fault)
    except Exception as fault:
        tell.send(RunError(f"A process that tuned beside this one failed: {fault!r}."))
        raise


def _silent(_share: float, _text: str) -> None:
    """Tell nobody: the caller does."""


class _PartedError(Exception):
    """The connection to another process broke."""


def _await_ready(others: Iterable[_Other]) -> None:
    for other in others:
        fault = other.fault()
        if fault is not None:
            raise fault


def _why_lost(others: Iterable[_Other]) -> Exception:
    """Return the fault of the process that broke the connection."""
    waiting = {other.told: other for other in others}
    while waiting and (ended := wait(list(waiting), ENDING_S)):
        for told in ended:
            fault = waiting.pop(cast(Connection, told)).fault()
            if fault is not None:
                return fault
    return RunError("The processes that tuned together lost each other. Resume the run.")


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
