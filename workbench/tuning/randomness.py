"""The random state that a training draws from: torch's own, and that of the GPU it computes on.

Order, crops and first prompts are drawn on the CPU; dropout is drawn where the tower computes.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed the block; afterwards the random state is as it was."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def random_state(device: torch.device) -> dict[str, Tensor]:
    """Return a copy of the state, on the CPU; `set_random_state` takes it.

    Example:
        >>> with seeded(0, torch.device("cpu")):
        ...     state = random_state(torch.device("cpu"))
        ...     first = torch.rand(2)
        ...     set_random_state(state, torch.device("cpu"))
        ...     bool((torch.rand(2) == first).all())
        True
    """
    state = {"torch": torch.get_rng_state()}
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def set_random_state(state: Mapping[str, Tensor], device: torch.device) -> None:
    """Put the state back; a state of a CPU leaves the GPU's as it is, and the reverse."""
    torch.set_rng_state(state["torch"])
    if device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"], device)
