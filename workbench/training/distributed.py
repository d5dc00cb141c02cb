"""One training in several processes: each computes its part of every batch.

The caller is the first process, so progress, validation and checkpoints stay where they were. Its
peers start with all that the training holds at that moment. All draw the same order and crops;
gradients are summed to those of the joined batch before they are clipped, so that every process
takes the same step. Lightning Fabric connects the processes; decision 0016 says what it is used
for.
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
from dataclasses import dataclass, replace
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

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext

    from lightning_fabric import Fabric

HOST = "127.0.0.1"
ENDING_S = 10  # that a failing process has to say why
# Peers wait while the first process validates; one that dies ends the wait at once all the same.
TIMEOUT = timedelta(days=1)


class TrainingPickler(pickle.Pickler):
    """Pickles memory-mapped arrays as the name of their file, an encoder without its text tower."""

    def reducer_override(self, value: Any) -> Any:
        """See `pickle.Pickler.reducer_override`."""
        if isinstance(value, Encoder):
            bare = copy(value)
            texts = dict.fromkeys(("model", "tokenise", "count_tokens"))
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
    base: Any = array
    while isinstance(base.base, np.memmap):
        base = base.base
    return int(base.offset + array.ctypes.data - base.ctypes.data)


# What torch.save takes for a pickle module.
PICKLE = SimpleNamespace(__name__=__name__, Pickler=TrainingPickler)


class Training(Protocol):
    """What several processes can share: anything that trains by epochs and can be pickled."""

    group: "ProcessGroup | None"

    def epoch(self, number: int, progress: Progress) -> None:
        """Train one epoch, with `group.part` and `group.join` in each step."""


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
        """Return this process's rows of a batch of `size`, and their share of it."""
        return part(size, self.fabric.global_rank, self.fabric.world_size)

    def join(self, loss: Tensor, parameters: Iterable[nn.Parameter]) -> Tensor:
        """Sum gradients, in place, over all processes; return the loss of the joined batch, ().

        The loss given, (), and the gradients are of this process's part, times its share. Raises
        what `lost` returns if another process failed or is gone.
        """
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        flat = torch.cat([loss.detach().view(1), *(gradient.flatten() for gradient in gradients)])
        try:
            summed = cast(Tensor, self.fabric.all_reduce(flat, reduce_op="sum"))
        except RuntimeError as fault:
            raise self.lost() from fault
        sizes = [1, *(gradient.numel() for gradient in gradients)]
        joined, *parts = torch.split(summed, sizes)
        for gradient, values in zip(gradients, parts, strict=True):
            gradient.copy_(values.view_as(gradient))
        return joined.squeeze()


def part(size: int, rank: int, processes: int) -> tuple[slice, float]:
    """Return the rows of a batch that a process computes, and their share of the batch.

    A process without rows takes one with the share 0, so that it draws the random numbers that the
    others draw.

    Example:
        >>> [part(5, rank, 2) for rank in (0, 1)]
        [(slice(0, 2, None), 0.4), (slice(2, 5, None), 0.6)]
        >>> [part(1, rank, 2) for rank in (0, 1)]
        [(slice(0, 1, None), 0.0), (slice(0, 1, None), 1.0)]
    """
    start, stop = rank * size // processes, (rank + 1) * size // processes
    return slice(start, max(stop, start + 1)), (stop - start) / size


@contextmanager
def process_group(
    training: Training, epochs: range, *, processes: int, device: torch.device
) -> Iterator[None]:
    """Share the epochs that the block trains with other processes; one process shares nothing.

    The block may leave early: its peers end with it, however it ends, and with this process. On a
    CPU its threads are divided among the processes.

    Raises:
        ConfigError: There are fewer GPUs.
        RunError: A process failed or was killed. A WorkbenchError of a peer is raised as it is.
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
        _write_job(job, (training, epochs, random_state(device)))
        first = _Member(0, processes, _free_port(), device, threads)
        peers = [
            stack.enter_context(_started_peer(job, replace(first, rank=rank)))
            for rank in range(1, processes)
        ]
        stack.enter_context(computing_threads(threads))
        fabric = stack.enter_context(first.connected(lambda: _await_ready(peers)))
        training.group = ProcessGroup(fabric, lambda: _why_lost(peers))
        stack.callback(setattr, training, "group", None)
        yield


def _write_job(job: Path, content: object) -> None:
    try:
        torch.save(content, job, pickle_module=PICKLE)
    except (OSError, RuntimeError) as fault:  # torch's own writer raises the latter
        raise RunError(
            f"What the processes share cannot be written to {job.parent}: {fault}. Free some space "
            "there or set TMPDIR to another folder, then resume the run."
        ) from fault


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as server:
        return int(server.getsockname()[1])


@dataclass(frozen=True)
class _Member:
    """A process's rank in the group, and what it needs to connect."""

    rank: int
    processes: int
    port: int
    device: torch.device
    threads: int

    @contextmanager
    def connected(self, ready: Callable[[], None]) -> Iterator["Fabric"]:
        """Connect to the others, for the block; `ready` is called just before."""
        variables = {
            "LOCAL_RANK": self.rank, "NODE_RANK": 0, "WORLD_SIZE": self.processes,
            "MASTER_ADDR": HOST, "MASTER_PORT": self.port, "OMP_NUM_THREADS": self.threads,
        }  # fmt: skip
        with _environment({name: str(value) for name, value in variables.items()}):
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
            process_group_backend="gloo",  # notices at once that a process is gone; NCCL waits
            timeout=TIMEOUT,
        )
        return Fabric(accelerator=self.device.type, devices=self.processes, strategy=strategy)


@dataclass(frozen=True)
class _Peer:
    """Another process of the group; it sends None when it is ready, or a fault."""

    process: BaseProcess
    inbox: Connection

    def fault(self) -> Exception | None:
        """Wait for what it sends; None if it is ready, or only ended as another had failed."""
        try:
            return self.inbox.recv()  # type: ignore[no-any-return]
        except EOFError:
            self.process.join(ENDING_S)
        if self.process.exitcode == 0:
            return None
        return RunError(
            "A process that tuned beside this one ended with exit code "
            f"{self.process.exitcode}; -9 often means out of memory. Lower tuning.batch_size or "
            "WORKBENCH_DEVICES, then resume the run."
        )


@contextmanager
def _started_peer(job: Path, member: _Member) -> Iterator[_Peer]:
    context = _fresh_processes()
    inbox, outbox = context.Pipe(duplex=False)
    process = context.Process(target=_run_peer, args=(job, member, outbox), daemon=True)
    process.start()
    outbox.close()  # the peer now holds its only end, so its death is seen
    try:
        yield _Peer(process, inbox)
    finally:
        process.kill()
        process.join()
        inbox.close()


def _fresh_processes() -> "ForkServerContext | SpawnContext":
    """Return what starts a process in which nothing has computed yet.

    One that has computed on threads or a GPU cannot be forked. A server that has only imported
    what a peer needs can, at once, where a new interpreter spends seconds on importing torch.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "workbench.encoders.openclip", "lightning_fabric"])
    return context


def _run_peer(job: Path, member: _Member, outbox: Connection) -> None:
    """Train beside the caller until it ends this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the caller hears Ctrl-C and ends this process
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(member.threads)
    try:
        # Memory-mapped: what is not trained stays one copy for all processes.
        training, epochs, random = torch.load(
            job, {f"cuda:{member.device.index or 0}": f"cuda:{member.rank}"},
            mmap=True, weights_only=False,
        )  # fmt: skip
        with member.connected(lambda: outbox.send(None)) as fabric:
            set_random_state(random, fabric.device)
            training.group = ProcessGroup(fabric, _ConnectionLostError)
            for number in epochs:
                training.epoch(number, lambda _share, _text: None)  # the caller reports progress
    except _ConnectionLostError:
        pass  # whoever broke the connection says why
    except WorkbenchError as fault:
        outbox.send(fault)
    except Exception as fault:
        outbox.send(RunError(f"A process that tuned beside this one failed: {fault!r}."))
        raise


class _ConnectionLostError(Exception):
    """The connection to another process broke."""


def _await_ready(peers: Iterable[_Peer]) -> None:
    for peer in peers:
        fault = peer.fault()
        if fault is not None:
            raise fault


def _why_lost(peers: Iterable[_Peer]) -> Exception:
    """Return the fault of the process that broke the connection."""
    waiting = {peer.inbox: peer for peer in peers}
    while waiting and (ended := wait(list(waiting), ENDING_S)):
        for inbox in ended:
            fault = waiting.pop(cast(Connection, inbox)).fault()
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
